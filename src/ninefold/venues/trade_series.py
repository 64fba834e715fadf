"""Series of trades that a venue numbers without a hole, and whose past it tells by REST: what is missing, what to ask.

In:  trade ids as they arrive from the stream and from answers; lost and open connections; the time.
Out: which trades are new; `told`: gaps and healed spans; `to_ask`: from which trade on the past is wanted. The adapter
     takes both and empties them. The whole is plain data, so that a snapshot holds it.

A trade that comes a little behind a later one was not missed: a hole is told LATE_NS after it was seen, and of each
series one question is asked at a time. A series whose past cannot be asked for ("told only") has its holes told.
"""

from __future__ import annotations

import msgspec

from ninefold.market.numbers import INT64_MAX
from ninefold.market.time import SECOND_NS
from ninefold.venues.sequence import TradeIds

LATE_NS = SECOND_NS // 4


class Span(msgspec.Struct, array_like=True, frozen=True):
    """Trades first..last of a series, missed or (healed) all here; between from_ns and to_ns, None: not known.

    Healed with last < first: nothing was missed before `first`.
    """

    series: str
    first: int
    last: int
    healed: bool = False
    from_ns: int | None = None
    to_ns: int | None = None


class _Doubt(msgspec.Struct, array_like=True, frozen=True):
    """A hole that was seen at seen_ns and may still fill by itself."""

    span: Span
    seen_ns: int


class TradeSeries(msgspec.Struct):
    """All series of one adapter, by name. told_only: the series whose past is not asked for."""

    ids: dict[str, TradeIds] = {}
    told_only: set[str] = set()
    told: list[Span] = []
    to_ask: list[tuple[str, int]] = []
    _unproven: set[str] = set()  # trades may have been missed since the connection was lost
    _doubts: list[_Doubt] = []  # oldest first
    _asked: set[str] = set()  # series that are being asked for
    _owed: dict[str, int] = {}  # from which trade on it was asked and not yet told as healed
    _connected: bool = False

    def arrive(self, series: str, id: int, now_ns: int, from_ns: int, to_ns: int, *, live: bool) -> bool:
        """Whether a trade is new. from_ns, to_ns: when the one before it and it happened. live: not from an answer."""
        ids = self.ids.setdefault(series, TradeIds())
        is_new, hole = ids.arrive(id, may_precede=True)
        if hole is not None:
            self._doubts.append(_Doubt(Span(series, *hole, from_ns=from_ns, to_ns=to_ns), now_ns))
            self._unproven.discard(series)
        elif is_new and live and series in self._unproven and id + 1 == ids.next_id:
            self.told.append(Span(series, id, id - 1, healed=True))
            self._unproven.discard(series)
        return is_new

    def pass_time(self, now_ns: int, late_ns: int = LATE_NS) -> None:
        """What has not come so long after it should have is missed, and asked for."""
        while self._doubts and self._doubts[0].seen_ns + late_ns <= now_ns:
            span = self._doubts.pop(0).span
            for first, last in self.ids.get(span.series, TradeIds()).missing_in(span.first, span.last):
                self.told.append(Span(span.series, first, last, from_ns=span.from_ns, to_ns=span.to_ns))
                self._ask(span.series, first)

    def due_ns(self) -> int:
        """When the next hole is to be told, INT64_MAX if there is none."""
        return self._doubts[0].seen_ns + LATE_NS if self._doubts else INT64_MAX

    def certain_id(self, series: str) -> int:
        """The next trade of a series, if all that its coming would change is the one after it; -1 otherwise."""
        if series in self._unproven or series in self.told_only or series not in self.ids:
            return -1
        return self.ids[series].next_id

    def lost(self, now_ns: int) -> None:
        """The connection is gone: holes are told now, nothing is proven, and what was asked is forgotten."""
        self.pass_time(now_ns, 0)
        self._forget()
        self._connected = False

    def opened(self, now_ns: int, wanted: list[str]) -> None:
        """A new connection: what came meanwhile is asked for, and what was missing before."""
        self.pass_time(now_ns, 0)
        self._forget()
        self._connected = True
        for series in wanted:
            ids = self.ids.get(series)
            if ids is not None and ids.next_id:
                self._ask(series, min([ids.next_id, *(first for first, _ in ids.missing)]))

    def answered(self, series: str, from_id: int, last: int, *, more: bool) -> None:
        """An answer brought (by `arrive`) the trades from_id..last; more: it was full, there may be later ones."""
        ids = self.ids.setdefault(series, TradeIds())
        self._asked.discard(series)
        if more:
            self._ask(series, last + 1)
            return
        if self._connected and not ids.missing_in(0, last):
            self._unproven.discard(series)
            first = min(from_id, self._owed.pop(series, from_id))
            self.told.append(Span(series, first, max(last, first - 1), healed=True))
        later = ids.missing_in(last + 1, ids.next_id)
        if later:
            self._ask(series, later[0][0])

    def forget_questions(self) -> None:
        """An answer could not be read: the next hole asks anew."""
        self._asked.clear()

    def _forget(self) -> None:
        self._asked.clear()
        self._unproven.update(self.ids)

    def _ask(self, series: str, from_id: int) -> None:
        """One question of a series at a time: its answer tells whether there is more to ask."""
        if series in self.told_only:
            return
        self._owed[series] = min(from_id, self._owed.get(series, from_id))
        if series not in self._asked:
            self._asked.add(series)
            self.to_ask.append((series, from_id))
