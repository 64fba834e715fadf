"""Trade ids that were used without a trade of their own: nothing is missing where they are.

In:  such ids, as they become known; the time.
Out: once a minute a range from the first to the last of them, in which all trades are here: certificates count by it.
"""

from __future__ import annotations

import msgspec

from ninefold.market.time import MINUTE_NS
from ninefold.venues.trade_series import Span, TradeSeries


class SpentIds(msgspec.Struct):
    """spans: of each series the first and the last id, and since when they are to be told."""

    spans: dict[str, tuple[int, int, int]] = {}

    def spend(self, series: str, first: int, last: int, now_ns: int) -> None:
        known = self.spans.get(series, (first, last, now_ns))
        self.spans[series] = (min(first, known[0]), max(last, known[1]), known[2])

    def tell(self, counted: TradeSeries, now_ns: int) -> None:
        """Not while a trade before them is missing: a healed range speaks for all before it."""
        for series, (first, last, since_ns) in list(self.spans.items()):
            ids = counted.ids.get(series)
            if since_ns + MINUTE_NS <= now_ns and (ids is None or not ids.missing_in(0, last)):
                counted.told.append(Span(series, first, last, healed=True))
                del self.spans[series]
