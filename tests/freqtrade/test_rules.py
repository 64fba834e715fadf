"""The rules of freqtrade's back-test, each on candles that can be worked out by hand; fees are 0 where not said otherwise."""

import dataclasses

import pytest

from ninefold.freqtrade.errors import StrategyFailed
from tests.freqtrade.by_hand import FLAT, NO_FEE, strategy, told, trades

FINE = (100.0, 100.01, 99.99, 100.0)  # its month has steps of 0.01
RISING = [(100.0 + row, 101.0 + row, 99.5 + row, 101.0 + row) for row in range(10)]


def test_a_signal_acts_at_the_open_of_the_next_candle():
    [trade] = trades(RISING, strategy(enter=[2], leave=[5]))
    assert told(trade) == (3, 6, 103.0, 106.0, "exit_signal")
    assert trade.stake_amount == pytest.approx(100.0, rel=1e-15)
    assert trade.close_profit_abs == pytest.approx(100 * 3 / 103, abs=5e-9)


def test_what_is_open_at_the_end_is_left_at_the_open_of_the_last_candle_and_nothing_begins_there():
    assert [told(one) for one in trades(RISING, strategy(enter=[3, 8]))] == [(4, 9, 104.0, 109.0, "force_exit")]
    assert trades(RISING, strategy(enter=[8])) == []


def test_a_candle_with_both_signals_begins_nothing():
    assert trades(RISING, strategy(enter=[2], leave=[2])) == []


def test_both_fees_are_paid():
    [trade] = trades([FLAT] * 6, strategy(enter=[1], leave=[3]), dataclasses.replace(NO_FEE, fee=0.01))
    assert trade.close_profit_abs == -2.0  # 1 % of 100 going in, 1 % of 100 going out
    assert trade.close_profit == -2.0 / 101.0


def test_a_stop_is_filled_at_its_price_in_the_candle_whose_low_reaches_it_even_that_of_the_entry():
    falling = [FLAT, FLAT, (100.0, 100.0, 94.0, 95.0), FLAT, FLAT]
    [trade] = trades(falling, strategy(enter=[1], stoploss=-0.05))
    assert told(trade) == (2, 2, 100.0, 95.0, "stop_loss")


def test_a_candle_that_begins_below_the_stop_is_left_at_its_open():
    gap = [FLAT, FLAT, FLAT, (90.0, 91.0, 89.0, 90.0), FLAT, FLAT]
    [trade] = trades(gap, strategy(enter=[1], stoploss=-0.05))
    assert told(trade) == (2, 3, 100.0, 90.0, "stop_loss")


def test_the_roi_that_holds_at_the_age_of_the_trade_is_reached_at_the_high():
    table = {"0": 0.10, "10": 0.02}  # 10 minutes are two candles
    candles = [FLAT, FLAT, FLAT, (100.0, 103.0, 100.0, 102.0), (101.5, 103.0, 100.0, 102.0), FLAT]
    [trade] = trades(candles, strategy(enter=[1], minimal_roi=table))
    assert told(trade) == (2, 4, 100.0, 102.0, "roi")


def test_a_roi_that_begins_to_hold_with_a_candle_above_it_is_filled_at_the_open():
    candles = [FLAT, FLAT, FLAT, FLAT, (103.0, 104.0, 102.0, 103.0), FLAT]
    [trade] = trades(candles, strategy(enter=[1], minimal_roi={"0": 0.10, "10": 0.02}))
    assert told(trade) == (2, 4, 100.0, 103.0, "roi")


def test_the_stop_comes_before_the_roi_and_the_signal_before_both():
    wild = [FLAT, FLAT, FLAT, (100.0, 120.0, 80.0, 100.0), FLAT]
    both = {"minimal_roi": {"0": 0.1}, "stoploss": -0.1}
    assert [told(one)[3:] for one in trades(wild, strategy(enter=[1], **both))] == [(90.0, "stop_loss")]
    assert [told(one)[3:] for one in trades(wild, strategy(enter=[1], leave=[2], **both))] == [(100.0, "exit_signal")]


def test_a_trailing_stop_follows_the_high_and_the_low_of_the_same_candle_may_reach_it():
    candles = [FINE, FLAT, FLAT, (100.0, 110.0, 100.0, 105.0), (105.0, 106.0, 103.0, 104.0), FLAT]
    [trade] = trades(candles, strategy(enter=[1], stoploss=-0.06, trailing_stop=True))
    assert told(trade) == (2, 3, 100.0, pytest.approx(103.4), "trailing_stop_loss")  # 6 % below 110


def test_a_trailing_stop_waits_for_its_offset_and_is_nearer_then():
    tuned = {
        "trailing_stop_positive": 0.01,
        "trailing_stop_positive_offset": 0.05,
        "trailing_only_offset_is_reached": True,
    }
    candles = [
        FINE,
        FLAT,
        FLAT,
        (100.0, 104.0, 96.0, 104.0),
        (104.0, 106.0, 105.0, 106.0),
        (106.0, 106.0, 104.0, 105.0),
        FLAT,
    ]
    [trade] = trades(candles, strategy(enter=[1], stoploss=-0.05, trailing_stop=True, **tuned))
    assert told(trade) == (2, 5, 100.0, pytest.approx(104.94), "trailing_stop_loss")  # 1 % below 106


def test_a_stop_is_put_on_the_step_that_the_prices_of_the_month_are_on_upwards():
    candles = [FLAT, FLAT, FLAT, (100.0, 100.0, 90.0, 95.0), FLAT]
    coarse, fine = (trades([first, *candles[1:]], strategy(enter=[1], stoploss=-0.0555)) for first in (FLAT, FINE))
    assert [told(*one)[3:] for one in (coarse, fine)] == [(95.0, "stop_loss"), (94.45, "stop_loss")]


def test_in_the_candle_of_the_entry_a_trailing_stop_is_taken_at_its_worst():
    candles = [FLAT, FLAT, (100.0, 110.0, 90.0, 100.0), FLAT, FLAT]
    [trade] = trades(candles, strategy(enter=[1], stoploss=-0.15, trailing_stop=True))
    assert told(trade) == (
        2,
        2,
        100.0,
        90.0,
        "trailing_stop_loss",
    )  # 15 % below 110 is 93.5, below the open 85: the low is higher


def test_pairs_are_asked_in_order_and_a_slot_that_a_trade_leaves_is_free_in_the_same_candle():
    one = dataclasses.replace(NO_FEE, max_open_trades=1)
    of = strategy(enter={"AAA/USDT": [1], "BBB/USDT": [1, 2, 3]}, leave={"AAA/USDT": [3]})
    found = trades([FLAT] * 8, of, one, BBB=[FLAT] * 8)
    assert [(trade.pair, *told(trade)[:2]) for trade in found] == [("AAA/USDT", 2, 4), ("BBB/USDT", 4, 7)]


def test_unlimited_stakes_share_what_there_is_and_grow_with_it():
    settings = dataclasses.replace(NO_FEE, stake_amount="unlimited", max_open_trades=2, wallet=1000.0)
    rising = [FLAT, FLAT, FLAT, (100.0, 120.0, 100.0, 120.0), (120.0, 120.0, 120.0, 120.0), *[(120.0,) * 4] * 4]
    first, second = trades(rising, strategy(enter=[1, 5], leave=[3]), settings)
    assert first.stake_amount == pytest.approx(495.0)  # 99 % of 1000, for two
    assert second.stake_amount == pytest.approx((1000 + 99) * 0.99 / 2)


def test_the_warm_up_is_looked_at_and_not_traded_on():
    [trade] = trades(RISING, strategy(enter=[1, 4], startup_candle_count=3))
    assert told(trade)[:2] == (5, 9)


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"stoploss": None}, "has stoploss None; set a fraction below 0"),
        ({"timeframe": ""}, "has no timeframe; set one"),
        ({"timeframe": "5x"}, "there is no timeframe '5x'"),
        ({"can_short": True}, "sets can_short; short trades are not there yet"),
        ({"custom_entry_price": lambda self, **about: 1.5}, r"custom_entry_price wants 1.5 where 102.0 was proposed"),
        ({"startup_candle_count": 9}, "no pair has candles of 5m beyond the 9 that ByHand warms up with"),
        (
            {"populate_indicators": lambda self, frame, about: frame.iloc[2:]},
            "gave back 8 rows; it must return the dataframe",
        ),
    ],
)
def test_what_cannot_be_run_is_refused_in_words(attributes, said):
    with pytest.raises(StrategyFailed, match=said):
        trades(RISING, strategy(enter=[1], **attributes))
