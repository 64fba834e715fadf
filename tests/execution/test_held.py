"""What we hold until its time: stops, take-profits, trailing stops, slices; reduce-only; requests of people."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.execution.asked import BadAsk, orders_of
from ninefold.execution.held import Prices, gone_off, is_due, is_held, look
from ninefold.execution.ids import child_id
from ninefold.execution.reduce import reduced
from ninefold.execution.shown import Quote
from ninefold.execution.twap import slices
from ninefold.market.arrays import rows
from ninefold.market.instruments import Registry, listed
from ninefold.market.records import Asked, Order, Tick

REGISTRY = Registry()
BTC_USDT = REGISTRY.add(
    listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.00001", min_notional="5", min_size=10)
)
TICK = Tick(seq=9, known_ns=1_000, exchange_ns=900)


def held(kind: str, side: int, trigger: int, price: int = 0) -> Order:
    return Order(
        seq=1, known_ns=1, client_order_id="nf-a", instrument=1, side=side, size=50, status="intended",
        order_type=kind, trigger=trigger, price=price,
    )  # fmt: skip


def prices(*found: int) -> np.ndarray:
    return np.array(found, np.int64)


@pytest.mark.parametrize(
    ("kind", "side", "before", "at"),
    [("stop", -1, 101, 100), ("stop", 1, 99, 100), ("take_profit", -1, 99, 100), ("take_profit", 1, 101, 100)],
)
def test_a_trigger_goes_off_at_its_price_and_not_before(kind, side, before, at):
    order = held(kind, side, trigger=100)
    assert look(order, prices(before)) is order
    after = look(order, prices(before, at, before))
    assert (after.price, gone_off(after), is_due(after, 0)) == (100, True, True)
    assert look(after, prices(1)) is after, "what has gone off stays so, at the first price that set it off"


def test_a_price_that_jumps_over_the_trigger_sets_it_off():
    assert look(held("stop", -1, trigger=100), prices(105, 93, 120)).price == 93


def test_a_trailing_order_follows_the_best_price_and_goes_off_at_its_distance():
    order = held("trailing", -1, trigger=10)
    order = look(order, prices(100, 95))
    assert (order.order_type, order.price) == ("trailing", 100)
    order = look(order, prices(120, 111))
    assert (order.order_type, order.price) == ("trailing", 120)
    assert look(order, prices(119)) is order
    order = look(order, prices(112, 110, 130))
    assert (order.order_type, order.trigger, order.price) == ("stop", 110, 110)


def test_a_trailing_order_that_buys_follows_the_lowest_price():
    order = look(held("trailing", 1, trigger=10), prices(100, 80, 89))
    assert order.price == 80
    order = look(order, prices(90))
    assert (order.order_type, order.trigger, order.price) == ("stop", 90, 90)


TRIGGERS = st.builds(
    held, st.sampled_from(["stop", "take_profit", "trailing"]), st.sampled_from([1, -1]), st.integers(1, 30)
)


@pytest.mark.slow
@settings(settings.get_profile("money"))
@given(TRIGGERS, st.lists(st.integers(80, 120), max_size=30), st.sets(st.integers(0, 30)))
def test_where_the_looks_are_cut_changes_nothing(order, traded, cuts):
    at_once = look(order, prices(*traded))
    step_by_step = order
    for piece in np.split(prices(*traded), sorted(cut for cut in cuts if cut < len(traded))):
        step_by_step = look(step_by_step, piece)
    assert step_by_step == at_once


@settings(settings.get_profile("money"))
@given(st.sampled_from([1, -1]), st.integers(1, 20), st.lists(st.integers(80, 120), min_size=1, max_size=30))
def test_a_trailing_order_equals_the_one_that_is_looked_at_price_by_price(side, distance, traded):
    best, off = traded[0], 0
    for price in traded:
        best = max(best, price) if side < 0 else min(best, price)
        if not off and (best - price) * -side >= distance:
            off = price
    after = look(held("trailing", side, distance), prices(*traded))
    assert (after.price if gone_off(after) else 0) == off


def test_only_what_is_intended_and_of_a_held_type_is_held():
    assert is_held(held("stop", -1, 5))
    assert is_held(held("slice", 1, 5))
    assert not is_held(msgspec.structs.replace(held("stop", -1, 5), status="sent"))
    assert not is_held(held("limit", 1, 0, price=5))


def test_prices_are_those_behind_a_seq_of_the_instruments_that_are_held():
    def trade(instrument: int, seq: int, price: int) -> tuple[int, ...]:
        return (instrument, 1, 1, seq, 0, 0, seq, price, 1, 1)

    seen = Prices()
    seen.fold(rows("trades", [trade(1, 3, 100), trade(2, 4, 7), trade(1, 5, 102)]), [1])
    seen.fold(rows("trades", [trade(1, 8, 101)]), [1])
    assert seen.since(1, 3).tolist() == [102, 101]
    assert seen.since(2, 0).tolist() == []
    seen.clear()
    assert seen.since(1, 0).tolist() == []


@pytest.mark.slow
@settings(settings.get_profile("money"))
@given(st.integers(1, 10**6), st.integers(2, 200), st.integers(1, 10**12))
def test_slices_sum_to_the_whole_and_are_spread_evenly(lots, count, over_ns):
    whole = msgspec.structs.replace(held("market", 1, 0), size=lots)
    if lots < count:
        with pytest.raises(ValueError, match=f"needs {count} at least"):
            slices(whole, BTC_USDT, count, over_ns, 500)
        return
    made = slices(whole, BTC_USDT, count, over_ns, 500)
    assert sum(order.size for order in made) == lots
    assert max(order.size for order in made) - min(order.size for order in made) <= 1
    assert made[0].trigger == 500 and made[-1].trigger < 500 + over_ns
    gaps = np.diff([order.trigger for order in made])
    assert gaps.max() - gaps.min() <= 1
    assert len({order.client_order_id for order in made}) == count
    assert made == slices(whole, BTC_USDT, count, over_ns, 500), "the same decision gives the same ids"


def test_an_order_that_reduces_is_cut_to_what_is_held_and_to_whole_lots():
    order, quote = held("stop", -1, 5), Quote(50_000_00, 50_000_01)
    assert reduced(order, BTC_USDT, 50_000, quote) is order
    cut = reduced(order, BTC_USDT, 29_999, quote)
    assert isinstance(cut, Order) and cut.size == 29
    assert reduced(order, BTC_USDT, 999, quote) == "reduce-only: 0.00000999 BTC held, nothing to reduce"
    assert "below the venue's minimum" in str(reduced(order, BTC_USDT, 9_000, quote))
    assert "below the venue's minimum" in str(reduced(order, BTC_USDT, 11_000, Quote(40_000_00, 40_000_01)))
    assert "nothing to reduce" in str(reduced(held("stop", 1, 5), BTC_USDT, 50_000, quote)), (
        "spot has no short position"
    )


def asked(**more: object) -> Asked:
    plain = Asked(seq=8, known_ns=900, ask_id="3f", by="ada", side=1, size="0.01", pair="BTC/USDT")
    return msgspec.structs.replace(plain, **more)


def orders(**more: object) -> list[Order]:
    return orders_of(asked(**more), "binance", REGISTRY, TICK)


def test_a_request_becomes_an_order_in_units_with_an_id_that_derives_from_it():
    [order] = orders(order_type="limit", price="49000.10")
    assert (order.side, order.size, order.price, order.status) == (1, 1_000, 49_000_10, "intended")
    assert (order.order_type, order.strategies, order.seq) == ("limit", ("hand",), 9)
    assert orders(order_type="limit", price="49000.10") == [order]
    assert orders(ask_id="40")[0].client_order_id != order.client_order_id


def test_a_bracket_is_an_entry_and_exits_that_belong_to_it():
    entry, stop, target = orders(stop="48000", take_profit="53000")
    assert (entry.order_type, entry.trigger, entry.parent) == ("market", 0, "")
    assert (stop.order_type, stop.side, stop.trigger, stop.size) == ("stop", -1, 48_000_00, 1_000)
    assert (target.order_type, target.trigger) == ("take_profit", 53_000_00)
    assert {stop.parent, target.parent} == {entry.client_order_id}
    assert stop.reduce_only and target.reduce_only
    assert stop.client_order_id == child_id(entry.client_order_id, "stop")
    assert [order.order_type for order in orders(trail="500")] == ["market", "trailing"]


def test_a_trailing_order_by_itself_has_its_distance_as_trigger():
    [order] = orders(side=-1, order_type="trailing", trail="250.5", reduce_only=True)
    assert (order.trigger, order.price, order.reduce_only, order.parent) == (250_50, 0, True, "")


def test_a_twap_is_slices_from_now_on():
    made = orders(slices=4, over_ns=60)
    assert [(order.order_type, order.size, order.trigger) for order in made] == [
        ("slice", 250, 900), ("slice", 250, 915), ("slice", 250, 930), ("slice", 250, 945)
    ]  # fmt: skip


REFUSED: list[tuple[dict[str, object], str]] = [
    ({"pair": "BTC/USD"}, "did you mean 'binance:BTC/USDT'"),
    ({"order_type": "iceberg"}, "there are market, limit"),
    ({"order_type": "limit"}, "a limit order needs a price"),
    ({"price": "50000"}, "a market order takes no price"),
    ({"order_type": "stop"}, "a stop order needs a trigger"),
    ({"order_type": "trailing"}, "needs a trail"),
    ({"order_type": "limit", "price": "1", "trigger": "5"}, "takes no trigger"),
    ({"size": "0.000011"}, "more than 5 decimals"),
    ({"size": "0.00005"}, "at least 0.00010"),
    ({"size": "-1"}, "at least 0.00010"),
    ({"order_type": "limit", "price": "0"}, "more than 0"),
    ({"side": -1, "stop": "48000"}, "protect what is bought"),
    ({"order_type": "stop", "trigger": "5", "take_profit": "9"}, "protect what is bought"),
    ({"stop": "53000", "take_profit": "48000"}, "lies below"),
    ({"order_type": "limit", "price": "47000", "stop": "48000"}, "lies below"),
    ({"slices": 4, "over_ns": 0}, "and a length"),
    ({"slices": 4, "over_ns": 60, "stop": "48000"}, "without exits"),
    ({"slices": 4, "over_ns": 60, "order_type": "limit", "price": "1"}, "market orders"),
    ({"size": "0.0001", "slices": 11, "over_ns": 60}, "needs 11 at least"),
]


@pytest.mark.parametrize(("more", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_cannot_be_an_order_says_what_is_allowed(more, said):
    with pytest.raises(BadAsk, match=said):
        orders(**more)
