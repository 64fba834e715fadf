"""Orders with a limit on the paper venue: what they may fill at, when, and what of the account is locked for them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.market.records import Balance, CancelAsked, Fill, Order
from tests.execution.desk_world import ONE, RULES, World


def fills(world: World) -> list[tuple[int, int, bool]]:
    return [(one.price, one.size, one.maker) for one in world.ledger if isinstance(one, Fill)]


def last(world: World) -> Order:
    return [one for one in world.ledger if isinstance(one, Order)][-1]


def test_a_limit_at_the_market_takes_at_the_price_shown_and_rests_with_the_rest_at_its_own():
    world = World()
    world.ask(order_type="limit", price="50100", size="0.02")
    world.step(50_050, size=500)
    world.step(50_200, size=10**6)
    assert fills(world) == [(50_050_00, 500, False)], "a quote above the limit fills nothing"
    assert world.core.account.locked["USDT"] == 50_100 * 1_500 * 1_000
    world.step(49_000)
    assert fills(world)[1:] == [(50_100_00, 1_500, True)], "who rests is met at his own price"
    assert (last(world).status, world.core.account.locked["USDT"]) == ("filled", 0)


def test_a_post_only_order_that_would_take_is_rejected_and_one_that_rests_fills_as_maker():
    world = World()
    world.ask(order_type="post_only", price="50000")
    world.step(50_000)
    assert (last(world).status, last(world).reason) == ("rejected", "it would have taken at once, and is to rest only")
    world.ask(order_type="post_only", price="49990")
    world.step(50_000)
    assert (last(world).status, fills(world)) == ("working", [])
    world.step(49_990)
    assert fills(world) == [(49_990_00, 1_000, True)]


def test_immediate_or_cancel_takes_what_one_quote_shows_and_is_over():
    world = World()
    world.ask(order_type="ioc", price="50000", size="0.02")
    world.step(50_000, size=700)
    world.step(50_000)
    assert fills(world) == [(50_000_00, 700, False)]
    assert (last(world).status, last(world).filled) == ("expired", 700)


@pytest.mark.parametrize(("size", "price", "filled"), [(2_000, 50_000, 2_000), (1_999, 50_000, 0), (2_000, 50_001, 0)])
def test_fill_or_kill_takes_all_at_once_or_nothing(size, price, filled):
    world = World()
    world.ask(order_type="fok", price="50000", size="0.02")
    world.step(price, size=size)
    world.step(50_000)
    assert sum(each for _, each, _ in fills(world)) == filled
    assert last(world).status == ("filled" if filled else "expired")


def test_two_resting_orders_cannot_both_be_paid_from_the_same_money():
    world = World()
    for _ in range(2):
        world.ask(order_type="limit", price="40000", size="0.2")
        world.step(50_000)
    assert "insufficient balance" in last(world).reason
    assert world.core.account.free["USDT"] == 2_000 * ONE


def test_what_is_locked_for_one_order_does_not_pay_for_another_whose_price_rose():
    world = World()
    world.ask(order_type="limit", price="40000", size="0.2")
    world.step(50_000)
    world.ask(size="0.039")  # 1,950 of the 2,000 USDT that are free
    world.step(60_000)
    assert fills(world) == [(60_000_00, 3_333, False)]
    assert world.core.account.free["USDT"] == 2_000 * ONE - 3_333 * 60_000 * 1_000


def test_a_fill_that_comes_before_the_cancel_counts_and_the_rest_is_cancelled():
    world = World()
    order = world.ask(order_type="limit", price="49000", size="0.02")
    world.step(50_000)
    world.step(50_000, CancelAsked(seq=0, known_ns=0, by="ada", client_order_id=order))
    world.venue._waiting[order].cancel_ns += 10**8  # the cancel takes a step longer than its fill
    world.step(48_000, size=300)
    world.step(48_000)
    assert fills(world) == [(49_000_00, 300, True)]
    assert (last(world).status, last(world).filled) == ("cancelled", 300)
    assert world.core.account.locked["USDT"] == 0


def test_a_resting_order_goes_on_after_a_restart_and_its_money_stays_locked():
    world = World()
    world.ask(order_type="limit", price="49000", size="0.02")
    world.step(50_000)
    again = world.restarted()
    assert again.core.account.locked["USDT"] == 980 * ONE
    again.step(49_000)
    assert fills(again) == [(49_000_00, 2_000, True)]


PLACED = st.tuples(
    st.sampled_from(["limit", "post_only", "ioc", "fok", "market"]),
    st.sampled_from([1, -1]),
    st.integers(49_900, 50_100),
    st.integers(20, 4_000),
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.one_of(st.none(), PLACED), st.integers(49_900, 50_100), st.integers(0, 3_000)), max_size=15)
)
def test_no_fill_is_better_than_shown_or_beyond_the_limit_or_greater_than_shown_and_money_adds_up(steps):
    world, shown = World(), {}
    for placed, price, size in steps:
        if placed is not None:
            kind, side, limit, lots = placed
            limits = {} if kind == "market" else {"price": str(limit)}
            world.ask(order_type=kind, side=side, size=f"{lots / 10**5:.5f}", **limits)
            shown[world.seq - 9] = (50_000_00, 10**6)
        world.step(price, size=size)
        shown[world.seq - 9] = (price * 100, size)
    money = dict(RULES.balances)
    orders = {one.client_order_id: one for one in world.ledger if isinstance(one, Order) and one.status == "intended"}
    taken: dict[int, int] = {}
    for fill in (one for one in world.ledger if isinstance(one, Fill)):
        order, (ask, size) = orders[fill.client_order_id], shown[fill.seq]
        best = ask if fill.side > 0 else ask - 1
        assert (fill.price - best) * fill.side >= 0
        assert not order.price or (fill.price - order.price) * fill.side <= 0
        assert fill.price == (order.price if fill.maker else best)
        assert fill.seq > order.seq
        taken[fill.seq * fill.side] = taken.get(fill.seq * fill.side, 0) + fill.size
        assert taken[fill.seq * fill.side] <= size
        money["BTC"] = money.get("BTC", 0) + fill.side * fill.size * 1_000
        money["USDT"] -= fill.side * fill.size * fill.price * 10
        money[fill.fee_asset] -= fill.fee
    assert world.venue.balances == money
    assert world.core.account.differences() == {}
    assert all(each.free >= 0 and each.locked >= 0 for each in world.ledger if isinstance(each, Balance))
    resting = [each.order for each in world.venue._waiting.values() if each.rests]
    locked = sum((order.size - order.filled) * order.price * 10 for order in resting if order.side > 0)
    assert world.core.account.locked["USDT"] == locked
    assert not world.core.contradictions
