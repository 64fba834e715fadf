"""REST of the past of Binance's futures, after developers.binance.com as read on 2026-11-23:

"Kline/Candlestick Data" of USD-M (GET /fapi/v1/klines) and COIN-M (GET /dapi/v1/klines): symbol, interval, startTime, endTime,
limit (default 500, max 1500); weight 1 below 100, 2 below 500, 5 up to 1000, 10 above; rows [open time, open, high, low, close,
volume, close time, quote (COIN-M: base) volume, number of trades, taker buy volume, ...]; "klines are uniquely identified by
their open time". USD-M: without times the most recent. COIN-M: "the difference between startTime and endTime can only be up
to 200 days", "between startTime and endTime, the most recent limit data from endTime will be returned".
"Compressed/Aggregate Trades List" (aggTrades): fromId, startTime and endTime inclusive; limit default 500, max 1000; weight
20; without any of them the most recent; trades "that fill in 100ms with the same price and the same taking side will have the
quantity aggregated". "Exchange Information": weight 1, all contracts. "General Info": 2400 of weight a minute by IP; 429 with
Retry-After when it is exceeded; errors are {"code", "msg"} with status 4XX, -1121 "Invalid symbol.", -1127 "Lookup interval is
too big."
"""

import json
from decimal import Decimal

from .base import Said, Speaker
from .market import DAY, MS, WIDTHS, Trade

FILTERS = {"PRICE_FILTER": {"tickSize": "0.10"}, "LOT_SIZE": {"stepSize": "0.001", "minQty": "0.001"}}


class Usdm(Speaker):
    venue, pair = "binanceusdm", "BTC/USDT:USDT"
    api, symbol, quote, margin = "/fapi/v1", "BTCUSDT", "USDT", "USDT"
    timeframes = ("1m", "5m", "15m", "1h", "1d")
    quiet = "told"
    bought = counted = trades = True
    page, trade_page = 1500, 1000
    limit = (2400, 60.0)
    prices, sizes = 1, 3
    longest_ns = 2**62

    def answer(self, path, query):
        kind = path.removeprefix(self.api + "/")
        if kind == "exchangeInfo":
            return Said(json.dumps({"symbols": [self._contract("BTC"), self._contract("ETH")]}))
        if kind in ("klines", "aggTrades") and query["symbol"] != self.symbol:
            return Said('{"code":-1121,"msg":"Invalid symbol."}', 400)
        return {"klines": self._klines, "aggTrades": self._aggregates}.get(kind, lambda query: None)(query)

    def weight(self, path, query):
        limit = int(query.get("limit", "500"))
        by_limit = 1 if limit < 100 else 2 if limit < 500 else 5 if limit <= 1000 else 10
        return {"klines": by_limit, "aggTrades": 20}.get(path.rpartition("/")[2], 1)

    def past_trades(self):
        """Aggregated, with ids of their own."""
        return [
            group[0]._replace(id=number, size=f"{sum(Decimal(one.size) for one in group):f}")
            for number, group in self.groups()
        ]

    def groups(self):
        made: list[tuple[int, list[Trade]]] = []
        for one in self.market.trades:
            first = made[-1][1][0] if made else None
            if first and (first.price, first.buy) == (one.price, one.buy) and one.time_ns - first.time_ns < 100 * MS:
                made[-1][1].append(one)
            else:
                made.append((7000 + len(made), [one]))
        return made

    def _klines(self, query):
        width_ns = WIDTHS[query["interval"]]
        start, end = self._range(query)
        if end - start > self.longest_ns:
            return Said('{"code":-1127,"msg":"Lookup interval is too big."}', 400)
        opens, limit = self.market.bars(width_ns, start, end + 1), min(int(query.get("limit", "500")), self.page)
        kept = sorted(opens)[:limit] if self._from_start(query) else sorted(opens)[-limit:]
        return Said(json.dumps([self.kline(at, opens[at], width_ns) for at in kept]))

    def _range(self, query):
        return int(query.get("startTime", "0")) * MS, int(query.get("endTime", self.market.now_ns // MS)) * MS

    def _from_start(self, query):
        return "startTime" in query

    def kline(self, at, bar, width_ns):
        prices = [f"{value:f}" for value in bar[:5]]
        return [at // MS, *prices, (at + width_ns) // MS - 1, "0", bar.trades, f"{bar.bought:f}", "0", "0"]

    def _aggregates(self, query):
        limit = min(int(query.get("limit", "500")), self.trade_page)
        groups = {number: group for number, group in self.groups()}
        found = self.past_trades()
        if "fromId" in query:
            found = [one for one in found if one.id >= int(query["fromId"])][:limit]
        elif "startTime" in query:
            start, end = self._range(query)
            found = [one for one in found if start <= one.time_ns <= end][:limit]
        rows = [
            {"a": one.id, "p": one.price, "q": one.size, "f": groups[one.id][0].id, "l": groups[one.id][-1].id}
            | {"T": one.time_ns // MS, "m": not one.buy}
            for one in found[-limit:]
        ]
        return Said(json.dumps(rows))

    def _contract(self, base):
        filters = [{"filterType": kind, **rules} for kind, rules in FILTERS.items()]
        named = {"symbol": self.symbol.replace("BTC", base), "contractType": "PERPETUAL", "deliveryDate": 4133404800000}
        return named | {
            "baseAsset": base,
            "quoteAsset": self.quote,
            "marginAsset": self.margin or base,
            "filters": filters,
        }


class Coinm(Usdm):
    venue, pair = "binancecoinm", "BTC/USD:BTC"
    api, symbol, quote, margin = "/dapi/v1", "BTCUSD_PERP", "USD", ""
    longest_ns = 200 * DAY

    def _range(self, query):
        """A time that is left out is 200 days from the other."""
        now = self.market.now_ns // MS
        day = DAY // MS
        end = int(query.get("endTime", min(int(query["startTime"]) + 200 * day, now) if "startTime" in query else now))
        return int(query.get("startTime", end - 200 * day)) * MS, end * MS

    def _from_start(self, query):
        return False

    def _contract(self, base):
        return super()._contract(base) | {"contractSize": 100}
