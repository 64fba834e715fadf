"""The probability of overfitting: by hand, against the slow obvious way, and on searches whose answer is known."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ninefold.backtest.statistics.overfitting import overfitting

pytestmark = pytest.mark.slow


def slowly(returns: np.ndarray, blocks: int) -> list[float]:
    """Logits, one way after the other, from the returns themselves."""
    found = []
    parts = np.split(returns[:, returns.shape[1] % blocks :], blocks, axis=1)
    for way in combinations(range(blocks), blocks // 2):
        there = np.hstack([parts[at] for at in way])
        rest = np.hstack([parts[at] for at in range(blocks) if at not in way])
        best = int(np.argmax([ratio(one) for one in there]))
        ratios = [ratio(one) for one in rest]
        rank = sum(one < ratios[best] for one in ratios) + (ratios.count(ratios[best]) + 1) / 2
        found.append(float(np.log(rank / (len(returns) + 1 - rank))))
    return found


def ratio(returns: np.ndarray) -> float:
    return float(returns.mean() / returns.std()) if returns.max() > returns.min() else 0.0


def test_two_trials_that_take_turns_by_hand():
    # each is best in one half and worst in the other: of 2 trials the chosen one has rank 1, log(1 / 2)
    good, bad = [2.0, 4.0], [-2.0, -4.0]
    found = overfitting(np.array([[*good, *good, *bad, *bad], [*bad, *bad, *good, *good]]), blocks=2)
    assert found.probability == 1.0 and found.loss == 1.0
    np.testing.assert_allclose(found.logits, np.log([0.5, 0.5]))


@settings(max_examples=40, deadline=None)
@given(
    arrays.arrays(
        np.float64, st.tuples(st.integers(2, 6), st.integers(12, 30)), elements=st.integers(-20, 20).map(float)
    )
)
def test_it_equals_the_slow_way(returns):
    returns = returns + np.random.default_rng(0).normal(size=returns.shape)  # no ties but true ones
    found = overfitting(returns, blocks=6)
    np.testing.assert_allclose(found.logits, slowly(returns, 6), atol=1e-12)
    assert found.probability == np.mean(np.array(slowly(returns, 6)) <= 0)


def test_luck_is_overfitted_half_of_the_time_and_an_edge_hardly_ever():
    rng = np.random.default_rng(2)
    noise = [overfitting(rng.normal(size=(30, 320)), blocks=8).probability for _ in range(60)]
    assert np.mean(noise) == pytest.approx(0.5, abs=0.08)
    edge = rng.normal(size=(30, 320))
    edge[4] += 0.5
    found = overfitting(edge, blocks=8)
    assert found.probability < 0.02 and found.loss < 0.02 and found.slope < 0


def test_trials_that_never_traded_are_no_winners():
    returns = np.zeros((3, 32))
    returns[1] = np.random.default_rng(1).normal(1.0, 0.1, size=32)
    assert overfitting(returns, blocks=4).probability == 0.0


@pytest.mark.parametrize(
    ("shape", "blocks", "told"),
    [
        ((2, 64), 5, "5 blocks cannot be halved"),
        ((1, 64), 4, "at least 2 trials"),
        ((2, 7), 4, "8 periods for 4 blocks"),
    ],
)
def test_what_cannot_be_halved_is_refused(shape, blocks, told):
    with pytest.raises(ValueError, match=told):
        overfitting(np.ones(shape), blocks)
