"""Building, writing and reading formulas; units; literals; what is refused and what is then said."""

import numpy as np
import pytest

from ninefold.formula import PRICE, RATIO, Column, Evaluator, FormulaError, Scale, batch, call, parse, to_quote

from .market import SCALE, bars

CLOSE, OPEN, VOLUME = Column("close"), Column("open"), Column("volume")


def test_python_operators_and_text_build_the_same_term():
    built = (call("sma", CLOSE, 10) > call("sma", CLOSE, 30)) & ~(CLOSE - OPEN < 5) | (VOLUME / 2 >= 1.5)
    assert built == parse("(sma(close, 10) > sma(close, 30)) & ~(close - open < 5) | (volume / 2 >= 1.5)")
    assert str(built) == "(sma(close, 10) > sma(close, 30)) & ~(close - open < 5) | (volume / 2 >= 1.5)"
    assert abs(1 - CLOSE / OPEN) == parse("abs(1 - close / open)")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("close-(open-low)", "close - (open - low)"),
        ("(close-open)-low", "close - open - low"),
        ("close/(open/low)", "close / (open / low)"),
        ("-(close-open)*2", "-(close - open) * 2"),
        ("(close > open) and not (high > 5) or low < 3", "(close > open) & ~(high > 5) | (low < 3)"),
        ("rsi(close)", "rsi(close, 14)"),
        ("macd(close, signalperiod=5)", "macd(close, 12, 26, 5)"),
        ("close * 1e22 + close * -0.5", "close * 1e+22 + close * -0.5"),
        ("close > 2 * 3 + 1", "close > 7"),
        ("where(close > open, 1, -1)", "where(close > open, 1, -1)"),
    ],
)
def test_text_is_written_with_the_parentheses_it_needs_and_reads_back(text, written):
    assert str(parse(text)) == written
    assert parse(written) == parse(text)


def test_a_number_beside_a_price_is_in_quote_units_and_is_converted_once():
    columns = {"close": np.array([6_120_309.0, 6_120_310.0, 6_120_311.0])}
    assert batch(parse("close > 61203.10"), columns, SCALE).tolist() == [0, 0, 1]
    assert batch(parse("close - 61203.10"), columns, SCALE).tolist() == [-1, 0, 1]
    assert batch(parse("close >= 0.1"), {"close": np.array([9999.0, 10000.0])}, Scale(5, 0)).tolist() == [0, 1]


def test_a_number_beside_a_size_is_in_base_units_and_beside_a_ratio_stays_itself():
    columns = {"volume": np.array([150_000.0, 250_000.0]), "trades": np.array([3.0, 8.0])}
    assert batch(parse("volume > 2"), columns, SCALE).tolist() == [0, 1]
    assert batch(parse("volume * 2"), columns, SCALE).tolist() == [300_000, 500_000]
    assert batch(parse("trades > 5"), columns, SCALE).tolist() == [0, 1]
    assert batch(parse("close * volume > 0.5"), {**columns, "close": np.array([33.0, 34.0])}, SCALE).tolist() == [0, 1]


def test_prices_are_shown_in_quote_units_and_ratios_as_they_are():
    np.testing.assert_array_equal(to_quote(CLOSE, np.array([6_120_310.0]), SCALE), [61203.1])
    np.testing.assert_array_equal(to_quote(parse("var(close, 5)"), np.array([20_000.0]), SCALE), [2.0])
    np.testing.assert_array_equal(to_quote(parse("1 / close"), np.array([0.5]), SCALE), [50.0])
    np.testing.assert_array_equal(to_quote(parse("rsi(close)"), np.array([61.5]), SCALE), [61.5])


def test_a_term_knows_its_unit_warm_up_and_columns():
    assert parse("ema(close, 10) - ema(close, 20)").unit == PRICE
    assert parse("close / open").unit == RATIO
    assert str(parse("close * volume").unit) == "price*size"
    assert str(parse("sqrt(var(close, 5))").unit) == "price"
    assert parse("rsi(ema(close, 10), 14)").warm_up == 9 + 14
    assert parse("sma(close, 10) > atr(14)").columns == {"close", "high", "low"}
    assert parse("lag(crosses_above(close, open), 3)").warm_up == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("smaa(close, 10)", "did you mean 'sma'"),
        ("clse > 5", "did you mean 'close'"),
        ("close + volume", "cannot combine price and size"),
        ("crosses_above(close, volume)", "cannot combine price and size"),
        ("close > open + volume", "cannot combine price and size"),
        ("rsi(close, 1)", "timeperiod is 1; allowed is a whole number from 2 to 5000, for example 14"),
        ("rsi(close, 2.5)", "timeperiod is 2.5; allowed is a whole number"),
        ("sma(close, close)", "timeperiod is close; allowed is a whole number"),
        ("rsi()", "rsi got 0 arguments; it is called as rsi(x, timeperiod=14)"),
        ("atr(close, 14)", "it is called as atr(timeperiod=14)"),
        ("rsi(close, period=3)", "did you mean 'timeperiod'"),
        ("rsi(close, 14, timeperiod=14)", "no argument 'timeperiod' left"),
        ("rsi", "'rsi' is a function; it is called as rsi(x, timeperiod=14)"),
        ("sma(10, 10)", "needs a term such as close, found the number 10"),
        ("1 < 2", "compares two constants"),
        ("1 / 0", "must be finite"),
        ("1e999 + close", "must be finite"),
        ("1" + "0" * 400 + " + close", "too large"),
        ("close < high < 5", "put each comparison in parentheses"),
        ("close & open", "takes bool, found price; compare first"),
        ("(close > open) + 1", "turn it into one with where"),
        ("where(close, 1, 2)", "the first argument must be a bool"),
        ("where(close > open, close, volume)", "cannot combine price and size"),
        ("log(close)", "make it a ratio first"),
        ("sqrt(close)", "has no square root"),
        ("close == open", "not part of the language"),
        ("close ** 2", "not part of the language"),
        ("close.real", "not part of the language"),
        ("close if close else open", "not part of the language"),
        ("sma(*close)", "not part of the language"),
        ("__import__('os')", "character 12 is"),
        ("close[0]", "character 6 is '['"),
        ("close >", "not a formula"),
        ("", "not a formula"),
        ("sma(close, 10", "not a formula at character 4"),
        ("(" * 150 + "close" + ")" * 150 + "[", "character 306"),
        ("(" * 300 + "close" + ")" * 300, "nested"),
        ("-" * 9000 + "close", "nested"),
        ("~" * 200 + "(close > open)", "allowed are 1000 parts on 100 levels"),
        ("close" + " + close" * 2000, "the formula has 16005 characters"),
    ],
)
def test_an_illegal_formula_is_refused_when_built_and_told_why(text, said):
    with pytest.raises(FormulaError) as refusal:
        parse(text)
    assert said in str(refusal.value)


def test_a_term_has_no_truth_value_and_cannot_be_changed():
    with pytest.raises(FormulaError, match="no truth value"):
        assert CLOSE > OPEN
    with pytest.raises(AttributeError, match="immutable"):
        CLOSE.unit = RATIO  # type: ignore[misc]


def test_a_tree_that_shares_its_parts_cannot_grow_without_bound():
    term = CLOSE
    with pytest.raises(FormulaError, match="parts"):
        for _ in range(60):
            term = term + term


def test_division_by_zero_and_overflow_are_unknown_never_infinite():
    columns = {"close": np.array([1.0, 2.0, 1e200]), "volume": np.array([0.0, 4.0, 1.0])}
    np.testing.assert_array_equal(batch(parse("close / volume"), columns, SCALE), [np.nan, 0.5, 1e200])
    np.testing.assert_array_equal(batch(parse("close * close"), columns, SCALE), [1.0, 4.0, np.nan])


def test_comparisons_and_crossings_with_the_unknown_are_unknown():
    columns = {"close": np.array([1.0, 3.0, np.nan, 3.0, 1.0, 3.0]), "open": np.array([2.0, 2, 2, 2, 2, 2])}
    nan = np.nan
    np.testing.assert_array_equal(batch(parse("close > open"), columns, SCALE), [0, 1, nan, 1, 0, 1])
    np.testing.assert_array_equal(batch(parse("crosses_above(close, open)"), columns, SCALE), [nan, 1, nan, nan, 0, 1])
    np.testing.assert_array_equal(batch(parse("(close > open) | (open > 0)"), columns, SCALE), [1, 1, nan, 1, 1, 1])


def test_an_infinity_in_a_column_is_unknown():
    columns = {"close": np.array([1.0, np.inf, 2.0])}
    np.testing.assert_array_equal(batch(parse("close * 2"), columns, SCALE), [2, np.nan, 4])
    assert np.isnan(Evaluator([parse("close * 2")], SCALE).update({"close": -np.inf})[0])


def test_equal_sub_terms_are_computed_once_and_outputs_of_one_indicator_share_a_handle():
    terms = [parse("macd(close) > macd_signal(close)"), parse("macd_hist(close) * 2"), parse("macd(close) / close")]
    evaluator = Evaluator(terms, SCALE)
    assert len(evaluator._kernels) == 1 + 3


def test_looking_ahead_for_one_term_leaves_the_others_out_and_alone():
    columns = bars(60)
    terms = [parse("sma(close, 5) - sma(close, 9)"), parse("rsi(close)"), parse("macd_hist(close) + 0.01")]
    together = Evaluator(terms, SCALE)
    together.warm(columns)
    future = {name: values[None, :8] for name, values in bars(8, seed=3).items()}
    for index, term in enumerate(terms):
        alone = Evaluator([term], SCALE)
        alone.warm(columns)
        np.testing.assert_array_equal(together.ahead(future, index), alone.ahead(future, 0))
    assert [len(together._needed(slot)) for slot in together._results] == [3, 1, 2]


def test_looking_ahead_over_an_unknown_bar_leaves_what_is_not_needed_out_too():
    terms = [parse("sma(close, 5)"), parse("rsi(close, 3)")]
    together, alone = Evaluator(terms, SCALE), Evaluator(terms[1:], SCALE)
    columns = bars(60)
    together.warm(columns)
    alone.warm(columns)
    future = {name: values[None, :8].copy() for name, values in bars(8, seed=3).items()}
    future["close"][0, 2] = np.nan
    np.testing.assert_array_equal(together.ahead(future, 1), alone.ahead(future, 0))


def test_terms_that_differ_in_a_parameter_only_are_computed_apart():
    evaluator = Evaluator([parse("sma(close, 2)"), parse("sma(close, 3)")], SCALE)
    assert evaluator.warm({"close": np.array([1.0, 2, 6])})[:, -1].tolist() == [4, 3]


def test_a_missing_column_is_named_and_changes_nothing():
    evaluator = Evaluator([parse("sma(close, 2) - lag(open, 1)")], SCALE)
    evaluator.update({"close": 4.0, "open": 1.0})
    with pytest.raises(FormulaError, match="no column 'open'"):
        evaluator.update({"close": 5.0})
    with pytest.raises(FormulaError, match="no column 'open'"):
        evaluator.warm({"close": np.array([5.0])})
    assert evaluator.update({"close": 6.0, "open": 9.0}).tolist() == [4.0]


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(FormulaError, match="one shape"):
        batch(parse("close > open"), {"close": np.zeros(3), "open": np.zeros(4)}, SCALE)


def test_integer_columns_are_taken_as_they_are_stored():
    columns = bars(50)
    stored = {name: columns[name].astype(np.int64) for name in ("high", "low", "close")}
    np.testing.assert_array_equal(batch(parse("atr(14)"), stored, SCALE), batch(parse("atr(14)"), columns, SCALE))


def test_the_latest_values_are_those_of_the_last_bar():
    columns = bars(50)
    evaluator = Evaluator([parse("rsi(close)"), parse("5 * imbalance")], SCALE)
    assert np.isnan(evaluator.latest).all()
    warmed = evaluator.warm(columns)
    np.testing.assert_array_equal(evaluator.latest, warmed[:, -1])


def test_a_constant_is_a_formula_too():
    assert Evaluator([parse("0.5")], SCALE).update({}).tolist() == [0.5]
    assert batch(parse("0.5"), {"close": np.zeros(3)}, SCALE).tolist() == [0.5, 0.5, 0.5]
