"""How much of its share of the capital a strategy uses: all of it, as much as keeps volatility at a mark, or a part of Kelly's.

In:  returns of closed bars, targets. Out: a scale in [0, 1] for a target, None while too little is known.

volatility: the mark by the volatility of the instrument, so that calm markets get more and wild ones less.
kelly:      a fraction of mean by variance of what the strategy's targets would have earned bar by bar, before costs; 0 when
            they lost. source: Kelly (1956), Bell System Technical Journal 35(4); Thorp (2006) for the fraction.
Sums are exactly rounded (`fsum`), so the same bars give the same scale in whatever order they are added.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ninefold.market.arrays import BAR_UNKNOWN
from ninefold.market.time import DAY_NS, MINUTE_NS

YEAR_NS = 365 * DAY_NS  # markets that never close
Method = Literal["fixed", "volatility", "kelly"]


@dataclass(frozen=True, slots=True)
class Sizing:
    """volatility: the mark, a year's, as a fraction. kelly: the fraction of it that is used. most: of a strategy's share of the
    capital at target 1. bars: how many are looked at, and needed. width_ns: of these bars.
    """

    method: Method = "fixed"
    volatility: float = 0.5
    kelly: float = 0.25
    most: float = 1.0
    bars: int = 100
    width_ns: int = MINUTE_NS


def volatility_scale(sizing: Sizing, returns: Sequence[float]) -> float | None:
    """returns: of the instrument's bars, oldest first.

    >>> volatility_scale(Sizing("volatility", volatility=0.5, bars=2, width_ns=YEAR_NS), [9.0, 1.0, -1.0])
    0.5
    """
    if len(returns) < sizing.bars:
        return None
    newest = returns[-sizing.bars :]
    a_bar = math.sqrt(math.fsum(one * one for one in newest) / len(newest))
    a_year = a_bar * math.sqrt(YEAR_NS / sizing.width_ns)
    return sizing.most if a_year * sizing.most <= sizing.volatility else sizing.volatility / a_year


def kelly_scale(sizing: Sizing, results: Sequence[float]) -> float | None:
    """results: what the strategy's targets earned, bar by bar, oldest first.

    >>> kelly_scale(Sizing("kelly", kelly=0.25, bars=4), [0.1, -0.05, 0.1, -0.05])  # mean 0.025, variance 0.005625
    1.0
    """
    if len(results) < sizing.bars:
        return None
    newest = results[-sizing.bars :]
    mean = math.fsum(newest) / len(newest)
    variance = math.fsum((one - mean) ** 2 for one in newest) / len(newest)
    if mean <= 0:
        return 0.0
    return sizing.most if variance * sizing.most <= sizing.kelly * mean else sizing.kelly * mean / variance


class Results:
    """What each strategy's targets earned of each instrument, bar by bar: the target that stood when the bar began times the
    bar's return. An unknown bar earns nothing that anybody knows, and neither does the one behind it.
    """

    def __init__(self, sizing: Sizing) -> None:
        self._sizing = sizing
        self._last: dict[int, tuple[int, int]] = {}  # instrument to close_ns and close, 0 of an unknown bar
        self._now: dict[tuple[str, int], float] = {}
        self._began: dict[tuple[str, int], float] = {}  # what stood when the newest bar closed
        self._of: dict[tuple[str, int], deque[float]] = {}

    def fold(self, bars: np.ndarray, targets: np.ndarray) -> None:
        """Those of one chunk: targets are decided at the bars that it brings."""
        mine = bars[(bars["width_ns"] == self._sizing.width_ns) & (bars["revision"] == 0)]
        closed = set()
        for row in mine[["instrument", "close_ns", "close", "state"]].tolist():
            self._close(*row)
            closed.add(row[0])
        for instrument, strategy, target in targets[["instrument", "strategy", "target"]].tolist():
            self._now[(strategy.decode(), instrument)] = target
        for key, target in self._now.items():
            if key[1] in closed:
                self._began[key] = target

    def of(self, strategy: str, instrument: int) -> Sequence[float]:
        return list(self._of.get((strategy, instrument), ()))

    def _close(self, instrument: int, close_ns: int, close: int, state: int) -> None:
        last_ns, last = self._last.get(instrument, (0, 0))
        if close_ns <= last_ns:
            return
        self._last[instrument] = (close_ns, 0 if state == BAR_UNKNOWN else close)
        if state == BAR_UNKNOWN or not last or close_ns - last_ns != self._sizing.width_ns:
            return
        for (strategy, of), target in self._began.items():
            if of == instrument and target == target:
                held = self._of.setdefault((strategy, of), deque(maxlen=self._sizing.bars))
                held.append(min(max(target, -1.0), 1.0) * (close / last - 1.0))
