"""Statistics, regime and risk: worked by hand, and against numpy and pandas on made-up bars."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ninefold.formula import Evaluator, analogue_loop, batch, parse, rolling_loop
from ninefold.formula.kernels import Values
from ninefold.formula.rolling import RISK, STATISTICS
from ninefold.formula.rolling_kernel import Rolling
from ninefold.formula.rolling_loop import KINDS

from .market import SCALE, bars, bits, cut, row

NAN = np.nan


def of_close(text: str, *close: float) -> np.ndarray:
    return batch(parse(text), {"close": np.array(close, np.float64)}, SCALE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mean(close, 3)", [NAN, NAN, 4, 6]),
        ("std(close, 3)", [NAN, NAN, (8 / 3) ** 0.5, (8 / 3) ** 0.5]),
        ("variance(close, 3)", [NAN, NAN, 8 / 3, 8 / 3]),
        ("skew(close, 3)", [NAN, NAN, 0, 0]),
        ("kurtosis(close, 4)", [NAN, NAN, NAN, 41 / 25 - 3]),
        ("median(close, 2)", [NAN, 3, 5, 7]),
        ("quantile(close, 3, 0.25)", [NAN, NAN, 3, 5]),
        ("rank(close, 3)", [NAN, NAN, 1, 1]),
        ("argmin(close, 3)", [NAN, NAN, 2, 2]),
        ("argmax(close, 3)", [NAN, NAN, 0, 0]),
        ("covariance(close, -close, 3)", [NAN, NAN, -8 / 3, -8 / 3]),
        ("correlation(close, -close, 3)", [NAN, NAN, -1, -1]),
        ("slope(close, 3)", [NAN, NAN, 2, 2]),
        ("r2(close, 3)", [NAN, NAN, 1, 1]),
        ("autocorrelation(close, 3, 1)", [NAN, NAN, NAN, 1]),
        ("drawdown(-close + 0.1, 2)", [NAN, 1 / 4, 1 / 3, 1 / 2]),
        ("max_drawdown(-close + 0.1, 3)", [NAN, NAN, 1 / 2, 2 / 3]),
        ("time_under_water(-close + 0.1, 3)", [NAN, NAN, 2 / 3, 2 / 3]),
        ("value_at_risk(-close + 0.1, 2, 50)", [NAN, NAN, 7 / 24, 5 / 12]),
        ("expected_shortfall(-close + 0.1, 2, 50)", [NAN, NAN, 1 / 3, 1 / 2]),
    ],
)
def test_small_examples_worked_by_hand(text, expected):
    np.testing.assert_allclose(of_close(text, 2, 4, 6, 8), expected, rtol=1e-14)


def test_ranks_and_extremes_among_equals():
    np.testing.assert_array_equal(of_close("rank(close, 3)", 5, 5, 5, 7, 5), [NAN, NAN, 0.5, 1, 0.25])
    np.testing.assert_array_equal(of_close("argmax(close, 3)", 5, 5, 4, 4, 4), [NAN, NAN, 1, 2, 0])


def test_where_nothing_moved_there_is_no_shape_and_no_relation():
    for text in ("skew(close, 4)", "kurtosis(close, 4)", "r2(close, 4)", "autocorrelation(close, 4)"):
        assert np.isnan(of_close(text, 7, 7, 7, 7, 7)).all(), text
    assert of_close("slope(close, 4)", 7, 7, 7, 7)[-1] == of_close("std(close, 4)", 7, 7, 7, 7)[-1] == 0


def test_a_steady_climb_has_one_order_and_a_saw_has_two():
    assert of_close("permutation_entropy(close, 5)", 1, 2, 3, 4, 5)[-1] == 0
    saw = of_close("permutation_entropy(close, 6)", 1, 5, 2, 6, 3, 7)[-1]
    assert saw == pytest.approx(np.log(2) / np.log(6))


def test_a_trend_has_a_variance_ratio_above_one_and_a_saw_below():
    up_then_down = 100 * np.exp(np.cumsum(np.repeat([0.01, -0.01, 0.01, -0.01], 10)))
    assert of_close("variance_ratio(close, 38, 2)", *up_then_down)[-1] > 1.5
    saw = 100 * np.exp(np.tile([0.0, 0.01], 20))
    assert of_close("variance_ratio(close, 38, 2)", *saw)[-1] < 0.1


def test_volatility_from_the_range_worked_by_hand():
    columns = {
        "open": np.array([100.0]),
        "high": np.array([110.0]),
        "low": np.array([95.0]),
        "close": np.array([105.0]),
    }
    spread, body = np.log(110 / 95), np.log(105 / 100)
    assert batch(parse("parkinson(1)"), columns, SCALE)[0] == pytest.approx(spread / (4 * np.log(2)) ** 0.5)
    wanted = (spread**2 / 2 - (2 * np.log(2) - 1) * body**2) ** 0.5
    assert batch(parse("garman_klass(1)"), columns, SCALE)[0] == pytest.approx(wanted)


def test_illiquidity_counts_bars_with_trades_and_is_unknown_without_any():
    columns = {"close": np.array([100.0, 110, 110, 99, 99]), "volume": np.array([5.0, 2, 0, 4, 0])}
    found = batch(parse("amihud(2)"), columns, SCALE)
    np.testing.assert_allclose(found, [NAN, NAN, 0.1 / 220, 0.1 / 396, 0.1 / 396])
    assert str(parse("amihud(2)").unit) == "price^-1*size^-1"
    assert np.isnan(batch(parse("amihud(1)"), columns, SCALE)[2])


def test_roll_finds_the_spread_of_a_price_that_bounces_between_bid_and_ask():
    bounces = 1_000 + 4 * np.random.default_rng(5).integers(0, 2, 400)
    assert of_close("roll_spread(close, 390)", *bounces)[-1] == pytest.approx(4, rel=0.1)
    assert of_close("roll_spread(close, 6)", *range(1, 9))[-1] == 0


def test_they_equal_what_others_compute():
    columns = bars(130)
    close = pd.Series(columns["close"])
    window, n, at = close.rolling(30), 30, np.arange(30)
    excess = window.kurt() * (n - 2) * (n - 3) / (n - 1)  # both as estimates from a sample; ours describe the window
    against = {
        "std(close, 30)": window.std(ddof=0),
        "quantile(close, 30, 0.2)": window.quantile(0.2),
        "median(close, 30)": window.median(),
        "skew(close, 30)": window.skew() * (n - 2) / (n * (n - 1)) ** 0.5,
        "kurtosis(close, 30)": (excess - 6) / (n + 1),
        "rank(close, 30)": (window.rank() - 1) / 29,
        "correlation(close, volume, 30)": window.corr(pd.Series(columns["volume"])),
        "covariance(close, volume, 30)": window.cov(pd.Series(columns["volume"]), ddof=0),
        "slope(close, 30)": window.apply(lambda x: np.polyfit(at, x, 1)[0], raw=True),
        "r2(close, 30)": window.apply(lambda x: np.corrcoef(at, x)[0, 1] ** 2, raw=True),
        "autocorrelation(close, 28, 2)": window.apply(lambda x: np.corrcoef(x[2:], x[:-2])[0, 1], raw=True),
        "value_at_risk(close, 29, 5)": window.apply(lambda x: -np.quantile(x[1:] / x[:-1] - 1, 0.05), raw=True),
    }
    for text, wanted in against.items():
        np.testing.assert_allclose(batch(parse(text), columns, SCALE), wanted, rtol=1e-7, atol=1e-12, err_msg=text)


@pytest.mark.parametrize("function", [*STATISTICS, *RISK], ids=lambda function: function.name)
def test_any_window_of_bars_rebuilds_the_value_to_the_bit(function):
    series = ", ".join(("close", "volume")[: len(function.series)])
    term = parse(f"{function.name}({series + ', ' if series else ''}9)")
    columns = bars(80)
    whole = batch(term, columns, SCALE)
    for end in (40, 61, 80):
        again = batch(term, cut(columns, end - term.warm_up - 1, end), SCALE)
        assert bits(again)[-1] == bits(whole)[end - 1]


def test_every_compiled_statistic_has_a_line_and_the_other_way_round():
    assert sorted(KINDS) == sorted(function.name for function in (*STATISTICS, *RISK))


finite = arrays.arrays(np.float64, 30, elements=st.floats(-1e300, 1e300, allow_nan=False))


@given(finite, finite, st.sampled_from(KINDS), st.integers(0, 30))
@settings(max_examples=150, deadline=None)
@pytest.mark.slow
def test_any_numbers_give_the_same_bits_one_at_a_time_at_once_and_through_a_pickle(x, y, kind, stop):
    number = {"quantile": 0.3, "autocorrelation": 1, "variance_ratio": 2}.get(kind, 10.0)
    series = [x, y, np.abs(y), x]
    whole, stream = Rolling((0, 1, 2, 3), 4, kind, 6, number), Rolling((0, 1, 2, 3), 4, kind, 6, number)
    at_once = [*series, np.empty(0)]
    whole.run(at_once)
    found: Values = []
    for at in range(30):
        stream = pickle.loads(pickle.dumps(stream)) if at == stop else stream
        values: Values = [*(float(one[at]) for one in series), NAN]
        stream.step(values)
        found.append(values[4])
    np.testing.assert_array_equal(bits(np.array(found)), bits(at_once[4]))
    assert not np.isinf(found).any()


def test_what_is_warmed_is_all_that_is_needed():
    for loop in (rolling_loop, analogue_loop):
        loop.warm()
        compiled = [len(function.signatures) for function in (loop.push, loop.over)]
        columns = bars(120)
        terms = [parse(text) for text in ("rank(close, 9)", "garman_klass(5)", "analogue_return(close, 5, 10, 3)")]
        evaluator = Evaluator(terms, SCALE)
        evaluator.warm(columns)
        evaluator.update(row(columns, 0))
        evaluator.ahead({name: values[None, :5] for name, values in columns.items()}, 1)
        assert [len(function.signatures) for function in (loop.push, loop.over)] == compiled == [1, 1]
