"""Choose settings on some of the time, act on the rest: what walking forward and cross-validation have in common.

In:  what is asked, of bars or of trades and books, with ranges for settings; how time is split into folds. Out: a document: the
     joined result, and what each fold chose.

Every fitted point is a counted trial, and so is the joined result. A fit is an account that begins anew in each stretch of the bars
that teach. What is wanted at a border is taken over from the formula, which has seen all bars before; where the folds are acted on
the account is one, so changing from one setting to the next costs what it costs.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

import msgspec
import numpy as np

from ninefold.backtest.bars import Bars
from ninefold.backtest.result import Account, returns_of
from ninefold.backtest.statistics.sharpe import YEAR_NS, sharpe
from ninefold.services.backtest_completeness import COMPLETENESS
from ninefold.services.backtest_grid import Grid, grid_of
from ninefold.services.backtest_outcome import Played, known_returns, played, played_as_one, played_together
from ninefold.services.backtest_report import Judging, times
from ninefold.services.backtest_search import Progress, looks_needed, parts_of, search_through
from ninefold.services.backtest_wanted import BadBacktest, Wanted, code_of
from ninefold.services.fitting_plays import Joined, Plays, plays_of
from ninefold.services.lazily import lazily
from ninefold.store.runs import save_run
from ninefold.store.trials import Search, Trials

if TYPE_CHECKING:
    from ninefold.services import ticks_plays
    from ninefold.services.backtest_ticks import WantedTicks
else:
    ticks_plays = lazily("ninefold.services.ticks_plays")  # what is on bars does without

RANGES = "ranges"  # settings with their ranges, in the configuration of the joined trial
MOST_TRIALS = 1_000_000

Rows = tuple[int, int]  # of bars, half open


class Fold(NamedTuple):
    """train: stretches of bars, oldest first, at least one."""

    train: tuple[Rows, ...]
    test: Rows

    @property
    def trained(self) -> int:
        return sum(stop - start for start, stop in self.train)


class Splitting(Protocol):
    """How time is split, as people ask for it."""

    kind: ClassVar[str]  # of the fits in the trial ledger; that of the joined result is `kind`-joined

    def asked(self) -> Mapping[str, Any]:
        """The options by name, for the trial ledger."""

    def folds(self, bars: Bars) -> list[Fold]:
        """Those whose test follows on that of the fold before. raises: BadBacktest."""


class Fitting(NamedTuple):
    """All that fits and acts take."""

    wanted: Wanted | WantedTicks
    plays: Plays
    grid: Grid
    folds: list[Fold]

    @property
    def bars(self) -> Bars:
        """By which time is split."""
        return self.plays.bars

    @property
    def width_ns(self) -> int:
        return self.wanted.width_ns


More = Callable[[Fitting], Mapping[str, Any]]


def validated(
    wanted: Wanted | WantedTicks, splitting: Splitting, now_ns: int, progress: Progress, more: More | None = None
) -> dict[str, Any]:
    """Run it as trials of the data dir's ledger; the same again goes on, or is read.

    more:   what else the document says.
    raises: those of `backtest_wanted.REFUSED`.
    """
    fitting = made_fitting(wanted, splitting)
    with closing(Trials(wanted.data_dir)) as trials:
        fits, whole = _searches(splitting, fitting)
        needed = looks_needed(trials, fits) + looks_needed(trials, whole)
        look = wanted.look if fitting.plays.looks(trials, needed) else None
        parts = itertools.chain.from_iterable(_parts(fitting, fold) for fold in range(len(fitting.folds)))
        found = search_through(trials, fits, parts, lambda points: fit(fitting, points), progress, now_ns, look)
        best = chosen_points(fitting, found.rows["value"])
        acted = joined(fitting, best)
        once = played(acted.result, fitting.width_ns)
        trial = search_through(trials, whole, [range(1)], lambda _: once, progress, now_ns, look).first
        family = whole.family
        judging = Judging(trial, trials.tried(family), trials.alike(family, once.outcome.compact))
    told = {
        **acted.document(once, judging),
        "set": fitting.grid.fixed(),
        "points": len(fitting.grid.points),
        "fitted": fits.count,
        "first_fitted": found.first,
        "resumed": found.resumed,
        **splitting.asked(),
        **(more(fitting) if more else {}),
        COMPLETENESS: fitting.plays.complete(),
        "folds": [_told(fitting, fold, best[fold], found.rows, acted.result) for fold in range(len(best))],
    }
    save_run(wanted.data_dir, splitting.kind, trial, told, acted.bars)
    return told


def made_fitting(wanted: Wanted | WantedTicks, splitting: Splitting) -> Fitting:
    if isinstance(wanted, Wanted):
        grid = grid_of(wanted)
        plays: Plays = plays_of(wanted, grid)
    else:
        grid = ticks_plays.grid_of_ticks(wanted)
        plays = ticks_plays.plays_of_ticks(wanted, grid)
    folds = splitting.folds(plays.bars)
    if len(folds) * len(grid.points) > MOST_TRIALS:
        raise BadBacktest(
            f"{len(folds)} folds of {len(grid.points):,} points are more than {MOST_TRIALS:,} trials; take fewer points, or fewer folds"
        )
    return Fitting(wanted, plays, grid, folds)


def fit(fitting: Fitting, points: range) -> Played:
    """Points of one fold, over the bars it is trained on, stretch by stretch."""
    count, cash = len(fitting.grid.points), fitting.plays.cash
    some = [point % count for point in points]
    made = [
        (fitting.bars.between(*rows), fitting.plays.sweep(some, *rows))
        for rows in fitting.folds[points.start // count].train
    ]
    if len(made) == 1:
        return played_together(*made[0], cash, fitting.width_ns)
    summaries = made[0][1].runs.copy()
    for name in summaries.dtype.names or ():
        summaries[name] = sum(one.runs[name] for _, one in made)
    returns = [[known_returns(returns_of(cash, equity)) for equity in one.equity] for _, one in made]
    closes = np.concatenate([bars.close_ns for bars, _ in made])
    return played_as_one(np.concatenate(returns, axis=1), closes, summaries, cash, fitting.width_ns)


def chosen_points(fitting: Fitting, ratios: np.ndarray) -> list[int | None]:
    """The point with the best Sharpe ratio in training, a fold; None where none of them traded. ratios: of all fits."""
    table = ratios.reshape(len(fitting.folds), -1)
    return [None if np.isnan(row).all() else int(np.nanargmax(row)) for row in table]


def fitted(fitting: Fitting) -> np.ndarray:
    """The ratios of all fits, without counting them."""
    parts = itertools.chain.from_iterable(_parts(fitting, fold) for fold in range(len(fitting.folds)))
    return np.concatenate([fit(fitting, part).rows["value"] for part in parts])


def joined(fitting: Fitting, best: Sequence[int | None]) -> Joined:
    """What the chosen points do when they are acted on, one account through all folds."""
    tests = [fold.test for fold in _joined_tests(fitting.folds)]
    return fitting.plays.joined(list(zip(tests, best, strict=True)))


def _joined_tests(folds: Sequence[Fold]) -> list[Fold]:
    """Each test begins where the one before ends, over bars that nobody knows too."""
    starts = [folds[0].test[0], *(fold.test[1] for fold in folds[:-1])]
    return [fold._replace(test=(start, fold.test[1])) for start, fold in zip(starts, folds, strict=True)]


def known_rows(bars: Bars, rows: np.ndarray) -> tuple[int, int] | None:
    """From the first of these rows that is known, as a back-test begins with a price."""
    known = rows[bars.known[rows]]
    return (int(known[0]), int(rows[-1]) + 1) if len(known) else None


def joined_kind(kind: str) -> str:
    return f"{kind}-joined"


def _parts(fitting: Fitting, fold: int) -> Iterator[range]:
    count = len(fitting.grid.points)
    return parts_of(range(fold * count, (fold + 1) * count), fitting.folds[fold].trained)


def _searches(splitting: Splitting, fitting: Fitting) -> tuple[Search, Search]:
    """The fits, a point a trial, and the one joined result."""
    grid, folds = fitting.grid, len(fitting.folds)
    config = {**fitting.plays.config(grid.fixed()), **splitting.asked()}
    columns = {name: values * folds for name, values in grid.columns().items()}
    fold = np.repeat(np.arange(folds), len(grid.points)).tolist()
    fits = Search(
        kind=splitting.kind,
        family=grid.points[0].family,
        snapshot=fitting.plays.snapshot,
        code=code_of(grid.points),
        config=config,
        seed=0,
        points={"fold": fold, **columns},
    )
    own = {**config, "set": {}, RANGES: list(fitting.wanted.settings)}
    return fits, msgspec.structs.replace(fits, kind=joined_kind(splitting.kind), config=own, points={})


def _told(fitting: Fitting, number: int, point: int | None, rows: np.ndarray, result: Account) -> dict[str, Any]:
    fold, opens = fitting.folds[number], fitting.bars.open_ns
    a_year = math.sqrt(YEAR_NS / fitting.width_ns)
    origin = fitting.folds[0].test[0]
    acted = known_returns(result.returns[fold.test[0] - origin : fold.test[1] - origin])
    value = math.nan if point is None else float(rows["value"][number * len(fitting.grid.points) + point])
    moments = times(opens[[fold.train[0][0], fold.train[-1][1] - 1, fold.test[0], fold.test[1] - 1]])
    return {
        "train_from": moments[0],
        "train_to": moments[1],
        "train_bars": fold.trained,
        "test_from": moments[2],
        "test_to": moments[3],
        "set": None if point is None else fitting.grid.points[point].parameters,
        "train_sharpe": value * a_year,
        "test_sharpe": sharpe(acted).value * a_year,
        "test_return": float(np.prod(1 + acted) - 1),
    }
