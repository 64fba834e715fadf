"""The bars of a back-test: checked once, then read by kernels as they are.

In:  arrays of whole numbers: prices in ticks, volumes in lots, times in ns.
Out: `Bars`, or `BadBars` naming the row, the rule and the remedy.

A bar that is unknown (trades may have been missed) has the volume UNKNOWN; a quiet one has the volume 0 and one price.
Nothing is filled on either: the market showed no trade.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction

import numpy as np

MOST_TICKS = 2**52  # of a price: a double, as formulas read it, holds it exactly
BAR_UNKNOWN, BAR_QUIET, BAR_TRADED = 0, 1, 2  # `state` of a bar
UNKNOWN = -1  # volume of a bar in which trades may have been missed
PRICES = ("open", "high", "low", "close")


class BadBars(ValueError):
    """Bars that cannot be used: the row, what was found there, the rule, what to do."""


@dataclass(frozen=True, eq=False, slots=True)
class Bars:
    """One instrument, oldest first, without holes; arrays of shape (n,), int64, not to be changed afterwards.

    open_ns, close_ns: each bar covers [open_ns, close_ns) and the next begins where it ends.
    open ... close:    ticks, above 0; of unknown bars not read: their close becomes that of the bar before.
    volume:            lots; UNKNOWN where the bar is.
    tick, lot:         what they are worth, in quote and base.
    state:             BAR_UNKNOWN, BAR_QUIET or BAR_TRADED, uint8.
    highest:           the highest price, ticks.
    raises:            BadBars.
    """

    open_ns: np.ndarray
    close_ns: np.ndarray
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray
    tick: Fraction = Fraction(1)
    lot: Fraction = Fraction(1)
    state: np.ndarray = field(init=False)
    highest: int = field(init=False)

    def __post_init__(self) -> None:
        for name in ("open_ns", "close_ns", *PRICES, "volume"):
            object.__setattr__(self, name, _column(name, getattr(self, name)))
        _check(self)
        known = self.volume != UNKNOWN
        object.__setattr__(self, "state", known.astype(np.uint8) + (self.volume > 0).astype(np.uint8))
        object.__setattr__(self, "highest", int(self.high.max(where=known, initial=1)))
        if not known.all():
            last = np.maximum.accumulate(np.where(known, np.arange(len(known)), 0))
            object.__setattr__(self, "close", _column("close", self.close[last]))

    def __len__(self) -> int:
        return len(self.open_ns)

    @property
    def known(self) -> np.ndarray:
        """Where the bar is known, shape (n,)."""
        found: np.ndarray = self.state != BAR_UNKNOWN
        return found

    @property
    def unit(self) -> Fraction:
        """What a unit of money is worth, in quote: one tick times one lot."""
        return self.tick * self.lot

    def between(self, start: int, stop: int) -> Bars:
        """The bars from row `start` up to row `stop`."""
        rows = slice(start, stop)
        return Bars(
            self.open_ns[rows],
            self.close_ns[rows],
            self.open[rows],
            self.high[rows],
            self.low[rows],
            self.close[rows],
            self.volume[rows],
            self.tick,
            self.lot,
        )


def when(time_ns: int) -> str:
    """A time as people read it.

    >>> when(1_700_000_000_000_000_000)
    '2023-11-14 22:13:20'
    """
    return f"{datetime.fromtimestamp(int(time_ns) // 10**9, UTC):%Y-%m-%d %H:%M:%S}"


def _column(name: str, values: np.ndarray) -> np.ndarray:
    found = np.asarray(values)
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise BadBars(
            f"column {name} has shape {found.shape} of {found.dtype}; whole numbers of shape (n,) are needed: "
            "`bars_of_columns` makes them of prices and base amounts"
        )
    kept = np.ascontiguousarray(found, np.int64).view()
    kept.flags.writeable = False
    return kept


def _check(bars: Bars) -> None:
    lengths = {name: len(getattr(bars, name)) for name in ("open_ns", "close_ns", *PRICES, "volume")}
    if len(set(lengths.values())) > 1 or not lengths["open_ns"]:
        raise BadBars(f"columns have lengths {lengths}; all must have the same, at least 1")
    if bars.tick <= 0 or bars.lot <= 0:
        raise BadBars(f"tick is {bars.tick} and lot {bars.lot}; both must be above 0")
    check_times(bars.open_ns, bars.close_ns)
    _check_values(bars)


def check_times(open_ns: np.ndarray, close_ns: np.ndarray) -> None:
    """raises: BadBars for bars that are not in order, that overlap, or between which some are missing."""
    later, sooner = open_ns[1:], open_ns[:-1]
    _refuse(
        later == sooner,
        lambda row: f"row {row + 1} opens at {when(later[row])}, as the row before it: a duplicate; keep one of them",
    )
    _refuse(
        later < sooner,
        lambda row: (
            f"row {row + 1} opens at {when(later[row])}, before row {row}: bars go oldest first; sort them by open_ns"
        ),
    )
    _refuse(
        close_ns <= open_ns,
        lambda row: (
            f"row {row} closes at {when(close_ns[row])} and opens at {when(open_ns[row])}: a bar ends after it "
            "begins; mend its times"
        ),
    )
    _refuse(
        later < close_ns[:-1],
        lambda row: (
            f"row {row + 1} opens at {when(later[row])}, before row {row} closes ({when(close_ns[row])}): bars of "
            "one series do not overlap; give one timeframe"
        ),
    )
    _refuse(
        later > close_ns[:-1],
        lambda row: (
            f"row {row + 1} opens at {when(later[row])}, row {row} closed at {when(close_ns[row])}: bars are missing "
            'between them; load them, or say holes="unknown" (--holes unknown), and nothing is filled there'
        ),
    )


def _check_values(bars: Bars) -> None:
    known = bars.volume != UNKNOWN
    _refuse(
        ~known[:1],
        lambda row: "row 0 is unknown: a back-test begins with a price; cut the first rows off (`Bars.between`)",
    )
    _refuse(
        bars.volume < UNKNOWN,
        lambda row: f"row {row} has the volume {bars.volume[row]}: at least 0 (UNKNOWN, {UNKNOWN}, of an unknown bar)",
    )
    _refuse(
        known & (bars.high < bars.low),
        lambda row: f"row {row} has high {bars.high[row]} below low {bars.low[row]}: are the columns exchanged?",
    )
    for name in PRICES:
        _check_price(name, getattr(bars, name), bars, known)
    moved = (bars.high != bars.low) & known
    _refuse(
        moved & (bars.volume == 0),
        lambda row: (
            f"row {row} has no volume and prices from {bars.low[row]} to {bars.high[row]} ticks: without a trade there is one "
            "price; load its volume, or mark it as unknown"
        ),
    )


def _check_price(name: str, price: np.ndarray, bars: Bars, known: np.ndarray) -> None:
    _refuse(
        known & ((price < bars.low) | (price > bars.high)),
        lambda row: (
            f"row {row} has {name} {price[row]} outside its low {bars.low[row]} and high {bars.high[row]}: a bar shows all "
            "its prices; load it anew, or mark it as unknown"
        ),
    )
    _refuse(
        known & ((price <= 0) | (price > MOST_TICKS)),
        lambda row: (
            f"row {row} has {name} {price[row]} ticks: prices lie between 1 and {MOST_TICKS} ticks; give a finer or "
            "coarser tick"
        ),
    )


def _refuse(bad: np.ndarray, text: Callable[[int], str]) -> None:
    if bad.any():
        raise BadBars(text(int(bad.argmax())))
