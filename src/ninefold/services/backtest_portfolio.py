"""One strategy with one setting on several instruments, judged as one portfolio over time.

In:  what is asked, of several markets. Out: a document as `backtest` gives it, of the portfolio, with a row an instrument.

It is one trial: what counts as evidence is the one series of returns, not how many instruments it was drawn from.
"""

from __future__ import annotations

from contextlib import closing
from typing import Any

from ninefold.backtest.statistics.verdict import verdict
from ninefold.services.backtest import KIND, search_of
from ninefold.services.backtest_ground import ground_of
from ninefold.services.backtest_legs import backtest_legs
from ninefold.services.backtest_portfolio_sensitivity import portfolio_sensitivity
from ninefold.services.backtest_report import overfitted, quote, sharpe_interval
from ninefold.services.backtest_wanted import Wanted, chosen_of
from ninefold.store.runs import save_run
from ninefold.store.trials import Trials
from ninefold.strategy.forms import Legs


def portfolio(wanted: Wanted, now_ns: int) -> dict[str, Any]:
    """Run it as one trial of the data dir's ledger. A strategy with legs is no portfolio: its legs share one account.

    returns: docs/backtest.md names the keys.
    raises:  those of `backtest_wanted.REFUSED`.
    """
    chosen = chosen_of(wanted)
    if isinstance(chosen.plan.wants, Legs):
        return backtest_legs(wanted, chosen, now_ns)
    ground = ground_of(wanted, [chosen])
    with closing(Trials(wanted.data_dir)) as trials:
        look = ground.looks(trials, 1)
        trial = trials.begin(search_of(wanted, chosen, ground.snapshot), now_ns)
        if look:
            trials.look(trial, str(wanted.look), now_ns)
        found = ground.player([0])(range(1))
        trials.finish(trial, found.outcome)
        tried = trials.tried(chosen.family)
        alike = trials.alike(chosen.family, found.outcome.compact)
    close_ns, returns = ground.returns(0)
    judged = verdict(returns, ground.width_ns, tried.trials, tried.effective, tried.variance)._asdict()
    drawn = ground.drawn
    [summary] = found.rows["summary"]
    told = {
        "strategy": chosen.name,
        "set": chosen.parameters,
        **ground.about(),
        "trial": trial,
        **ground.told_of(close_ns, returns),
        **judged,
        "sharpe_interval": sharpe_interval(found.outcome.compact),
        "overfitting": overfitted(alike),
        **{name: quote(int(summary[name]), ground.unit) for name in ("fees", "slippage", "funding")},
        "buy_and_hold": ground.held(),
        **ground.portfolio(0, judged),
        "sensitivity": portfolio_sensitivity(ground, close_ns, returns),
        "equity_curve": ground.curve(drawn, close_ns, returns),
    }
    save_run(wanted.data_dir, KIND, trial, told, drawn)
    return told
