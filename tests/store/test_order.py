"""The fast order of rows is that of all four keys."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.market.arrays import TRADES, stacked
from ninefold.store.layout import number_within_seq
from ninefold.store.order import sorted_order, time_order

EXTREMES = st.sampled_from([0, 1, 2, 3, 7, 2**47, 2**63 - 1, -1, -(2**63) + 1])
KEYS = st.lists(
    st.tuples(st.sampled_from([0, 1, 2, 65_535, 65_536, -1]), EXTREMES, st.integers(0, 3), st.integers(0, 2)),
    max_size=30,
)


def by_all_keys(rows: list[tuple[int, ...]]) -> list[int]:
    return sorted(range(len(rows)), key=lambda place: rows[place])


@settings(deadline=None)
@given(KEYS)
def test_rows_are_ordered_as_by_all_four_keys(rows: list[tuple[int, int, int, int]]) -> None:
    instrument, time_ns, seq, n = np.array(rows, np.int64).reshape(-1, 4).T
    order = sorted_order(instrument.astype(np.int32), time_ns, seq, n.astype(np.int32))
    expected = by_all_keys(rows)
    assert (list(range(len(rows))) if order is None else order.tolist()) == expected
    assert (order is None) == (expected == list(range(len(rows))))


@settings(deadline=None)
@given(KEYS)
def test_rows_of_one_instrument_are_ordered_as_by_three(rows: list[tuple[int, int, int, int]]) -> None:
    _, time_ns, seq, n = np.array(rows, np.int64).reshape(-1, 4).T
    order = time_order(time_ns, seq, n)
    expected = by_all_keys([row[1:] for row in rows])
    assert (list(range(len(rows))) if order is None else order.tolist()) == expected


def test_late_rows_of_a_busy_hour_come_into_their_place() -> None:
    """What the fast way is made for: instruments mixed, times rising but for some, ties in the order of inputs."""
    rng = np.random.default_rng(5)
    time_ns = np.sort(rng.integers(0, 5_000, 20_000)) * 1_000_000
    time_ns[::97] -= 3_000_000
    instrument, seq = rng.integers(1, 50, 20_000).astype(np.int32), np.arange(20_000)
    order = sorted_order(instrument, time_ns, seq, np.zeros(20_000, np.int32))
    np.testing.assert_array_equal(order, np.lexsort((seq, time_ns, instrument)))


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), max_size=20))
def test_rows_of_an_input_are_counted_as_they_come(seq: list[int]) -> None:
    expected = [seq[:place].count(one) for place, one in enumerate(seq)]
    assert number_within_seq(np.array(seq, np.int64)).tolist() == expected


def test_arrays_are_stacked_as_they_are_even_if_they_are_pieces_of_others() -> None:
    some = np.zeros(6, TRADES)
    some["id_lo"] = np.arange(6)
    assert stacked("trades", [some[::2], some[:0], some[1::2]])["id_lo"].tolist() == [0, 2, 4, 1, 3, 5]
    assert len(stacked("trades", [])) == 0
