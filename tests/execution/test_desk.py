"""Orders by hand and what we hold, in the core with the paper venue: brackets, trailing stops, slices, cancels, restarts."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.market.arrays import rows
from ninefold.market.chunk import Chunk
from ninefold.market.records import (
    Asked,
    CancelAsked,
    Fill,
    Flatten,
    Halted,
    Malformed,
    Order,
    Resumed,
    Tick,
)
from ninefold.market.time import SECOND_NS
from tests.execution.desk_world import ACTS, ONE, World, check_the_end, play


def test_a_market_order_by_hand_is_sent_once_and_filled():
    world = World()
    world.ask()
    world.step(50_000)
    assert world.orders() == [("market", "filled", 1, 1_000)]
    assert world.position() == 999_000


def test_a_bracket_sells_at_its_stop_what_the_entry_got_and_the_other_exit_is_over():
    world = World()
    world.ask(stop="49000", take_profit="52000")
    for price in (50_000, 51_000, 49_500):
        world.step(price)
    assert world.orders() == [
        ("market", "filled", 1, 1_000),
        ("stop", "intended", -1, 0),
        ("take_profit", "intended", -1, 0),
    ]
    world.step(48_990)
    world.step(48_500)
    assert world.orders() == [
        ("market", "filled", 1, 1_000),
        ("stop", "filled", -1, 999),
        ("take_profit", "cancelled", -1, 0),
    ]
    assert world.position() == 0
    assert world.core.desk.held == {}
    world.step(53_000)
    assert world.core.desk.families.of == {}


def test_a_bracket_takes_its_profit():
    world = World()
    world.ask(stop="49000", take_profit="52000")
    for price in (50_000, 52_000, 52_100):
        world.step(price)
    assert [status for _, status, _, _ in world.orders()] == ["filled", "cancelled", "filled"]
    assert world.position() == 0


def test_if_the_trades_of_one_tick_reach_both_exits_the_stop_was_first_and_only_it_leaves():
    world = World()
    world.ask(stop="49000", take_profit="52000")
    world.step(50_000)
    world.step(52_500, tick=False)
    world.step(48_000)
    world.step(48_000)
    assert [status for _, status, _, _ in world.orders()] == ["filled", "filled", "cancelled"]
    assert world.position() == 0


def test_exits_sleep_until_the_entry_has_got_something_and_end_with_one_that_got_nothing():
    world = World()
    entry = world.ask(order_type="limit", price="48000", stop="47000")
    world.step(50_000)
    assert world.orders() == [("limit", "working", 1, 0), ("stop", "intended", -1, 0)]
    assert world.core.account.locked["USDT"] == 480 * ONE
    world.step(50_000, CancelAsked(seq=0, known_ns=0, by="ada", client_order_id=entry))
    world.step(46_000, tick=False)
    world.step(46_000)
    assert world.orders() == [("limit", "cancelled", 1, 0), ("stop", "expired", -1, 0)]
    assert world.core.account.locked["USDT"] == 0
    assert world.position() == 0


def test_a_stop_that_leaves_ends_an_entry_that_is_still_filling_and_sells_what_came_late():
    world = World()
    world.ask(order_type="limit", price="50000", stop="49000", size="0.02")
    world.step(50_000, size=500)
    assert world.orders()[0] == ("limit", "partly_filled", 1, 500)
    world.step(48_999, size=0)
    assert world.orders()[1][:2] == ("stop", "sent")
    world.step(48_999, size=700)  # the entry gets 700 more before its cancel arrives; the stop is at the bid
    for _ in range(14):
        world.step(48_000)
    kinds = [(kind, status) for kind, status, _, _ in world.orders()]
    assert kinds[0] == ("limit", "cancelled") and kinds[1] == ("stop", "filled")
    assert world.position() * 48_000 // ONE < 5, "what is left is below the venue's minimum"


def test_an_exit_gives_back_what_its_own_entry_got_and_nothing_that_was_held_besides():
    world = World()
    world.ask(size="0.03")
    world.step(50_000)
    world.ask(order_type="limit", price="50010", stop="49000", size="0.02")
    world.step(50_010, size=500)
    for _ in range(3):
        world.step(48_999, size=0)
    for _ in range(3):
        world.step(48_900)
    assert world.orders()[2] == ("stop", "filled", -1, 499)
    assert world.position() == 3_000 * 999 + 500 * 999 - 499 * 1_000


def test_a_trailing_stop_keeps_its_best_price_through_a_restart():
    world = World()
    world.ask(trail="1000")
    for price in (50_000, 51_500, 51_000):
        world.step(price)
    again = world.restarted(51_000)
    again.step(50_600)
    assert again.orders()[1][:2] == ("trailing", "intended")
    again.step(50_500)
    again.step(50_400)
    assert again.orders()[1] == ("stop", "filled", -1, 999)
    assert again.position() == 0


def test_after_a_restart_the_stop_is_held_before_anything_trades_and_leaves_before_what_strategies_want():
    world = World()
    world.ask(stop="49000")
    world.step(50_000)
    again = World(world.ledger, world.seq)
    assert [order.order_type for order in again.core.desk.held.values()] == ["stop"]
    made = again.step(48_000, desired={1: 5_000})
    sent = [(one.order_type, one.side) for one in made if isinstance(one, Order) and one.status == "sent"]
    assert sent == [("stop", -1)], "and strategies wait for it: it may sell what they hold"
    made = again.step(48_000, desired={1: 5_000})
    assert [(one.order_type, one.side) for one in made if isinstance(one, Order) and one.status == "sent"] == [
        ("market", 1)
    ]


def test_a_stop_by_itself_and_strategies_that_want_out_do_not_sell_the_same_twice():
    world = World()
    for _ in range(2):
        world.step(50_000, desired={1: 1_000})
    world.ask(side=-1, order_type="stop", trigger="49000", reduce_only=True)
    world.step(48_000, desired={1: 0})
    for _ in range(3):
        world.step(48_000)
    assert [(kind, side) for kind, _, side, _ in world.orders()] == [("market", 1), ("stop", -1)]
    assert world.position() >= 0


def test_a_stop_that_was_set_off_while_halted_stays_and_leaves_when_it_may():
    world = World()
    world.ask(stop="49000")
    world.step(50_000)
    world.step(50_000, Halted(seq=0, known_ns=0, by="ada", reason="lunch"))
    written = [len([one for one in world.step(price) if isinstance(one, Order)]) for price in (48_000, 49_500, 49_500)]
    assert written == [2, 0, 0], "it went off, and why it did not leave; no word more while that is so"
    again = world.restarted()
    again.step(49_500, Resumed(seq=0, known_ns=0, by="ada"))
    for _ in range(12):
        again.step(49_500)
    assert again.orders()[1] == ("stop", "filled", -1, 999)


def test_a_stop_that_the_venue_ends_before_its_time_is_followed_by_another():
    world = World()
    world.ask(stop="49000")
    world.step(50_000)
    world.step(48_000)
    for _ in range(12):
        world.step(48_000, size=0)  # nothing is shown for a second
    assert world.orders()[1][:2] == ("stop", "expired")
    for _ in range(14):
        world.step(48_000)
    assert [(kind, status, filled) for kind, status, _, filled in world.orders()[2:]] == [("stop", "filled", 999)]
    assert world.position() == 0


def test_a_stop_by_itself_that_only_reduces_has_nothing_to_do_without_a_position():
    world = World()
    world.ask(side=-1, order_type="stop", trigger="49000", reduce_only=True)
    world.step(48_000)
    assert world.orders() == [("stop", "expired", -1, 0)]


def test_slices_leave_one_after_the_other_and_what_was_missed_is_not_made_up_for():
    world = World()
    world.ask(slices=5, over_ns=SECOND_NS, size="0.05")
    for _ in range(3):
        world.step(50_000)
    assert [status for _, status, _, _ in world.orders()] == ["filled", "filled", "intended", "intended", "intended"]
    world.seq += 50  # half a second in which nothing ran
    world.step(50_000)
    world.step(50_000)
    assert [status for _, status, _, _ in world.orders()] == ["filled", "filled", "expired", "expired", "filled"]
    assert world.position() == 3 * 999_000


def test_a_whole_is_cancelled_with_all_its_slices_and_a_held_order_by_its_own_id():
    world = World()
    whole = world.ask(slices=5, over_ns=60 * SECOND_NS, size="0.05")
    stop = world.ask(side=-1, order_type="stop", trigger="49000")
    for order_id in (whole, stop):
        world.step(50_000, CancelAsked(seq=0, known_ns=0, by="ada", client_order_id=order_id))
    assert sorted({status for _, status, _, _ in world.orders()}) == ["cancelled", "filled"]
    assert world.core.desk.held == {}


def test_flatten_ends_what_we_hold_and_cancels_what_rests_and_sells_the_rest():
    world = World()
    world.ask(size="0.02", stop="49000")
    world.step(50_000)
    world.ask(order_type="limit", price="40000")
    world.step(50_000)
    world.step(50_000, Flatten(seq=0, known_ns=0, by="ada"))
    for _ in range(12):
        world.step(50_000)
    assert world.orders() == [
        ("market", "filled", 1, 2_000),
        ("stop", "cancelled", -1, 0),
        ("limit", "cancelled", 1, 0),
        ("market", "filled", -1, 1_998),
    ]
    assert (world.position(), world.core.desk.held, world.core.account.locked["USDT"]) == (0, {}, 0)


def test_what_is_asked_for_twice_is_one_order_also_after_a_restart():
    world = World()
    asked = Asked(seq=0, known_ns=0, ask_id="same", by="ada", side=1, size="0.01", pair="BTC/USDT")
    for _ in range(3):
        world.step(50_000, asked)
    again = world.restarted()
    again.step(50_000, asked)
    again.step(50_000)
    assert again.orders() == [("market", "filled", 1, 1_000)]


def test_what_is_asked_for_again_once_the_venue_has_filled_it_is_not_sent_again():
    world = World()
    core, sent = world.core, []
    for seq in (101, 103):
        asked = Asked(seq=seq, known_ns=seq, ask_id="same", by="ada", side=1, size="0.01", pair="BTC/USDT")
        quote = rows("quotes", [(1, seq, seq, seq, seq, 5_000_000, 9_000, 5_000_001, 9_000)])
        made = Chunk(seq, seq, seq, {"quotes": quote}, [asked, Tick(seq=seq, known_ns=seq, exchange_ns=seq)])
        for each in core.step(made):
            sent.append(each.order)
            plain = msgspec.structs.replace(each.order, status="filled", filled=each.order.size, strategies=())
            fill = Fill(
                seq=102, known_ns=102, client_order_id=plain.client_order_id, instrument=1, side=1, price=5_000_001,
                size=plain.size, fee=0, fee_asset="BTC", trade_id="1", exchange_ns=102,
            )  # fmt: skip
            core.step(Chunk(102, 102, 102, records=[plain, fill]))
    assert len(sent) == 1


def test_what_was_asked_for_before_a_crash_and_not_decided_is_refused_when_it_is_old():
    world = World()
    asked = Asked(seq=0, known_ns=0, ask_id="late", by="ada", side=1, size="0.01", pair="BTC/USDT")
    world.step(50_000, asked, tick=False)
    again = World(world.ledger, world.seq + 1_000)
    again.step(50_000)
    [order] = [one for one in again.ledger if isinstance(one, Order)]
    assert (order.status, "before a restart" in order.reason) == ("refused", True)


def test_what_cannot_be_an_order_is_told_and_nothing_is_sent():
    world = World()
    asked = Asked(seq=0, known_ns=0, ask_id="x", by="ada", side=1, size="0.01", pair="BTC/USD")
    made = world.step(50_000, asked)
    [told] = [one for one in made if isinstance(one, Malformed)]
    assert "did you mean 'binance:BTC/USDT'" in told.reason
    assert world.orders() == []


def test_an_order_by_hand_passes_the_risk_gate():
    world = World()
    world.step(50_000, Halted(seq=0, known_ns=0, by="ada", reason="lunch"))
    world.ask(stop="49000")
    [refused] = [one for one in world.ledger if isinstance(one, Order)]
    assert (refused.status, "kill switch" in refused.reason) == ("refused", True)
    assert world.core.desk.held == {}


def test_what_people_bought_is_not_sold_by_strategies_and_a_resting_order_does_not_hold_them_up():
    world = World()
    world.ask(size="0.02")
    world.step(50_000)
    world.ask(order_type="limit", price="40000")
    world.step(50_000, desired={1: 1_000})
    world.step(50_000)
    assert world.position() == 1_998_000 + 999_000
    world.step(50_000, desired={1: 0})
    world.step(50_000)
    assert world.position() == 1_998_000 + 0


@settings(max_examples=40, deadline=None)
@given(st.lists(ACTS, max_size=14))
@pytest.mark.slow
def test_where_chunks_are_cut_changes_nothing(acts):
    whole, cut = play(World(), acts), play(World(cut=True), acts)
    assert sorted(whole.ledger, key=repr) == sorted(cut.ledger, key=repr)


@settings(max_examples=50, deadline=None)
@given(st.lists(ACTS, max_size=14))
@pytest.mark.slow
def test_whatever_happens_books_agree_nothing_is_sold_twice_and_a_restart_changes_nothing(acts):
    check_the_end(play(World(), acts), len(acts))


@pytest.mark.torture
@settings(max_examples=1_000, deadline=None)
@given(st.lists(ACTS, max_size=50))
def test_the_same_of_long_days(acts):
    check_the_end(play(World(), acts), len(acts))
