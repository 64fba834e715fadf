"""Hyperliquid's REST of the past, after hyperliquid.gitbook.io/hyperliquid-docs as read on 2026-11-23:

"Info endpoint", "Candle snapshot": POST /info {"type":"candleSnapshot","req":{"coin","interval","startTime","endTime"}}
(ms); 1m, 3m, 5m, 15m, 30m, 1h, 2h, 4h, 8h, 12h, 1d, 3d, 1w, 1M; "Only the most recent 5000 candles are available".
Rows, oldest first: t (opens), T (closes), s, i, o, c, h, l, v (texts), n. "Pagination": "Responses that take a time
range will only return 500 elements or distinct blocks of data". "Perpetuals", meta:
{"universe":[{"name","szDecimals","maxLeverage"}],"marginTables":[...]}; "Spot", spotMeta: {"tokens","universe"}. "Rate
limits": 1200 of weight a minute an address; other info requests weigh 20, candleSnapshot one more "per 60 items
returned". Status 429 beyond it; 422 for what cannot be read. The page says nothing of intervals without trades; left
out here, which is the harder case.
"""

import json

from .base import Said, Speaker
from .market import MINUTE, MS, WIDTHS

LATEST = 5000


class Hyperliquid(Speaker):
    venue, pair = "hyperliquid", "BTC/USDC:USDC"
    timeframes = ("1m", "5m", "15m", "1h", "1d")
    quiet = "left out"
    counted = True
    page = 500
    limit = (1200, 60.0)
    prices, sizes = 1, 5

    def __init__(self, market):
        super().__init__(market)
        market.now_ns = market.span[1] + MINUTE  # only the latest are told

    def answer(self, path, query):
        if path != "/info" or "body" not in query:
            return None
        asked = json.loads(query["body"])
        match asked.get("type"):
            case "candleSnapshot":
                return self._candles(asked["req"])
            case "meta":
                listed = [{"name": name, "szDecimals": places, "maxLeverage": 40} for name, places in COINS.items()]
                return Said(json.dumps({"universe": [] if asked.get("dex") else listed, "marginTables": []}))
            case "spotMeta":
                tokens = [{"name": "USDC", "szDecimals": 8, "index": 0}, {"name": "PURR", "szDecimals": 0, "index": 1}]
                return Said(json.dumps({"tokens": tokens, "universe": [{"name": "PURR/USDC", "tokens": [1, 0]}]}))
        return Said("Failed to deserialize the JSON body into the target type", 422)

    def weight(self, path, query):
        asked = json.loads(query["body"])
        return 20 + -(-len(json.loads(self._candles(asked["req"]).body)) // 60) if "req" in asked else 20

    def busy(self):
        return Said("null", 429)

    def _candles(self, asked):
        if asked["coin"] not in COINS:
            return Said("null", 500)
        width_ns = WIDTHS[asked["interval"]]
        oldest_ns = (self.market.now_ns // width_ns + 1 - LATEST) * width_ns
        bars = self.market.bars(width_ns, max(asked["startTime"] * MS, oldest_ns), asked["endTime"] * MS + 1)
        rows = [
            {"t": at // MS, "T": (at + width_ns) // MS - 1, "s": asked["coin"], "i": asked["interval"], "n": bar.trades}
            | {name: f"{value:f}" for name, value in zip("ohlcv", bar[:5], strict=True)}
            for at, bar in sorted(bars.items())
            if bar.trades
        ]
        return Said(json.dumps(rows[: self.page]))


COINS = {"BTC": 5, "ETH": 4}
