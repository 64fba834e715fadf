"""When the legs of a strategy are not sent, and when they are brought back: the same in back-tests and in the pipeline.

In:  what is held and wanted of each leg, in one unit. Out: yes or no.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

WAITING, REFUSED, SENT, HELD, UNWINDING, UNWOUND = "waiting", "refused", "sent", "held", "unwinding", "unwound"
MOVES = (WAITING, SENT, UNWINDING)  # states in which something is still to be sent


class LegsRule(NamedTuple):
    """legs: the name of each and that of its instrument. waits: for the whole size of all; else what misses is brought back."""

    legs: tuple[tuple[str, str], ...]
    waits: bool = False


NO_LEGS: Mapping[str, LegsRule] = {}


def opens(held: int, wanted: int) -> bool:
    """Whether a position is to become greater, or to turn round.

    >>> opens(5, 2), opens(5, -2), opens(0, 1)
    (False, True, True)
    """
    return abs(wanted) > abs(held) or wanted * held < 0


def breaks(missing: Iterable[tuple[int, int]]) -> bool:
    """Whether what could not be filled brings all legs back. missing: held and wanted of each."""
    return any(opens(held, wanted) for held, wanted in missing)


def cannot_be_sent(target: int, held: int, wanted: int, is_taken: Callable[[int], bool]) -> bool:
    """Whether a leg keeps all from being sent. is_taken: whether the venue takes an order of such a size."""
    if target == 0:
        return False
    return wanted == 0 or (opens(held, wanted) and not is_taken(abs(wanted - held)))
