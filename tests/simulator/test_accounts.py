"""Money is moved, never made: by hand, and on random executions."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.simulator.accounts import Account, Balance, OwnFill, OwnOrder, Short, fee_of
from ninefold.simulator.engine import BUY, SELL
from ninefold.simulator.instruments import GENERATED, Instrument
from ninefold.simulator.texts import E8, NotDecimal, e8_of, text_of

BTC = GENERATED["BTCUSDT"]


def order(side: int, price_ticks: int, lots: int) -> OwnOrder:
    return OwnOrder(1, "BTCUSDT", "mine", side, "LIMIT", "GTC", price_ticks, lots, 0, 0)


def fill(instrument: Instrument, side: int, price_ticks: int, lots: int) -> OwnFill:
    value_e8 = instrument.value_e8(price_ticks, lots)
    fee_e8, asset = fee_of(instrument, side, lots, value_e8)
    return OwnFill(1, 1, "BTCUSDT", price_ticks, lots, value_e8, fee_e8, asset, 0, side == BUY, False)


def test_a_buy_below_its_limit_pays_the_better_price_and_its_fee_in_the_bought_asset():
    account = Account({"USDT": Balance(1_000 * E8), "BTC": Balance(0)})
    buy = order(BUY, 6_000_000, 1_000)  # 0.01 BTC at 60000.00
    account.lock(BTC, buy)
    assert account.balances["USDT"] == Balance(400 * E8, 600 * E8)
    account.execute(BTC, buy, fill(BTC, BUY, 5_900_000, 500), locked=True)  # 0.005 BTC at 59000.00
    assert account.balances["USDT"] == Balance(405 * E8, 300 * E8)
    assert account.balances["BTC"] == Balance(499_500)  # less 0.1 %
    account.release(BTC, buy)
    assert account.balances["USDT"] == Balance(705 * E8, 0)


def test_an_order_that_the_balance_does_not_cover_changes_nothing():
    account = Account({"USDT": Balance(599 * E8)})
    with pytest.raises(Short):
        account.lock(BTC, order(BUY, 6_000_000, 1_000))
    assert account.balances == {"USDT": Balance(599 * E8)}


@pytest.mark.slow
@settings(settings.get_profile("money"))
@given(
    st.sampled_from([BUY, SELL]),
    st.lists(st.tuples(st.integers(0, 50_000), st.integers(1, 900)), min_size=1, max_size=8),
)
def test_whatever_is_filled_only_the_fee_leaves_the_account(side: int, parts: list[tuple[int, int]]):
    account = Account({"USDT": Balance(10**15), "BTC": Balance(10**15)})
    whole = order(side, 6_000_000, sum(lots for _, lots in parts) + 7)
    account.lock(BTC, whole)
    base = quote = 0
    for better, lots in parts:
        each = fill(BTC, side, 6_000_000 - side * better, lots)
        account.execute(BTC, whole, each, locked=True)
        base += side * lots * BTC.lot_e8 - (each.fee_e8 if side == BUY else 0)
        quote -= side * each.value_e8 + (each.fee_e8 if side == SELL else 0)
    account.release(BTC, whole)
    assert account.balances == {"USDT": Balance(10**15 + quote, 0), "BTC": Balance(10**15 + base, 0)}


@settings(settings.get_profile("money"))
@given(st.integers(0, 10**17))
def test_texts_and_counts_of_1e_8_are_the_same_number(value: int):
    assert e8_of(text_of(value)) == value


@pytest.mark.parametrize("text", ["", ".", "-1", "1e3", "1.000000001", "NaN", "1_0", "٣"])
def test_what_is_no_plain_decimal_is_refused(text: str):
    with pytest.raises(NotDecimal):
        e8_of(text)
