"""The verdict puts the numbers of one result together: in years, and deflated by what the ledger counted."""

import math

import numpy as np
import pytest

from ninefold.backtest.statistics.deflated import deflated_sharpe, familywise_p, power
from ninefold.backtest.statistics.sharpe import YEAR_NS, minimum_track_record, sharpe
from ninefold.backtest.statistics.verdict import verdict

pytestmark = pytest.mark.slow

MONTH_NS = YEAR_NS // 12
RETURNS = np.random.default_rng(3).normal(0.02, 0.05, 60)


def test_years_and_months_fit_together():
    own = sharpe(RETURNS)
    found = verdict(RETURNS, MONTH_NS, trials=40, effective=10, variance=0.6)
    assert found.sharpe == pytest.approx(own.value * 12**0.5) and found.sharpe_error == pytest.approx(
        own.error * 12**0.5
    )
    assert found.minimum_track_record_years == pytest.approx(minimum_track_record(own) / 12)
    assert found.deflated_sharpe == pytest.approx(deflated_sharpe(own, 10, 0.05))
    assert found.familywise_p == pytest.approx(familywise_p(own, 20))
    assert found.power == pytest.approx(power(1 / 12**0.5, 60, 20))
    assert (found.trials, found.effective_trials) == (40, 10)


def test_without_other_trials_luck_alone_scatters():
    found = verdict(RETURNS, MONTH_NS, trials=5, effective=5, variance=math.nan)
    assert found.deflated_sharpe == pytest.approx(deflated_sharpe(sharpe(RETURNS), 5, 1 / 60))
    alone = verdict(RETURNS, MONTH_NS, trials=1, effective=1, variance=math.nan)
    assert alone.deflated_sharpe == alone.probabilistic_sharpe and alone.expected_best_by_luck == 0.0


def test_a_strategy_that_never_traded_has_no_verdict():
    found = verdict(np.zeros(30), MONTH_NS, trials=3, effective=3, variance=0.5)
    assert math.isnan(found.sharpe) and math.isnan(found.deflated_sharpe) and math.isnan(found.familywise_p)
    assert math.isnan(verdict([], MONTH_NS, 1, 1, math.nan).power)
