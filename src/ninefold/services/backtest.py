"""One back-test as people ask for it: read, count, run, judge.

In:  what is asked, in the words of the command. Out: a document with what was found, ready for JSON.

The trial is counted before it runs; what cannot run at all (bars, rules, parameters that are refused) is no trial. Orders fill
at the open of the next bar with trades. Spot is not sold short: a target below 0 is flat there.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ninefold.backtest.exact import ONE
from ninefold.backtest.market_rules import EquityShare, FixedSize, Rules
from ninefold.backtest.result import Result
from ninefold.backtest.run import run
from ninefold.backtest.target import Changes
from ninefold.services.backtest_bars import Market
from ninefold.services.backtest_completeness import COMPLETENESS, completeness_of_markets
from ninefold.services.backtest_config import config_of
from ninefold.services.backtest_outcome import Played, played
from ninefold.services.backtest_report import Judging, fee_tier, judged, quote, times, trades_told
from ninefold.services.backtest_sensitivity import again, sensitivity, spread_of
from ninefold.services.backtest_strategy import Chosen
from ninefold.services.backtest_wanted import (
    Wanted,
    check_holdout,
    chosen_of,
    market_of,
    rules_of,
    snapshot_of,
)
from ninefold.services.lazily import lazily
from ninefold.store.runs import save_run
from ninefold.store.trials import Search, Trials
from ninefold.strategy.forms import Legs

if TYPE_CHECKING:
    from ninefold.services import backtest_legs
else:
    backtest_legs = lazily("ninefold.services.backtest_legs")  # most strategies have none

KIND = "backtest"


class Ready(NamedTuple):
    """All that a run takes; what would be refused has been. changes: of the target; None if it depends on what is held."""

    chosen: Chosen
    market: Market
    rules: Rules
    changes: Changes | None
    play: Callable[[Rules], Result]


def backtest(wanted: Wanted, now_ns: int) -> dict[str, Any]:
    """Run it as a trial of the data dir's ledger.

    returns: amounts in quote, times as ISO 8601 in UTC; NaN is what cannot be known. docs/backtest.md names the keys.
    raises:  those of `backtest_wanted.REFUSED`.
    """
    chosen = chosen_of(wanted)
    if isinstance(chosen.plan.wants, Legs):
        return backtest_legs.backtest_legs(wanted, chosen, now_ns)
    ready = made_ready(wanted, chosen)
    with closing(Trials(wanted.data_dir)) as trials:
        look = check_holdout(wanted, ready.market, trials)
        trial = trials.begin(search_of(wanted, ready.chosen, snapshot_of(ready.market, [chosen])), now_ns)
        if look:
            trials.look(trial, str(wanted.look), now_ns)
        result, found = played_once(wanted, ready)
        trials.finish(trial, found.outcome)
        family = ready.chosen.family
        judging = Judging(trial, trials.tried(family), trials.alike(family, found.outcome.compact))
    told = document(wanted, ready, result, found, judging)
    told[COMPLETENESS] = completeness_of_markets(wanted.data_dir, [ready.market])
    save_run(wanted.data_dir, KIND, trial, told, ready.market.bars)
    return told


def made_ready(wanted: Wanted, chosen: Chosen) -> Ready:
    market = market_of(wanted, [chosen])
    rules = rules_of(wanted, market, chosen)
    if chosen.plan.knows_itself:
        return Ready(chosen, market, rules, None, chosen.prepare(market))
    changes = chosen.changes(market)
    return Ready(chosen, market, rules, changes, lambda rules: run(market.bars, changes, rules, market.funding))


def played_once(wanted: Wanted, ready: Ready) -> tuple[Result, Played]:
    result = ready.play(ready.rules)
    return result, played(result, wanted.width_ns)


def held(market: Market, rules: Rules) -> Result:
    """Buy and hold with the same money, fees and slippage, without exits and leverage."""
    sizing = rules.sizing if isinstance(rules.sizing, FixedSize) else EquityShare()
    forever = Rules(rules.cash, sizing, rules.fees, rules.slippage)
    return run(market.bars, Changes(np.zeros(1, np.int64), np.full(1, ONE)), forever)


def document(wanted: Wanted, ready: Ready, result: Result, found: Played, judging: Judging) -> dict[str, Any]:
    bars, market = result.bars, ready.market
    hold, width_ns = held(market, ready.rules), wanted.width_ns
    more, spread = again(market, ready.rules, ready.play, ready.changes), spread_of(market, wanted.spread_ticks)
    return {
        "strategy": ready.chosen.name,
        "set": ready.chosen.parameters,
        "timeframe": wanted.timeframe,
        "from": times(bars.open_ns[:1])[0],
        "to": times(bars.close_ns[-1:])[0],
        "bars": len(bars),
        "unknown_bars": int((~bars.known).sum()),
        **judged(result, hold, found, judging, width_ns, wanted.target_volatility),
        "fee_tier": fee_tier(result),
        "sensitivity": sensitivity(result, more, bars.close, spread, width_ns),
        "open_trade": next(iter(trades_told(bars, bars.unit, result.open_trade)), None),
        "trades": trades_told(bars, bars.unit, result.trades),
        "equity_curve": np.asarray(quote(result.equity, bars.unit)).tolist(),
    }


def search_of(wanted: Wanted, chosen: Chosen, snapshot: str) -> Search:
    """config: the options of the command, as texts, and all parameters; it runs the trial again."""
    return Search(
        kind=KIND,
        family=chosen.family,
        snapshot=snapshot,
        code=chosen.code,
        config=config_of(wanted, chosen.parameters),
        seed=0,
    )
