"""Every point of a grid of settings on trades or recorded books: quotes, free code on trades, targets.

In:  what is asked, with ranges for settings. Out: a document as of `backtest_sweep`; each point is a counted trial and its result
     that of the single run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from ninefold.backtest.bars import Bars
from ninefold.backtest.exact import multiple
from ninefold.backtest.ticks.stream import Way
from ninefold.services.backtest_completeness import COMPLETENESS, completeness_of_ticks
from ninefold.services.backtest_config import settings_of
from ninefold.services.backtest_grid import Grid, grid_of_settings
from ninefold.services.backtest_outcome import Played as Judged
from ninefold.services.backtest_outcome import played_each
from ninefold.services.backtest_report import earned
from ninefold.services.backtest_search import Play, Progress
from ninefold.services.backtest_strategy import Chosen, choose_each
from ninefold.services.backtest_sweep import swept
from ninefold.services.backtest_ticks import (
    TARGET_VOLATILITY,
    WantedTicks,
    about,
    held,
    looked,
    wanted_of,
)
from ninefold.services.backtest_wanted import BadBacktest, Wanted, code_of
from ninefold.services.ticks_play import Played, bars_of, player_of
from ninefold.services.ticks_source import Seen, Source
from ninefold.store.trials import Search, Trial, TrialReader
from ninefold.strategy.forms import TradeCode

KIND = "sweep-ticks"


@dataclass(frozen=True, eq=False, slots=True)
class TicksGround:
    """Where points are played. plays: of every point. made: bars of the trades, on which money is judged."""

    wanted: WantedTicks
    source: Source
    seen: Seen
    plays: Sequence[Callable[[], Played]]
    made: Bars
    hold: dict[str, Any]

    @property
    def drawn(self) -> Bars:
        return self.made

    @property
    def markets(self) -> tuple[()]:
        """None of bars."""
        return ()

    @property
    def cash(self) -> int:
        """At the start, units."""
        return multiple(self.wanted.cash, self.made.unit, "cash", "units (tick times lot)")

    @property
    def bars(self) -> int:
        return len(self.made)

    @property
    def unit(self) -> Any:
        return self.made.unit

    @property
    def width_ns(self) -> int:
        return self.wanted.width_ns

    @property
    def snapshot(self) -> str:
        """Identity of the data by its content."""
        return self.seen.snapshot

    def looks(self, ledger: TrialReader, points: int) -> bool:
        """Whether the trades reach behind the holdout's wall. raises: as `looked`."""
        return looked(self.wanted, self.seen, ledger, points)

    def player(self, some: Sequence[int]) -> Play:
        """What plays those of the points, by their place in `some`."""

        def play(places: range) -> Judged:
            each = [self.plays[some[place]]() for place in places]
            return played_each([one.account for one in each], self.width_ns)

        return play

    def held(self) -> dict[str, Any]:
        """Buy and hold, as `earned` tells it."""
        return self.hold

    def portfolio(self, point: int, told: dict[str, Any]) -> dict[str, Any]:
        """Nothing more: there is one market."""
        return {}

    def about(self) -> dict[str, Any]:
        """From when to when, of how many bars, and how complete the trades are."""
        return {**about(self.wanted, self.made), COMPLETENESS: self.complete()}

    def complete(self) -> dict[str, Any]:
        return completeness_of_ticks(self.wanted.data_dir, self.source.read, self.made)


def ticks_of(wanted: Wanted, **more: Any) -> WantedTicks:
    """What is asked of bars, asked of trades and books. more: what these alone have. raises: BadBacktest for what they have not."""
    both = {field.name for field in fields(WantedTicks)} & {field.name for field in fields(Wanted)} - {"file"}
    said = {field.name for field in fields(Wanted) if getattr(wanted, field.name) != field.default} - both
    if "file" in said:
        raise BadBacktest(
            f"{wanted.strategy} is played on trades or books and not on bars; give --trades FILE.parquet or --instrument in place of "
            "--bars"
        )
    if said:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(said))
        raise BadBacktest(
            f"on trades and books, where {wanted.strategy} is played, there is no {options}; leave it out"
        )
    return WantedTicks(**{name: getattr(wanted, name) for name in both}, **more)


def sweep_ticks(wanted: WantedTicks, now_ns: int, progress: Progress) -> dict[str, Any]:
    """Run it as trials of the data dir's ledger; the same sweep again goes on, or is read.

    returns: as `backtest_sweep.sweep`.
    raises:  as `backtest_ticks`.
    """
    grid = grid_of_ticks(wanted)
    ground = _ground(wanted, grid.points)
    search = Search(
        kind=KIND,
        family=grid.points[0].family,
        snapshot=ground.snapshot,
        code=code_of(grid.points),
        config=wanted.told(grid.fixed()),
        seed=0,
        points=grid.columns(),
    )
    return swept(wanted.data_dir, ground, grid, search, wanted.look, now_ns, progress)


def again(trial: Trial, data_dir: Path) -> tuple[str, str, bytes, dict[str, Any]]:
    """A counted point once more: identity of data and code, the digest of the result, and how complete what it read is; nothing is
    counted."""
    search = trial.search
    wanted = wanted_of(search.config, data_dir)
    names = search.points
    each = [dict(zip(names, values, strict=True)) for values in zip(*names.values(), strict=True)] or [{}]
    points = _points(wanted, [settings_of({**search.config["set"], **one}) for one in each])
    own = _points(wanted, [settings_of({**search.config["set"], **trial.point})])
    ground = _ground(wanted, own)
    digest = ground.player([0])(range(1)).outcome.digests[0]
    return ground.snapshot, code_of(points), digest, ground.complete()


def grid_of_ticks(wanted: WantedTicks) -> Grid:
    """raises: as `grid_of_settings`."""
    return grid_of_settings(wanted.settings, partial(_points, wanted))


def _points(wanted: WantedTicks, settings: Sequence[Sequence[str]]) -> list[Chosen]:
    if wanted.strategy is None:
        raise BadBacktest("a sweep varies a strategy's parameters; name one with --strategy")
    return choose_each(wanted.strategy, settings, wanted.strategies)


def _ground(wanted: WantedTicks, points: Sequence[Chosen]) -> TicksGround:
    """raises: what `player_of` refuses, of any point."""
    return tape_of(wanted).of(points)


class Tape(NamedTuple):
    """Trades and books, read once. made: bars of the trades."""

    wanted: WantedTicks
    source: Source
    way: Way
    made: Bars

    def of(self, points: Sequence[Chosen]) -> TicksGround:
        """raises: what `player_of` refuses, of any point."""
        wanted, source, way = self.wanted, self.source, self.way
        plays = [player_of(point, source, way, wanted.each, wanted.queue) for point in points]
        seen = source.seen(sides=any(isinstance(point.plan.wants, TradeCode) for point in points))
        hold = earned(held(self.made, way.rules), way.width_ns, TARGET_VOLATILITY)
        return TicksGround(wanted, source, seen, plays, self.made, hold)


def tape_of(wanted: WantedTicks) -> Tape:
    """raises: as `source_of`."""
    wanted.check()
    source = wanted.source()
    way = wanted.way(source)
    return Tape(wanted, source, way, bars_of(source, way.width_ns))
