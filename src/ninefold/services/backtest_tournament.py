"""Every strategy there is on one market, or on several as one portfolio, each a counted trial of its family, and what the best is worth.

In:  what is asked, without a strategy. Out: a document: a leaderboard, best deflated Sharpe ratio first, with the null twin of
     each strategy in it, and who could not take part.

A null twin is the strategy with its signals turned around in time by half of the bars: it trades and holds as much, and its timing
can have no merit. Twins are no trials. The best is judged as the best of all trials of the ledger, whatever their family. Equal
parts of the formulas that are played together are computed once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np

from ninefold.backtest.moved import rolled
from ninefold.backtest.target import BadTarget, Changes
from ninefold.formula.errors import FormulaError
from ninefold.services.backtest_bars import Market
from ninefold.services.backtest_config import config_of
from ninefold.services.backtest_ground import ChangesOf, Ground, ground_of
from ninefold.services.backtest_outcome import PLAYED
from ninefold.services.backtest_report import overfitted
from ninefold.services.backtest_search import Progress, looks_needed, parts_of, search_through
from ninefold.services.backtest_series import with_elsewhere
from ninefold.services.backtest_strategy import Chosen, changes_together
from ninefold.services.backtest_sweep import judged, luck, periods_of
from ninefold.services.backtest_wanted import (
    Wanted,
    chosen_of,
    code_of,
    each_market,
    market_of,
    reads_vwap,
)
from ninefold.services.strategies import known_strategies
from ninefold.store.runs import save_run
from ninefold.store.trials import Search, Trials
from ninefold.strategy.parameters import BadStrategy
from ninefold.strategy.plan import Code, Plan

KIND = "tournament"
EVERY = "all"  # where other searches name their strategy


def tournament(wanted: Wanted, now_ns: int, progress: Progress) -> dict[str, Any]:
    """Run it as trials of the data dir's ledger; the same again goes on, or is read.

    wanted: its strategy is not read.
    raises: those of `backtest_wanted.REFUSED`.
    """
    players, left_out = players_of(wanted)
    ground = ground_of(wanted, players)
    families = {family: list(group) for family, group in groupby(range(len(players)), lambda at: players[at].family)}
    snapshot = ground.snapshot
    changes = _remembered()
    rows, first, alike = np.zeros(len(players), PLAYED), {}, []
    with closing(Trials(wanted.data_dir)) as trials:
        searches = {
            family: _search(wanted, family, [players[at] for at in places], snapshot)
            for family, places in families.items()
        }
        needed = sum(looks_needed(trials, search) for search in searches.values())
        look = wanted.look if ground.looks(trials, needed) else None
        for family, places in families.items():
            some = slice(places[0], places[-1] + 1)
            parts = parts_of(range(len(places)), ground.bars)
            seen = _after(progress, places[0], len(players))
            play = ground.player(places, changes)
            found = search_through(trials, searches[family], parts, play, seen, now_ns, look)
            rows[some], first[family] = found.rows, found.first
            alike.append(trials.returns(found.first))
        tried = trials.tried()
    twins = _twins(ground, changes, progress)
    numbered = [first[family] + at for family, places in families.items() for at in range(len(places))]
    table = judged(np.concatenate([rows, twins]), tried, ground.width_ns, ground.unit)
    board = _leaderboard(players, numbered, table)
    best = next(one for one in board if not one["null_twin"])
    told = {
        "strategy": EVERY,
        "set": {},
        **ground.about(),
        "trial": min(numbered),
        "strategies": len(players),
        "left_out": left_out,
        **luck(tried, ground.width_ns, periods_of(rows)),
        "overfitting": overfitted(np.concatenate(alike)),
        "buy_and_hold": ground.held(),
        **ground.portfolio(numbered.index(best["trial"]), best),
        "leaderboard": board,
    }
    save_run(wanted.data_dir, KIND, min(numbered), told, ground.drawn)
    return told


def players_of(wanted: Wanted) -> tuple[list[Chosen], list[dict[str, str]]]:
    """Those that can play on all of these markets, by family; who cannot, and why."""
    each, able, left_out = [], [], []
    for name in known_strategies(wanted.strategies):
        try:
            each.append(chosen_of(replace(wanted, strategy=name, settings=())))
        except (BadStrategy, FormulaError) as refused:
            left_out.append({"strategy": name, "why": str(refused)})
    needy = [one for one in each if one.plan.form == "target" and any(map(reads_vwap, one.formulas))]
    plain = [market_of(one, needy) for one in each_market(wanted)]
    for one in each:
        try:
            for market in plain:
                own = market if one.plan.knows_itself else with_elsewhere(market, one.formulas)
                one.prepare(own.between(0, 1))
                refuse_untold(one.plan, own.columns)
        except (BadStrategy, BadTarget, FormulaError, LookupError) as refused:
            left_out.append({"strategy": one.name, "why": str(refused)})
        else:
            able.append(one)
    if not able:
        raise BadStrategy("no strategy can run on these bars: " + "; ".join(one["why"] for one in left_out[:3]))
    return sorted(able, key=lambda one: one.family), left_out


def refuse_untold(plan: Plan, columns: Mapping[str, np.ndarray]) -> None:
    """raises: BadStrategy for a column that is known at no bar: the strategy would stay flat, which is no result."""
    if isinstance(plan.wants, Code):
        return
    untold = sorted(name for name in plan.target.columns & columns.keys() if not np.isfinite(columns[name]).any())
    if untold:
        raise BadStrategy(f"{plan.name} reads {', '.join(untold)}, which nobody told of these bars: it would stay flat")


def _search(wanted: Wanted, family: str, players: Sequence[Chosen], snapshot: str) -> Search:
    return Search(
        kind=KIND,
        family=family,
        snapshot=snapshot,
        code=code_of(players),
        config=config_of(replace(wanted, strategy=EVERY), {}),
        seed=0,
        points={"strategy": [one.name for one in players]},
    )


def _after(progress: Progress, before: int, total: int) -> Progress:
    """Progress of one family within all."""
    return lambda _, done, __: progress("strategies", before + done, total)


def _remembered() -> ChangesOf:
    """`changes_together` that knows what it was asked before, by name: twins have the same changes, at other times."""
    known: dict[tuple[str, int], Changes] = {}

    def changes(points: Sequence[Chosen], market: Market) -> list[Changes]:
        new = [point for point in points if (point.name, id(market)) not in known]
        if new:
            keys = [(point.name, id(market)) for point in new]
            known.update(zip(keys, changes_together(new, market), strict=True))
        return [known[point.name, id(market)] for point in points]

    return changes


def _twins(ground: Ground, changes: ChangesOf, progress: Progress) -> np.ndarray:
    """PLAYED rows; zeros, which is no ratio, of a strategy that depends on what it holds."""
    rows = np.zeros(len(ground.points), PLAYED)
    rows["value"] = np.nan
    rows["summary"]["equity"] = ground.cash
    able = [at for at, one in enumerate(ground.points) if not one.plan.knows_itself]

    def turned(points: Sequence[Chosen], market: Market) -> list[Changes]:
        bars = len(market.bars)
        return [rolled(one, bars, bars // 2) for one in changes(points, market)]

    play = ground.player(able, turned)
    for part in parts_of(range(len(able)), ground.bars) if all(len(one.bars) > 1 for one in ground.markets) else ():
        rows[[able[at] for at in part]] = play(part).rows
        progress("null twins", part.stop, len(able))
    return rows


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
