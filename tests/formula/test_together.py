"""What is computed together has the bits of what is computed alone: many instruments at one bar, many means of one series."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.formula import Evaluator, FormulaError, Scale, parse, update_all
from ninefold.formula.means import FEW, Means

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
LENGTHS = st.lists(st.integers(2, 16), min_size=FEW, max_size=FEW + 1, unique=True)
NUMBERS = st.floats(-1e9, 1e9) | st.integers(-(10**7), 10**7).map(float) | st.sampled_from([0.0, -0.0, math.nan, 1e308])


def alone(values: list[float], length: int) -> np.ndarray:
    """The mean by a stream of its own."""
    stream = Evaluator([parse(f"sma(close, {length})")], SCALE)
    return np.array([stream.update({"close": value})[0] for value in values])


def together(lengths: list[int]) -> Evaluator:
    made = Evaluator([parse(f"sma(close, {length})") for length in lengths], SCALE)
    assert [type(kernel) for kernel in made._kernels] == [Means]
    return made


@settings(max_examples=12)
@given(LENGTHS, st.lists(NUMBERS, max_size=40))
def test_means_of_one_series_have_the_bits_of_streams_one_by_one(lengths, values):
    stream = together(lengths)
    found = np.array([stream.update({"close": value}) for value in values]).reshape(len(values), len(lengths)).T
    for place, length in enumerate(lengths):
        np.testing.assert_array_equal(bits(found[place]), bits(alone(values, length)))


@settings(max_examples=12)
@given(LENGTHS, st.lists(NUMBERS, min_size=1, max_size=40), st.integers(0, 40), st.integers(0, 40))
def test_means_go_on_alike_from_bars_at_once_bars_one_by_one_and_a_copy(lengths, values, first, second):
    expected = np.array([alone(values, length) for length in lengths])
    taken = together(lengths)
    pieces = [taken.warm({"close": np.array(values[:first])})]
    pieces += [taken.update({"close": value})[:, None] for value in values[first:second]]
    taken = taken.copy()
    pieces.append(taken.warm({"close": np.array(values[max(first, second) :])}))
    np.testing.assert_array_equal(bits(np.concatenate(pieces, axis=1)), bits(expected))


@settings(max_examples=12)
@given(
    LENGTHS, st.lists(NUMBERS, max_size=20), st.lists(st.lists(NUMBERS, min_size=4, max_size=4), min_size=1, max_size=3)
)
def test_means_of_possible_futures_are_those_of_living_them(lengths, values, futures):
    stream = together(lengths)
    stream.warm({"close": np.array(values)})
    for place, length in enumerate(lengths):
        ahead = stream.ahead({"close": np.array(futures)}, place)
        lived = np.array([alone([*values, *future], length)[len(values) :] for future in futures])
        np.testing.assert_array_equal(bits(ahead), bits(lived))


def test_a_mean_is_what_it_is_by_hand():
    stream = together(list(range(2, 2 + FEW)))
    found = [stream.update({"close": close}).tolist() for close in (1.0, 2.0, 6.0)]
    assert found[2][:2] == [4.0, 3.0]  # (2 + 6) / 2, (1 + 2 + 6) / 3
    assert all(math.isnan(value) for value in [*found[0], *found[1][1:], *found[2][2:]])


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
