"""Whether a halt holds, of somebody's or because the account's worth fell, and whether the halt switch shows it.

In:  Halted and Resumed records; how the worth has gone.
Out: the halt that holds, and the one that a fall asks for.
"""

from __future__ import annotations

from ninefold.execution.worth import DRAWDOWN, Worth
from ninefold.market.records import Halted, Tick


class Halts:
    """now: the halt that holds. unshown: one of our own that the halt switch does not show yet."""

    def __init__(self, worth: Worth, most_ppm: int | None) -> None:
        self.now: Halted | None = None
        self.unshown: Halted | None = None
        self._worth = worth
        self._most_ppm = most_ppm

    @property
    def in_force(self) -> Halted | None:
        """The halt that holds and that the halt switch showed."""
        return None if self.unshown is not None else self.now

    def halt(self, record: Halted) -> None:
        ours = record.by == DRAWDOWN and self.now is None
        self.now, self.unshown = record, record if ours else None

    def resume(self) -> None:
        self._worth.resumed(self.now)
        self.now = self.unshown = None

    def look(self, tick: Tick) -> list[Halted]:
        """The halt that a fall asks for at a tick; it holds from here on."""
        fell = self._worth.fell_too_far(self._most_ppm)
        if not fell or self.now is not None:
            return []
        halted = Halted(seq=tick.seq, known_ns=tick.known_ns, by=DRAWDOWN, reason=fell)
        self.halt(halted)
        return [halted]
