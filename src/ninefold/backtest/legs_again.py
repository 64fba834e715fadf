"""The legs of a strategy back-tested on the bars of a run: with the fills that the run had, and at the next opens.

In:  the bars of all legs at the closes that they share, as first known; what was wanted of each at each change of its target.
Out: what the kernel of several instruments makes of them (`slow_portfolio`), and how each move ended there.

Sizes are the run's: an amount of base at each change, and no money is lacking. What is compared is when legs go together, and what
they get.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from ninefold.backtest.bars import UNKNOWN
from ninefold.backtest.exact import LARGEST, ONE
from ninefold.backtest.legs import Legs, Together, unit_of
from ninefold.backtest.market_rules import Numbers
from ninefold.backtest.outcome import Reason
from ninefold.backtest.slow_portfolio import play_together
from ninefold.execution.legs_moved import BACK, HELD, REFUSED, UNDER_WAY
from ninefold.execution.money import least_notional, size_of
from ninefold.market.arrays import BAR_UNKNOWN
from ninefold.market.instruments import Instrument

NUMBERS = Numbers(*[0] * len(Numbers._fields))._replace(cash=LARGEST // 4)


class _Step(NamedTuple):
    unit: Fraction


class Shared(NamedTuple):
    """bars: BARS rows of each leg, of the same n closes. seq: of the inputs, shape (n,). to: targets in 10**-8, shape (legs, n).
    amounts: wanted of base, in 10**-8, read where `to` changes; taken: prices at which orders are judged; shape (legs, n)."""

    instruments: Sequence[Instrument]
    bars: Sequence[np.ndarray]
    seq: np.ndarray
    to: np.ndarray
    amounts: np.ndarray
    taken: np.ndarray
    together: Together

    @property
    def changed(self) -> np.ndarray:
        """Where the target of each leg is another one than before, shape (legs, n)."""
        found: np.ndarray = self.to != np.concatenate((np.zeros((len(self.to), 1), np.int64), self.to[:, :-1]), axis=1)
        return found

    @property
    def at(self) -> np.ndarray:
        """Rows of moves, rising."""
        return np.flatnonzero(self.changed.any(axis=0))

    def until(self, place: int) -> int:
        """The row at whose close the next move is decided, or the last one."""
        at = self.at
        return int(at[place + 1]) if place + 1 < len(at) else len(self.seq) - 1


class Again(NamedTuple):
    """fills: LEG_FILLS rows. position: lots, shape (legs, n). ends: of each move."""

    fills: np.ndarray
    position: np.ndarray
    ends: list[str]


def with_known_fills(shared: Shared, traded: np.ndarray) -> Again:
    """traded: whether a leg can be filled in a bar, bool, shape (legs, n)."""
    return _played(shared, traded.astype(np.int64), shared.taken)


def at_next_opens(shared: Shared) -> Again:
    volume = np.array([np.where(one["state"] == BAR_UNKNOWN, UNKNOWN, one["volume"] > 0) for one in shared.bars])
    return _played(shared, volume.astype(np.int64), np.array([one["close"] for one in shared.bars]))


def _played(shared: Shared, volume: np.ndarray, close: np.ndarray) -> Again:
    units = [Fraction(one.lot_size, 10 ** (one.price_decimals + one.size_decimals)) for one in shared.instruments]
    unit = unit_of([_Step(one) for one in units])
    least = [Fraction(least_notional(one), 10**8) / unit for one in shared.instruments]
    each = (len(units),)
    legs = Legs(
        open_ns=shared.bars[0]["open_ns"],
        open=np.array([one["open"] for one in shared.bars]),
        close=close,
        volume=volume,
        worth=np.array([int(one / unit) for one in units]),
        size=np.full(each, ONE),
        most_long=np.full(each, LARGEST),
        most_short=np.zeros(each, np.int64),
        most_lots=np.full(each, LARGEST),
        least=np.array([-int(-one // 1) for one in least]),
    )
    rows = zip(*np.nonzero(shared.changed.T), strict=True)
    changes = {(int(row), int(leg)): _wanted(shared, int(row), int(leg)) for row, leg in rows}
    played = play_together(legs, changes, NUMBERS, {}, shared.together)
    wanted, ends = [0] * len(units), []
    for place, row in enumerate(shared.at.tolist()):
        wanted = [changes.get((row, leg), lots) for leg, lots in enumerate(wanted)]
        ends.append(_end(shared, played.fills, played.position, row, shared.until(place), wanted))
    return Again(played.fills, played.position, ends)


def _wanted(shared: Shared, row: int, leg: int) -> int:
    """As the kernel takes it: a target that is less than a lot still is one."""
    of = shared.instruments[leg]
    return max(size_of(of, int(shared.amounts[leg, row])) // of.lot_size, 1) if shared.to[leg, row] else 0


def _end(shared: Shared, fills: np.ndarray, position: np.ndarray, row: int, until: int, wanted: Sequence[int]) -> str:
    """Of the move decided at the close of a row; the next one is decided at that of `until`."""
    if (position[:, until] == wanted).all():
        return HELD
    after = fills[(fills["bar"] > row) & (fills["bar"] <= until)]
    missed = set(after["bar"][after["reason"] == Reason.UNFILLED].tolist())
    filled = set(after["bar"][after["reason"] == Reason.TARGET].tolist())
    if shared.together == Together.UNWIND and missed & filled:
        return BACK
    refused = (fills["bar"] == row) & (fills["reason"] == Reason.UNFILLED)
    return REFUSED if refused.any() and not len(after) else UNDER_WAY
