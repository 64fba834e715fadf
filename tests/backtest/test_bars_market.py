"""What happens on bars, worked by hand."""

import numpy as np
import pytest

from ninefold.backtest.funding import BadFunding, Funding
from ninefold.backtest.market_rules import EquityShare, Exits, Fees, FixedSize, Limits, Margin, Rules, Slippage
from ninefold.backtest.outcome import Reason, TooLarge
from ninefold.backtest.run import run
from ninefold.backtest.target import BadTarget, changes_of_signals
from tests.backtest.markets import MINUTE_NS, bars

FREE = Fees(taker=0, maker=0)
ONE_LOT = Rules(cash=1000, sizing=FixedSize(1), fees=FREE)


def rules(**changed):
    return Rules(**{"cash": 1000, "sizing": FixedSize(1), "fees": FREE, **changed})


def fills(made, target, given=ONE_LOT, **more):
    """(bar, price, size, reason) of each fill."""
    result = run(made, np.array(target, float) if isinstance(target, list) else target, given, **more)
    return [(bar, price, size, Reason(why).name) for bar, price, size, *_, why, _ in result.fills.tolist()]


def test_an_order_decided_at_a_close_is_filled_at_the_next_open_and_one_at_the_last_close_is_not():
    made = bars((10, 12, 9, 11, 5), (13, 14, 12, 12, 5), (15, 15, 14, 14, 5))
    assert fills(made, [1, 0, 1]) == [(1, 13, 1, "TARGET"), (2, 15, -1, "TARGET")]


def test_a_reversal_is_two_fills_and_two_trades_and_fees_are_rounded_up_on_each():
    result = run(bars(100, 100, 90, 80), np.array([1.0, -1, -1, 0]), rules(fees=Fees(taker="0.001")))
    assert result.fills[["bar", "size", "fee"]].tolist() == [(1, 1, 1), (2, -1, 1), (2, -1, 1)]
    [long] = result.trades
    assert (long["entry_bar"], long["exit_bar"], long["size"], long["pnl"]) == (1, 2, 1, -12)
    [short] = result.open_trade
    assert (short["entry_price"], short["size"], short["pnl"]) == (90, -1, 9)
    assert result.equity.tolist() == [1000, 999, 987, 997]


def test_slippage_is_paid_in_money_and_the_price_stays_one_that_was_shown():
    result = run(bars(100, 100, 200), np.array([1.0, 0, 0]), rules(slippage=Slippage(ticks=2, rate="0.01")))
    assert result.fills[["price", "slippage"]].tolist() == [(100, 3), (200, 4)]
    assert result.equity[-1] == 1000 + 100 - 7


@pytest.mark.parametrize(
    ("bar", "expected"),
    [
        ((100, 104, 95, 96, 9), (2, 95, "STOP_LOSS")),  # within the bar, at the stop
        ((93, 99, 92, 98, 9), (2, 93, "STOP_LOSS")),  # it opens beyond the stop
        ((100, 120, 95, 96, 9), (2, 95, "STOP_LOSS")),  # both are touched: the stop was first
        ((100, 111, 96, 96, 9), (2, 110, "TAKE_PROFIT")),  # the price goes through the limit
        ((100, 110, 96, 96, 9), None),  # it only touches the limit
        ((112, 112, 94, 96, 9), (2, 112, "TAKE_PROFIT")),  # it opens beyond the limit, before the stop
        ((100, 104, 96, 96, 9), None),
    ],
)
def test_a_stop_and_a_take_profit_of_a_long(bar, expected):
    exits = Exits(stop_loss="0.05", take_profit="0.1")
    found = fills(bars(100, 100, bar, 100), [1, 1, 1, 1], rules(exits=exits))
    assert [(bar, price, why) for bar, price, _, why in found[1:]] == ([expected] if expected else [])


def test_a_stop_and_a_take_profit_of_a_short_are_mirrored():
    exits = rules(exits=Exits(stop_loss="0.05", take_profit="0.1"))
    assert fills(bars(100, 100, (100, 105, 80, 90, 9)), [-1] * 3, exits)[1:] == [(2, 105, 1, "STOP_LOSS")]
    assert fills(bars(100, 100, (100, 104, 89, 90, 9)), [-1] * 3, exits)[1:] == [(2, 90, 1, "TAKE_PROFIT")]


def test_a_stop_guards_from_the_bar_of_the_entry_on():
    assert fills(bars(100, (100, 101, 94, 99, 9)), [1, 1], rules(exits=Exits(stop_loss="0.05"))) == [
        (1, 100, 1, "TARGET"),
        (1, 95, -1, "STOP_LOSS"),
    ]


def test_a_trailing_stop_follows_the_bars_before_not_the_bar_itself():
    made = bars(100, (100, 120, 99, 119, 9), (119, 140, 109, 110, 9), (130, 131, 125, 126, 9))
    found = fills(made, [1] * 4, rules(exits=Exits(trailing="0.1")))
    assert found[1:] == [(3, 126, -1, "TRAILING")]  # 120 - 12 = 108 was not touched; 140 - 14 = 126 was


def test_a_take_profit_pays_the_maker_fee_and_no_slippage():
    given = rules(
        cash=10_000, fees=Fees(taker="0.01", maker="0.001"), slippage=Slippage(1), exits=Exits(take_profit="0.1")
    )
    result = run(bars(1000, 1000, (1000, 1101, 1000, 1000, 9)), np.ones(3), given)
    assert result.fills[["fee", "slippage"]].tolist() == [(10, 1), (2, 0)]


def test_a_time_exit_is_decided_at_the_close_of_the_last_bar_and_filled_at_the_next_open():
    assert fills(bars(1, 2, 3, 4, 5), [1] * 5, rules(exits=Exits(bars=2))) == [
        (1, 2, 1, "TARGET"),
        (3, 4, -1, "TIME"),
    ]


def test_after_a_stop_a_target_that_stays_does_not_enter_again_and_an_entry_signal_does():
    made = bars(100, 100, (100, 100, 90, 90, 9), 90, 90)
    given = rules(exits=Exits(stop_loss="0.05"))
    assert len(fills(made, [1] * 5, given)) == 2
    signals = changes_of_signals(np.array([1, 1, 0, 1, 0]), np.zeros(5))
    assert fills(made, signals, given)[2:] == [(4, 90, 1, "TARGET")]


def test_signals_an_exit_beats_an_entry_and_of_two_entries_none_counts():
    none, both = np.zeros(3), np.array([1, 0, 0])
    assert changes_of_signals(both, both, none, none).at.tolist() == []
    assert changes_of_signals(both, none, both, none).at.tolist() == []
    assert changes_of_signals(both, none, np.array([0, 1, 0]), np.array([0, 0, 1])).to.tolist() == [10**8, -(10**8), 0]
    with pytest.raises(BadTarget, match="all must be"):
        changes_of_signals(both, np.zeros(2))


def test_orders_take_no_more_than_their_share_of_the_volume_and_the_rest_waits():
    made = bars(10, (10, 10, 10, 10, 30), (11, 11, 11, 11, 55), (12, 12, 12, 12, 500))
    found = fills(made, [1] * 4, rules(cash=9000, sizing=FixedSize(10), volume_share="0.1"))
    assert found == [(1, 10, 3, "TARGET"), (2, 11, 5, "TARGET"), (3, 12, 2, "TARGET")]


def test_nothing_is_filled_on_quiet_and_on_unknown_bars():
    made = bars(10, (10, 10, 10, 10, 0), None, (12, 13, 11, 13, 1))
    result = run(made, np.ones(4), ONE_LOT)
    assert result.fills[["bar", "price"]].tolist() == [(3, 12)]
    assert result.equity.tolist() == [1000, 1000, 1000, 1001]


def test_an_unknown_target_counts_as_none_and_an_unknown_bar_is_valued_at_the_last_close():
    made = bars(10, 12, None, 15)
    result = run(made, np.array([1, 1, np.nan, 1]), ONE_LOT)
    assert result.fills[["bar", "size"]].tolist() == [(1, 1), (3, -1)]
    assert result.equity.tolist() == [1000, 1000, 1000, 1003]


def test_what_money_does_not_pay_for_is_cut():
    assert fills(bars(10, 300), [1, 1], rules(sizing=EquityShare(1))) == [(1, 300, 3, "TARGET")]  # 100 were wanted
    with_fee = rules(sizing=FixedSize(10), fees=Fees(taker="0.01"))
    assert fills(bars(100, 100), [1, 1], with_fee) == [(1, 100, 9, "TARGET")]  # 10 and the fee cost 1010


def test_limits_cut_what_is_wanted():
    given = rules(sizing=FixedSize(5), limits=Limits(long=2, short=0))
    assert fills(bars(1, 2, 3, 4), [1, -1, 0, 0], given) == [(1, 2, 2, "TARGET"), (2, 3, -2, "TARGET")]


def test_a_position_is_liquidated_at_the_price_at_which_the_margin_is_gone():
    margin = Margin(leverage=10, maintenance="0.05", liquidation_fee="0.01")
    made = bars(100, 100, (100, 101, 90, 92, 9), 92)
    result = run(made, np.ones(4), rules(cash=100, sizing=FixedSize(10), margin=margin))
    # cash is -900; 10 x - 900 <= 0.05 * 10 x from x = 94 on: 40 <= 47 (95: 50 > 47.5)
    assert result.fills[["bar", "price", "size", "fee", "inside"]].tolist()[1:] == [(2, 94, -10, 10, 1)]
    assert result.equity[-1] == 30
    assert Reason(int(result.trades["reason"][0])) is Reason.LIQUIDATION


def test_a_stop_before_the_liquidation_is_first_and_a_gap_beyond_both_is_a_liquidation():
    given = rules(cash=100, sizing=FixedSize(10), margin=Margin(10, "0.05"), exits=Exits(stop_loss="0.03"))
    assert fills(bars(100, 100, (100, 100, 80, 80, 9)), [1] * 3, given)[1:] == [(2, 97, -10, "STOP_LOSS")]
    assert fills(bars(100, 100, (85, 86, 80, 80, 9)), [1] * 3, given)[1:] == [(2, 85, -10, "LIQUIDATION")]


def test_a_short_without_margin_left_is_closed():
    found = fills(bars(100, 100, (150, 260, 150, 200, 9), 100), [-1] * 4, rules(cash=100))
    assert found == [(1, 100, -1, "TARGET"), (2, 200, 1, "LIQUIDATION")]


def test_funding_is_paid_by_what_is_held_when_the_bar_opens_rounded_against_us():
    at = np.array([1, 2, 3]) * MINUTE_NS
    paid = Funding(at, np.array([0.5, 0.001, -0.001]))
    result = run(bars(100, 100, 150, 250), np.ones(4), ONE_LOT, paid)
    assert result.fills[["bar", "funding"]].tolist() == [(1, 0), (2, 1), (3, 0)]  # 0.15 is 1, -0.25 is 0
    assert result.equity.tolist() == [1000, 1000, 1049, 1149]
    assert result.open_trade["funding"].tolist() == [1]


def test_funding_that_cannot_be_used_names_its_row():
    with pytest.raises(BadFunding, match=r"funding 1 is at .* sort them"):
        Funding(np.array([5, 5]), np.zeros(2))
    with pytest.raises(BadFunding, match=r"funding 0 is 2\.0"):
        Funding(np.array([5]), np.array([2.0]))
    with pytest.raises(BadFunding, match="both must be"):
        Funding(np.array([5]), np.zeros(2))
    with pytest.raises(BadFunding, match="two fundings in the bar at row 0"):
        run(bars(1, 2), np.zeros(2), ONE_LOT, Funding(np.array([0, 5]), np.zeros(2)))


def test_a_target_outside_of_what_is_allowed_names_its_row():
    with pytest.raises(BadTarget, match=r"the target is 1.5 at row 1; .* cuts"):
        run(bars(1, 2), np.array([0, 1.5]), ONE_LOT)
    with pytest.raises(BadTarget, match="one value for each of the 2 bars"):
        run(bars(1, 2), np.zeros(3), ONE_LOT)


def test_an_account_that_outgrows_the_numbers_is_refused_with_the_row():
    made = bars(1, 1, 10**4, 10**4, 1, 1)
    with pytest.raises(TooLarge, match="at row 4"):  # 10**16 lots are wanted, where a lot may cost 10**4
        run(made, np.array([1, 0, 0, 0, 1, 0]), rules(cash=10**12, sizing=EquityShare(1)))


def test_what_a_result_tells_beside_equity():
    result = run(bars(100, 100, 110, 120, 120), np.array([1.0, 1, 0, 0, 0]), rules(fees=Fees("0.01"), cash=200))
    assert result.equity.tolist() == [200, 199, 209, 217, 217]
    assert result.returns.tolist() == [0, 199 / 200 - 1, 209 / 199 - 1, 217 / 209 - 1, 0]
    assert result.exposure.tolist() == [0, 100 / 199, 110 / 209, 0, 0]
    assert (result.fees, result.slippage, result.funding, result.traded) == (3, 0, 0, 220)
    assert result.turnover == 220 / (1042 / 5)
    assert len(result.open_trade) == 0
    assert result.to_quote(result.equity[-1:]).tolist() == [217.0]
    [trade] = result.trades
    assert trade["exit_ns"] == 3 * MINUTE_NS
