"""One back-test of a strategy with legs: several instruments on one account.

In:  what is asked, in the words of the command, with a file or an instrument for each leg, in the order of the legs.
Out: a document in the form of `services.backtest`, each trade with its leg, and what could not be filled with the others.

`legs_ready` says what is wanted of each leg.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

import numpy as np

from ninefold.backtest.bars import UNKNOWN
from ninefold.backtest.moved import later_changes, rolled
from ninefold.backtest.portfolio import PortfolioResult
from ninefold.services.backtest_completeness import COMPLETENESS, completeness_of_markets
from ninefold.services.backtest_config import config_of
from ninefold.services.backtest_outcome import Played, played
from ninefold.services.backtest_report import Judging, fee_tier, judged, quote, times, trades_told
from ninefold.services.backtest_sensitivity import Again, sensitivity, spread_of
from ninefold.services.backtest_strategy import Chosen
from ninefold.services.backtest_wanted import Wanted, check_holdout
from ninefold.services.legs_ready import Ready, ready_each, snapshot_of_legs
from ninefold.store.runs import save_run
from ninefold.store.trials import Search, Trials

KIND = "backtest"  # as one of a single instrument


def backtest_legs(wanted: Wanted, chosen: Chosen, now_ns: int) -> dict[str, Any]:
    """Run it as a trial of the data dir's ledger. returns and raises: as `services.backtest.backtest`."""
    [ready] = ready_each(wanted, [chosen])
    with closing(Trials(wanted.data_dir)) as trials:
        look = check_holdout(wanted, ready.first, trials)
        trial = trials.begin(_search(wanted, ready), now_ns)
        if look:
            trials.look(trial, str(wanted.look), now_ns)
        result, found = played_once(wanted, ready)
        trials.finish(trial, found.outcome)
        family = chosen.family
        judging = Judging(trial, trials.tried(family), trials.alike(family, found.outcome.compact))
    told = document(wanted, ready, result, found, judging)
    save_run(wanted.data_dir, KIND, trial, told, ready.first.bars)
    return told


def played_once(wanted: Wanted, ready: Ready) -> tuple[PortfolioResult, Played]:
    result = ready.play(ready.rules)
    return result, played(result, wanted.width_ns)


def about(wanted: Wanted, ready: Ready) -> dict[str, Any]:
    """From when to when, of how many bars, and how complete they are."""
    bars = ready.first.bars
    return {
        "timeframe": wanted.timeframe,
        "from": times(bars.open_ns[:1])[0],
        "to": times(bars.close_ns[-1:])[0],
        "bars": len(bars),
        "unknown_bars": int(sum((~market.bars.known).sum() for market in ready.markets.values())),
        COMPLETENESS: completeness_of_markets(wanted.data_dir, [*ready.markets.values()]),
    }


def document(wanted: Wanted, ready: Ready, result: PortfolioResult, found: Played, judging: Judging) -> dict[str, Any]:
    open_trades = _trades_told(result, result.open_trades)
    spread = max(spread_of(market, wanted.spread_ticks) for market in ready.markets.values())
    close = np.exp(np.mean([np.log(market.bars.close) for market in ready.markets.values()], axis=0))
    return {
        "strategy": ready.chosen.name,
        "set": ready.chosen.parameters,
        "legs": dict(ready.named),
        "filled": ready.legs.filled,
        **about(wanted, ready),
        **judged(result, ready.held(), found, judging, wanted.width_ns, wanted.target_volatility),
        "fee_tier": fee_tier(result),
        "sensitivity": sensitivity(result, _played_again(ready), close, spread, wanted.width_ns),
        "unfilled": _unfilled(ready, result),
        "open_trade": next(iter(open_trades), None),
        "open_trades": open_trades,
        "trades": _trades_told(result, result.trades),
        "equity_curve": np.asarray(quote(result.equity, result.unit)).tolist(),
    }


def _played_again(ready: Ready) -> Again:
    bars = len(ready.first.bars)

    def shifted(shifts: Sequence[int], every: int) -> np.ndarray:
        rows = np.arange(bars - 1, -1, -every)[::-1]
        moves = [lambda one: one, *((lambda one, by=by: rolled(one, bars, by)) for by in shifts)]
        return np.array([ready.play(ready.rules, move).equity[rows] for move in moves])

    return Again(ready.play, lambda: ready.play(ready.rules, lambda one: later_changes(one, bars)), shifted)


def _unfilled(ready: Ready, result: PortfolioResult) -> list[dict[str, str]]:
    """What could not be filled with the others, when, and why."""
    found = []
    for row, of in result.unfilled[["bar", "instrument"]].tolist():
        leg = result.names[of]
        bars = ready.markets[leg].bars
        volume = int(bars.volume[row])
        why = (
            "its bar is unknown"
            if volume == UNKNOWN
            else "no trades in its bar"
            if not volume
            else "below the least order"
        )
        found.append({"time": times(bars.open_ns[row : row + 1])[0], "leg": leg, "why": why})
    return found


def _trades_told(result: PortfolioResult, rows: np.ndarray) -> list[dict[str, Any]]:
    """By the time at which they began."""
    told = []
    for of, (leg, bars) in enumerate(result.bars.items()):
        told += [{"leg": leg, **row} for row in trades_told(bars, result.unit, rows[rows["instrument"] == of])]
    return sorted(told, key=lambda row: str(row["entry_time"]))


def _search(wanted: Wanted, ready: Ready) -> Search:
    return Search(
        kind=KIND,
        family=ready.chosen.family,
        snapshot=snapshot_of_legs(ready.markets, [ready.chosen]),
        code=ready.chosen.code,
        config=config_of(wanted, ready.chosen.parameters),
        seed=0,
    )
