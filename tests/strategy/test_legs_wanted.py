"""What is wanted of legs, by hand."""

import numpy as np

from ninefold.formula import parse
from ninefold.strategy.forms import Legs
from ninefold.strategy.legs_wanted import wanted_of_legs

NAN = np.nan
WEIGHTS = (("here", parse("0.5")), ("there", parse("close / open")))


def test_where_the_target_of_one_leg_is_unknown_all_are():
    values = {"here": np.array([[0.5, 0.5, 0.5]]), "there": np.array([[1.0, NAN, -0.25]])}
    wanted = wanted_of_legs(Legs(WEIGHTS), values)
    np.testing.assert_array_equal(wanted["here"], [0.5, NAN, 0.5])
    np.testing.assert_array_equal(wanted["there"], [1.0, NAN, -0.25])


def test_the_side_is_cut_then_multiplies_and_the_product_is_cut():
    legs = Legs(WEIGHTS, side=parse("close / open"))
    assert [str(term) for term in legs.read_of("here")] == ["close / open", "0.5"]
    values = {"here": np.array([[3.0, -0.5, NAN], [0.5, 0.5, 0.5]]), "there": np.array([[0.75, 4.0, 1.0]])}
    wanted = wanted_of_legs(legs, values)
    np.testing.assert_array_equal(wanted["here"], [0.5, -0.25, NAN])
    np.testing.assert_array_equal(wanted["there"], [0.75, -1.0, NAN])
