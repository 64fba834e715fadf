"""Gate's REST of the past, after www.gate.com/docs/developers/apiv4 as read on 2026-11-23 (and
github.com/gateio/gateapi-python, SpotApi):

"Market candlesticks": GET /api/v4/spot/candlesticks?currency_pair&limit&from&to&interval; "Maximum of 1000 points can
be returned in a query. Be sure not to exceed the limit when specifying from, to and interval"; limit conflicts with
from and to; seconds; 1s, 10s, 1m, 5m, 15m, 30m, 1h, 4h, 8h, 1d, 7d, 30d. Rows of texts: time, quote volume, close,
high, low, open, base volume, whether the window is over. Undocumented, but met by many:
{"label":"INVALID_PARAM_VALUE","message":"Candlestick too long ago. Maximum 10000 points ago are allowed"}. "List all
currency pairs supported": GET /api/v4/spot/currency_pairs; "Get details of a specific currency pair":
..._pairs/{currency_pair}; {"label":"INVALID_CURRENCY_PAIR"} with status 400. "Rate limits": 200 requests in 10 s an
endpoint; beyond it status 429, {"label":"TOO_MANY_REQUESTS"}. The page says nothing of intervals without trades; told
flat here, as the venue's charts are.

Files, after www.gate.io/en/article/21688 ("Historical Data Description Document"), read on 2026-12-01:
https://download.gatedata.org/${biz}/${type}/${year}${month}/${market}-${year}${month}.csv.gz; biz spot, type candlesticks_*; spot
candlesticks hold timestamp, volume, close, high, low, open, without headings.
"""

import gzip
import json
from datetime import UTC, datetime

from .base import Said, Speaker
from .market import DAY, WIDTHS, S

POINTS_AGO = 10_000


class Gate(Speaker):
    venue, pair = "gate", "BTC/USDT"
    timeframes = ("1m", "5m", "15m", "1h", "1d")
    quiet = "told"
    page = 1000
    limit = (200, 10.0)
    prices, sizes = 1, 6

    def answer(self, path, query):
        pairs = "/api/v4/spot/currency_pairs"
        if path == pairs:
            return Said(json.dumps([_pair("BTC"), _pair("ETH")]))
        if path == f"{pairs}/BTC_USDT":
            return Said(json.dumps(_pair("BTC")))
        if path.startswith(f"{pairs}/"):
            return _refused("INVALID_CURRENCY_PAIR", f"Invalid currency pair {path.rpartition('/')[2]}")
        if path == "/api/v4/spot/candlesticks":
            return self._candlesticks(query)
        if self.files and path.startswith("/spot/candlesticks_"):
            return self._file(path)
        return None

    def busy(self):
        return Said('{"label":"TOO_MANY_REQUESTS","message":"Request Rate limit Exceeded (211)"}', 429)

    def _candlesticks(self, query):
        width_ns = WIDTHS[query["interval"]]
        start_ns, end_ns = int(query["from"]) * S, int(query.get("to", self.market.now_ns // S)) * S
        if "limit" in query:
            return _refused("INVALID_PARAM_VALUE", "limit is conflicted with from and to")
        if self.market.now_ns // width_ns - start_ns // width_ns > POINTS_AGO:
            return _refused("INVALID_PARAM_VALUE", "Candlestick too long ago. Maximum 10000 points ago are allowed")
        if end_ns // width_ns - -(-start_ns // width_ns) + 1 > self.page:
            return _refused("INVALID_PARAM_VALUE", "Too many points requested. Maximum 1000 points are allowed")
        rows = [
            [
                f"{at // S}",
                "0",
                *(f"{value:f}" for value in (bar.close, bar.high, bar.low, bar.open, bar.volume)),
                "true",
            ]
            for at, bar in sorted(self.market.bars(width_ns, start_ns, end_ns + 1).items())
        ]
        return Said(json.dumps(rows))

    def _file(self, path):
        """Of months that are over; those of no trade at all are not there."""
        _, _, kind, month, name = path.split("/")
        start_ns = int(datetime.strptime(month, "%Y%m").replace(tzinfo=UTC).timestamp()) * S
        next_month = datetime.fromtimestamp(start_ns // S + 32 * DAY // S, UTC).replace(day=1)
        bars = self.market.bars(WIDTHS[kind.removeprefix("candlesticks_")], start_ns, int(next_month.timestamp()) * S)
        if name != f"BTC_USDT-{month}.csv.gz" or not bars or next_month.timestamp() * S > self.market.now_ns:
            return Said("", 404)
        return Said(gzip.compress("".join(self.line(at, bar) + "\n" for at, bar in sorted(bars.items())).encode(), 1))

    def line(self, at, bar):
        return ",".join(
            [str(at // S), *(f"{value:f}" for value in (bar.volume, bar.close, bar.high, bar.low, bar.open))]
        )


def _pair(base):
    return {
        "id": f"{base}_USDT",
        "base": base,
        "quote": "USDT",
        "fee": "0.2",
        "min_quote_amount": "3",
        "amount_precision": 6,
        "precision": 1,
        "trade_status": "tradable",
    }


def _refused(label, message):
    return Said(json.dumps({"label": label, "message": message}), 400)
