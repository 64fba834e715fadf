"""Strategies that read what they hold: their targets, made where what they hold is known.

In:  closed bars; what each strategy holds at the tick that finished them.
Out: TARGETS rows, as `decide` makes them of all other strategies.

`position`, `bars_held` and `open_profit` are those of back-tests: base, bars since the entry, close against the average entry price
in whole ticks. Only formulas that read them at the bar alone are run (`check_live`), so that after a restart nothing of what was
held at earlier bars is missing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ninefold.formula import Bars as Heard
from ninefold.formula.columns import OWN
from ninefold.market.arrays import BAR_UNKNOWN, empty
from ninefold.market.chunk import Chunk
from ninefold.market.columns import columns, each_row
from ninefold.market.instruments import Registry
from ninefold.market.values import known_of, told_of
from ninefold.strategy.plan import Plan
from ninefold.strategy.series import Series, scale_of

MOST_BARS = 100_000  # that are counted since an entry


class Holding(NamedTuple):
    """position: in the instrument's units of size, signed. average: entry price in ticks. seq: of the input it began with."""

    position: float
    average: int
    seq: int


Held = Callable[[str, int], Holding | None]


class Itself:
    """plans: all that read what they hold. venue: that is traded. registry: of the instruments, as they become known."""

    def __init__(self, plans: Sequence[Plan], venue: str, registry: Registry) -> None:
        self._plans = tuple(plans)
        self._venue = venue
        self._registry = registry
        self._series: dict[tuple[int, str], Series] = {}
        self._closed: dict[tuple[int, int], deque[int]] = {}  # seq of bars, by instrument and width
        self._close: dict[tuple[int, int], int] = {}  # last known one, in ticks

    def warm(self, bars: np.ndarray, values: np.ndarray) -> None:
        """Catch up with all bars so far (first revisions, in the order in which they became known)."""
        known = known_of(values) if self._plans else {}
        for key, mine in self._by_series(bars):
            nothing = dict.fromkeys(OWN, np.zeros(len(mine)))
            read = Heard(columns(mine, told_of(mine, known)) | nothing, mine["known_ns"])
            for plan in self._of_width(key[1]):
                self._of(plan, key[0]).warm(read, {})
            for bar in mine:
                self._see(key, bar)

    def targets(self, chunk: Chunk, held: Held) -> np.ndarray:
        """What they want at the bars of a chunk, TARGETS rows. held: by strategy and instrument, as it is now."""
        bars = chunk.rows("bars")
        if not self._plans or not len(bars):
            return empty("targets")
        known = known_of(chunk.rows("values"))
        made: list[np.ndarray] = []
        for key, mine in self._by_series(bars):
            for bar, read in zip(mine, each_row(mine, told_of(mine, known)), strict=True):
                self._see(key, bar)
                close_ns, known_ns, seq = (int(bar[name]) for name in ("close_ns", "known_ns", "seq"))
                for plan in self._of_width(key[1]):
                    series = self._of(plan, key[0])
                    series.update(read | self._own(held(plan.name, key[0]), key), known_ns)
                    made.append(series.told(*key, close_ns, known_ns, seq))
        return np.concatenate([empty("targets"), *made])

    def _by_series(self, bars: np.ndarray) -> list[tuple[tuple[int, int], np.ndarray]]:
        """First revisions of what somebody decides on, by instrument and width."""
        widths = {plan.width_ns for plan in self._plans}
        first = bars[bars["revision"] == 0]
        keys = sorted({(int(i), int(w)) for i, w in first[["instrument", "width_ns"]].tolist() if w in widths})
        return [
            (key, first[(first["instrument"] == key[0]) & (first["width_ns"] == key[1])])
            for key in keys
            if self._registry[key[0]].venue == self._venue
        ]

    def _of_width(self, width_ns: int) -> list[Plan]:
        return [plan for plan in self._plans if plan.width_ns == width_ns]

    def _see(self, key: tuple[int, int], bar: np.void) -> None:
        self._closed.setdefault(key, deque(maxlen=MOST_BARS)).append(int(bar["seq"]))
        if bar["state"] != BAR_UNKNOWN:
            self._close[key] = int(bar["close"]) // self._registry[key[0]].tick_size

    def _own(self, holding: Holding | None, key: tuple[int, int]) -> dict[str, float]:
        if holding is None or key not in self._close:
            return dict.fromkeys(OWN, 0.0)
        side = 1 if holding.position > 0 else -1
        bars_held = 0
        for seq in reversed(self._closed[key]):
            if seq <= holding.seq:
                break
            bars_held += 1
        profit = side * (self._close[key] / holding.average - 1.0)
        return {"position": holding.position, "bars_held": bars_held, "open_profit": profit}

    def _of(self, plan: Plan, instrument: int) -> Series:
        key = (instrument, plan.name)
        if key not in self._series:
            self._series[key] = Series([plan], scale_of(self._registry[instrument]))
        return self._series[key]
