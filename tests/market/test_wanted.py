"""Targets by instrument and strategy: the rows read one by one are the oracle."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ninefold.market.arrays import TARGETS
from ninefold.market.wanted import wanted_of

NAMES = st.sampled_from(["fast", "slow", "überlang", "a" * 32, "b"])
ROWS = st.lists(st.tuples(st.integers(1, 3), NAMES, st.floats(-1, 1) | st.just(float("nan"))), max_size=12)


@given(ROWS)
def test_the_last_target_of_each_strategy_holds_whatever_the_order_of_rows(told):
    rows = np.zeros(len(told), TARGETS)
    expected: dict[int, dict[str, float]] = {}
    for row, (instrument, strategy, target) in zip(rows, told, strict=True):
        row["instrument"], row["strategy"], row["target"] = instrument, strategy.encode(), target
        expected.setdefault(instrument, {})[strategy] = target
    assert repr(wanted_of(rows)) == repr(expected)  # the same order, and NaN is NaN
    assert repr(wanted_of(rows[::2])) == repr(wanted_of(rows[::2].copy()))
