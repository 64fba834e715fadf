"""Bitfinex's REST of the past, after docs.bitfinex.com as read on 2026-11-23:

"Candles": GET /v2/candles/trade:{TimeFrame}:{Symbol}/hist?sort&start&end&limit; time frames 1m 5m 15m 30m 1h 3h 6h 12h 1D 1W
14D 1M; sort +1 ascending, -1 (default) descending; "If start is given, only records with MTS >= start (milliseconds) will
be given as response", end likewise <=; limit: 100 by default, at most 10000, above it ["error",10020,"limit: invalid"] with
status 500; rows [MTS, OPEN, CLOSE, HIGH, LOW, VOLUME], numbers. "30 reqs/min". Candles come from executions: an interval
without any has no row. Configs: pub:info:pair and pub:info:pair:futures.
"Requirements and Limitations": too many questions are answered ["error",11010,"ratelimit: error"], status 429, and the
address is blocked for 60 seconds.
"""

import json

from .base import Said, Speaker
from .market import MS, WIDTHS

FRAMES = {"1m": "1m", "5m": "5m", "15m": "15m", "1h": "1h", "1D": "1d"}
LEAST = [None, None, None, "0.00004", "2000.0", None, None, None, 0.2, 0.1, None, None]


class Bitfinex(Speaker):
    venue, pair = "bitfinex", "BTC/USD"
    timeframes = ("1m", "5m", "15m", "1h", "1d")
    quiet = "left out"
    noticed = ("ends early", "ends late", "begins late", "a bar beside")  # of so many candles no page is full
    ids = "sparse"
    page = 10_000
    limit = (30, 60.0)
    prices, sizes = 0, 8

    def answer(self, path, query):
        if path == "/v2/conf/pub:info:pair,pub:info:pair:futures":
            return Said(json.dumps([[["BTCUSD", LEAST], ["ETHUSD", LEAST]], [["BTCF0:USTF0", LEAST]]]))
        parts = path.split("/")
        if parts[:3] == ["", "v2", "candles"] and parts[4:] == ["hist"]:
            kind, frame, symbol = parts[3].split(":", 2)
            if kind == "trade" and symbol == "tBTCUSD" and frame in FRAMES:
                return self._candles(WIDTHS[FRAMES[frame]], query)
        return None

    def busy(self):
        return Said('["error",11010,"ratelimit: error"]', 429)

    def _candles(self, width_ns, query):
        limit = int(query.get("limit", "100"))
        if not 1 <= limit <= self.page:
            return Said('["error",10020,"limit: invalid"]', 500)
        start, end = int(query.get("start", "0")) * MS, int(query.get("end", self.market.now_ns // MS)) * MS
        bars = self.market.bars(width_ns, start, end + 1)
        opens = sorted((at for at in bars if bars[at].trades), reverse=query.get("sort", "-1") == "-1")[:limit]
        rows = ",".join(
            f"[{at // MS},{one.open:f},{one.close:f},{one.high:f},{one.low:f},{one.volume:f}]"
            for at, one in ((at, bars[at]) for at in opens)
        )
        return Said(f"[{rows}]")
