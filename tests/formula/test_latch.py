"""`held` and `side` remember which side was entered last, worked by hand; equal to a plain walk over any signals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.formula import Evaluator, batch, parse

from .market import SCALE

HELD = parse("held(open > 0.5, high > 0.5)")
SIDE = parse("side(open > 0.5, high > 0.5, low > 0.5, close > 0.5)")
NAMES = ("open", "high", "low", "close")


def columns(*rows: tuple[int, int, int, int]) -> dict[str, np.ndarray]:
    """A row: entry, exit, short entry, short exit. In ticks, so that 1 is above half a quote."""
    table = np.array(rows, float) * 10.0**SCALE.price_decimals
    return {name: table[:, place] for place, name in enumerate(NAMES)}


def test_a_side_is_held_from_its_entry_until_its_exit():
    bars = columns((0, 1, 0, 0), (1, 0, 0, 0), (0, 0, 0, 0), (0, 1, 0, 0), (1, 1, 0, 0), (1, 0, 0, 0))
    assert batch(HELD, bars, SCALE).tolist() == [0, 1, 1, 0, 0, 1]


def test_an_entry_of_the_other_side_turns_and_of_both_none_counts():
    bars = columns((1, 0, 0, 0), (0, 0, 1, 0), (0, 1, 0, 0), (0, 0, 0, 1), (1, 0, 1, 0), (0, 0, 1, 0), (1, 0, 0, 0))
    assert batch(SIDE, bars, SCALE).tolist() == [1, -1, -1, 0, 0, -1, 1]


def test_an_unknown_bar_forgets_the_side():
    bars = columns((1, 0, 0, 0), (0, 0, 0, 0), (0, 0, 0, 0))
    bars["open"][1] = np.nan
    np.testing.assert_array_equal(batch(HELD, bars, SCALE), [1, np.nan, 0])


@given(st.lists(st.tuples(*[st.integers(0, 1)] * 4), min_size=1, max_size=40))
@pytest.mark.slow
def test_all_at_once_equals_one_at_a_time(rows):
    bars = columns(*rows)
    for term in (HELD, SIDE):
        live = Evaluator([term], SCALE)
        streamed = [live.update({name: values[at] for name, values in bars.items()})[0] for at in range(len(rows))]
        assert batch(term, bars, SCALE).tolist() == streamed
