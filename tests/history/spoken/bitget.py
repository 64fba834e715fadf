"""Bitget's REST of the past, after www.bitget.com/api-doc (v2) as read on 2026-11-23:

Spot, "Get History Candlestick Data": GET /api/v2/spot/market/history-candles?symbol&granularity&endTime&limit; 1min,
3min, 5min, 15min, 30min, 1h, 4h, 6h, 12h, 1day, 3day, 1week, 1M, and in UTC 6Hutc, 12Hutc, 1Dutc, 3Dutc, 1Wutc, 1Mutc;
endTime is required, "get the chart data before this time stamp"; limit by default 100, at most 200. Rows of texts,
oldest first: time (ms), open, high, low, close, volume in base, in USDT, in quote. Example rows have a volume of "0"
with four equal prices. 20 times a second. Contract, "Get Historical Candlestick": GET
/api/v2/mix/market/history-candles?symbol&productType&granularity&startTime&endTime&limit; 1m, 3m, 5m, 15m, 30m, 1H, 4H,
6H, 12H, 1D, 3D, 1W, 1M, 6Hutc, 12Hutc, 1Dutc, ...; "query the K-lines before this time"; the same rows without USDT.
"Get Symbol Info": GET /api/v2/spot/public/symbols; "Get All Symbols - Contracts": GET
/api/v2/mix/market/contracts?productType. Answers {"code":"00000","msg":"success","requestTime","data"}; an unknown
symbol is code 40034 with status 400. Status 429 when too often. Who measured found that endTime itself does not count.
"""

import json

from .base import Said, Speaker
from .market import DAY, HOUR, MINUTE, MS

SPOT = {"1min": MINUTE, "5min": 5 * MINUTE, "15min": 15 * MINUTE, "1h": HOUR, "1day": DAY, "1Dutc": DAY}
CONTRACT = {"1m": MINUTE, "5m": 5 * MINUTE, "15m": 15 * MINUTE, "1H": HOUR, "1D": DAY, "1Dutc": DAY}
SINGAPORE_NS = 8 * HOUR  # where days begin that are not said to be in UTC


class BitgetSpot(Speaker):
    venue, pair = "bitget", "BTC/USDT"
    timeframes = ("1m", "5m", "15m", "1h", "1d")
    quiet = "told"
    page = 200
    limit = (20, 1.0)
    prices, sizes = 2, 6
    widths, market_path = SPOT, "/api/v2/spot/market/history-candles"

    def answer(self, path, query):
        if path == self.market_path:
            return self._candles(query)
        return self._rules(path, query)

    def busy(self):
        return _said([], "429", "Too Many Requests", 429)

    def _candles(self, query):
        if query["symbol"] != "BTCUSDT":
            return _said(None, "40034", "Parameter does not exist", 400)
        limit = int(query.get("limit", "100"))
        if query["granularity"] not in self.widths or not 1 <= limit <= self.page:
            return _said(None, "400171", "Parameter verification failed", 400)
        width_ns, end_ns = self.widths[query["granularity"]], int(query["endTime"]) * MS
        bars = self.market.bars(width_ns, 0, end_ns)
        rows = [
            [f"{at // MS}", *(f"{value:f}" for value in (bar.open, bar.high, bar.low, bar.close, bar.volume)), "0", "0"]
            for at, bar in sorted(bars.items())
        ]
        if query["granularity"] in ("1day", "1D"):
            rows = [[f"{int(row[0]) - SINGAPORE_NS // MS}", *row[1:]] for row in rows]
        return _said(rows[-limit:])

    def _rules(self, path, query):
        if path != "/api/v2/spot/public/symbols":
            return None
        common = {"quoteCoin": "USDT", "minTradeAmount": "0", "pricePrecision": "2", "quantityPrecision": "6"}
        listed = [{"symbol": f"{base}USDT", "baseCoin": base, **common, "status": "online"} for base in ("BTC", "ETH")]
        return _said(listed)


class BitgetContracts(BitgetSpot):
    pair = "BTC/USDT:USDT"
    prices, sizes = 1, 4
    noticed = ()  # as of spot pairs
    widths, market_path = CONTRACT, "/api/v2/mix/market/history-candles"

    def _candles(self, query):
        if query["productType"] not in ("USDT-FUTURES", "usdt-futures"):
            return _said(None, "40034", "Parameter does not exist", 400)
        return super()._candles(query)

    def _rules(self, path, query):
        if path != "/api/v2/mix/market/contracts":
            return None
        common = {"quoteCoin": "USDT", "pricePlace": "1", "priceEndStep": "1", "sizeMultiplier": "0.0001"}
        common |= {"minTradeNum": "0.0001", "minTradeUSDT": "5", "volumePlace": "4", "maintainTime": ""}
        listed = [
            {"symbol": f"{base}USDT", "baseCoin": base, **common, "symbolType": "perpetual"} for base in ("BTC", "ETH")
        ]
        return _said(listed if query["productType"] == "USDT-FUTURES" else [])


def _said(data, code="00000", message="success", status=200):
    return Said(json.dumps({"code": code, "msg": message, "requestTime": 1704153600000, "data": data}), status)
