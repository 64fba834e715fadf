"""Bybit's REST of the past, after bybit-exchange.github.io/docs/v5 as read on 2026-11-23:

"Get Kline": GET /v5/market/kline?category&symbol&interval&start&end&limit; interval 1,3,5,15,30,60,120,240,360,720,D,M,W;
limit [1, 1000], default 200; the list is "sort in reverse by startTime", each an array of texts: startTime (ms), open, high,
low, close, volume, turnover. In the page's example start 1670601600000 and end 1670608800000 give three bars of an hour,
the last of which opens at the end: both ends count. Of what there is, the newest `limit` are given.
"Get Instruments Info": category is required; limit [1, 1000], default 500, "Spot does not support pagination".
"Rate Limit": "600 requests within a 5-second window per IP"; beyond it "retCode": 10006, "retMsg": "Too many visits!".
The page says nothing of intervals without trades; the venue's charts carry the last price on, so they are told flat.
"""

import json

from .base import Said, Speaker
from .market import DAY, MS, WIDTHS

INTERVALS = {"1": "1m", "5": "5m", "15": "15m", "60": "1h", "D": "1d"}


class Bybit(Speaker):
    venue, pair = "bybit", "BTC/USDT:USDT"
    timeframes = ("1m", "5m", "15m", "1h", "1d")
    quiet = "told"
    page = 1000
    limit = (600, 5.0)
    prices, sizes = 1, 3

    def answer(self, path, query):
        if path == "/v5/market/instruments-info":
            return self._instruments(query)
        if path == "/v5/market/kline":
            return self._kline(query)
        return None

    def busy(self):
        return self._said({}, code=10006, message="Too many visits!")

    def _kline(self, query):
        if query.get("category", "linear") != "linear" or query["symbol"] != "BTCUSDT":
            return self._said({}, code=10001, message="params error: Symbol Is Invalid")
        width_ns = WIDTHS[INTERVALS[query["interval"]]] if query["interval"] in INTERVALS else DAY
        start_ns, end_ns = (int(query.get(name, "0")) * MS for name in ("start", "end"))
        limit = min(int(query.get("limit", "200")), self.page)
        bars = self.market.bars(width_ns, start_ns, end_ns + 1)
        rows = [
            [str(open_ns // MS), *(f"{value:f}" for value in bar[:5]), "0"]
            for open_ns, bar in sorted(bars.items(), reverse=True)
        ]
        return self._said({"category": "linear", "symbol": "BTCUSDT", "list": rows[:limit]})

    def _instruments(self, query):
        base = {"status": "Trading", "quoteCoin": "USDT", "settleCoin": "USDT", "launchTime": "1585526400000"}
        perpetual = base | {"contractType": "LinearPerpetual", "deliveryTime": "0"}
        perpetual |= {"priceFilter": {"minPrice": "0.10", "maxPrice": "1999999.80", "tickSize": "0.10"}}
        perpetual |= {"lotSizeFilter": {"maxOrderQty": "1190.000", "minOrderQty": "0.001", "qtyStep": "0.001"}}
        dated = perpetual | {"contractType": "LinearFutures", "deliveryTime": "1711699200000"}
        listed = [
            {"symbol": "BTCUSDT", "baseCoin": "BTC", **perpetual},
            {"symbol": "BTCUSDT-29MAR24", "baseCoin": "BTC", **dated},
            {"symbol": "ETHUSDT", "baseCoin": "ETH", **perpetual},
        ]
        wanted = query.get("symbol")
        found = [one for one in listed if wanted in (None, one["symbol"])] if query["category"] == "linear" else []
        return self._said({"category": query["category"], "list": found, "nextPageCursor": ""})

    def _said(self, result, code=0, message="OK"):
        answered = {"retCode": code, "retMsg": message, "result": result, "retExtInfo": {}}
        return Said(json.dumps({**answered, "time": self.market.now_ns // MS}))
