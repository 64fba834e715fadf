"""The leak check on strategies that look ahead and on such that do not: all of the first, none of the second."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.backtest.leaks.check import Leak, leak_in_callback, leak_in_columns
from ninefold.backtest.leaks.trail import CannotFollow
from tests.leaks import clean, planted
from tests.leaks.corpus import CALLBACK, HELD, Case, columns

pytestmark = pytest.mark.slow

KINDS = {
    *("centred window", "negative shift", "whole-sample scaling", "resample label", "target leakage"),
    *("same-close fill", "peeking callback"),
}


def check(case: Case, seed: int = 1) -> Leak | None:
    if case.form == CALLBACK:
        return leak_in_callback(case.run, columns(seed))
    return leak_in_columns(case.run, columns(seed), held=case.form == HELD)


@pytest.mark.parametrize("name", planted.CASES)
def test_a_planted_leak_is_found_and_its_line_named(name):
    found = check(planted.CASES[name])
    assert found is not None
    assert found.knows > found.row - (planted.CASES[name].form == HELD)
    assert found.where.startswith("planted.py:") and found.where.endswith(f"in {name}")


@pytest.mark.parametrize("name", clean.CASES)
def test_a_clean_strategy_is_not_accused(name):
    assert check(clean.CASES[name]) is None


def test_the_corpus_has_every_kind_of_leak_and_as_many_clean_ones():
    assert {case.kind for case in planted.CASES.values()} == KINDS
    assert len(planted.CASES) >= 30 and len(clean.CASES) >= 30
    assert not set(planted.CASES) & set(clean.CASES)


@pytest.mark.parametrize("name", [*planted.CASES, *clean.CASES])
def test_strategies_run_the_same_on_traced_and_on_plain_columns(name):
    case = {**planted.CASES, **clean.CASES}[name]
    if case.form == CALLBACK:
        return
    kept = []

    def keeping(bars):
        kept.append(case.run(bars))
        return kept[0]

    check(case._replace(run=keeping))
    plain = case.run(type("Bars", (), columns()))
    np.testing.assert_allclose(getattr(kept[0], "values", kept[0]), plain, equal_nan=True)


def test_the_leak_names_row_what_it_knew_how_many_and_where():
    found = check(planted.CASES["rolled_the_wrong_way"])
    assert (found.row, found.knows, found.rows) == (0, 1, 239)
    found = check(planted.CASES["only_one_row_in_two_hundred_peeks"])
    assert (found.row, found.knows, found.rows) == (200, 201, 1)
    found = check(planted.CASES["peeks_on_one_day_only"])
    assert (found.row, found.knows, found.rows) == (150, 153, 1)


def test_a_leak_that_changes_nothing_is_a_leak():
    assert leak_in_columns(lambda bars: bars.close * 0 + np.roll(bars.close, -2) * 0, columns()) is not None


@pytest.mark.parametrize(
    ("decide", "told"),
    [
        (lambda bars: np.asarray(bars.close), "made a plain array"),
        (lambda bars: np.kron(bars.close, np.ones(1)), "kron is not known to the leak check"),
        (lambda bars: np.ones(240) * float(bars.close[0]), "taken out as numbers"),
        (lambda bars: bars.close - 2 * float(bars.close.mean()), "a plain number meets the bars after numbers were"),
        (lambda bars: np.clip(bars.close, 0.0, 2 * float(bars.close.max())), "a plain number meets the bars"),
        (lambda bars: np.where(bars.close > np.full(240, 2 * float(bars.close[9])), 1, 0), "may be made of those"),
    ],
)
def test_what_cannot_be_followed_is_refused_not_passed(decide, told):
    with pytest.raises(CannotFollow, match=told):
        leak_in_columns(decide, columns())


def test_a_result_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"shape \(239,\) for 240 bars"):
        leak_in_columns(lambda bars: np.diff(bars.close), columns())


@settings(deadline=None)
@given(st.integers(-5, 5), st.integers(1, 6), st.integers(-3, 3))
def test_what_an_element_knows_is_what_changes_it(shift, window, late):
    """Shifts and windows by chance: the check's verdict is that of changing the future and looking."""

    def decide(bars):
        moved = np.roll(bars.close, shift)
        summed = np.convolve(moved, np.ones(window))[:240]
        return np.roll(summed, late) + bars.open

    changed = []
    for row in range(0, 240, 7):
        other = columns()
        for name in other:
            other[name][row + 1 :] += 17.0
        before, after = decide(type("Bars", (), columns())), decide(type("Bars", (), other))
        changed.append(not np.allclose(before[: row + 1], after[: row + 1], rtol=1e-12))
    assert (leak_in_columns(decide, columns()) is not None) == any(changed)
