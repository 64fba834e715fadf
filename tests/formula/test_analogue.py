"""Analogues: the plain definition of the left matrix profile, and examples that one can see."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.formula import batch, parse

from .market import SCALE, bars, bits, cut

NAN = np.nan


def plain(x: np.ndarray, window: int, history: int) -> tuple[np.ndarray, np.ndarray]:
    """Distance and age of the nearest analogue, written as it is defined: all shapes, all pairs, nothing clever."""

    def normal(end: int) -> np.ndarray:
        piece = x[end - window + 1 : end + 1]
        return np.zeros(window) if (piece == piece[0]).all() else (piece - piece.mean()) / piece.std()

    shapes = {end: normal(end) for end in range(window - 1, len(x))}
    apart = int(np.ceil(window / 4))
    distance, ago = np.full(len(x), NAN), np.full(len(x), NAN)
    for last in range(window + apart + history - 1, len(x)):
        ages = np.arange(apart + 1, apart + history + 1)
        found = np.array([np.linalg.norm(shapes[last] - shapes[last - age]) for age in ages])
        distance[last], ago[last] = found.min(), ages[found.argmin()]
    return distance, ago


def of_close(text: str, close: np.ndarray) -> np.ndarray:
    return batch(parse(text), {"close": np.asarray(close, np.float64)}, SCALE)


@pytest.mark.parametrize(("window", "history"), [(3, 10), (8, 40), (20, 60)])
def test_distances_are_those_of_the_plain_definition(window, history):
    x = bars(160)["close"]
    x[40:70] = x[40]  # nothing moves
    x[120:145] = x[80:105] * 2 + 5  # a shape comes again, larger
    distance, ago = plain(x, window, history)
    np.testing.assert_allclose(of_close(f"analogue_distance(close, {window}, {history})", x), distance, atol=1e-9)
    clear = np.isfinite(distance) & (distance > 1e-6)
    found = of_close(f"analogue_ago(close, {window}, {history})", x)
    assert (found[clear] == ago[clear]).mean() > 0.95  # between equals the latest; the definition above takes any


@given(st.lists(st.integers(-3, 3), min_size=40, max_size=70), st.integers(3, 7), st.integers(10, 20))
@settings(max_examples=30, deadline=None)
@pytest.mark.slow
def test_distances_are_those_of_the_plain_definition_on_any_walk(steps, window, history):
    x = 100.0 + np.cumsum(steps)
    found = of_close(f"analogue_distance(close, {window}, {history})", x)
    np.testing.assert_allclose(found, plain(x, window, history)[0], atol=1e-9)


def test_a_shape_that_comes_again_is_found_with_its_age_and_what_followed():
    tooth = np.array([10.0, 13, 11, 17, 12])
    x = np.concatenate((np.arange(50, 80), tooth, [20, 24, 18, 31, 33, 29, 42, 40, 44, 41], 3 * tooth))
    assert of_close("analogue_distance(close, 5, 20)", x)[-1] == pytest.approx(0, abs=1e-12)
    assert of_close("analogue_ago(close, 5, 20)", x)[-1] == 15
    assert of_close("analogue_return(close, 5, 20, 2)", x)[-1] == 24 / 12 - 1


def test_what_followed_lies_wholly_in_the_past():
    x = bars(300)["close"]
    whole = of_close("analogue_return(close, 5, 40, 12)", x)
    other = np.concatenate((x[:200], x[200:] * 2))
    np.testing.assert_array_equal(of_close("analogue_return(close, 5, 40, 12)", other)[:200], whole[:200])


def test_the_bars_of_the_history_rebuild_the_value_to_the_bit():
    columns = bars(300)
    for text in ("analogue_distance(close, 10, 50)", "analogue_return(close, 10, 50, 9)"):
        term = parse(text)
        whole = batch(term, columns, SCALE)
        for end in (150, 211, 300):
            assert bits(batch(term, cut(columns, end - term.warm_up - 1, end), SCALE))[-1] == bits(whole)[end - 1]
