"""Bitstamp's REST of the past, after www.bitstamp.net/api as read on 2026-11-23:

"OHLC data": GET /api/v2/ohlc/{market_symbol}/?step&limit&start&end; step in seconds, one of 60, 180, 300, 900, 1800, 3600,
7200, 14400, 21600, 43200, 86400, 259200; limit is required, "Must be between 1 and 1000"; end: "Unix timestamp to when OHLC
data will be shown. If none from start or end timestamps are posted then endpoint returns OHLC data to current unixtime. If
both start and end timestamps are posted, end timestamp will be used"; start: "from when OHLC data will be started".
The answer is {"data": {"pair", "ohlc": [{timestamp, open, high, low, close, volume}]}}, texts, oldest first.
"Markets": GET /api/v2/markets/. "Request limits": 400 a second, 10,000 in ten minutes.
The page says nothing of intervals without trades; they are told here flat, as the venue's charts are drawn.
"""

import json

from .base import Said, Speaker
from .market import WIDTHS, S

STEPS = {60: "1m", 300: "5m", 900: "15m", 3600: "1h", 86400: "1d"}


class Bitstamp(Speaker):
    venue, pair = "bitstamp", "BTC/USD"
    timeframes = ("1m", "5m", "15m", "1h", "1d")
    quiet = "told"
    page = 1000
    limit = (10_000, 600.0)
    prices, sizes = 0, 8

    def answer(self, path, query):
        if path == "/api/v2/markets/":
            return Said(json.dumps([market("BTC"), market("ETH")]))
        if path == "/api/v2/ohlc/btcusd/":
            return self._ohlc(query)
        if path.startswith("/api/v2/ohlc/"):
            return Said("", 404)
        return None

    def busy(self):
        return Said('{"response_code":"400.002","response_explanation":"Request rate limit exceeded"}', 429)

    def _ohlc(self, query):
        step, limit = int(query["step"]), int(query.get("limit", "0"))
        if not 1 <= limit <= self.page or step not in STEPS:
            wrong = {"code": "limit", "field": "limit", "message": "Must be between 1 and 1000."}
            return Said(json.dumps({"code": 400, "errors": [wrong]}), 400)
        width_ns = WIDTHS[STEPS[step]]
        bars = self.market.bars(width_ns, 0, self.market.now_ns)
        if "end" in query or "start" not in query:
            end_ns = int(query.get("end", self.market.now_ns // S)) * S
            opens = [at for at in sorted(bars) if at <= end_ns][-limit:]
        else:
            opens = [at for at in sorted(bars) if at >= int(query["start"]) * S][:limit]
        rows = [
            dict(zip(("timestamp", "open", "high", "low", "close", "volume"), row, strict=True))
            for row in ([str(at // S), *(f"{value:f}" for value in bars[at][:5])] for at in opens)
        ]
        return Said(json.dumps({"data": {"pair": "BTC/USD", "ohlc": rows}}))


def market(base):
    return {"name": f"{base}/USD", "market_symbol": f"{base.lower()}usd", "base_currency": base, "base_decimals": 8} | {
        "counter_currency": "USD",
        "counter_decimals": 0,
        "minimum_order_value": "10",
        "trading": "Enabled",
        "market_type": "SPOT",
    }
