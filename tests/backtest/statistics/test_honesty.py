"""Deflation on markets whose truth is known, in short; `python -m bench.research.honesty` is the long form."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.research.honesty import (
    BARS,
    KINDS,
    TRIALS,
    YEAR,
    crossings,
    independent,
    judge,
    noise_returns,
    with_edge,
    worth_of,
)
from ninefold.backtest.statistics.sharpe import sharpes

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent.parent.parent


def test_noise_has_no_edge_and_a_planted_edge_is_as_large_as_it_says():
    rng = np.random.default_rng(1)
    ratios = []
    for _ in range(40):
        returns = noise_returns(rng)
        ratios.append(sharpes(np.vstack([returns, with_edge(returns, 4.0, rng)])) * YEAR**0.5)
    luck, planted = np.mean(ratios, axis=0)
    assert luck == pytest.approx(0.0, abs=0.35) and planted == pytest.approx(4.0, abs=0.35)


def test_crossings_hold_what_was_decided_before():
    rng = np.random.default_rng(2)
    returns = noise_returns(rng)
    later = returns.copy()
    later[-1] *= -1
    changed, same = crossings(later), crossings(returns)
    np.testing.assert_array_equal(changed[:, :-1], same[:, :-1])
    np.testing.assert_array_equal(changed[:, -1], -same[:, -1])


@pytest.mark.parametrize("kind", KINDS)
def test_luck_is_called_luck_and_an_edge_of_four_is_found(kind):
    rng = np.random.default_rng(3)
    called = found = 0
    for _ in range(3):
        returns = noise_returns(rng)
        trials = crossings(returns) if kind == "crossings" else independent(returns, rng)
        assert trials.shape == (TRIALS, BARS)
        called += judge(trials, sharpes(trials), worth_of(trials)).significant
        trials[17] = with_edge(returns, 4.0, rng)
        judged = judge(trials, sharpes(trials), worth_of(trials))
        found += judged.significant and judged.best == 17
    assert called <= 1 and found >= 2


@pytest.mark.torture
def test_the_long_form_keeps_its_word():
    done = subprocess.run([sys.executable, "-m", "bench.research.honesty"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
