"""Stops that the venue keeps beside us, in the core with the paper venue: placed, gone off, crossed, made way for, ended."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.execution import kept as kept_file
from ninefold.execution.families import Families
from ninefold.execution.held import KEPT
from ninefold.execution.kept import Kept, limit_of
from ninefold.execution.orders import Tracked
from ninefold.execution.shown import Quote
from ninefold.market.instruments import Registry, listed
from ninefold.market.records import CancelAsked, Fill, Flatten, Halted, Listed, Order
from ninefold.market.time import SECOND_NS
from tests.execution.desk_world import ACTS, World, check_the_end, play

ALL = ("stop", "stop_limit", "take_profit", "take_profit_limit")
KEPT_ACTS = st.one_of(
    ACTS,
    ACTS,
    st.builds(lambda size: ("sell", size), st.integers(1, 20)),
    st.just(("flatten", 0)),
    st.builds(lambda steps: ("wait", steps), st.integers(1, 15)),
)


def world_of(keeps: tuple[str, ...] = ALL) -> World:
    return World(keeps=keeps)


def steps(world: World, *prices: int) -> None:
    for price in prices:
        world.step(price)


def at_venue(world: World) -> list[Order]:
    return [one.order for one in world.core.orders.values() if one.order.order_type in KEPT and not one.settled]


def bracket(**more: str) -> World:
    """0.01 BTC bought at 50,000 and 0.00999 of it kept by the venue to be sold at 49,000."""
    world = world_of()
    world.ask(**{"stop": "49000", **more})
    steps(world, 50_000, 50_000, 50_000)
    assert world.orders()[-1] == ("kept_stop", "working", -1, 0)
    return world


def test_beside_a_bracket_s_stop_lies_one_at_the_venue_of_what_the_entry_got_less_its_fee():
    world = bracket()
    assert world.orders() == [
        ("market", "filled", 1, 1_000),
        ("stop", "intended", -1, 0),
        ("kept_stop", "working", -1, 0),
    ]
    [kept] = at_venue(world)
    assert (kept.size, kept.trigger, kept.price, kept.reduce_only) == (999, 4_900_000, 0, True)
    assert (world.core.account.free["BTC"], world.core.account.locked["BTC"]) == (0, 999_000)


def test_the_canary_does_not_wait_for_a_stop_that_lies_at_the_venue():
    world = bracket()
    steps(world, *[50_000] * 12)
    assert (world.core.canary.agreed, len(at_venue(world))) == (1, 1)


def test_where_the_venue_keeps_none_or_only_of_another_kind_all_is_held_by_us():
    for keeps in ((), ("take_profit",)):
        world = world_of(keeps)
        world.ask(stop="49000")
        steps(world, *[50_000] * 4)
        assert world.orders() == [("market", "filled", 1, 1_000), ("stop", "intended", -1, 0)]


def test_it_goes_off_at_the_venue_and_what_we_held_is_over_with_it():
    world = bracket(take_profit="52000")
    steps(world, 48_990, 48_900, 48_900)
    assert world.orders() == [
        ("market", "filled", 1, 1_000),
        ("stop", "cancelled", -1, 0),
        ("take_profit", "cancelled", -1, 0),
        ("kept_stop", "filled", -1, 999),
    ]
    assert (world.position(), world.core.desk.held) == (0, {})
    steps(world, 48_900)
    assert world.core.desk.families.of == {}


def test_a_take_profit_cancels_the_stop_at_the_venue_first_and_sells_when_that_is_over():
    world = bracket(take_profit="52000")
    world.step(52_000)
    assert [one.status for one in at_venue(world)] == ["working"], "the cancel is on its way"
    assert ("take_profit", "intended", -1, 0) in world.orders(), "not before the venue has said that it is over"
    steps(world, *[52_000] * 3)
    assert world.orders()[1:] == [
        ("stop", "cancelled", -1, 0),
        ("take_profit", "filled", -1, 999),
        ("kept_stop", "cancelled", -1, 0),
    ]
    assert world.position() == 0


def test_a_cancel_that_crosses_with_the_fill_sells_nothing_twice():
    """The take-profit goes off; before the cancel arrives the venue's stop has, in a fall that is as fast."""
    world = bracket(take_profit="52000")
    world.venue._latency = msgspec.structs.replace(world.venue._latency, order_ns=SECOND_NS)
    steps(world, 52_000, 48_900, 48_900, *[48_900] * 15)
    assert world.orders()[1:] == [
        ("stop", "cancelled", -1, 0),
        ("take_profit", "cancelled", -1, 0),
        ("kept_stop", "filled", -1, 999),
    ]
    assert world.position() == 0
    assert world.core.account.differences() == {}


def test_a_stop_by_itself_and_a_take_profit_by_itself_are_kept_too():
    world = world_of()
    world.ask(size="0.02")
    steps(world, 50_000, 50_000)
    world.ask(side=-1, order_type="stop", trigger="49000", reduce_only=True)
    world.ask(side=-1, order_type="take_profit", trigger="51000", reduce_only=True)
    steps(world, *[50_000] * 3)
    assert [(one.order_type, one.size) for one in at_venue(world)] == [("kept_stop", 1_000), ("kept_take_profit", 998)]
    steps(world, 51_010, 51_010, 51_010, 48_900, 48_900, 48_900)
    assert at_venue(world) == []
    assert world.position() == 0


def test_a_sale_by_hand_has_what_it_needs_freed_first_and_the_rest_is_kept_again():
    world = bracket(size="0.02")
    world.ask(side=-1, size="0.015")
    steps(world, *[50_000] * 40)
    sold = [(kind, status, filled) for kind, status, side, filled in world.orders() if side < 0]
    assert sold[1] == ("kept_stop", "cancelled", 0)
    assert sold[2] == ("market", "filled", 1_500)
    assert [one.size for one in at_venue(world)] == [498]
    assert world.position() == 498_000


def test_a_sale_that_does_not_get_room_within_five_seconds_is_refused_and_says_so():
    world = bracket()
    world.venue._latency = msgspec.structs.replace(world.venue._latency, order_ns=9 * SECOND_NS)
    world.ask(side=-1)
    steps(world, *[50_000] * 60)
    [refused] = [one for one in world.ledger if isinstance(one, Order) and one.status == "refused"]
    assert "what stops keep at the venue was not free by now" in refused.reason


def test_flatten_cancels_what_the_venue_keeps_first_and_then_sells():
    world = bracket(size="0.02")
    world.step(50_000, Flatten(seq=0, known_ns=0, by="ada"))
    steps(world, *[50_000] * 25)
    assert world.orders()[1:] == [
        ("stop", "cancelled", -1, 0),
        ("kept_stop", "cancelled", -1, 0),
        ("market", "filled", -1, 1_998),
    ]
    assert not [one for one in world.ledger if isinstance(one, Order) and one.status == "refused"]
    assert world.position() == 0


def test_while_halted_nothing_new_is_kept_and_what_is_kept_still_goes_off():
    world = bracket()
    world.step(50_000, Halted(seq=0, known_ns=0, by="ada", reason="lunch"))
    steps(world, 48_900, 48_900, 48_900)
    assert world.orders()[1:] == [("stop", "cancelled", -1, 0), ("kept_stop", "filled", -1, 999)]
    halted = world_of()
    halted.ask(stop="49000")
    halted.step(50_000, Halted(seq=0, known_ns=0, by="ada", reason="lunch"))
    steps(halted, *[50_000] * 10)
    assert halted.orders() == [("market", "filled", 1, 1_000), ("stop", "intended", -1, 0)]


def test_a_stop_that_is_cancelled_while_halted_ends_what_stands_for_it():
    world = bracket()
    world.step(50_000, Halted(seq=0, known_ns=0, by="ada", reason="lunch"))
    [stop] = world.core.desk.held
    world.step(50_000, CancelAsked(seq=0, known_ns=0, by="ada", client_order_id=stop))
    steps(world, 50_000, 50_000)
    assert at_venue(world) == []


def test_who_wants_nothing_kept_any_more_has_it_cancelled_at_the_next_start_and_the_stop_held():
    world = bracket()
    held = World(world.ledger, world.seq)
    steps(held, *[50_000] * 30)
    assert held.orders()[1:] == [("stop", "intended", -1, 0), ("kept_stop", "cancelled", -1, 0)]


@pytest.mark.parametrize("which", ["stop", "kept_stop"])
def test_who_cancels_a_stop_or_what_stands_for_it_ends_both(which):
    world = bracket()
    [wanted] = {one.client_order_id for one in world.ledger if isinstance(one, Order) and one.order_type == which}
    world.step(50_000, CancelAsked(seq=0, known_ns=0, by="ada", client_order_id=wanted))
    steps(world, *[50_000] * 30)
    assert world.orders()[1:] == [("stop", "cancelled", -1, 0), ("kept_stop", "cancelled", -1, 0)]
    assert world.core.account.locked["BTC"] == 0


def test_one_that_the_venue_does_not_take_leaves_ours_alone_and_is_tried_again_a_minute_later():
    world = world_of()
    world.ask(stop="49000")
    world.step(50_000)
    world.venue._affordable = lambda *asked: 0  # type: ignore[method-assign]  # it says that the money is not there
    steps(world, *[50_000] * 2)
    del world.venue._affordable
    assert world.orders()[2:] == [("kept_stop", "rejected", -1, 0)]
    world.seq += 5_900
    steps(world, 50_000)
    assert len(world.orders()) == 3
    steps(world, *[50_000] * 15)
    assert world.orders()[3:] == [("kept_stop", "working", -1, 0)]


def test_one_with_a_limit_that_a_deeper_fall_left_behind_is_cancelled_and_sold_at_the_market():
    """Its trigger is 49,000 and its limit 46,550; the market jumps to 45,000."""
    world = world_of(("stop_limit",))
    world.ask(stop="49000")
    steps(world, *[50_000] * 3)
    [kept] = at_venue(world)
    assert (kept.trigger, kept.price) == (4_900_000, 4_655_000)
    steps(world, *[45_000] * 19)
    assert at_venue(world), "it has two seconds"
    steps(world, *[45_000] * 20)
    assert world.orders()[1:] == [("stop", "filled", -1, 999), ("kept_stop", "cancelled", -1, 0)]
    assert world.position() == 0


def test_it_grows_with_an_entry_that_goes_on_filling():
    world = world_of()
    world.ask(order_type="limit", price="50000", stop="49000", size="0.02")
    world.step(50_000, size=500)
    for _ in range(3):
        world.step(50_001)
    assert [one.size for one in at_venue(world)] == [499]
    world.step(49_999, size=1_000)
    steps(world, *[50_001] * 120)
    assert [one.size for one in at_venue(world)] == [1_498]


def test_after_a_restart_the_same_one_stands_there_and_no_second_is_placed():
    world = bracket()
    again = world.restarted()
    steps(again, *[50_000] * 30)
    assert [one.client_order_id for one in at_venue(again)] == [one.client_order_id for one in at_venue(world)]
    steps(again, 48_900, 48_900, 48_900)
    assert again.position() == 0
    assert again.core.account.differences() == {}


def test_one_that_arrives_after_it_was_given_up_for_lost_is_cancelled():
    world = bracket()
    [kept] = at_venue(world)
    lost = msgspec.structs.replace(kept, client_order_id="nf-lost", status="rejected", seq=0, known_ns=0)
    world.core.orders["nf-lost"] = Tracked(lost, "rejected")
    world.core.desk.families.of[kept.parent].kept.insert(0, "nf-lost")
    world.step(50_000, msgspec.structs.replace(lost, status="working"))
    steps(world, 50_000, 50_000)
    assert [one.client_order_id for one in at_venue(world)] == ["nf-lost"], "one of the two is enough"


def test_what_strategies_hold_is_never_kept_for_a_stop_by_hand():
    world = world_of()
    for _ in range(2):
        world.step(50_000, desired={1: 1_000})
    world.ask(side=-1, order_type="stop", trigger="49000", reduce_only=True)
    steps(world, *[50_000] * 5)
    assert at_venue(world) == []
    world.step(50_000, desired={1: 0})
    steps(world, 50_000)
    assert world.position() == 0


def relisted(world: World, **rules: object) -> None:
    """The venue's rules change: the instrument goes on under the number 2."""
    new = world.registry.add(msgspec.structs.replace(world.registry[1], **rules))
    assert new.id == 2
    world.step(50_000, Listed(seq=0, known_ns=0, instrument=new))


def test_a_stop_that_is_held_is_watched_on_when_the_rules_of_its_instrument_change():
    world = world_of(())
    world.ask(stop="49000")
    steps(world, 50_000, 50_000)
    relisted(world, min_notional="6")
    again = World(world.ledger, world.seq, 50_000, keeps=())
    for one in (world, again):
        assert [order.instrument for order in one.core.desk.held.values()] == [2]
        steps(one, 48_900, 48_900)
        assert one.orders()[1] == ("stop", "filled", -1, 999)
        assert one.position() == 0


def test_what_the_venue_says_of_an_order_under_the_new_number_is_of_the_order_it_keeps_under_the_old_one():
    """Prices have a decimal more now; 999 lots are sold at 48,990."""
    world = bracket()
    relisted(world, price_decimals=3, tick_size=10)
    [kept] = at_venue(world)
    assert (kept.instrument, kept.trigger) == (2, 49_000_000)
    told = msgspec.structs.replace(kept, status="filled", filled=999, strategies=(), seq=0, known_ns=0)
    fill = Fill(
        seq=0, known_ns=0, client_order_id=kept.client_order_id, instrument=2, side=-1, price=48_990_000, size=999, fee=0,
        fee_asset="USDT", trade_id="77", exchange_ns=1,
    )  # fmt: skip
    world.step(48_990, told, fill)
    assert not world.core.contradictions
    assert (world.position(), at_venue(world), world.core.desk.held) == (0, [], {})


BTC = listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.00001", keeps=("stop_limit",))


@pytest.mark.parametrize(
    ("band", "limit"),
    [(None, 4_655_000), (("0.2", "5", "0.8", "5"), 4_655_000), (("0.2", "5", "0.95", "5"), 4_750_005), (("1", "2", "1", "2"), None)],
)  # fmt: skip
def test_a_limit_lies_a_twentieth_below_the_trigger_and_within_the_venue_s_band_or_there_is_none(band, limit):
    """The market is at 50,000.05: a sale at 0.95 of it at least is at 47,500.0475, up to the tick 47,500.05."""
    instrument = Registry().add(msgspec.structs.replace(BTC, price_band=band))
    held = Order(
        seq=1, known_ns=1, client_order_id="nf-a", instrument=1, side=-1, size=5, status="intended", order_type="stop",
        trigger=4_900_000,
    )  # fmt: skip
    assert limit_of(held, instrument, Quote(5_000_000, 5_000_010)) == limit
    assert limit_of(held, msgspec.structs.replace(instrument, keeps=ALL), None) == 0


def play_kept(world: World, acts: list[tuple[str, int]]) -> World:
    """Every act is followed by a look at what must never be."""
    for act, value in acts:
        price = int(world.price)
        if act == "sell":
            world.ask(side=-1, size=f"0.{value:03d}")
        elif act == "flatten":
            world.step(price, Flatten(seq=0, known_ns=0, by="ada"))
        elif act == "wait":
            steps(world, *[price] * value)
        else:
            world = play(world, [(act, value)])
        look(world)
    return world


def look(world: World) -> None:
    kept = at_venue(world)
    by_family = [one.parent for one in kept]
    assert len(by_family) == len(set(by_family)), "one of a family at a time"
    assert world.position() >= 0
    assert world.venue._locked("BTC") <= world.venue.balances.get("BTC", 0)
    short = [
        one for one in world.ledger if isinstance(one, Order) and one.reason == "insufficient balance" and one.side < 0
    ]
    assert not short, "nothing of ours is sent that the venue has not the money for"


@settings(max_examples=40, deadline=None)
@given(st.lists(KEPT_ACTS, max_size=14))
@pytest.mark.slow
def test_whatever_happens_nothing_is_sold_twice_and_the_books_agree(acts):
    world = play_kept(world_of(), acts)
    check_the_end(world, len(acts))
    assert at_venue(world) == []


@pytest.mark.torture
@settings(max_examples=1_000, deadline=None)
@given(st.lists(KEPT_ACTS, max_size=50), st.sampled_from([ALL, ("stop",), ("stop_limit", "take_profit_limit")]))
def test_the_same_of_long_days(acts, keeps):
    world = play_kept(world_of(keeps), acts)
    check_the_end(world, len(acts))
    assert at_venue(world) == []


def never(*asked: object) -> bool:
    return False


HISTORIES = [
    [("bracket", 49_000), ("wait", 3), ("price", 52_600), ("wait", 15)],
    [("bracket", 49_000), ("wait", 3), ("price", 48_900), ("wait", 15)],
    [("bracket", 49_000), ("wait", 3), ("sell", 13), ("wait", 15)],
    [("bracket", 49_000), ("bracket", 48_000), ("wait", 3), ("restart", 0), ("wait", 15), ("price", 47_000)],
]
BREAKS = {
    "nothing waits for what is at the venue": (Kept, "blocks", never),
    "no sale has room made for it": (Kept, "in_the_way", never),
    "what the venue sold is not counted": (Families, "kept", lambda self, family: []),
    "what goes off there is not seen": (Kept, "went_off", never),
    "nothing there is ever cancelled": (Kept, "_cancel", never),
    "each stands for every stop": (kept_file, "stands_for", lambda kept, held: True),
}


@pytest.mark.parametrize("broken", BREAKS.values(), ids=BREAKS)
def test_a_planted_break_is_found(broken, monkeypatch):
    monkeypatch.setattr(*broken)
    with pytest.raises(AssertionError):
        for history in HISTORIES:
            world = play_kept(world_of(), history)
            check_the_end(world, len(history))
            assert at_venue(world) == []
            refused = [one for one in world.ledger if isinstance(one, Order) and one.status == "refused"]
            assert not refused, [one.reason for one in refused]
