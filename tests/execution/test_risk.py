"""The risk gate: one order that passes, and one world for each reason to refuse it."""

from collections.abc import Callable

import msgspec
import pytest

from ninefold.execution.risk import Approved, check
from ninefold.market.arrays import BAR_UNKNOWN
from ninefold.market.records import Halted, Late

from .world import NOW, ONE, World


def test_an_order_within_all_limits_is_approved():
    world = World()
    approved, refused = check(world.state(), [world.order()])
    assert [each.order for each in approved] == [world.order()]
    assert refused == []


def test_nobody_else_can_make_an_approved_order():
    with pytest.raises(TypeError, match=r"only ninefold\.execution\.risk\.check"):
        Approved(World().order(), object())


REASONS: dict[str, Callable[[World], object]] = {
    "kill switch: halted by ada (fat finger)": lambda world: setattr(
        world, "halted", Halted(seq=1, known_ns=1, by="ada", reason="fat finger")
    ),
    "reconciliation not complete: the venue has not yet told us of nf-z": lambda world: world.awaited.append("nf-z"),
    "order rate: 3 orders in the last minute, 3 allowed": lambda world: world.sent_ns.extend([NOW - 1] * 3),
    "unknown bar": lambda world: setattr(world, "bar_state", BAR_UNKNOWN),
    "price unknown: binance:BTC/USDT has shown no quote": lambda world: world.quotes.clear(),
    "price unknown: binance:BTC/USDT has not shown both": lambda world: setattr(
        world, "quotes", [(1, NOW, NOW, 1, 1, 0, 0, 50_000_00, 9)]
    ),
    "stale price: the last quote or book change of binance:BTC/USDT is 5.1 s old, 5 s allowed": lambda world: setattr(
        world, "quotes", [(1, NOW, NOW - 5_100_000_000, 1, 1, 49_999_00, 9, 50_000_00, 9)]
    ),
    "late feed: what binance says comes 3.2 s later than usual": lambda world: world.late.append(
        Late(seq=1, known_ns=NOW, venue="binance", behind_ns=3_200_000_000)
    ),
    "min notional: 4.5 USDT, at least 5 USDT allowed": lambda world: (
        setattr(world, "size", 9) or world.listing.update(min_size=1)
    ),
    "size 0.00009 BTC: at least 0.00010 BTC allowed": lambda world: setattr(world, "size", 9),
    "lot step: size 0.01001 BTC is no multiple of 0.0001 BTC": lambda world: (
        setattr(world, "size", 1_001) or world.listing.update(lot_size=10)
    ),
    "rules unknown": lambda world: setattr(world, "listing", {}),
    "order size: binance:BTC/USDT would be 650 USDT, 600 USDT allowed": lambda world: setattr(world, "size", 1_300),
    "position limit: binance:BTC/USDT would be 500 USDT, 400 USDT allowed": lambda world: setattr(
        world, "rules", msgspec.structs.replace(world.rules, max_position=400 * ONE)
    ),
    "price unknown: the order size of binance:BTC/EUR needs a price of EUR in USDT": lambda world: setattr(
        world, "quote_asset", "EUR"
    ),
    "insufficient balance: 500 USDT needed, 499 USDT free": lambda world: world.balances.update(USDT=499 * ONE),
    "balance unknown: the venue has not said how much USDT there is": lambda world: world.balances.pop("USDT"),
    "insufficient balance: 0.01 BTC needed, 0 BTC free": lambda world: (
        setattr(world, "side", -1)
        or setattr(world, "rules", msgspec.structs.replace(world.rules, max_position=10**20, max_order=10**20))
    ),
    "trades on kraken, not on binance": lambda world: setattr(
        world, "rules", msgspec.structs.replace(world.rules, venue="kraken")
    ),
}


def test_a_feed_that_is_in_time_again_is_traded_on():
    world = World()
    world.late = [Late(seq=1, known_ns=NOW, venue=venue, behind_ns=ns) for venue, ns in BACK_IN_TIME]
    assert len(check(world.state(), [world.order()])[0]) == 1


BACK_IN_TIME = [("binance", 3_200_000_000), ("kraken", 9_000_000_000), ("binance", 0)]


@pytest.mark.parametrize("reason", REASONS)
def test_each_limit_refuses_and_says_what_was_found_and_what_is_allowed(reason):
    world = World()
    REASONS[reason](world)
    approved, refused = check(world.state(), [world.order()])
    assert approved == []
    assert reason in refused[0].reason
    assert refused[0].status == "refused"


def test_orders_of_one_tick_are_judged_together():
    world = World(rules=msgspec.structs.replace(World().rules, max_position=10_000 * ONE))
    approved, refused = check(world.state(), [world.order("nf-a"), world.order("nf-b"), world.order("nf-c")])
    assert [each.order.client_order_id for each in approved] == ["nf-a", "nf-b"]  # 500 + 500 of 1,000 USDT
    assert "insufficient balance: 500 USDT needed, 0 USDT free" in refused[0].reason


def test_a_position_that_grew_beyond_its_limit_can_still_be_sold():
    world = World(side=-1, size=5_000, balances={"USDT": 0, "BTC": 5_000_000})
    state = world.state()
    state.account.positions[1] = 5_000_000  # 0.05 BTC, worth 2,500 of 600 USDT allowed
    approved, refused = check(state, [world.order()])
    assert (len(approved), refused) == (1, [])
