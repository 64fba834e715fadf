"""One series of trades that a venue numbers without a hole: which came, which are missing, and what is to be told of them.

In:  ids as they arrive, live or in an answer; what the venue says of the last id; lost connections; the time.
Out: which are new; what is told: holes that opened, and that they were healed, oldest first. What is asked for is the
     adapter's matter. The whole is plain data, so that a snapshot holds it.

A trade that comes a little behind a later one was not missed: a hole is told LATE_NS after it was seen.
A healed range says that nothing up to its end is missing; so none is told while something older is, or while it is not
known what a lost connection has cost (`doubt_id`).
"""

from __future__ import annotations

from bisect import insort
from typing import NamedTuple

import msgspec

from ninefold.market.numbers import INT64_MAX
from ninefold.market.time import SECOND_NS
from ninefold.venues import sequence
from ninefold.venues.sequence import TradeIds

LATE_NS = SECOND_NS // 4


class Hole(msgspec.Struct):
    """Trades first..last that were missed, between two times; with last < first none was.

    left: how many are still missing. told_out: the venue has no more of them than came.
    """

    first: int
    last: int
    left: int
    from_ns: int
    to_ns: int
    told_out: bool = False


class Late(msgspec.Struct):
    """A hole that may fill by itself. answered: some of it came in an answer, so that it was missed."""

    hole: Hole
    seen_ns: int
    answered: bool = False


class Told(NamedTuple):
    hole: Hole
    healed: bool


class TradeHoles(msgspec.Struct):
    """holes: told as missed, or (none left) waiting to be told as healed, by rising last id.

    late: seen and not told yet, oldest first. last_ns: of the latest trade. doubt_id: the id before which nothing was missed
    when the connection was lost; 0: no doubt.
    """

    ids: TradeIds = msgspec.field(default_factory=TradeIds)
    last_ns: int = 0
    holes: list[Hole] = []
    late: list[Late] = []
    doubt_id: int = 0

    def arrive(self, id: int, time_ns: int, now_ns: int, *, live: bool) -> tuple[bool, list[Told]]:
        """(is it new, what that tells). live: not from an answer, so nothing older is still on its way."""
        before, expected, last_ns = self.ids.missing, self.ids.next_id, self.last_ns or time_ns
        is_new, missing = self.ids.arrive(id, may_precede=live)
        if not is_new:
            return False, []
        self.last_ns = max(time_ns, self.last_ns)
        if missing is not None:
            hole = _hole(*missing, last_ns, time_ns)
            self._forget(before)
            if live:
                self.late.append(Late(hole, now_ns))
            return True, [] if live else self._open(hole)
        if id < expected:
            self._fill(id, live)
            return True, self._healed()
        if live and self.doubt_id and not self.late:
            return True, self._proven(id)
        if expected and not live and not self.doubt_id:
            self._ahead(id, last_ns, time_ns)
        return True, []

    def certain_id(self) -> int:
        """The next trade, if all that its coming would change is the one after it; -1 otherwise."""
        return -1 if self.doubt_id or not self.ids.next_id else self.ids.next_id

    def late_until_ns(self) -> int:
        """When `pass_time` will have something to tell, INT64_MAX: never."""
        return self.late[0].seen_ns + LATE_NS if self.late else INT64_MAX

    def settle(self, next_id: int, last_ns: int) -> None:
        """Trades up to the one before next_id have come, none of which changed anything else."""
        self.ids.next_id, self.last_ns = next_id, last_ns

    def expect(self, last_id: int, at_ns: int) -> list[Told]:
        """The venue says, on this connection, that trades up to last_id have been."""
        if last_id >= self.ids.next_id:
            before, hole = self.ids.missing, (self.ids.next_id, last_id)
            self.ids.missing, self.ids.next_id = [*before, hole][-sequence.MISSING_MOST :], last_id + 1
            self._forget(before)
            self.doubt_id = 0
            return [*self._open(_hole(*hole, self.last_ns or at_ns, at_ns)), *self._healed()]
        if self.doubt_id and last_id + 1 == self.ids.next_id and not self.late:
            return self._proven(self.ids.next_id)
        return []

    def pass_time(self, now_ns: int, late_ns: int = LATE_NS) -> list[Told]:
        """What has not come so long after it should have was missed."""
        told: list[Told] = []
        while self.late and self.late[0].seen_ns + late_ns <= now_ns:
            late = self.late.pop(0)
            seen = late.hole
            missing = self.ids.missing_in(seen.first, seen.last)
            for first, last in missing:
                told += self._open(_hole(first, last, seen.from_ns, seen.to_ns))
            if missing:
                self.doubt_id = 0
            elif self.doubt_id and not self.late:
                told += self._proven(self.ids.next_id)
            if late.answered:
                self._wait(seen.first, seen.last, seen.from_ns, seen.to_ns)
        return told + self._healed()

    def lost(self, now_ns: int) -> list[Told]:
        """The connection is gone: holes are told now, and nothing is certain."""
        told = self.pass_time(now_ns, 0)
        self.doubt_id = self.doubt_id or self.ids.next_id
        return told

    def answered(self, *, proves: bool) -> list[Told]:
        """The whole of an answer has arrived. proves: it held all trades since the connection was lost; a doubt ends by that
        unless it shows that some are missing.
        """
        if not proves or not self.doubt_id:
            return self._healed()
        missing = any(hole.left and hole.last >= self.doubt_id for hole in self._all())
        return [] if missing else self._proven(self.ids.next_id)

    def open_holes(self) -> list[Hole]:
        """Told, not healed, and to be had from the venue for all that is known."""
        return [hole for hole in self.holes if hole.left and not hole.told_out]

    def _proven(self, next_id: int) -> list[Told]:
        """The doubt ends: besides the holes that are known nothing was missed before next_id. What came since the connection was
        lost came by answers: it is told as healed, at once if nothing older is missing.
        """
        first, self.doubt_id = self.doubt_id, 0
        if first < next_id:
            self._wait(first, next_id - 1, self.last_ns, self.last_ns)
        healed = self._healed()
        if any(hole.last + 1 == next_id for hole, _ in healed):
            return healed
        return [Told(Hole(next_id, next_id - 1, 0, self.last_ns, self.last_ns), healed=True), *healed]

    def _all(self) -> list[Hole]:
        return [*self.holes, *(late.hole for late in self.late)]

    def _open(self, hole: Hole) -> list[Told]:
        insort(self.holes, hole, key=_order)
        return [Told(hole, healed=False)]

    def _wait(self, first: int, last: int, from_ns: int, to_ns: int) -> None:
        """To be told as healed when everything older is."""
        insort(self.holes, Hole(first, last, 0, from_ns, to_ns), key=_order)

    def _ahead(self, id: int, from_ns: int, to_ns: int) -> None:
        """An answer brought it before the stream did, if that ever does: told as healed, all of an answer at once."""
        newest = self.holes[-1] if self.holes else None
        if newest is not None and not newest.left and newest.last + 1 == id:
            newest.last, newest.to_ns = id, max(newest.to_ns, to_ns)
        else:
            self._wait(id, id, from_ns, to_ns)

    def _fill(self, id: int, live: bool) -> None:
        for hole in self.holes:
            hole.left -= hole.first <= id <= hole.last and hole.left > 0
        for late in self.late:
            if late.hole.first <= id <= late.hole.last:
                late.hole.left -= 1
                late.answered = late.answered or not live

    def _forget(self, before: list[tuple[int, int]]) -> None:
        """A hole too many is no longer remembered, and so never called healed."""
        if len(before) < sequence.MISSING_MOST:
            return
        gone = [first for first, last in before if (first, last) not in self.ids.missing]
        self.holes = [hole for hole in self.holes if not any(hole.first <= id <= hole.last for id in gone)]
        self.late = [one for one in self.late if not any(one.hole.first <= id <= one.hole.last for id in gone)]

    def _healed(self) -> list[Told]:
        told: list[Told] = []
        while self.holes and not self.holes[0].left and not self.doubt_id:
            last = self.holes[0].last
            if any(late.hole.left and late.hole.first < last for late in self.late):
                break
            told.append(Told(self.holes.pop(0), healed=True))
        return told


def _hole(first: int, last: int, from_ns: int, to_ns: int) -> Hole:
    return Hole(first, last, last - first + 1, from_ns, to_ns)


def _order(hole: Hole) -> int:
    return hole.last
