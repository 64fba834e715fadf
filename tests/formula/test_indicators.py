"""TA-Lib's functions: all are there, and each gives what TA-Lib itself gives."""

import numpy as np
import pytest
import talib
import talib.abstract

from ninefold.formula import FUNCTIONS, FormulaError, batch, call, parse
from ninefold.formula.indicators import ARITHMETIC_TOO, BY_GROUP
from ninefold.formula.indicators.line import described

from .market import SCALE, bars

TALIB = sorted(name for names in talib.get_function_groups().values() for name in names)
OURS = {function.name: function for functions in BY_GROUP.values() for function in functions}
COLUMNS = bars(260) | {"ratio": bars(260)["imbalance"]}
ON_RATIOS = {
    name for name in OURS if name in "acos asin atan ceil cos cosh floor sin sinh tan tanh log10 linearreg_angle"
}


def test_every_function_of_talib_is_in_the_catalogue_or_is_arithmetic():
    there = {function.family for function in OURS.values()}
    assert sorted([*there, *ARITHMETIC_TOO]) == TALIB
    assert (len(there), len(ARITHMETIC_TOO), len(TALIB)) == (194, 7, 201)


@pytest.mark.parametrize(
    ("usual", "plain"),
    [
        ("add(close, open)", "close + open"),
        ("sub(close, open)", "close - open"),
        ("mult(close, volume)", "close * volume"),
        ("div(close, open)", "close / open"),
        ("ln(close / open)", "log(close / open)"),
        ("div(sub(high, low), add(high, low)) * 2", "(high - low) / (high + low) * 2"),
    ],
)
def test_arithmetic_by_the_names_of_talib_is_the_very_term(usual, plain):
    assert parse(usual) == parse(plain)
    assert str(parse(usual)) == plain
    assert batch(parse(usual), COLUMNS, SCALE).tobytes() == batch(parse(plain), COLUMNS, SCALE).tobytes()


@pytest.mark.parametrize("talib_name", ARITHMETIC_TOO)
def test_arithmetic_gives_the_values_of_talib(talib_name):
    """Ours of exp and log are numpy's, one routine for all: they may differ in the last bit of a number."""
    given = {"LN": "close / open", "SQRT": "close * close", "EXP": "imbalance"}.get(talib_name, "close; open")
    terms = [parse(text) for text in given.split("; ")]
    wanted = getattr(talib, talib_name)(*[batch(term, COLUMNS, SCALE) for term in terms])
    found = batch(call(talib_name.lower(), *terms), COLUMNS, SCALE)
    np.testing.assert_allclose(found, wanted, rtol=3e-16 if talib_name in ("EXP", "LN") else 0)


def test_a_name_of_talib_is_refused_as_the_function_that_it_is():
    with pytest.raises(FormulaError, match=r"sub got 1 arguments; it is called as subtract\(a, b\)"):
        parse("sub(close)")
    with pytest.raises(FormulaError, match="sub: cannot combine price and size"):
        parse("sub(close, volume)")
    with pytest.raises(FormulaError, match="ln: takes ratio, found price"):
        parse("ln(close)")


def test_where_the_highest_was_is_counted_from_the_anchor_and_from_the_first_bar_after_an_unknown_one():
    columns = {"close": np.array([5.0, 3, 4, 9, 1, np.nan, 2, 8, 7, 6])}
    none = np.nan
    wanted = [none, none, 0, 3, 3, none, none, none, 1, 1]
    np.testing.assert_array_equal(batch(parse("maxindex(close, 3)"), columns, SCALE), wanted)
    both = [batch(parse(f"minmaxindex_{which}(close, 3)"), columns, SCALE) for which in ("max", "min")]
    np.testing.assert_array_equal(both, [wanted, batch(parse("minindex(close, 3)"), columns, SCALE)])
    np.testing.assert_array_equal(both[1], [none, none, 1, 1, 4, none, none, none, 0, 3])


def test_every_output_of_a_function_has_a_name():
    named = {(function.family, function.output) for function in OURS.values()}
    outputs = {(family, output) for family, _ in named for output in range(len(described(family)["output_names"]))}
    assert named == outputs


def test_no_name_is_taken_twice():
    assert len(OURS) == sum(len(functions) for functions in BY_GROUP.values())
    assert all(FUNCTIONS[name] is function for name, function in OURS.items())


def test_every_line_says_what_it_is():
    for function in FUNCTIONS.values():
        assert 2 <= len(function.description) <= 100, function.name
        assert not function.description.endswith("."), function.name


@pytest.mark.parametrize("name", OURS)
@pytest.mark.slow
def test_its_values_are_those_of_talib_called_plainly(name):
    function = OURS[name]
    about = described(function.family)
    series = {"price": "close", "price0": "close", "price1": "open", "periods": "trades"}
    plain = [
        [COLUMNS["ratio" if name in ON_RATIOS and key == "price" else series[key]]]
        if isinstance(kind, str)
        else [COLUMNS[column] for column in kind]
        for key, kind in about["input_names"].items()
    ]
    wanted = getattr(talib, function.family)(*[values for group in plain for values in group])
    wanted = wanted[function.output] if isinstance(wanted, tuple) else wanted
    given = ["imbalance" if name in ON_RATIOS else "close", "trades" if name == "mavp" else "open"]
    term = call(name, *[parse(text) for text in given[: len(function.series)]])
    found = batch(term, COLUMNS, SCALE)
    np.testing.assert_array_equal(found[term.warm_up :], np.asarray(wanted, np.float64)[term.warm_up :])


def test_a_swing_is_told_when_it_is_confirmed_and_not_before():
    columns = {"high": np.array([1.0, 2, 9, 3, 2, 2, 2]), "low": np.array([5.0, 4, 5, 5, 1, 2, 3])}
    assert batch(parse("fractal_high()"), columns, SCALE).tolist()[4:] == [100, 0, 0]
    assert batch(parse("fractal_low()"), columns, SCALE).tolist()[4:] == [0, 0, 100]


def test_rounding_and_angles_of_a_price_are_refused_for_they_would_depend_on_the_tick():
    for text in ("ceil(close)", "linearreg_angle(close, 5)", "tanh(close)"):
        with pytest.raises(ValueError, match="the size of a tick"):
            parse(text)
