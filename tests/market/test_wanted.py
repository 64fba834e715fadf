"""Rows by instrument: read one by one they are the oracle."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ninefold.market.arrays import TARGETS, newest
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


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 9)), max_size=12))
def test_the_newest_row_of_each_instrument_is_the_last_one(told):
    rows = np.zeros(len(told), TARGETS)
    rows["instrument"], rows["seq"] = [one[0] for one in told], [one[1] for one in told]
    assert newest(rows)[["instrument", "seq"]].tolist() == list(dict(told).items())
