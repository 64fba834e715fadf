"""One back-test of a strategy with legs: several instruments on one account.

In:  what is asked, in the words of the command, with a file or an instrument for each leg, in the order of the legs.
Out: a document in the form of `services.backtest`, each trade with its leg, and what could not be filled with the others.

Legs are cut to the times that all of them have. Without a size, +1 of a leg is the equity (times the leverage) over the number of
legs. Where the target of any leg is unknown, all are flat: half a position is another strategy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np

from ninefold.backtest.bars import UNKNOWN
from ninefold.backtest.exact import ONE, exact
from ninefold.backtest.legs import Together
from ninefold.backtest.market_rules import EquityShare, FixedSize, Rules, refuse_tiers
from ninefold.backtest.moved import later_changes, rolled
from ninefold.backtest.portfolio import PortfolioResult, run_together
from ninefold.backtest.stateful import check_read
from ninefold.backtest.target import Changes, changes_of_target
from ninefold.formula import Evaluator, Term
from ninefold.services.backtest_bars import Market
from ninefold.services.backtest_completeness import COMPLETENESS, completeness_of_markets
from ninefold.services.backtest_config import config_of
from ninefold.services.backtest_legs_bars import leg_markets, legs_named
from ninefold.services.backtest_outcome import Played, played
from ninefold.services.backtest_report import Judging, judged, quote, times, trades_told
from ninefold.services.backtest_sensitivity import Again, sensitivity, spread_of
from ninefold.services.backtest_series import with_elsewhere
from ninefold.services.backtest_strategy import Chosen
from ninefold.services.backtest_wanted import (
    BadBacktest,
    Wanted,
    check_holdout,
    rules_of,
    snapshot_of,
)
from ninefold.store.runs import save_run
from ninefold.store.trials import Search, Trials
from ninefold.strategy.forms import UNWIND, Legs
from ninefold.strategy.plan import targets

KIND = "backtest"  # as one of a single instrument


class Ready(NamedTuple):
    """All that a run takes; what would be refused has been. named: what each leg is. changes: of its target."""

    chosen: Chosen
    legs: Legs
    named: Mapping[str, str]
    markets: Mapping[str, Market]
    rules: Rules
    changes: Mapping[str, Changes]

    @property
    def first(self) -> Market:
        return next(iter(self.markets.values()))

    def play(self, rules: Rules, move: Callable[[Changes], Changes] = lambda one: one) -> PortfolioResult:
        """Under these rules, with the changes of all targets moved."""
        return run_together(
            {leg: market.bars for leg, market in self.markets.items()},
            {leg: move(changes) for leg, changes in self.changes.items()},
            rules,
            together=Together.UNWIND if self.legs.filled == UNWIND else Together.WAIT,
            least={leg: market.least_value for leg, market in self.markets.items()},
        )


def backtest_legs(wanted: Wanted, chosen: Chosen, now_ns: int) -> dict[str, Any]:
    """Run it as a trial of the data dir's ledger. returns and raises: as `services.backtest.backtest`."""
    ready = made_ready(wanted, chosen)
    with closing(Trials(wanted.data_dir)) as trials:
        look = check_holdout(wanted, ready.first, trials)
        trial = trials.begin(_search(wanted, ready), now_ns)
        if look:
            trials.look(trial, str(wanted.look), now_ns)
        result, found = played_once(wanted, ready)
        trials.finish(trial, found.outcome)
        family = chosen.family
        judging = Judging(trial, trials.tried(family), trials.alike(family, found.outcome.compact))
    told = _document(wanted, ready, result, found, judging)
    save_run(wanted.data_dir, KIND, trial, told, ready.first.bars)
    return told


def made_ready(wanted: Wanted, chosen: Chosen) -> Ready:
    """raises: BadBacktest, BadBars, BadRules, BadStrategy and what reading the bars raises."""
    legs = chosen.plan.wants
    if not isinstance(legs, Legs):
        raise BadBacktest(f"{chosen.name} has no legs")
    named = legs_named(wanted, legs, chosen.name)
    markets = leg_markets(wanted, legs, named, chosen.name)
    changes = _changes(chosen, legs, markets)
    for leg, market in markets.items():
        if market.spot and (changes[leg].to < 0).any():
            raise BadBacktest(
                f"leg {leg} is {named[leg]}, a spot market, and {chosen.name} wants it short, which spot is not; give a perpetual, or "
                "say --short if the files are of perpetuals"
            )
    rules = rules_of(wanted, next(iter(markets.values())), chosen)
    refuse_tiers(rules, "for legs, which share one account")
    if isinstance(rules.sizing, EquityShare):
        rules = replace(
            rules, sizing=EquityShare(Fraction(int(exact(wanted.leverage, "leverage") * ONE) // len(markets), ONE))
        )
    return Ready(chosen, legs, named, markets, rules, changes)


def played_once(wanted: Wanted, ready: Ready) -> tuple[PortfolioResult, Played]:
    result = ready.play(ready.rules)
    return result, played(result, wanted.width_ns)


def again(wanted: Wanted, chosen: Chosen) -> tuple[str, str, bytes, dict[str, Any]]:
    """Of a counted trial: identity of data and code, the digest of the result, how complete what it read is; nothing is counted."""
    ready = made_ready(wanted, chosen)
    _, found = played_once(wanted, ready)
    complete = completeness_of_markets(wanted.data_dir, [*ready.markets.values()])
    return _snapshot(ready), chosen.code, found.outcome.digests[0], complete


def _snapshot(ready: Ready) -> str:
    """Identity of the data of all legs."""
    each = [f"{leg} {snapshot_of(market)}" for leg, market in ready.markets.items()]
    return blake2b(" ".join(each).encode(), digest_size=16).hexdigest()


def _changes(chosen: Chosen, legs: Legs, markets: Mapping[str, Market]) -> dict[str, Changes]:
    first = next(iter(markets.values()))
    side = np.ones(len(first.bars)) if legs.side is None else targets(_values(chosen, legs.side, first))
    wanted = {leg: targets(_values(chosen, term, markets[leg]) * side) for leg, term in legs.weights}
    unknown = np.isnan(np.array(list(wanted.values()))).any(axis=0)
    return {leg: changes_of_target(np.where(unknown, np.nan, target), len(side)) for leg, target in wanted.items()}


def _values(chosen: Chosen, term: Term, market: Market) -> np.ndarray:
    read = with_elsewhere(market, [term])
    check_read(chosen.plan, term.columns, read.columns)
    found: np.ndarray = Evaluator([term], market.scale).warm(read.columns)[0]
    return found


def _document(wanted: Wanted, ready: Ready, result: PortfolioResult, found: Played, judging: Judging) -> dict[str, Any]:
    open_trades = _trades_told(result, result.open_trades)
    spread = max(spread_of(market, wanted.spread_ticks) for market in ready.markets.values())
    close = np.exp(np.mean([np.log(market.bars.close) for market in ready.markets.values()], axis=0))
    return {
        "strategy": ready.chosen.name,
        "set": ready.chosen.parameters,
        "legs": dict(ready.named),
        "filled": ready.legs.filled,
        "timeframe": wanted.timeframe,
        "from": times(ready.first.bars.open_ns[:1])[0],
        "to": times(ready.first.bars.close_ns[-1:])[0],
        "bars": len(ready.first.bars),
        "unknown_bars": int(sum((~market.bars.known).sum() for market in ready.markets.values())),
        COMPLETENESS: completeness_of_markets(wanted.data_dir, [*ready.markets.values()]),
        **judged(result, _held(ready), found, judging, wanted.width_ns, wanted.target_volatility),
        "sensitivity": sensitivity(result, _played_again(ready), close, spread, wanted.width_ns),
        "unfilled": _unfilled(ready, result),
        "open_trade": next(iter(open_trades), None),
        "open_trades": open_trades,
        "trades": _trades_told(result, result.trades),
        "equity_curve": np.asarray(quote(result.equity, result.unit)).tolist(),
    }


def _held(ready: Ready) -> PortfolioResult:
    """All legs bought in equal parts, with the same money, fees and slippage."""
    sizing = (
        ready.rules.sizing
        if isinstance(ready.rules.sizing, FixedSize)
        else EquityShare(Fraction(ONE // len(ready.markets), ONE))
    )
    rules = Rules(ready.rules.cash, sizing, ready.rules.fees, ready.rules.slippage)
    forever = Changes(np.zeros(1, np.int64), np.full(1, ONE))
    bars = {leg: market.bars for leg, market in ready.markets.items()}
    return run_together(bars, dict.fromkeys(bars, forever), rules, together=Together.ALONE)


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
        snapshot=_snapshot(ready),
        code=ready.chosen.code,
        config=config_of(wanted, ready.chosen.parameters),
        seed=0,
    )
