"""The one function that takes a bar through a whole plan does what the steps of its kernels do one after the other."""

import gc
import weakref

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ninefold.formula import Evaluator, parse
from ninefold.formula.evaluate import batch
from ninefold.formula.fused import fused

from .market import SCALE, bars, bits, row

FORMULAS = (
    *(
        "sma(close, 2)",
        "ema(close, 6)",
        "macd_hist(close, 2, 4, 2)",
        "bbands_upper(close, 5, 2, 2)",
        "cdldoji()",
        "obv(close)",
    ),
    *(
        "atr(3)",
        "supertrend_direction(3, 2)",
        "stoch_d(3, 2, 2)",
        "mfi(4)",
        "sma(volume, 3)",
        "rank(close, 4)",
        "lag(volume, 2)",
    ),
    *(
        "where(close > sma(close, 4), rsi(sma(close, 2), 3), 1)",
        "ema(high - low, 3) / close",
        "exp(imbalance * 1000)",
        "cosh(imbalance * 1000)",
        "-cdldoji()",
    ),
)
TERMS = [parse(text) for text in FORMULAS]
COUNT = 40


@given(
    st.sets(st.tuples(st.sampled_from(("close", "volume", "imbalance", "high")), st.integers(0, COUNT - 1)), max_size=5)
)
def test_terms_with_gaps_of_their_own_have_the_bits_of_each_alone_in_a_batch(gaps):
    market = bars(COUNT)
    for name, at in gaps:
        market[name][at] = np.nan
    together = Evaluator(TERMS, SCALE)
    found = np.array([together.update(row(market, at)) for at in range(COUNT)]).T
    for term, values in zip(TERMS, found, strict=True):
        np.testing.assert_array_equal(bits(values), bits(batch(term, market, SCALE)), err_msg=str(term))


def test_plans_that_are_alike_share_the_code_and_nothing_else():
    one, other = (Evaluator([parse(f"sma(close, {bars})")], SCALE) for bars in (2, 3))
    steps = [fused(evaluator._kernels) for evaluator in (one, other)]
    assert steps[0].__code__ is steps[1].__code__
    values = {2: [1.0, np.nan], 3: [1.0, np.nan]}
    for x in (1.0, 3.0, 5.0):
        for step, kept in zip(steps, values.values(), strict=True):
            kept[0] = x
            step(kept)
    assert values == {2: [5.0, 4.0], 3: [5.0, 3.0]}


def test_an_evaluator_that_is_let_go_is_gone_at_once():
    """Thousands of streams in C that wait for a look through all memory would be memory for as long."""
    evaluator = Evaluator(TERMS, SCALE)
    for at in range(COUNT):
        evaluator.update(row(bars(COUNT), at))
    kernel = weakref.ref(evaluator._kernels[0])
    gc.disable()
    try:
        del evaluator
        assert kernel() is None
    finally:
        gc.enable()
