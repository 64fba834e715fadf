"""What was held at earlier inputs, by hand: fills, crossings, another number, and a journal whose end was lost."""

import msgspec

from ninefold.execution.held_before import NOTHING, HeldBefore, Stood
from ninefold.market.instruments import listed
from ninefold.market.records import Crossed, Equity, Fill, Listed, Order

OLD = msgspec.structs.replace(
    listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.001", min_notional="5"), id=1
)
NEW = msgspec.structs.replace(OLD, id=2, version=2, tick_size=10 * OLD.tick_size)
TICK = 10**6  # 0.01 USDT in 10**-8
LOT = 10**5  # 0.001 BTC in 10**-8


def order(seq, name="a"):
    return Order(
        seq=seq, known_ns=0, client_order_id=f"nf-{name}{seq}", instrument=1, side=1, size=1, status="sent", strategies=(name,)
    )  # fmt: skip


def fill(seq, of, lots, price, side=1):
    size = lots * OLD.lot_size
    return Fill(
        seq=seq, known_ns=0, client_order_id=of.client_order_id, instrument=1, side=side, price=price * OLD.tick_size,
        size=size, fee=0, fee_asset="", trade_id=str(seq), exchange_ns=0,
    )  # fmt: skip


def new_listed(seq, instrument):
    return Listed(seq=seq, known_ns=0, instrument=instrument)


def worth(seq):
    return Equity(seq=seq, known_ns=0, quote="USDT", value=None)


ONE = order(2)
BOUGHT = [new_listed(1, OLD), ONE, fill(5, ONE, 4, 10_000), fill(7, ONE, 4, 10_002)]


def test_a_fill_counts_at_its_own_input_and_not_before():
    before = HeldBefore(BOUGHT, ["a"])
    assert [before.at("a", 1, seq) for seq in (4, 5, 6, 7, 99)] == [
        NOTHING,
        Stood(4 * LOT, 10_000, TICK, 5),
        Stood(4 * LOT, 10_000, TICK, 5),
        Stood(8 * LOT, 10_001, TICK, 5),
        Stood(8 * LOT, 10_001, TICK, 5),
    ]
    assert before.at("another", 1, 99) == NOTHING == before.at("a", 2, 99)


def test_what_was_crossed_counts_behind_the_decision_that_did_it():
    taken = Crossed(seq=9, known_ns=0, instrument=1, price=10_005 * OLD.tick_size, taken={"a": -8 * LOT, "b": 8 * LOT})
    before = HeldBefore([*BOUGHT, taken], ["a", "b"])
    assert [before.at("a", 1, seq).amount for seq in (9, 10)] == [8 * LOT, 0]
    assert [before.at("b", 1, seq) for seq in (9, 10)] == [NOTHING, Stood(8 * LOT, 10_005, TICK, 9)]


def test_an_instrument_that_goes_on_under_another_number_takes_along_what_is_held():
    before = HeldBefore([*BOUGHT, new_listed(12, NEW)], ["a"])
    assert [before.at("a", 1, seq).amount for seq in (11, 12)] == [8 * LOT, 0]
    assert [before.at("a", 2, seq) for seq in (11, 12)] == [NOTHING, Stood(8 * LOT, 10_001, TICK, 5)]


def test_where_numbers_came_again_what_was_booked_under_them_was_known_from_the_first_on():
    """A power loss took the journal behind 5; its numbers were given anew from 6 on."""
    before = HeldBefore([*BOUGHT, worth(6)], ["a"])
    assert [before.at("a", 1, seq).amount for seq in (5, 6)] == [4 * LOT, 8 * LOT]
