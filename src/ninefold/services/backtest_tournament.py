"""Every strategy there is on one market, or on several as one portfolio, each a counted trial of its family, and what the best is worth.

In:  what is asked, without a strategy. Out: a document: a leaderboard, best deflated Sharpe ratio first, with the null twin of
     each strategy in it, and who could not take part. `tournament_field` says who plays, and where.

A null twin is the strategy with its signals turned around in time by half of the bars: it trades and holds as much, and its timing
can have no merit. Twins are no trials. The best is judged as the best of all trials of the ledger, whatever their family. Equal
parts of the formulas that are played together are computed once.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ninefold.services.backtest_config import config_of
from ninefold.services.backtest_outcome import PLAYED
from ninefold.services.backtest_report import overfitted
from ninefold.services.backtest_search import Progress, looks_needed, parts_of, search_through
from ninefold.services.backtest_strategy import Chosen
from ninefold.services.backtest_sweep import judged, luck, periods_of
from ninefold.services.backtest_wanted import Wanted, code_of
from ninefold.services.lazily import lazily
from ninefold.services.tournament_field import Contest, Field, field_of
from ninefold.store.runs import save_run
from ninefold.store.trials import Search, Trials, Tried

if TYPE_CHECKING:
    from ninefold.services import tournament_ticks
    from ninefold.services.backtest_ticks import WantedTicks
else:
    tournament_ticks = lazily("ninefold.services.tournament_ticks")  # what is on bars does without

KIND = "tournament"
EVERY = "all"  # where other searches name their strategy


def tournament(wanted: Wanted, now_ns: int, progress: Progress, on_ticks: WantedTicks | None = None) -> dict[str, Any]:
    """Run it as trials of the data dir's ledger; the same again goes on, or is read.

    wanted:   its strategy is not read.
    on_ticks: where quotes and free code on trades play; None: they are left out.
    raises:   those of `backtest_wanted.REFUSED`; as `source_of`.
    """
    if on_ticks is None:
        return contested(wanted, field_of(wanted), now_ns, progress)
    ticks = tournament_ticks.contests_on_ticks(on_ticks)
    bars = field_of(wanted, ticks.names)
    return contested(wanted, Field(bars.contests + ticks.contests, bars.left_out + ticks.left_out), now_ns, progress)


def contested(wanted: Wanted, field: Field, now_ns: int, progress: Progress) -> dict[str, Any]:
    """The same among those of this field."""
    players, contests, ground = field.players, field.contests, field.contests[0].ground
    rows, firsts, alike, before = [], [], [], 0
    with closing(Trials(wanted.data_dir)) as trials:
        searches = [contest.search or _search(wanted, contest) for contest in contests]
        needed = sum(looks_needed(trials, search) for search in searches)
        look = wanted.look if any([one.ground.looks(trials, needed) for one in contests]) else None
        for contest, search in zip(contests, searches, strict=True):
            places = range(len(contest.players))
            parts, seen = parts_of(places, contest.ground.bars), _after(progress, "strategies", before, len(players))
            found = search_through(trials, search, parts, contest.player(places, False), seen, now_ns, look)
            rows.append(found.rows)
            firsts.append(found.first)
            if _same_time(contest, ground):
                alike.append(trials.returns(found.first))
            before += len(places)
        tried = trials.tried()
    twins = _twins(contests, progress)
    whose = [(contest, place) for contest in contests for place in range(len(contest.players))]
    numbered = [
        first + place for first, contest in zip(firsts, contests, strict=True) for place in range(len(contest.players))
    ]
    board = _leaderboard(players, numbered, _tables(contests, [*rows, *twins], tried))
    best = next(one for one in board if not one["null_twin"])
    contest, place = whose[numbered.index(best["trial"])]
    told = {
        "strategy": EVERY,
        "set": {},
        **ground.about(),
        "trial": min(numbered),
        "strategies": len(players),
        "left_out": field.left_out,
        **luck(tried, ground.width_ns, periods_of(np.concatenate(rows))),
        "overfitting": overfitted(np.concatenate(alike)),
        "buy_and_hold": ground.held(),
        **contest.ground.portfolio(contest.points[place], best),
        "leaderboard": board,
    }
    save_run(wanted.data_dir, KIND, min(numbered), told, ground.drawn)
    return told


def _search(wanted: Wanted, contest: Contest) -> Search:
    return Search(
        kind=KIND,
        family=contest.family,
        snapshot=contest.snapshot,
        code=code_of(contest.players),
        config=config_of(replace(wanted, strategy=EVERY), {}),
        seed=0,
        points={"strategy": [one.name for one in contest.players]},
    )


def _same_time(contest: Contest, ground: Any) -> bool:
    """Legs may have been cut to the times that all have, and trades go from the first to the last of them."""
    own = contest.ground
    if contest.search is None or own.bars != ground.bars:
        return bool(own.bars == ground.bars)
    return np.array_equal(own.drawn.close_ns, ground.drawn.close_ns)


def _after(progress: Progress, what: str, before: int, total: int) -> Progress:
    """Progress of one contest within all."""
    return lambda _, done, __: progress(what, before + done, total)


def _twins(contests: Sequence[Contest], progress: Progress) -> list[np.ndarray]:
    """PLAYED rows of each contest; zeros, which is no ratio, of a strategy that depends on what it holds."""
    found, done, total = [], 0, sum(len(contest.players) for contest in contests)
    for contest in contests:
        ground, rows = contest.ground, np.zeros(len(contest.players), PLAYED)
        rows["value"] = np.nan
        rows["summary"]["equity"] = ground.cash
        able = contest.turnable
        play = contest.player(able, True)
        for part in parts_of(range(len(able)), ground.bars) if all(len(one.bars) > 1 for one in ground.markets) else ():
            rows[[able[at] for at in part]] = play(part).rows
            progress("null twins", done + part.stop, total)
        done += len(contest.players)
        found.append(rows)
    return found


def _tables(contests: Sequence[Contest], rows: Sequence[np.ndarray], tried: Tried) -> dict[str, list[Any]]:
    """rows: of the contests' players, then of their twins."""
    grounds = [contest.ground for contest in (*contests, *contests)]
    each = [judged(of, tried, ground.width_ns, ground.unit) for of, ground in zip(rows, grounds, strict=True)]
    return {name: [value for one in each for value in one[name]] for name in each[0]}


def _leaderboard(
    players: Sequence[Chosen], numbered: Sequence[int], table: dict[str, list[Any]]
) -> list[dict[str, Any]]:
    """Strategies and their null twins, the best first."""
    count = len(players)
    keys = [-np.nan_to_num(table[name], nan=-np.inf) for name in ("sharpe", "deflated_sharpe")]  # the last one first
    return [
        {
            "strategy": players[at % count].name,
            "family": players[at % count].family,
            "null_twin": at >= count,
            "trial": None if at >= count else numbered[at],
            **{name: values[at] for name, values in table.items()},
        }
        for at in np.lexsort(keys).tolist()
    ]
