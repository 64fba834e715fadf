"""The leak check on strategies that look ahead and on such that do not: all of the first, none of the second."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.backtest.leaks.check import leak_in_callback, leak_in_columns
from ninefold.backtest.leaks.trail import CannotFollow
from ninefold.services.leak_check import CLEAN, LEAK
from ninefold.services.leak_check_bars import START_NS
from tests.leaks import clean, clean_pandas, planted, planted_pandas
from tests.leaks.corpus import CALLBACK, FRAME, FRAME_HELD, columns
from tests.leaks.score import FREQTRADE, PLANTED, SOUND, Score, checked, checked_class, classes, score
from tests.leaks.traced_run import result_when_traced

pytestmark = pytest.mark.slow

KINDS = {
    *("centred window", "negative shift", "whole-sample scaling", "resample label", "target leakage"),
    *("same-close fill", "peeking callback"),
}
LEAKY = [(module, name) for module in PLANTED.values() for name in module.CASES]
CLEAN_ONES = [(module, name) for module in SOUND.values() for name in module.CASES]


def one_in_two(cases):
    """All of them as torture, and by `python -m tests.leaks`."""
    return [pytest.param(*one, marks=[pytest.mark.torture] * (place % 2)) for place, one in enumerate(cases)]


def by_name(value):
    return value if isinstance(value, str) else value.__name__.rpartition(".")[2]


@pytest.mark.parametrize(("module", "name"), one_in_two(LEAKY), ids=by_name)
def test_a_planted_leak_is_found_and_its_line_named(module, name):
    found = checked(module, name, module.CASES[name])
    assert found.verdict == LEAK, found.why
    assert found.knows >= found.row
    assert found.file == module.__file__
    lines = Path(module.__file__).read_text().splitlines()
    assert found.text == lines[found.line - 1].strip()
    begins = next(at for at, line in enumerate(lines, 1) if line.startswith(f"def {name}("))
    ends = next((at for at, line in enumerate(lines, 1) if at > begins and line.startswith(("@", "# ---"))), len(lines))
    assert begins < found.line <= ends


@pytest.mark.parametrize(("module", "name"), one_in_two(CLEAN_ONES), ids=by_name)
def test_a_clean_strategy_is_not_accused(module, name):
    found = checked(module, name, module.CASES[name])
    assert found.verdict == CLEAN, found.why
    assert found.runs == 2


@pytest.mark.parametrize("name", classes(FREQTRADE[True]))
def test_a_leak_planted_in_a_freqtrade_strategy_is_found(name):
    found = checked_class(FREQTRADE[True], name)
    assert found.verdict == LEAK, found.why
    assert found.file == str(FREQTRADE[True])
    assert found.text


@pytest.mark.parametrize("name", classes(FREQTRADE[False]))
def test_a_clean_freqtrade_strategy_is_not_accused(name):
    found = checked_class(FREQTRADE[False], name)
    assert found.verdict == CLEAN, found.why


def test_the_corpus_has_every_kind_of_leak_and_as_many_clean_ones():
    for planted_ones, clean_ones in zip(PLANTED.values(), SOUND.values(), strict=True):
        assert {case.kind for case in planted_ones.CASES.values()} == KINDS
        assert len(planted_ones.CASES) >= 30 and len(clean_ones.CASES) >= 30
    names = [name for module in (*PLANTED.values(), *SOUND.values()) for name in module.CASES]
    assert len(names) - len(set(names)) == len(set(planted.CASES) & set(planted_pandas.CASES)) + len(
        set(clean.CASES) & set(clean_pandas.CASES)
    )


def test_a_missed_leak_lowers_recall_and_an_accused_one_precision():
    assert score([]) == Score(0, 0, 0, 0, 0)
    found = Score(found=3, missed=1, accused=1, sound=4, unjudged=0)
    assert (found.recall, found.precision) == (0.75, 0.75)


ALL = [*LEAKY, *CLEAN_ONES]


@pytest.mark.parametrize(("module", "name"), [one for one in ALL if one[0].CASES[one[1]].form != CALLBACK], ids=by_name)
@pytest.mark.torture
def test_strategies_run_the_same_on_traced_and_on_plain_bars(module, name):
    case = module.CASES[name]
    frame = case.form in (FRAME, FRAME_HELD)
    index = pd.DatetimeIndex(pd.to_datetime(START_NS + 60_000_000_000 * np.arange(240), utc=True), name="date")
    plain = case.run(pd.DataFrame(columns(), index) if frame else type("Bars", (), columns()))
    traced = result_when_traced(module, name)
    if isinstance(plain, pd.DataFrame):
        pd.testing.assert_frame_equal(traced, plain, check_dtype=False, check_freq=False)
    elif isinstance(plain, pd.Series):
        pd.testing.assert_series_equal(traced, plain, check_dtype=False, check_freq=False, check_names=False)
    else:
        np.testing.assert_allclose(np.asarray(traced, float), np.asarray(plain, float), equal_nan=True)


def case_of(module, name):
    return module.CASES[name].run


def test_the_leak_names_row_what_it_knew_how_many_and_where():
    found = leak_in_columns(case_of(planted, "rolled_the_wrong_way"), columns())
    assert (found.row, found.knows, found.rows) == (0, 1, 239)
    found = leak_in_columns(case_of(planted, "only_one_row_in_two_hundred_peeks"), columns())
    assert (found.row, found.knows, found.rows) == (200, 201, 1)
    found = leak_in_callback(case_of(planted, "peeks_on_one_day_only"), columns())
    assert (found.row, found.knows, found.rows) == (150, 153, 1)
    found = checked(planted_pandas, "above_a_centred_mean", planted_pandas.CASES["above_a_centred_mean"])
    assert (found.row, found.knows, found.rows) == (0, 10, 239)  # 21 wide: ten rows to each side
    found = checked(planted_pandas, "hour_known_at_its_beginning", planted_pandas.CASES["hour_known_at_its_beginning"])
    assert (found.row, found.knows, found.rows) == (0, 59, 4 * 59)  # all but the last minute of four hours


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


def test_what_a_loop_from_the_last_row_to_the_first_may_keep_is_refused():
    def decide(bars):
        found, side = np.zeros_like(bars.close), 0
        for row in range(239, -1, -1):
            if bars.close[row] > bars.open[row]:
                side = 1
            found[row] = side
        return found

    with pytest.raises(CannotFollow, match="from the last to the first"):
        leak_in_columns(decide, columns())


def test_a_result_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"shape \(239,\) for 240 bars"):
        leak_in_columns(lambda bars: np.diff(bars.close), columns())


@settings(deadline=None, max_examples=40)
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
