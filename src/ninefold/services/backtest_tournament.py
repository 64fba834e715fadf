"""Every strategy there is on one market, each a counted trial of its family, and what the best is worth.

In:  what is asked, without a strategy. Out: a document: a leaderboard, best deflated Sharpe ratio first, with the null twin of
     each strategy in it, and who could not take part.

A null twin is the strategy with its signals turned around in time by half of the bars: it trades and holds as much, and its timing
can have no merit. Twins are no trials. The best is judged as the best of all trials of the ledger, whatever their family. Equal
parts of the formulas that are played together are computed once.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np

from ninefold.backtest.market_rules import Rules, numbers
from ninefold.backtest.moved import rolled
from ninefold.backtest.sweep import sweep_changes
from ninefold.backtest.target import BadTarget, Changes
from ninefold.formula.errors import FormulaError
from ninefold.services.backtest import held
from ninefold.services.backtest_bars import Market
from ninefold.services.backtest_outcome import PLAYED, played_together
from ninefold.services.backtest_report import earned, overfitted, times
from ninefold.services.backtest_search import Progress, looks_needed, parts_of, search_through
from ninefold.services.backtest_series import with_elsewhere
from ninefold.services.backtest_strategy import Chosen, changes_together
from ninefold.services.backtest_sweep import ChangesOf, judged, luck, player
from ninefold.services.backtest_wanted import (
    Wanted,
    check_holdout,
    chosen_of,
    code_of,
    config_of,
    market_of,
    rules_of,
    snapshot_of,
)
from ninefold.services.strategies import known_strategies
from ninefold.store.runs import save_run
from ninefold.store.trials import Search, Trials
from ninefold.strategy.parameters import BadStrategy

KIND = "tournament"
EVERY = "all"  # where other searches name their strategy


def tournament(wanted: Wanted, now_ns: int, progress: Progress) -> dict[str, Any]:
    """Run it as trials of the data dir's ledger; the same again goes on, or is read.

    wanted: its strategy is not read.
    raises: those of `backtest_wanted.REFUSED`.
    """
    players, market, left_out = players_of(wanted)
    rules = [rules_of(wanted, market, one) for one in players]
    families = {family: list(group) for family, group in groupby(range(len(players)), lambda at: players[at].family)}
    snapshot = snapshot_of(market)
    changes = _remembered()
    rows, first, alike = np.zeros(len(players), PLAYED), {}, []
    with closing(Trials(wanted.data_dir)) as trials:
        searches = {
            family: _search(wanted, family, [players[at] for at in places], snapshot)
            for family, places in families.items()
        }
        needed = sum(looks_needed(trials, search) for search in searches.values())
        look = wanted.look if check_holdout(wanted, market, trials, needed) else None
        for family, places in families.items():
            some = slice(places[0], places[-1] + 1)
            play = player(market, players[some], rules[some], wanted.width_ns, changes)
            parts = parts_of(range(len(places)), len(market.bars))
            seen = _after(progress, places[0], len(players))
            found = search_through(trials, searches[family], parts, play, seen, now_ns, look)
            rows[some], first[family] = found.rows, found.first
            alike.append(trials.returns(found.first))
        tried = trials.tried()
    twins = _twins(market, players, rules, changes, wanted.width_ns, progress)
    numbered = [first[family] + at for family, places in families.items() for at in range(len(places))]
    table = judged(np.concatenate([rows, twins]), tried, wanted.width_ns, market.bars.unit)
    board = _leaderboard(players, numbered, table)
    told = {
        "strategy": EVERY,
        "set": {},
        "timeframe": wanted.timeframe,
        "from": times(market.bars.open_ns[:1])[0],
        "to": times(market.bars.close_ns[-1:])[0],
        "bars": len(market.bars),
        "unknown_bars": int((~market.bars.known).sum()),
        "trial": min(numbered),
        "strategies": len(players),
        "left_out": left_out,
        **luck(tried, wanted.width_ns, len(market.bars)),
        "overfitting": overfitted(np.concatenate(alike)),
        "buy_and_hold": earned(held(market, rules[0]), wanted.width_ns, wanted.target_volatility),
        "leaderboard": board,
    }
    save_run(wanted.data_dir, KIND, min(numbered), told, market.bars)
    return told


def players_of(wanted: Wanted) -> tuple[list[Chosen], Market, list[dict[str, str]]]:
    """Those that can play on this market, by family; the market with all that they read; who cannot, and why."""
    plain = market_of(wanted, [])
    able, left_out = [], []
    for name in known_strategies(wanted.strategies):
        try:
            one = chosen_of(replace(wanted, strategy=name, settings=()))
            own = plain if one.plan.knows_itself else with_elsewhere(plain, one.formulas)
            one.prepare(own.between(0, 1))
        except (BadStrategy, BadTarget, FormulaError, LookupError) as refused:
            left_out.append({"strategy": name, "why": str(refused)})
        else:
            able.append(one)
    if not able:
        raise BadStrategy("no strategy can run on these bars: " + "; ".join(one["why"] for one in left_out[:3]))
    able.sort(key=lambda one: one.family)
    return able, market_of(wanted, able), left_out


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
    known: dict[str, Changes] = {}

    def changes(points: Sequence[Chosen], market: Market) -> list[Changes]:
        new = [point for point in points if point.name not in known]
        known.update(zip((point.name for point in new), changes_together(new, market), strict=True))
        return [known[point.name] for point in points]

    return changes


def _twins(
    market: Market,
    players: Sequence[Chosen],
    rules: Sequence[Rules],
    changes: ChangesOf,
    width_ns: int,
    progress: Progress,
) -> np.ndarray:
    """PLAYED rows; zeros, which is no ratio, of a strategy that depends on what it holds."""
    rows = np.zeros(len(players), PLAYED)
    rows["value"] = np.nan
    bars = market.bars
    cash = numbers(rules[0], bars.tick, bars.lot, bars.highest).cash
    rows["summary"]["equity"] = cash
    able = [at for at, one in enumerate(players) if not one.plan.knows_itself]
    for part in parts_of(range(len(able)), len(bars)) if len(bars) > 1 else ():
        for _, group in groupby((able[at] for at in part), lambda at: rules[at]):
            places = list(group)
            own = changes([players[at] for at in places], market)
            moved = [rolled(one, len(bars), len(bars) // 2) for one in own]
            made = sweep_changes(bars, moved, rules[places[0]], every=1)
            rows[places] = played_together(bars, made, cash, width_ns).rows
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
