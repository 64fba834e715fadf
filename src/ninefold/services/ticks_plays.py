"""What plays points on parts of the time of trades and books, for `backtest_fitting`.

In:  what is asked, a grid. Out: `Plays`.

Time is split by the bars that are made of the trades, on which money is judged. All trades are held in memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ninefold.backtest.bars import Bars
from ninefold.backtest.outcome import FILLS
from ninefold.backtest.sweep import Sweep
from ninefold.backtest.ticks.result import Steps, TickResult
from ninefold.backtest.ticks.stream import Way, tick_numbers
from ninefold.backtest.ticks.tape import Ticks
from ninefold.backtest.ticks.turns import Acts
from ninefold.services.backtest_completeness import completeness_of_ticks
from ninefold.services.backtest_grid import Grid
from ninefold.services.backtest_outcome import Played as Judged
from ninefold.services.backtest_report import Judging
from ninefold.services.backtest_ticks import WantedTicks, document, looked
from ninefold.services.fitting_plays import Joined, Part, sweep_of
from ninefold.services.ticks_acts import Acting, acting_of, rows_of
from ninefold.services.ticks_play import Played, bars_of, folded
from ninefold.services.ticks_source import Seen, Source
from ninefold.services.ticks_sweep import grid_of_ticks
from ninefold.services.told import whole
from ninefold.store.trials import TrialReader
from ninefold.strategy.forms import TradeCode

__all__ = ["grid_of_ticks", "plays_of_ticks"]


class OnTape(NamedTuple):
    """made: the bars of all trades."""

    wanted: WantedTicks
    grid: Grid
    source: Source
    seen: Seen
    way: Way
    ticks: Ticks
    made: Bars
    acting: Acting

    @property
    def bars(self) -> Bars:
        return self.made

    @property
    def snapshot(self) -> str:
        return self.seen.snapshot

    @property
    def cash(self) -> int:
        return tick_numbers(self.way.rules, self.source.tick, self.source.lot, self.source.highest).cash

    def config(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return self.wanted.told(parameters)

    def looks(self, ledger: TrialReader, points: int) -> bool:
        return looked(self.wanted, self.seen, ledger, points)

    def complete(self) -> dict[str, Any]:
        return completeness_of_ticks(self.wanted.data_dir, self.source.read, self.made)

    def sweep(self, points: Sequence[int], start: int, stop: int) -> Sweep:
        bars = self.made.between(start, stop)
        span = _span(bars)
        found = self.acting.alone(points, *span) if self._traded(*span) else [self._nothing(bars)] * len(points)
        return sweep_of([folded(one, bars) for one in found])

    def joined(self, parts: Sequence[Part]) -> Joined:
        acts = [Acts(*_span(self.made.between(*rows)), point) for rows, point in parts]
        bars = self.made.between(parts[0][0][0], parts[-1][0][1])
        traded = [one for one in acts if self._traded(one.start, one.stop)]
        found, more = self.acting.joined(traded) if traded else (self._nothing(bars), {})
        played, first = Played(folded(found, bars), found.ticks, more), self.grid.points[0]

        def told(counted: Judged, judging: Judging) -> dict[str, Any]:
            return whole(document(self.wanted, first.name, first.parameters, played, counted, judging))

        return Joined(played.account, bars, told)

    def _traded(self, from_ns: int, to_ns: int) -> bool:
        first, last = rows_of(self.ticks, from_ns, to_ns)
        return first < last

    def _nothing(self, bars: Bars) -> TickResult:
        """Of bars in which there was no trade."""
        source, rules = self.source, self.way.rules
        whole = tick_numbers(rules, source.tick, source.lot, source.highest)
        steps = Steps(np.zeros(1, np.int64), bars.open_ns[:1], bars.open[:1])
        fills, fill_ns = np.empty(0, FILLS), np.empty(0, np.int64)
        return TickResult(source.tick, source.lot, 0, rules, whole, fills, fill_ns, steps)


def plays_of_ticks(wanted: WantedTicks, grid: Grid) -> OnTape:
    """raises: what `player_of` refuses, of any point; as `source_of`."""
    wanted.check()
    read = wanted.source()
    ticks = read.whole()
    source, way = replace(read, blocks=lambda: [ticks]), wanted.way(read)
    acting = acting_of(wanted, grid.points, source, ticks, way)
    seen = source.seen(sides=isinstance(grid.points[0].plan.wants, TradeCode))
    return OnTape(wanted, grid, source, seen, way, ticks, bars_of(source, way.width_ns), acting)


def _span(bars: Bars) -> tuple[int, int]:
    """From when to when, ns."""
    return int(bars.open_ns[0]), int(bars.close_ns[-1])
