"""Levels of detail: nothing that was there is thinned away, and every mark stands on the candle that holds it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.backtest.bars import UNKNOWN, Bars
from ninefold.market.arrays import BUY, SELL
from ninefold.market.time import DAY_NS, EPOCH_MONDAY_NS, HOUR_NS, MINUTE_NS, WEEK_NS
from ninefold.report.levels import candles_of, fills_of, line_of, marks_of, widths_of, within_bars
from ninefold.report.periods import months, weeks

START_NS = 1_704_067_200 * 10**9  # Monday 2024-01-01


def bars_of(
    close: list[int], width_ns: int = MINUTE_NS, start_ns: int = START_NS, volume: list[int] | None = None
) -> Bars:
    at = start_ns + np.arange(len(close)) * width_ns
    price = np.array(close)
    return Bars(
        at, at + width_ns, price, price + 2, price - 1, price, np.array(volume or [1] * len(close)), Fraction(1)
    )


def test_a_candle_of_five_minutes_has_the_first_open_the_last_close_and_the_extremes() -> None:
    made = candles_of(bars_of([10, 30, 20, 15, 12, 50, 40]), 5 * MINUTE_NS)
    assert ((made.open_ns - START_NS) // MINUTE_NS).tolist() == [0, 5]
    assert (made.open.tolist(), made.close.tolist()) == ([10, 50], [12, 40])
    assert (made.high.tolist(), made.low.tolist()) == ([32, 52], [9, 39])


def test_a_candle_opens_at_a_multiple_of_its_width_even_if_it_is_of_one_bar() -> None:
    made = candles_of(bars_of([10, 30], start_ns=START_NS + 4 * MINUTE_NS), 5 * MINUTE_NS)
    assert ((made.open_ns - START_NS) // MINUTE_NS).tolist() == [0, 5]


def test_unknown_bars_give_nothing_to_a_candle_and_only_they_make_it_unknown() -> None:
    volume = [1, UNKNOWN, 1, 1, 1, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, 1]
    made = candles_of(bars_of([10, 900, 20, 15, 12, 1, 1, 1, 1, 1, 900, 7], volume=volume), 5 * MINUTE_NS)
    assert made.known.tolist() == [True, False, True]
    assert (made.high[0], made.low[0]) == (22, 9)
    assert (made.open[2], made.high[2], made.close[2]) == (7, 9, 7)


@settings(max_examples=100)
@given(
    close=st.lists(st.integers(2, 10_000), min_size=1, max_size=300),
    known=st.lists(st.booleans(), min_size=300, max_size=300),
    minutes=st.sampled_from([1, 5, 15, 60]),
    late=st.integers(0, 100),
)
@pytest.mark.slow
def test_the_extremes_of_a_level_are_those_of_its_bars(
    close: list[int], known: list[bool], minutes: int, late: int
) -> None:
    volume = [1, *(1 if one else UNKNOWN for one in known[1 : len(close)])]
    bars = bars_of(close, start_ns=START_NS + late * MINUTE_NS, volume=volume)
    made = candles_of(bars, minutes * MINUTE_NS)
    for row, open_ns in enumerate(made.open_ns):
        mine = (bars.open_ns >= open_ns) & (bars.open_ns < open_ns + made.width_ns) & bars.known
        assert made.known[row] == mine.any()
        if mine.any():
            assert (made.high[row], made.low[row]) == (bars.high[mine].max(), bars.low[mine].min())
            assert (made.open[row], made.close[row]) == (bars.open[mine][0], bars.close[mine][-1])


def test_widths_go_up_to_the_last_that_divides_the_run() -> None:
    assert widths_of(bars_of([5] * 100)) == [MINUTE_NS, 5 * MINUTE_NS, 15 * MINUTE_NS, HOUR_NS]
    assert widths_of(bars_of([5] * 30, DAY_NS)) == [DAY_NS, 2 * DAY_NS, WEEK_NS]


def test_the_fall_counts_from_the_highest_before_and_from_the_cash_at_the_start() -> None:
    candles = candles_of(bars_of([5] * 6), 3 * MINUTE_NS)
    line = line_of(np.array([90.0, 100.0, 80.0, 120.0, 60.0, 90.0]), 100.0, candles)
    assert (line.low.tolist(), line.high.tolist(), line.last.tolist()) == ([80, 60], [100, 120], [80, 90])
    np.testing.assert_allclose(line.fall, [0.2, 0.5])


def trade(entry: str, exit: str | None, size: float, at: float = 10.0) -> dict[str, object]:
    return {
        "entry_time": entry,
        "exit_time": exit,
        "entry_price": at,
        "exit_price": None if exit is None else 11.0,
        "size": size,
    }


def test_long_trades_buy_first_short_ones_sell_first_and_an_open_one_has_no_exit() -> None:
    first, second = "2024-01-01T00:02:00Z", "2024-01-01T00:04:00Z"
    fills = fills_of([trade(first, second, 2.0), trade(second, None, -1.0, 12.0)])
    assert ((fills.time_ns - START_NS) // MINUTE_NS).tolist() == [2, 4, 4]
    assert fills.side.tolist() == [BUY, SELL, SELL]
    assert (fills.trade.tolist(), fills.price.tolist()) == ([0, 0, 1], [10.0, 11.0, 12.0])
    assert len(fills_of([]).time_ns) == 0


def test_marks_stand_on_their_candle_and_several_of_a_side_are_counted() -> None:
    times = [f"2024-01-01T00:{minute:02}:00Z" for minute in (0, 1, 2, 3, 7, 9)]
    fills = fills_of([trade(*times[:2], 1.0), trade(*times[2:4], 1.0), trade(*times[4:], 1.0)])
    marks = marks_of(fills, candles_of(bars_of([5] * 10), 5 * MINUTE_NS))
    told = zip(marks.row.tolist(), marks.side.tolist(), marks.fills.tolist(), marks.trade.tolist(), strict=True)
    assert set(told) == {(0, BUY, 2, 0), (0, SELL, 2, 0), (1, BUY, 1, 2), (1, SELL, 1, 2)}
    single = marks_of(fills, candles_of(bars_of([5] * 10), MINUTE_NS))
    assert single.row.tolist() == [0, 1, 2, 3, 7, 9]


def test_a_stop_met_within_a_bar_is_marked_on_that_bar_and_not_on_the_next() -> None:
    bars = bars_of([50, 60, 20, 70, 71])  # each from 1 below to 2 above
    times = [f"2024-01-01T00:0{minute}:00Z" for minute in range(5)]
    stopped = {**trade(times[1], times[3], 1.0, at=60.0), "exit_price": 21.0}  # the third bar's price, told at its end
    at_open = {**trade(times[3], times[4], 1.0, at=70.0), "exit_price": 71.0}  # shown by both: the bar that opens
    fills = within_bars(fills_of([stopped, at_open]), bars)
    marks = marks_of(fills, candles_of(bars, MINUTE_NS))
    assert list(zip(marks.row.tolist(), marks.side.tolist(), strict=True)) == [(1, BUY), (2, SELL), (3, BUY), (4, SELL)]


def test_months_and_weeks_multiply_to_the_whole_and_name_the_part_ones() -> None:
    close = [100, 110, 121, 121]
    bars = bars_of(close, 15 * DAY_NS, START_NS + 16 * DAY_NS)  # 17 January, 1 and 16 February, 2 March
    found = months(bars, np.array([90.0, 99.0, 198.0, 99.0]), 100.0)
    assert [(one["period"], one["whole"]) for one in found] == [
        ("2024-01", False),
        ("2024-02", True),
        ("2024-03", False),
    ]
    np.testing.assert_allclose([one["return"] for one in found], [-0.1, 1.2, -0.5])
    np.testing.assert_allclose([one["price"] for one in found], [0.0, 0.21, 0.0])
    days = bars_of([100] * 13 + [200], DAY_NS, EPOCH_MONDAY_NS + 7 * DAY_NS - DAY_NS)
    by_week = weeks(days, np.full(14, 50.0), 50.0)
    assert [(one["period"], one["whole"], one["return"]) for one in by_week] == [
        ("1970-01-05", False, 0.0),
        ("1970-01-12", True, 0.0),
        ("1970-01-19", False, 0.0),
    ]
    assert [one["price"] for one in by_week] == [0.0, 0.0, 1.0]
