"""Many instruments that take a bar together have the bits of each alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.formula import Evaluator, FormulaError, Scale, parse, update_all

from .market import SCALE, bars, bits, row, with_unknown

FORMULAS = (
    "where(close > sma(close, 3), 1, -1)",
    "where((close > sma(close, 5)) & ~(volume > 100), 1, 0)",
    "sma(close - open, 4) / close",
    "sign(ema(close, 4) - sma(close, 9)) * min(imbalance, 0.5)",
    "where(log(close / lag(close, 2)) > 0, sqrt(abs(imbalance)), 0.25)",
    "where(close > 60000, 1, 0)",
    "max(sma(close, 2) / close - 1, close / open - 1)",
)


@pytest.mark.parametrize("formula", FORMULAS)
def test_what_only_terms_without_a_memory_read_is_taken_from_the_bar_that_came(formula):
    market, plain, ready = bars(24), *(Evaluator([parse(formula)], SCALE) for _ in range(2))
    for at in range(24):
        ready.foresee(row(market, at) | {"imbalance": 0.125})
        np.testing.assert_array_equal(bits(ready.update(row(market, at))), bits(plain.update(row(market, at))))


@pytest.mark.slow
@given(st.sets(st.tuples(st.integers(0, 3), st.integers(0, 23)), max_size=6))
@settings(max_examples=8, deadline=None)
def test_instruments_that_take_their_bars_together_have_the_bits_of_each_alone(unknown):
    scales = [SCALE, Scale(price_decimals=4, size_decimals=1), SCALE, Scale(price_decimals=0, size_decimals=8)]
    markets = [
        with_unknown(bars(24, seed), *[at for of, at in unknown if of == number])
        for number, seed in enumerate((1, 2, 3, 4))
    ]
    terms = [parse(text) for text in FORMULAS]
    each, all_ = ([Evaluator(terms, scale) for scale in scales] for _ in range(2))
    for at in range(24):
        rows = [row(market, at) for market in markets]
        expected = np.array([one.update(bar) for one, bar in zip(each, rows, strict=True)])
        np.testing.assert_array_equal(bits(update_all(all_, rows)), bits(expected))
        np.testing.assert_array_equal(bits(np.array([one.latest for one in all_])), bits(expected))


def test_a_bar_that_lacks_a_column_is_named():
    evaluators = [Evaluator([parse("close > open")], SCALE) for _ in range(3)]
    with pytest.raises(FormulaError, match="'open'"):
        update_all(evaluators, [{"close": 1.0}] * 3)
