"""The clocks of the venues of one log: which of them ticks, how far ours is off, whether a feed falls behind.

In:  stamps of frames, our own time at every input, which venue leads.
Out: ticks of the leading clock; records of offsets and of lateness. Until the venue that leads has told its time, the clock
     of the first other one that has ticks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ninefold.journal.inputs import venue_of_line
from ninefold.market.clock import OffsetEstimate, VenueClock
from ninefold.market.lag import LagWatch
from ninefold.market.records import Late, Offset
from ninefold.market.time import TICK_NS


class Clocks:
    """of, watches: by line. leading: the line that leads, a venue's first one; ticked_ns: the newest mark that was ticked.
    looked_ns: our time at the last look, 0 if something has changed since."""

    def __init__(self) -> None:
        self.of: dict[str, VenueClock] = {}
        self.watches: dict[str, LagWatch] = {}
        self.leading = ""
        self.ticked_ns = 0
        self.looked_ns = 0

    def add(self, line: str) -> None:
        """A line of which nothing is known yet; the first one leads."""
        self.looked_ns = 0
        self.of[line], self.watches[line] = VenueClock(), LagWatch()
        self.leading = self.leading or line

    def lead(self, venue: str) -> None:
        """A new run, led by a venue. Lateness is told anew: who trades begins knowing nothing."""
        self.leading, self.looked_ns = venue, 0
        for watch in self.watches.values():
            watch.told_ns = 0
        for clock in self.of.values():
            clock.all_lost()

    def stamp(self, line: str, stamps: Iterable[tuple[int, int, int]]) -> None:
        """(connection, exchange_ns, receive_ns) of frames with the venue's own time."""
        clock, watch = self.of[line], self.watches[line]
        self.looked_ns = 0
        for connection, exchange_ns, receive_ns in stamps:
            clock.stamp(connection, exchange_ns, receive_ns)
            watch.see(receive_ns - exchange_ns)

    def leader(self) -> VenueClock | None:
        """The clock that ticks; None while nobody's time is known."""
        leading = self.of.get(self.leading)
        if leading is None or not leading.now_ns:
            told = (clock for _, clock in sorted(self.of.items()) if clock.now_ns)
            leading = next(told, None)
        return leading

    def next_tick_ns(self, leader: VenueClock) -> int:
        """The next mark of the clock that ticks."""
        return max(leader.ticked_ns, self.ticked_ns) + TICK_NS

    def tick(self, receive_ns: int) -> int | None:
        """Our own time went on: the newest mark that the leading clock has reached since the last one, or None."""
        if receive_ns == self.looked_ns:
            return None
        self.looked_ns = receive_ns
        for clock in self.of.values():
            clock.own(receive_ns)
        leader = self.leader()
        mark = leader.tick() if leader is not None else None
        if mark is None or mark <= self.ticked_ns:
            return None
        self.ticked_ns = mark
        return mark

    def offsets(self) -> dict[int, OffsetEstimate]:
        """Of every connection: how far our clock is behind the venue's."""
        return {number: offset for clock in self.of.values() for number, offset in clock.offsets.items()}

    def told_offsets(self, seq: int, known_ns: int) -> Iterator[Offset]:
        for line, clock in sorted(self.of.items()):
            for number, offset in sorted(clock.offsets.items()):
                yield Offset(
                    seq=seq,
                    known_ns=known_ns,
                    venue=venue_of_line(line),
                    name=str(number),
                    median_ns=offset.median_ns,
                    frames=offset.frames,
                )

    def told_lateness(self, seq: int, known_ns: int) -> Iterator[Late]:
        """Which feeds have fallen behind, or are in time again, since the last look; a venue is as late as its latest line."""
        changed = {venue_of_line(line) for line, watch in self.watches.items() if watch.look() is not None}
        for venue in sorted(changed):
            behind_ns = max(watch.told_ns for line, watch in self.watches.items() if venue_of_line(line) == venue)
            yield Late(seq=seq, known_ns=known_ns, venue=venue, behind_ns=behind_ns)
