"""Bars made from trades whose ids prove them, and the arithmetic of what is missing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.history.bars import believable, differing, empty_bars, made_of_trades
from ninefold.history.plan import days, holds, joined, months, overlap, pieces, runs_of, total, without
from ninefold.market.arrays import BAR_FLAT, BAR_OK, BAR_UNKNOWN, BUY, ID_INTEGER, SELL, TRADES
from ninefold.market.time import DAY_NS, SECOND_NS

OPENS = np.arange(10, 60, 10)
SHOWN = ["open", "high", "low", "close", "volume", "buy_volume", "trades", "state"]
UNKNOWN = (0, 0, 0, 0, 0, 0, 0, BAR_UNKNOWN)


def trades(*told: tuple[int, int, int, int]) -> np.ndarray:
    """(id, time, price, signed size)."""
    return np.array(
        [(1, at, 0, 0, ID_INTEGER, 0, id, price, abs(size), BUY if size > 0 else SELL) for id, at, price, size in told],
        TRADES,
    )


def test_ids_that_follow_each_other_prove_traded_and_quiet_bars():
    """Slots of ten from 10 to 60; a trade before them and one after."""
    made = made_of_trades(trades((1, 5, 7, 1), (2, 12, 9, 2), (3, 15, 8, -1), (4, 35, 6, -4), (5, 61, 5, 1)), 10, OPENS)
    assert made[SHOWN].tolist() == [
        (9, 9, 8, 8, 3, 2, 2, BAR_OK),
        (8, 8, 8, 8, 0, 0, 0, BAR_FLAT),
        (6, 6, 6, 6, 4, 0, 1, BAR_OK),
        (6, 6, 6, 6, 0, 0, 0, BAR_FLAT),
        (6, 6, 6, 6, 0, 0, 0, BAR_FLAT),
    ]


def test_a_hole_in_the_ids_makes_every_bar_that_it_touches_unknown():
    made = made_of_trades(trades((1, 5, 7, 1), (2, 12, 9, 2), (4, 35, 6, -4), (5, 61, 5, 1)), 10, OPENS)
    assert made["state"].tolist() == [BAR_UNKNOWN, BAR_UNKNOWN, BAR_UNKNOWN, BAR_FLAT, BAR_FLAT]
    assert made[SHOWN].tolist()[:3] == [UNKNOWN] * 3


def test_without_a_trade_before_and_after_the_first_and_the_last_slot_are_not_proven():
    made = made_of_trades(trades((2, 12, 9, 2), (3, 15, 8, -1), (4, 35, 6, -4)), 10, OPENS)
    assert made["state"].tolist() == [BAR_UNKNOWN, BAR_FLAT, BAR_UNKNOWN, BAR_UNKNOWN, BAR_UNKNOWN]


def test_without_trades_nothing_is_known():
    assert made_of_trades(trades(), 10, OPENS)["state"].tolist() == [BAR_UNKNOWN] * 5


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), min_size=2, max_size=30), st.data())
def test_a_bar_that_is_known_is_that_of_all_trades_whichever_are_missing(steps, data):
    """The truth has all of them; whatever is taken away, no known bar changes."""
    at, told = 0, []
    for id, (pause, price) in enumerate(steps, 1):
        at += pause
        told.append((id, at, price, 1 if price % 2 else -1))
    whole = trades(*told)
    opens = np.arange(0, at + 10, 10)
    truth = made_of_trades(
        np.concatenate([trades((0, -20, 5, 1)), whole, trades((len(whole) + 1, at + 50, 5, 1))]), 10, opens
    )
    assert (truth["state"] != BAR_UNKNOWN).all()
    left = whole[np.array(data.draw(st.lists(st.booleans(), min_size=len(whole), max_size=len(whole))))]
    made = made_of_trades(left, 10, opens)
    known = made["state"] != BAR_UNKNOWN
    assert made[known][SHOWN].tolist() == truth[known][SHOWN].tolist()


@pytest.mark.parametrize(
    ("changed", "possible"),
    [
        ({}, True),
        ({"high": 11}, False),
        ({"low": 11}, False),
        ({"low": 0}, False),
        ({"open_ns": 15}, False),
        ({"volume": -1}, False),
        ({"buy_volume": 6}, False),
        ({"buy_volume": -1, "trades": -1}, True),
        ({"trades": 0}, False),
    ],
)
def test_a_told_bar_must_be_possible(changed, possible):
    bar = empty_bars(1, 10, np.array([10]))
    usual = {"open": 10, "high": 12, "low": 9, "close": 11, "volume": 5, "buy_volume": 2, "trades": 3}
    for name, value in {**usual, **changed}.items():
        bar[name] = value
    if "high" in changed:
        bar["open"] = 12
    if changed.get("low"):
        bar["open"] = 10
    assert believable(bar, 10).tolist() == [possible]


def test_a_bar_told_twice_counts_once():
    bars = empty_bars(1, 10, np.array([10, 10]))
    for name in ("open", "high", "low", "close"):
        bars[name] = 5
    assert believable(bars, 10).tolist() == [True, False]


def test_bars_are_compared_where_both_are_known_and_only_in_what_both_tell():
    made = made_of_trades(trades((1, 5, 7, 1), (2, 12, 9, 2), (3, 15, 8, -1), (4, 35, 6, -4), (5, 61, 5, 1)), 10, OPENS)
    told = made.copy()
    told["buy_volume"] = told["trades"] = -1
    told["state"][1] = BAR_UNKNOWN
    assert differing(told, made) == (4, 0)
    told["close"][0] += 1
    assert differing(told[:4], made) == (3, 1)


NUMBERS = st.lists(st.integers(0, 60), max_size=25)
RUNS = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9)), max_size=6).map(
    lambda some: [(a, a + n) for a, n in some]
)


@given(NUMBERS)
def test_runs_hold_the_numbers_and_no_others(numbers):
    runs = runs_of(np.array(numbers, np.int64))
    assert members(runs) == set(numbers)
    assert joined(runs) == runs
    assert holds(np.arange(70), runs).tolist() == [one in set(numbers) for one in range(70)]


@given(RUNS, RUNS, st.integers(0, 30), st.integers(1, 30), st.integers(1, 7))
def test_what_is_missing_is_what_is_wanted_and_not_held(some, others, start, length, most):
    wanted, held = (start, start + length), joined([*some, *others])
    missing = without(wanted, held)
    assert members(missing) == set(range(*wanted)) - members(held)
    assert members(overlap(wanted, held)) == set(range(*wanted)) & members(held)
    assert total(held) == len(members(held))
    cut = list(pieces(missing, most))
    assert members(cut) == members(missing)
    assert all(0 < end - first <= most for first, end in cut)


def members(runs: list[tuple[int, int]]) -> set[int]:
    return {number for first, end in runs for number in range(first, end)}


def test_whole_days_and_months_of_a_range():
    leap = 1_706_745_600 * SECOND_NS  # 2024-02-01
    assert days(leap - 1, leap + DAY_NS + 1) == [(leap, leap + DAY_NS)]
    assert days(leap + 1, leap + DAY_NS) == []
    assert months(leap, leap + 60 * DAY_NS) == [(leap, leap + 29 * DAY_NS), (leap + 29 * DAY_NS, leap + 60 * DAY_NS)]
    assert months(leap + 1, leap + 59 * DAY_NS) == []
    december = 1_701_388_800 * SECOND_NS
    assert months(december, december + 31 * DAY_NS) == [(december, december + 31 * DAY_NS)]
