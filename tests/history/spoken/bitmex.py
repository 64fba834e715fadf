"""BitMEX' REST of the past, after www.bitmex.com/api/explorer and www.bitmex.com/app/restAPI as read on 2026-11-23:

"Get previous trades in time buckets": GET
/api/v1/trade/bucketed?binSize&partial&symbol&count&start&reverse&startTime&endTime; binSize 1m, 5m, 1h, 1d; count
"Maximum of 1000", default 100; "Timestamps returned by our bucketed endpoints are the *end* of the period, indicating
when the bucket was written to disk"; startTime and endTime are dates, both inclusive. What was seen of it: in ccxt
issue 2049 of 2018 a bucket without trades
{"open":968.29,"high":968.29,"low":968.29,"close":968.29,"trades":0,"volume":0, "vwap":null} and after it
{"open":968.29,"high":968.76,"low":968.49,"close":968.7,"trades":17}: the open is the close before, outside of low and
high; in BitMEX/api-connectors issue 144 any value of `reverse` counts as true. "Get all active instruments": GET
/api/v1/instrument/active. "Limits": 30 requests a minute without a key; beyond it status 429 with Retry-After.
"""

import json
from datetime import UTC, datetime

from .base import Said, Speaker
from .market import MINUTE, WIDTHS, S


class Bitmex(Speaker):
    venue, pair = "bitmex", "BTC/USD:BTC"
    timeframes = ("1m", "5m", "1h", "1d")
    quiet = "told"
    counted = True
    page = 1000
    limit = (30, 60.0)
    prices, sizes = 1, 0

    def answer(self, path, query):
        if path == "/api/v1/instrument/active":
            return self._active()
        if path == "/api/v1/trade/bucketed":
            return self._bucketed(query)
        return None

    def known(self, bar, before):
        """Of the first trade's price nothing but the close before, and that it lies between low and high."""
        return bar if before is None else bar._replace(open=min(max(before.close, bar.low), bar.high))

    def _bucketed(self, query):
        if query["binSize"] not in self.timeframes or int(query.get("count", "100")) > self.page:
            return Said('{"error":{"message":"Invalid parameter","name":"HTTPError"}}', 400)
        width_ns = WIDTHS[query["binSize"]]
        start_ns = _ns(query["startTime"]) if "startTime" in query else 0
        end_ns = _ns(query["endTime"]) if "endTime" in query else self.market.now_ns
        rows, close = [], None
        for open_ns, bar in sorted(self.market.bars(width_ns, 0, self.market.now_ns).items()):
            open_price, close = bar.open if close is None else close, bar.close
            if not start_ns <= open_ns + width_ns <= end_ns:
                continue
            vwap = "null" if not bar.trades else f"{bar.close}"
            rows.append(
                f'{{"timestamp":"{_time(open_ns + width_ns)}","symbol":"XBTUSD","open":{open_price},"high":{bar.high},'
                f'"low":{bar.low},"close":{bar.close},"trades":{bar.trades},"volume":{bar.volume:f},"vwap":{vwap},'
                f'"lastSize":null,"turnover":0,"homeNotional":0,"foreignNotional":0}}'
            )
        if "reverse" in query:
            rows.reverse()
        skipped = int(query.get("start", "0"))
        return Said(f"[{','.join(rows[skipped : skipped + int(query.get('count', '100'))])}]")

    def _active(self):
        bitcoin = {"underlying": "XBT", "quoteCurrency": "USD", "settlCurrency": "XBt", "isInverse": True}
        both = {"tickSize": 0.1, "lotSize": 100, "isQuanto": False, "underlyingToPositionMultiplier": None}
        listed = [
            {"symbol": "XBTUSD", "typ": "FFWCSX", "expiry": None, **bitcoin, **both},
            {"symbol": "XBTH24", "typ": "FFCCSX", "expiry": "2024-03-29T12:00:00.000Z", **bitcoin, **both},
            {"symbol": ".BXBT", "typ": "MRCXXX", "expiry": None, **bitcoin, **both},
        ]
        return Said(json.dumps(listed))


def _ns(time):
    return int(datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp()) * S


def _time(at_ns):
    assert at_ns % MINUTE == 0
    return datetime.fromtimestamp(at_ns // S, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
