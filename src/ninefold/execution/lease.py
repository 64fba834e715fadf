"""When an executor may trade an account that others could trade too: the rules of a lease, without clock or store.

In:  moments of the own clock, in ns, that go on while the machine sleeps; marks that change with every renewal.
Out: whether it is held, whether it may be taken, how long who took it keeps quiet.

An order leaves only while `holds`, checked after the order was stamped; the venue refuses what comes WINDOW_NS after
its stamp. So nothing of the old holder is accepted later than HELD_NS + WINDOW_NS after the last renewal that it asked
for before the lease was taken, and who took it sends nothing before QUIET_NS are over. That needs no two clocks to
agree, and holds however long either process is stopped, and wherever. A renewal must fail once the lease is taken:
that is the store's part.
"""

from __future__ import annotations

from enum import Enum

SECOND_NS = 1_000_000_000
BEAT_NS = SECOND_NS  # so often it is renewed
HELD_NS = 4 * SECOND_NS  # so long a renewal lasts, from when it was asked for
SILENT_NS = 5 * SECOND_NS  # after so long without one it may be taken
WINDOW_NS = 5 * SECOND_NS  # after its stamp an order is accepted (recvWindow)
QUIET_NS = HELD_NS + WINDOW_NS + 2 * SECOND_NS  # the rest is for clocks: how far a stamp may be ahead of the venue's


class TakenOver(RuntimeError):
    """Another executor has the account now; nothing may be written or sent."""


class AlreadyTraded(RuntimeError):
    """Another executor trades this account, and is alive."""


class Seen(Enum):
    UNSURE = "unsure"
    ALIVE = "alive"
    SILENT = "silent"


def holds(renewed_ns: int, now_ns: int) -> bool:
    """renewed_ns: when the last renewal that was made was asked for."""
    return now_ns < renewed_ns + HELD_NS


class Watched:
    """What who wants a lease sees of the one that has it."""

    def __init__(self) -> None:
        self._mark: object = None
        self._since_ns = 0

    def see(self, mark: object, now_ns: int) -> Seen:
        """mark: as it stands; it changes with every renewal."""
        if self._mark is None:
            self._mark, self._since_ns = mark, now_ns
        if mark != self._mark:
            return Seen.ALIVE
        return Seen.SILENT if now_ns >= self._since_ns + SILENT_NS else Seen.UNSURE
