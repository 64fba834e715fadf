"""Trades whose ids do not count, of a venue that tells its latest trades again: what is new, what a pause has cost.

In:  trades from the stream, lost and open connections, and pages of the latest trades.
Out: which trades are new; `told`: pauses that may have cost trades or (healed) have not; `to_ask`: whose page is wanted.
     The adapter takes both and empties them. The whole is plain data, so that a snapshot holds it.

A hole between two trades cannot be seen. After a lost connection a page that reaches back to a trade from before the loss,
or to the time of the loss, holds all that came meanwhile; one that does not leaves a pause that was missed.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

KEPT = 2000  # ids remembered of each series, at least


class Pause(msgspec.Struct, array_like=True, frozen=True):
    """Trades of a series between two times may have been missed, or (healed) are all here."""

    series: str
    from_ns: int
    to_ns: int
    healed: bool


class Lately(msgspec.Struct):
    """The ids of one series. before: those known when the connection was lost, empty while nothing is in doubt."""

    newer: set[str] = set()
    older: set[str] = set()
    last_ns: int = 0
    before: set[str] = set()
    lost_ns: int = 0

    def knows(self, key: str) -> bool:
        return key in self.newer or key in self.older

    def add(self, key: str, time_ns: int) -> None:
        if len(self.newer) >= KEPT:
            self.older, self.newer = self.newer, set()
        self.newer.add(key)
        self.last_ns = max(self.last_ns, time_ns)


class TradeOverlap(msgspec.Struct):
    """All such series of one adapter, by name."""

    series: dict[str, Lately] = {}
    told: list[Pause] = []
    to_ask: list[str] = []

    def arrive(self, series: str, key: str, time_ns: int) -> bool:
        """Whether a trade of the stream is new."""
        lately = self.series.setdefault(series, Lately())
        if lately.knows(key):
            return False
        lately.add(key, time_ns)
        return True

    def lost(self) -> None:
        """The connection is gone; what comes until a page proves otherwise may lack some."""
        for lately in self.series.values():
            if not lately.before:
                lately.before = lately.newer | lately.older
                lately.lost_ns = lately.last_ns

    def opened(self, wanted: Sequence[str]) -> None:
        """A new connection: pages of the series in doubt are asked for."""
        self.to_ask.extend(name for name in wanted if name in self.series and self.series[name].before)

    def page(self, series: str, trades: Sequence[tuple[str, int]], since_ns: int | None, now_ns: int) -> list[int]:
        """Which trades of a page are new, by their places.

        trades:   (id, time) of the page, oldest first.
        since_ns: the page holds all trades from then on; None: only as far as its first trade.
        """
        lately = self.series.get(series)
        if lately is None or not lately.before:
            return []
        start = max((place + 1 for place, (key, _) in enumerate(trades) if key in lately.before), default=0)
        new = [place for place in range(start, len(trades)) if self._is_missing(lately, *trades[place])]
        self.settle(series, trades, since_ns, now_ns)
        for place in new:
            lately.add(*trades[place])
        return new

    def settle(self, series: str, trades: Sequence[tuple[str, int]], since_ns: int | None, now_ns: int) -> None:
        """Tell whether a page, as above, leaves nothing of a pause in doubt."""
        lately = self.series.get(series)
        if lately is None or not lately.before:
            return
        whole = since_ns is not None and since_ns <= lately.lost_ns
        whole = whole or any(key in lately.before for key, _ in trades)
        from_ns, to_ns = lately.lost_ns, now_ns if whole or not trades else trades[0][1]
        lately.before, lately.lost_ns = set(), 0
        self.told.append(Pause(series, from_ns, max(from_ns, to_ns), whole))

    def _is_missing(self, lately: Lately, key: str, time_ns: int) -> bool:
        """A page without a known trade tells times in whole seconds at some venues: those of the loss count as later."""
        return not lately.knows(key) and time_ns >= lately.lost_ns // 10**9 * 10**9
