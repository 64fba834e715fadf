"""Balances, books and positions."""

import numpy as np

from ninefold.execution.account import Account
from ninefold.execution.money import base_amount, quote_amount, size_of
from ninefold.execution.shown import Shown
from ninefold.market.arrays import BAR_OK, BAR_UNKNOWN, BARS, rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry, listed
from ninefold.market.records import Balance, Fill

REGISTRY = Registry()
BTC_USDT = REGISTRY.add(listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.00001"))
ADA_BTC = REGISTRY.add(listed("binance", "ADABTC", "ADA", "BTC", tick="0.00000001", lot="0.1"))
ONE = 10**8


def balance(asset: str, free: int, locked: int = 0) -> Balance:
    return Balance(seq=1, known_ns=1, asset=asset, free=free, locked=locked)


def fill(side: int, price: int, size: int, fee: int, fee_asset: str, trade_id: str) -> Fill:
    return Fill(
        seq=1,
        known_ns=1,
        client_order_id="nf-a",
        instrument=BTC_USDT.id,
        side=side,
        price=price,
        size=size,
        fee=fee,
        fee_asset=fee_asset,
        trade_id=trade_id,
        exchange_ns=1,
    )


def test_fills_and_fees_are_booked_to_the_last_unit_and_repeated_trades_once():
    account = Account()
    account.show(balance("USDT", 1000 * ONE))
    bought = fill(1, 50_000_00, 1_000, 1_000, "BTC", "t1")  # 0.01 BTC at 50,000.00, fee 0.00001 BTC
    assert account.book(bought, BTC_USDT)
    assert not account.book(bought, BTC_USDT)
    assert account.booked == {"USDT": 500 * ONE, "BTC": 999_000}
    assert account.positions == {BTC_USDT.id: 999_000}
    account.book(fill(-1, 60_000_00, 999, 59_940_000, "USDT", "t2"), BTC_USDT)  # 0.00999 BTC: 599.40 USDT, fee 0.5994
    assert account.booked == {"USDT": 500 * ONE + 599_40_000_000 - 59_940_000, "BTC": 0}


def test_the_venue_and_our_books_are_compared_asset_by_asset():
    account = Account()
    account.show(balance("USDT", 1000 * ONE))
    account.book(fill(1, 50_000_00, 1_000, 1_000, "BTC", "t1"), BTC_USDT)
    account.show(balance("USDT", 500 * ONE))
    account.show(balance("BTC", 999_001))
    assert account.differences() == {"BTC": (999_001, 999_000)}


def test_amounts_are_exact_and_quote_amounts_below_the_last_unit_are_cut():
    assert base_amount(BTC_USDT, 1) == 1_000
    assert quote_amount(BTC_USDT, 50_000_01, 3) == 150_000_030  # 50,000.01 * 0.00003 = 1.5000003
    assert quote_amount(ADA_BTC, 19, 1) == 1  # 0.00000019 * 0.1 = 0.000000019
    assert (size_of(BTC_USDT, 1_999), size_of(BTC_USDT, -1_999)) == (1, -1)


def shown(*quotes: tuple[int, int, int]) -> Shown:
    """Quotes are (instrument, bid, ask)."""
    market = Shown(REGISTRY, "binance")
    values = [(instrument, 1, 1, seq, seq, bid, 5, ask, 5) for seq, (instrument, bid, ask) in enumerate(quotes)]
    market.fold(Chunk(1, 9, 9, {"quotes": rows("quotes", values)}))
    return market


def test_worth_is_the_mid_price_directly_or_through_btc_and_none_while_a_price_is_missing():
    both = shown((BTC_USDT.id, 50_000_00, 50_001_00), (ADA_BTC.id, 1000, 1002))
    assert both.worth(2 * ONE, "BTC", "USDT") == 100_001 * ONE
    assert both.worth(ONE, "ADA", "USDT") == 1001 * 100_001 // 2  # 0.00001001 BTC at 50,000.50
    assert shown((ADA_BTC.id, 1000, 1002)).worth(ONE, "ADA", "USDT") is None
    assert both.worth(ONE, "XRP", "USDT") is None
    assert both.worth(0, "XRP", "USDT") == 0


def test_a_quote_with_an_empty_side_is_no_price():
    market = shown((BTC_USDT.id, 50_000_00, 50_001_00), (BTC_USDT.id, 0, 50_001_00))
    assert market.quote(BTC_USDT.id) is None
    assert market.worth(ONE, "BTC", "USDT") is None


def test_the_newest_bar_of_the_shortest_width_decides_whether_bars_can_be_trusted():
    market = shown()

    def bars(*values: tuple[int, int, int]) -> dict[str, np.ndarray]:
        made = np.zeros(len(values), BARS)
        made["instrument"] = BTC_USDT.id
        for row, (width, close, state) in zip(made, values, strict=True):
            row["width_ns"], row["close_ns"], row["state"] = width, close, state
        return {"bars": made}

    market.fold(Chunk(1, 1, 1, bars((60, 60, BAR_UNKNOWN), (1, 60, BAR_OK))))
    assert not market.bar_is_unknown(BTC_USDT.id)
    market.fold(Chunk(2, 2, 2, bars((1, 61, BAR_UNKNOWN), (60, 60, BAR_OK))))
    assert market.bar_is_unknown(BTC_USDT.id)
