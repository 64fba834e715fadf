"""Candles against a slow aggregation that shares no code with them."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.simulator.candles import Candle, Candles, CandleTrade, open_of

START_MS = 1_700_000_000_000  # a Tuesday, 22:13:20 UTC
WIDTHS = {"1m": 60_000, "5m": 300_000, "15m": 900_000, "1h": 3_600_000}


def fold(steps: list[tuple[int, int, int, bool]]) -> tuple[Candles, list[CandleTrade]]:
    """steps: (milliseconds since the last trade, price, lots, buyer is maker)."""
    candles, trades, now_ms = Candles([]), [], START_MS
    for number, (gap, price, lots, maker) in enumerate(steps, 1):
        now_ms += gap
        trades.append(CandleTrade(now_ms, price, lots, price * lots, maker, number, number))
        candles.add(trades[-1])
    return candles, trades


def slow(trades: list[CandleTrade], width_ms: int, end_ms: int) -> list[tuple[int, ...]]:
    """Open time, prices, volumes and count of every interval from the first trade to the end."""
    groups = defaultdict(list)
    for trade in trades:
        groups[trade.time_ms // width_ms].append(trade)
    rows, close = [], trades[0].price_ticks
    for at in range(trades[0].time_ms // width_ms, end_ms // width_ms + 1):
        group = groups[at]
        prices = [each.price_ticks for each in group] or [close]
        close = prices[-1]
        bought = [each for each in group if not each.buyer_is_maker]
        rows.append(
            (at * width_ms, prices[0], max(prices), min(prices), close, sum(each.lots for each in group),
             sum(each.value_e8 for each in group), len(group), sum(each.lots for each in bought),
             sum(each.value_e8 for each in bought))
        )  # fmt: skip
    return rows


@given(
    st.lists(
        st.tuples(st.integers(0, 400_000), st.integers(1, 50), st.integers(1, 9), st.booleans()), min_size=1,
        max_size=40,
    ),
    st.sampled_from(sorted(WIDTHS)),
)  # fmt: skip
def test_candles_of_every_width_equal_a_slow_aggregation_quiet_intervals_included(
    steps: list[tuple[int, int, int, bool]], interval: str
):
    candles, trades = fold(steps)
    end_ms = trades[-1].time_ms + 2 * WIDTHS[interval]
    expected = slow(trades, WIDTHS[interval], end_ms)
    assert [values(each) for each in candles.rows(interval, None, end_ms, 10_000)] == expected
    assert [values(each) for each in candles.rows(interval, 0, end_ms, 3)] == expected[:3]
    assert [values(each) for each in candles.rows(interval, None, end_ms, 3)] == expected[-3:]


def values(candle: Candle) -> tuple[int, ...]:
    return (
        candle.open_ms, candle.open, candle.high, candle.low, candle.close, candle.lots, candle.value_e8, candle.count,
        candle.taker_lots, candle.taker_value_e8,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("interval", "opened"),
    [("1d", 1_699_920_000_000), ("1w", 1_699_833_600_000), ("1M", 1_698_796_800_000)],
)
def test_days_begin_at_midnight_weeks_on_monday_and_months_on_the_first(interval: str, opened: int):
    assert open_of(interval, START_MS) == opened


def test_the_second_before_the_first_trade_of_a_pause_is_flat_at_the_last_close():
    candles, _ = fold([(0, 10, 1, True), (100, 12, 1, True), (3_000, 9, 1, True)])
    second = candles.second(START_MS + 2_000)
    assert second is not None
    assert (second.open, second.high, second.low, second.close, second.count) == (12, 12, 12, 12, 0)
