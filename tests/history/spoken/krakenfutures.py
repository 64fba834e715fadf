"""Kraken Futures' REST of the past, after docs.kraken.com as read on 2026-11-23:

"Market Candles": GET https://futures.kraken.com/api/charts/v1/{tick_type}/{symbol}/{resolution}; tick types spot, mark,
trade; resolutions 1m, 5m, 15m, 30m, 1h, 4h, 12h, 1d, 1w; from and to in seconds of the epoch; count, at most 5000.
Answers {"candles": [{"time" (ms), "open", "high", "low", "close", "volume"}], "more_candles"}, numbers as texts. Who
measured found at most 2,000 rows in an answer, both ends to count, the oldest first, and "Invalid resolution" with
status 400. "Get instruments": GET /derivatives/api/v3/instruments; {"result":"success", "instruments": [...],
"serverTime"}. "Errors": {"result":"error","error":"apiLimitExceeded"}: "The API limit for the calling IP address has
been exceeded". "Rate limits": 500 of cost in 10 s, that of instruments and charts is not listed; 1 each here. The page
says nothing of intervals without trades; left out here, which is the harder case.
"""

import json

from .base import Said, Speaker
from .market import MS, WIDTHS, S

RESOLUTIONS = ("1m", "5m", "15m", "30m", "1h", "4h", "12h", "1d", "1w")


class KrakenFutures(Speaker):
    venue, pair = "krakenfutures", "BTC/USD:USD"
    timeframes = ("1m", "5m", "15m", "1h", "1d")
    quiet = "left out"
    page = 1000  # fewer than measured, so that fewer need be made up
    limit = (500, 10.0)
    prices, sizes = 0, 4

    def answer(self, path, query):
        if path == "/derivatives/api/v3/instruments":
            return self._instruments()
        parts = path.removeprefix("/api/charts/v1/").split("/")
        if path.startswith("/api/charts/v1/") and len(parts) == 3 and parts[0] in ("spot", "mark", "trade"):
            return self._candles(*parts, query)
        return None

    def busy(self):
        return Said('{"result":"error","error":"apiLimitExceeded","serverTime":"2024-01-02T00:00:00.000Z"}')

    def _candles(self, tick_type, symbol, resolution, query):
        if resolution not in RESOLUTIONS:
            return Said('{"errors":[{"message":"Invalid resolution"}]}', 400)
        if symbol != "PF_XBTUSD" or tick_type != "trade":
            return Said('{"candles":[],"more_candles":false}')
        start_ns, end_ns = int(query["from"]) * S, int(query.get("to", self.market.now_ns // S)) * S
        traded = {
            at: bar for at, bar in self.market.bars(WIDTHS[resolution], start_ns, end_ns + 1).items() if bar.trades
        }
        rows = [
            {
                "time": at // MS,
                "open": f"{bar.open}",
                "high": f"{bar.high}",
                "low": f"{bar.low}",
                "close": f"{bar.close}",
            }
            | {"volume": f"{bar.volume:f}"}
            for at, bar in sorted(traded.items())
        ]
        most = min(int(query.get("count", self.page)), self.page)
        return Said(json.dumps({"candles": rows[:most], "more_candles": len(rows) > most}))

    def _instruments(self):
        flexible = {"type": "flexible_futures", "tickSize": 1, "contractSize": 1, "tradeable": True, "quote": "USD"}
        inverse = {"type": "futures_inverse", "tickSize": 0.5, "contractSize": 1, "tradeable": True, "quote": "USD"}
        listed = [
            {"symbol": "PF_XBTUSD", **flexible, "contractValueTradePrecision": 4, "base": "BTC"},
            {"symbol": "PF_ETHUSD", **flexible, "contractValueTradePrecision": 3, "base": "ETH"},
            {"symbol": "PI_XBTUSD", **inverse, "contractValueTradePrecision": 0, "base": "BTC"},
            {"symbol": "in_xbtusd", "type": "spot index", "tradeable": False},
        ]
        return Said(json.dumps({"result": "success", "instruments": listed, "serverTime": "2024-01-02T00:00:00.000Z"}))
