"""HTX' REST of the past, after www.htx.com/en-us/opend as read on 2026-11-23:

"/market/history/kline ( Get Klines(Candles))": GET ?symbol&period&size; 1min, 5min, 15min, 30min, 60min, 4hour, 1day,
1mon, 1week, 1year; size 1 to 2000, by default 150. {"status":"ok","ch","ts","data":[{"id" (s),
"open","close","low","high","amount" ("in base currency"), "vol" ("in quote currency"),"count"}]}, the newest first,
doubles. "The start time for candlesticks is based on Singapore time (GMT+8)". Rate limit: "4,500 5 minutes". "Get
Market Symbols Setting": GET /v1/settings/common/market-symbols?symbols&ts; data with symbol, bc, qc, pp, ap, minoa,
minov, ... Errors come with status 200: {"status":"error","err-code":"invalid-parameter","err-msg":"invalid
symbol","data":null}; "invalid-parameter | request timeout | Request timeout please try again". Status 429 when too
often. The page says nothing of intervals without trades; told flat with a count of 0 here, as the venue's charts are.
"""

import json

from .base import Said, Speaker
from .market import HOUR, MINUTE, S

PERIODS = {"1min": MINUTE, "5min": 5 * MINUTE, "15min": 15 * MINUTE, "60min": HOUR}


class Htx(Speaker):
    venue, pair = "htx", "BTC/USDT"
    timeframes = ("1m", "5m", "15m", "1h")
    quiet = "told"
    counted = True
    page = 990  # the contract asks for two of these and a little: as many as there are at all
    limit = (4500, 300.0)
    prices, sizes = 2, 6
    noticed = ("ends early", "ends late", "begins late", "a bar beside")  # there are no pages

    def __init__(self, market):
        super().__init__(market)
        market.now_ns = market.span[1] + MINUTE // 2  # only the latest are told

    def answer(self, path, query):
        if path == "/market/history/kline":
            return self._kline(query)
        if path == "/v1/settings/common/market-symbols":
            return self._symbols(query)
        return None

    def _kline(self, query):
        if query["symbol"] != "btcusdt":
            return _error("invalid symbol")
        size = int(query.get("size", "150"))
        if not 1 <= size <= 2000:
            return _error("invalid size,valid range: [1, 2000]")
        bars = self.market.bars(PERIODS[query["period"]], 0, self.market.now_ns)
        rows = [
            {"id": at // S, "open": float(bar.open), "close": float(bar.close), "low": float(bar.low)}
            | {"high": float(bar.high), "amount": _summed(bar), "vol": 0.1, "count": bar.trades}
            for at, bar in sorted(bars.items(), reverse=True)
        ]
        ch = f"market.btcusdt.kline.{query['period']}"
        return Said(json.dumps({"ch": ch, "status": "ok", "ts": self.market.now_ns // 10**6, "data": rows[:size]}))

    def _symbols(self, query):
        common = {"qc": "usdt", "state": "online", "pp": 2, "ap": 6, "minoa": 0.00001, "minov": 5.0, "te": True}
        listed = [{"symbol": f"{base}usdt", "bc": base, **common} for base in ("btc", "eth")]
        wanted = query.get("symbols", "btcusdt,ethusdt").split(",")
        return Said(
            json.dumps({"status": "ok", "ts": "1", "full": 1, "data": [o for o in listed if o["symbol"] in wanted]})
        )


def _summed(bar):
    """A double whose last digit is that of a sum."""
    return float(bar.volume) * (1 + 2**-52) if bar.trades > 1 else float(bar.volume)


def _error(message):
    return Said(json.dumps({"status": "error", "err-code": "invalid-parameter", "err-msg": message, "data": None}))
