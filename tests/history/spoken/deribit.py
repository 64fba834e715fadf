"""Deribit's REST of the past, after docs.deribit.com as read on 2026-11-23 (its OpenAPI 2.1.1):

public/get_tradingview_chart_data?instrument_name&start_timestamp&end_timestamp&resolution; 1, 3, 5, 10, 15, 30, 60,
120, 180, 360, 720, 1D; "the earliest" and "the most recent timestamp to return result from" in ms; columns ticks,
volume ("in base currency"), cost ("volume in quote currency"), open, high, low, close; status "ok" or "no_data". The
page names no most; 1,000 here. chart.trades: "When there is no trade during the requested resolution period, a filling
sample is generated which uses data from the last available trade candle".
public/get_last_trades_by_instrument?instrument_name&start_seq&end_seq&start_timestamp&end_timestamp&count&sorting: "The
sequence number of the first" and "last trade to be returned"; count by default 10, maximum 1000; "When param is
provided trades are returned from the earliest"; sorting asc, desc, default. Answers trades and has_more.
public/get_instrument?instrument_name, public/get_instruments?currency ("any" for all). "Errors": {"jsonrpc", "error":
{"code", "message", "data"}, ...}; "Rate limits": too_many_requests (code 10028); 20 a second sustained.
"""

import json

from .base import Said, Speaker
from .market import DAY, MINUTE, MS

RESOLUTIONS = ("1", "3", "5", "10", "15", "30", "60", "120", "180", "360", "720", "1D")


class Deribit(Speaker):
    venue, pair = "deribit", "BTC/USD:BTC"
    timeframes = ("1m", "5m", "15m", "1h", "1d")
    quiet = "told"
    trades = True
    page, trade_page = 1000, 1000
    limit = (20, 1.0)
    prices, sizes = 1, 0

    def answer(self, path, query):
        method = path.removeprefix("/api/v2/public/")
        asked = query.get("instrument_name", "BTC-PERPETUAL")
        if path == method or method not in METHODS:
            return None
        if asked != "BTC-PERPETUAL":
            return self._said(
                f'"error":{{"code":13020,"message":"not_found","data":{{"instrument_name":"{asked}"}}}}', 400
            )
        return METHODS[method](self, query)

    def busy(self):
        return self._said('"error":{"code":10028,"message":"too_many_requests"}', 400)

    def _chart(self, query):
        if query["resolution"] not in RESOLUTIONS:
            return self._said('"error":{"code":-32602,"message":"Invalid params"}', 400)
        width_ns = DAY if query["resolution"] == "1D" else int(query["resolution"]) * MINUTE
        start_ns, end_ns = (int(query[name]) * MS for name in ("start_timestamp", "end_timestamp"))
        bars = sorted(self.market.bars(width_ns, start_ns, end_ns + 1).items())[: self.page]
        columns = {
            "ticks": [at // MS for at, _ in bars],
            "volume": [float(bar.volume / bar.close) for _, bar in bars],
            "cost": [float(bar.volume) for _, bar in bars],
            **{name: [float(getattr(bar, name)) for _, bar in bars] for name in ("open", "high", "low", "close")},
        }
        return self._said(f'"result":{json.dumps(columns | {"status": "ok" if bars else "no_data"})}')

    def _last_trades(self, query):
        trades = self.market.trades
        if "start_seq" in query:
            trades = [one for one in trades if one.id >= int(query["start_seq"])]
        if "end_seq" in query:
            trades = [one for one in trades if one.id <= int(query["end_seq"])]
        if "start_timestamp" in query:
            trades = [one for one in trades if one.time_ns >= int(query["start_timestamp"]) * MS]
        if "end_timestamp" in query:
            trades = [one for one in trades if one.time_ns <= int(query["end_timestamp"]) * MS]
        count, earliest = int(query.get("count", "10")), bool({"start_seq", "start_timestamp"} & set(query))
        if not 1 <= count <= self.trade_page:
            return self._said('"error":{"code":-32602,"message":"Invalid params"}', 400)
        found = trades[:count] if earliest else trades[-count:]
        if query.get("sorting") == "desc":
            found = found[::-1]
        rows = [
            {"trade_seq": one.id, "trade_id": f"{one.id + 7}", "timestamp": one.time_ns // MS, "tick_direction": 0}
            | {"price": float(one.price), "amount": float(one.size), "instrument_name": "BTC-PERPETUAL"}
            | {"direction": "buy" if one.buy else "sell", "index_price": 42000.0, "mark_price": 42000.0}
            for one in found
        ]
        return self._said(f'"result":{json.dumps({"trades": rows, "has_more": len(trades) > count})}')

    def _instrument(self, query):
        return self._said(f'"result":{json.dumps(_listed("BTC"))}')

    def _instruments(self, query):
        return self._said(f'"result":{json.dumps([_listed("BTC"), _listed("ETH")])}')

    def _said(self, said, status=200):
        return Said(f'{{"jsonrpc":"2.0",{said},"usIn":1,"usOut":2,"usDiff":1,"testnet":false}}', status)


def _listed(base):
    return {
        "instrument_name": f"{base}-PERPETUAL",
        "kind": "future",
        "base_currency": base,
        "quote_currency": "USD",
        "counter_currency": "USD",
        "settlement_currency": base,
        "settlement_period": "perpetual",
        "tick_size": 0.5,
        "min_trade_amount": 10.0,
        "contract_size": 10.0,
        "expiration_timestamp": 32503708800000,
        "is_active": True,
    }


METHODS = {
    "get_tradingview_chart_data": Deribit._chart,
    "get_last_trades_by_instrument": Deribit._last_trades,
    "get_instrument": Deribit._instrument,
    "get_instruments": Deribit._instruments,
}
