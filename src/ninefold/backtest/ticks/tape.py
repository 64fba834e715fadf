"""The trades of a back-test: checked once, then read by kernels as they are.

In:  arrays of whole numbers: times in ns, prices in ticks, sizes in lots.
Out: `Ticks`, or `BadTicks` naming the row, the rule and the remedy. A long tape comes as several `Ticks`, block by block.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ninefold.backtest.bars import MOST_TICKS, when

COLUMNS = ("exchange_ns", "price", "size", "known_ns", "taker_side")


class BadTicks(ValueError):
    """Trades that cannot be used: the row, what was found there, the rule, what to do."""


@dataclass(frozen=True, eq=False, slots=True)
class Ticks:
    """Trades of one instrument in the order in which the venue made them; arrays of shape (n,), not to be changed.

    exchange_ns: never going back; int64, as price (ticks, above 0) and size (lots, above 0).
    known_ns:    when each was received, int64; None where nobody recorded it. One that was received before an earlier one
                 counts as received with that.
    taker_side:  BUY, SELL or UNKNOWN_SIDE, int8; None where unknown of all.
    tick, lot:   what they are worth, in quote and base.
    raises:      BadTicks.
    """

    exchange_ns: np.ndarray
    price: np.ndarray
    size: np.ndarray
    known_ns: np.ndarray | None = None
    taker_side: np.ndarray | None = None
    tick: Fraction = Fraction(1)
    lot: Fraction = Fraction(1)

    def __post_init__(self) -> None:
        for name in ("exchange_ns", "price", "size"):
            object.__setattr__(self, name, _column(name, getattr(self, name), np.int64))
        if self.known_ns is not None:
            known = np.maximum.accumulate(_column("known_ns", self.known_ns, np.int64))
            object.__setattr__(self, "known_ns", known)
        if self.taker_side is not None:
            object.__setattr__(self, "taker_side", _column("taker_side", self.taker_side, np.int8))
        _check(self)

    def __len__(self) -> int:
        return len(self.exchange_ns)

    @property
    def highest(self) -> int:
        """Ticks; 1 of no trades."""
        return int(self.price.max(initial=1))

    @property
    def unit(self) -> Fraction:
        """What a unit of money is worth, in quote: one tick times one lot."""
        return self.tick * self.lot

    def between(self, start: int, stop: int) -> Ticks:
        """The trades from row `start` up to row `stop`."""
        rows = slice(start, stop)
        known, side = (None if of is None else of[rows] for of in (self.known_ns, self.taker_side))
        return Ticks(self.exchange_ns[rows], self.price[rows], self.size[rows], known, side, self.tick, self.lot)


def _column(name: str, values: np.ndarray, kind: type[np.signedinteger]) -> np.ndarray:
    found = np.asarray(values)
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise BadTicks(
            f"column {name} has shape {found.shape} of {found.dtype}; whole numbers of shape (n,) are needed: prices in "
            "ticks, sizes in lots, times in ns"
        )
    kept = np.ascontiguousarray(found, kind).view()
    kept.flags.writeable = False
    return kept


def _check(ticks: Ticks) -> None:
    lengths = {name: len(of) for name in COLUMNS if (of := getattr(ticks, name)) is not None}
    if len(set(lengths.values())) > 1:
        raise BadTicks(f"columns have lengths {lengths}; all must have the same")
    if ticks.tick <= 0 or ticks.lot <= 0:
        raise BadTicks(f"tick is {ticks.tick} and lot {ticks.lot}; both must be above 0")
    at, price, size = ticks.exchange_ns, ticks.price, ticks.size
    _refuse(
        at[1:] < at[:-1],
        lambda row: (
            f"row {row + 1} was traded at {when(at[row + 1])} ({at[row + 1]} ns), before row {row}: trades go oldest first; "
            "sort them by exchange_ns"
        ),
    )
    _refuse(
        (price <= 0) | (price > MOST_TICKS),
        lambda row: (
            f"row {row} has price {price[row]} ticks: prices lie between 1 and {MOST_TICKS} ticks; drop the row"
        ),
    )
    _refuse(size <= 0, lambda row: f"row {row} has size {size[row]} lots: a trade has at least 1; drop the row")
    if ticks.taker_side is not None:
        side = ticks.taker_side
        _refuse(
            np.abs(side) > 1,
            lambda row: f"row {row} has taker_side {side[row]}: 1 is buy, -1 sell, 0 unknown",
        )


def _refuse(bad: np.ndarray, text: Callable[[int], str]) -> None:
    if bad.any():
        raise BadTicks(text(int(bad.argmax())))
