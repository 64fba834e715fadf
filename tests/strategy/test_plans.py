"""Plans and what refuses them; a user's own strategies are found beside the library."""

from types import ModuleType

import numpy as np
import pytest

from ninefold.formula import FormulaError
from ninefold.strategy import BadStrategy, Strategy, library, load_modules, plan, targets

KINDS = library()


def test_a_target_beyond_one_is_cut_and_an_unknown_one_stays_unknown():
    np.testing.assert_array_equal(targets(np.array([-3.0, 0.25, 1.5, np.nan])), [-1.0, 0.25, 1.0, np.nan])


@pytest.mark.parametrize(
    ("name", "timeframe", "target", "said"),
    [
        ("Big", "1m", "0.5", "small letters"),
        ("x" * 33, "1m", "0.5", "at most 32 characters"),
        ("dip", "7m", "0.5", "no timeframe '7m'; allowed are 1s 5s 1m"),
        ("dip", "1m", "close > open", "the target is a bool"),
        ("dip", "1m", "close - open", "the target is a price"),
    ],
)
def test_a_strategy_that_cannot_be_used_is_refused_and_told_why(name, timeframe, target, said):
    with pytest.raises(BadStrategy) as refusal:
        plan(name, timeframe, target, "mine", "What it does.")
    assert said in str(refusal.value)


def test_a_strategy_with_a_bad_formula_is_refused():
    with pytest.raises(FormulaError, match="did you mean 'rsi'"):
        plan("dip", "1m", "where(rsy(close) < 30, 1, 0)", "mine", "What it does.")


def test_a_users_own_strategies_are_found_beside_the_library():
    class Dip(Strategy):
        """Long when oversold."""

        target = "where(rsi(close) < 30, 1, 0)"

    class _Base(Strategy):
        """What others are made of."""

    mine = ModuleType(__name__)
    mine.Dip, mine._Base = Dip, _Base  # type: ignore[attr-defined]
    found = load_modules([mine], known=KINDS)
    assert found["dip"] is Dip
    assert len(found) == len(KINDS) + 1
    with pytest.raises(BadStrategy, match="already is a strategy 'dip'"):
        load_modules([mine, mine])
    with pytest.raises(BadStrategy, match="has no class of Strategy"):
        load_modules([ModuleType("empty")])
