"""TA-Lib's functions: all are there or left out with a reason, and each gives what TA-Lib itself gives."""

import numpy as np
import pytest
import talib
import talib.abstract

from ninefold.formula import FUNCTIONS, batch, call, parse
from ninefold.formula.indicators import BY_GROUP, LEFT_OUT
from ninefold.formula.indicators.line import described

from .market import SCALE, bars

TALIB = sorted(name for names in talib.get_function_groups().values() for name in names)
OURS = {function.name: function for functions in BY_GROUP.values() for function in functions}
COLUMNS = bars(260) | {"ratio": bars(260)["imbalance"]}
ON_RATIOS = {
    name for name in OURS if name in "acos asin atan ceil cos cosh floor sin sinh tan tanh log10 linearreg_angle"
}


def test_every_function_of_talib_is_in_the_catalogue_or_left_out_with_a_reason():
    there = {function.family for function in OURS.values()}
    assert sorted(there | set(LEFT_OUT)) == TALIB
    assert not there & set(LEFT_OUT)
    assert len(there) == 191
    assert all(len(reason) > 10 for reason in LEFT_OUT.values())


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
