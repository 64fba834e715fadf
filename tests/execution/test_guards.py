"""Exits of strategies: where they stand, whose entry they go by, and what becomes of them when rules of an instrument change."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.execution.account import Account
from ninefold.execution.entries import Entries, deal_of
from ninefold.execution.guards import STOP, TAKE, TRAILING, ExitRule, Guards, Levels, levels
from ninefold.execution.money import is_orderable, least_amount, size_of
from ninefold.market.arrays import rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry, listed
from ninefold.market.records import Fill, Order, Shared, Tick
from ninefold.market.strategy_records import Guard
from ninefold.market.time import SECOND_NS

ONE = 10**8
PERCENT = 1_000_000
BTC = listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.00001", min_notional="5")


@pytest.mark.parametrize(
    ("rule", "side", "found"),
    [
        (ExitRule(1, stop=PERCENT), 1, Levels(9_900, STOP, 0)),
        (ExitRule(1, stop=PERCENT), -1, Levels(10_100, STOP, 0)),
        (ExitRule(1, take=PERCENT), -1, Levels(0, "", 9_900)),
        (ExitRule(1, stop=3 * PERCENT, trail=2 * PERCENT, take=1), 1, Levels(9_996, TRAILING, 10_001)),
        (ExitRule(1, stop=1), 1, Levels(9_999, STOP, 0)),
    ],
)
def test_levels_are_in_whole_ticks_at_least_one_away_and_the_nearer_stop_counts(rule, side, found):
    assert levels(rule, side, 10_000, 10_200) == found


def entries_of(*steps: tuple[int, int]) -> tuple[int, int] | None:
    """Average and seq after (amount of base in 10**-8, price in cents) one after the other."""
    entries, held = Entries(), 0
    for seq, (amount, price) in enumerate(steps, 1):
        entries.add(("a", 1), held, amount, deal_of(BTC, price, seq))
        held += amount
    entry = entries.of.get(("a", 1))
    return None if entry is None else (entry.average, entry.seq)


def test_what_is_added_moves_the_average_and_what_is_given_back_does_not():
    assert entries_of((ONE, 100_00)) == (100_00, 1)
    assert entries_of((ONE, 100_00), (ONE, 101_01)) == (100_50, 1), "half a tick is cut"
    assert entries_of((ONE, 100_00), (ONE, 102_00), (-ONE, 50_00)) == (101_00, 1)


def test_a_position_begins_anew_from_nothing_from_dust_and_where_it_turns():
    assert entries_of((ONE, 100_00), (-ONE, 90_00)) is None
    assert entries_of((ONE, 100_00), (1_000 - ONE, 90_00)) is None, "0.00001 BTC are less than an order"
    assert entries_of((ONE, 100_00), (1_000 - ONE, 90_00), (ONE, 80_00)) == (80_00, 3)
    assert entries_of((ONE, 100_00), (-3 * ONE, 90_00)) == (90_00, 2)
    assert entries_of((1_000, 100_00), (ONE, 80_00)) == (80_00, 1), "a first part may be small"


@given(
    decimals=st.tuples(st.integers(0, 8), st.integers(0, 8)),
    rules=st.tuples(st.integers(1, 1_000), st.integers(0, 5_000)),
    notional=st.sampled_from(["0", "0.00000001", "5", "10.5", "1000"]),
    price=st.integers(1, 10**9),
    beside=st.integers(-2_000, 2_000),
)
@settings(max_examples=60, deadline=None)
def test_from_the_least_amount_on_the_venue_takes_an_order_and_below_none(decimals, rules, notional, price, beside):
    known = dict(price_decimals=decimals[0], size_decimals=decimals[1], lot_size=rules[0], min_size=rules[1])
    of = msgspec.structs.replace(BTC, **known, min_notional=notional)
    least = least_amount(of, price)
    for amount in (least - 1, least, max(0, least + beside)):
        lots = size_of(of, amount) // of.lot_size * of.lot_size
        assert is_orderable(of, lots, price) == (amount >= least), f"{amount} of {least}"


class Held:
    """One strategy that got a bitcoin at 100."""

    def __init__(self, **rule: int) -> None:
        self.registry = Registry()
        self.registry.add(BTC)
        self.account = Account()
        self.guards = Guards({"a": ExitRule(SECOND_NS, **rule)}, self.registry, self.account.attribution)
        order = Order(seq=1, known_ns=1, client_order_id="nf-a", instrument=1, side=1, size=100_000, status="sent")
        self.account.attribution.follow(order)
        self.account.attribution.share(
            Shared(seq=1, known_ns=1, client_order_id="nf-a", instrument=1, wanted={"a": ONE})
        )
        fill = Fill(seq=2, known_ns=2, client_order_id="nf-a", instrument=1, side=1, price=100_00, size=100_000, fee=0,
                    fee_asset="", trade_id="1", exchange_ns=2)  # fmt: skip
        self.account.book(fill, self.registry[1])

    def trade(self, price: int, seq: int, instrument: int = 1) -> list[Guard]:
        trades = rows("trades", [(instrument, 0, 0, seq, 0, 0, seq, price, 1, 1)])
        self.guards.watch(trades, ())
        tick = Tick(seq=seq + 1, known_ns=seq * SECOND_NS, exchange_ns=0)
        return self.guards.look(Chunk(seq, seq + 1, 0, {"trades": trades}, [tick]), tick, frozenset())


def test_a_trade_of_before_the_entry_sets_nothing_off():
    held = Held(stop=PERCENT)
    assert [(one.left, one.stop) for one in held.trade(90_00, seq=2)] == [("", 99_00)], "where it stands is told"
    assert [one.left for one in held.trade(98_99, seq=3)] == [STOP]
    assert held.guards.due == {1: ("a",)}
    assert held.guards.words(1) == "stop loss of a set off at 98.99"


def test_a_take_profit_at_its_price_waits_for_a_trade_beyond():
    held = Held(take=PERCENT)
    assert [(one.left, one.take) for one in held.trade(101_00, seq=3)] == [("", 101_00)]
    assert [one.left for one in held.trade(101_01, seq=5)] == [TAKE]


def test_what_could_not_leave_is_due_again_a_second_later():
    held = Held(stop=PERCENT)
    held.trade(90_00, seq=3)
    assert held.guards.due == {1: ("a",)}
    tick = Tick(seq=9, known_ns=3 * SECOND_NS + 1, exchange_ns=0)
    held.guards.look(Chunk(9, 9, 0), tick, frozenset())
    assert held.guards.due == {}
    later = msgspec.structs.replace(tick, known_ns=4 * SECOND_NS)
    held.guards.look(Chunk(9, 9, 0), later, frozenset({1}))
    assert held.guards.due == {}, "another order of the instrument is under way"
    held.guards.look(Chunk(9, 9, 0), later, None)
    assert held.guards.due == {}, "halted"
    held.guards.look(Chunk(9, 9, 0), later, frozenset())
    assert held.guards.due == {1: ("a",)}


def test_an_instrument_that_goes_on_under_another_number_and_tick_keeps_its_exits():
    held = Held(stop=PERCENT)
    held.registry.add(listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.1", lot="0.00001", min_notional="5"))
    held.account.relist_to(held.registry[2], held.registry)
    held.guards.relist_to(held.registry[2])
    assert held.guards.standing(2) == {"a": Levels(990, STOP, 0)}
    assert [one.left for one in held.trade(989, seq=5, instrument=2)] == [STOP]
    held.registry.add(listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.00001", min_notional="5"))
    held.account.relist_to(held.registry[3], held.registry)
    held.guards.relist_to(held.registry[3])
    assert held.guards.counted(3, {"a": 1.0}) == {"a": 0.0} and held.guards.counted(2, {"a": 1.0}) == {"a": 1.0}
