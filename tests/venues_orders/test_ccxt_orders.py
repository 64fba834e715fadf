"""Orders through ccxt: what is called for an order, what is read of what ccxt gives, and, of one exchange whose protocol the
simulated one speaks, all of it against a process of its own."""

import asyncio
import json
import time
import urllib.request
from collections.abc import Callable

import msgspec
import pytest

from ninefold.config import Account, Config, Venue
from ninefold.execution import risk
from ninefold.execution.ids import asked_id
from ninefold.execution.risk import Approved
from ninefold.journal.inputs import AccountEvent
from ninefold.market.instruments import Registry, listed
from ninefold.market.records import AnyRecord, Balance, Fill, Malformed, Order
from ninefold.services import ccxt_client
from ninefold.services.gateways import gateway_of
from ninefold.services.parsers import parse_event
from ninefold.venues import entry_gateway
from ninefold.venues.account_answers import NO_ANSWER, Reply
from ninefold.venues.ccxt_answers import ERROR, GAVE
from ninefold.venues.order_table import ORDER_ENTRIES
from ninefold.venues.signed import NotHeld
from tests.simulator.running import Simulator

VENUE = "ccxt.binanceus"
ENTRY = ORDER_ENTRIES[VENUE]
REGISTRY = Registry()
BTC = REGISTRY.add(listed(VENUE, "BTC/USDT", "BTC", "USDT", tick="0.01", lot="0.00001"))
ID = "nf-li2fjfq4hwmsxgzfm36u"


def order(name: str = ID, kind: str = "limit", side: int = 1, price: str = "50000", size: int = 1_000, **more) -> Order:
    """Of 0.01 BTC."""
    units = int(float(price) * 10**BTC.price_decimals) if kind != "market" else 0
    whole = size * 10 ** (BTC.size_decimals - 5)
    return Order(
        seq=1, known_ns=1, client_order_id=name, instrument=BTC.id, side=side, size=whole, status="sent",
        order_type=kind, price=units, **more,
    )  # fmt: skip


def read(kind: str, told: object, status: int = GAVE, about: Order | None = None) -> list[AnyRecord]:
    body = told if isinstance(told, str) else json.dumps(told)
    return ENTRY.reading.parse(kind, msgspec.json.encode(Reply(status, body, about)), REGISTRY, 7, 8)


@pytest.mark.parametrize(
    ("kind", "said", "params"),
    [
        ("market", "market", {}),
        ("limit", "limit", {}),
        ("post_only", "limit", {"postOnly": True}),
        ("ioc", "limit", {"timeInForce": "IOC"}),
        ("fok", "limit", {"timeInForce": "FOK"}),
    ],
)
def test_an_order_is_one_call_with_our_id(kind, said, params):
    made = ENTRY.requests.build_order(order(kind=kind), BTC)
    price = {} if kind == "market" else {"price": "50000.00"}
    assert made.path == "create_order"
    assert made.body == {
        "symbol": "BTC/USDT", "type": said, "side": "buy", "amount": "0.01000", **price,
        "params": {**params, "clientOrderId": ID},
    }  # fmt: skip


def test_what_ccxts_exchanges_do_not_share_is_held_here():
    for kind in ("stop", "take_profit", "trailing"):
        with pytest.raises(NotHeld):
            ENTRY.requests.build_order(order(kind=kind, trigger=1), BTC)


@pytest.mark.parametrize(("venue", "kind"), [("ccxt.hashkey", "fok"), ("ccxt.weex", "post_only")])
def test_what_ccxt_would_send_as_what_it_is_not_is_not_sent(venue, kind):
    there = listed(venue, "BTC/USDT", "BTC", "USDT", tick="0.01", lot="0.00001")
    with pytest.raises(NotHeld):
        ORDER_ENTRIES[venue].requests.build_order(order(kind=kind), there)


def test_an_order_is_asked_for_by_our_id_until_the_exchange_has_numbered_it_and_cancelled_by_number():
    [question] = ENTRY.requests.ask_order(order(), BTC)
    assert question.body == {"id": "", "params": {"clientOrderId": ID}, "symbol": "BTC/USDT"}
    [question] = ENTRY.requests.ask_order(order(venue_order_id="77"), BTC)
    assert question.body == {"id": "77", "symbol": "BTC/USDT"}
    assert ENTRY.requests.cancel_order(order(), BTC) is None
    cancel = ENTRY.requests.cancel_order(order(venue_order_id="77"), BTC)
    assert cancel is not None and cancel.body == {"id": "77", "symbol": "BTC/USDT"}


def test_fills_are_asked_for_by_order_so_that_later_ones_of_the_symbol_cannot_hide_them():
    assert ENTRY.requests.ask_fills(order(), BTC) is None
    question = ENTRY.requests.ask_fills(order(venue_order_id="77"), BTC)
    assert question is not None and question.body == {"symbol": "BTC/USDT", "params": {"orderId": "77"}}
    there = listed("ccxt.hashkey", "BTC/USDT", "BTC", "USDT", tick="0.01", lot="0.00001")
    question = ENTRY.requests.ask_fills(order(venue_order_id="77"), there)
    assert question is not None and question.body == {"symbol": "BTC/USDT", "params": {"clientOrderId": ID}}


@pytest.mark.parametrize(
    ("status", "told", "becomes"),
    [
        (NO_ANSWER, "ccxt could not make anything of it: ValueError", "unknown"),
        (ERROR, "RequestTimeout: binanceus POST ...", "unknown"),
        (ERROR, "ExchangeNotAvailable: 503", "unknown"),
        (ERROR, "ExchangeError: something new", "unknown"),
        (ERROR, "DuplicateOrderId: it is there", "unknown"),
        (ERROR, "InsufficientFunds: no money", "rejected"),
        (ERROR, "InvalidOrder: too small", "rejected"),
        (ERROR, "AuthenticationError: no such key", "rejected"),
        (ERROR, "RateLimitExceeded: 429", "rejected"),
        (GAVE, {"surprise": 1}, "unknown"),
        (GAVE, {"id": "77"}, "sent"),
    ],
)
def test_a_new_order_is_rejected_only_by_what_surely_says_so(status, told, becomes):
    [found] = read("order_answer", told, status, order())
    assert isinstance(found, Order)
    assert found.status == becomes
    assert ENTRY.reading.is_unsure(Reply(status, told if isinstance(told, str) else json.dumps(told), order())) == (
        becomes == "unknown" and status != GAVE
    )


@pytest.mark.parametrize(
    ("status", "filled", "becomes"),
    [("open", "0", "working"), ("open", "0.004", "partly_filled"), ("closed", "0.01", "filled"),
     ("closed", "0.004", "cancelled"), ("canceled", "0.004", "cancelled"), ("rejected", "0", "rejected")],
)  # fmt: skip
def test_what_ccxt_says_of_an_order_becomes_ours(status, filled, becomes):
    told = {"id": "77", "clientOrderId": ID, "symbol": "BTC/USDT", "side": "buy", "status": status}
    told |= {"amount": "0.01", "filled": filled}
    [found] = read("order_status", told, about=order())
    assert isinstance(found, Order)
    assert (found.status, found.venue_order_id) == (becomes, "77")
    assert read("open_orders", [told, {**told, "clientOrderId": "another's"}])[0] == found
    [gone] = read("order_status", "OrderNotFound: it is not there", ERROR, order())
    assert isinstance(gone, Order) and gone.status == "rejected" and "never reached" in gone.reason


@pytest.mark.parametrize(
    ("said", "told", "becomes"),
    [
        ("PENDING_CANCEL", "canceled", "partly_filled"),  # ccxt's hashkey
        ("partial_fill", "closed", "partly_filled"),  # ccxt's weex
        ("PARTIALLY_FILLED", "partially_filled", "partly_filled"),
        ("CANCELED", "canceled", "cancelled"),
        (None, "canceled", "cancelled"),
    ],
)
def test_what_the_exchange_calls_unfinished_is_not_over_whatever_ccxt_makes_of_it(said, told, becomes):
    row = {
        "id": "77",
        "clientOrderId": ID,
        "symbol": "BTC/USDT",
        "side": "buy",
        "status": told,
        "info": {"status": said},
    }
    [found] = read("order_status", {**row, "amount": "0.01", "filled": "0.004"}, about=order())
    assert isinstance(found, Order) and found.status == becomes


def test_fills_are_those_of_the_order_with_their_fee_and_one_without_a_fee_is_no_fill():
    trade = {"id": "5", "order": "77", "symbol": "BTC/USDT", "side": "buy", "price": "50000.5", "amount": "0.004"}
    trade |= {"timestamp": 1_763_800_000_123, "takerOrMaker": "maker", "fee": {"cost": "0.000004", "currency": "BTC"}}
    numbered = order(venue_order_id="77")
    [fill] = read("my_trades", [trade, {**trade, "order": "78"}], about=numbered)
    assert isinstance(fill, Fill)
    assert (fill.fee, fill.fee_asset, fill.maker, fill.trade_id) == (400, "BTC", True, "5")
    [bad] = read("my_trades", [{**trade, "fee": {"cost": None, "currency": None}}], about=numbered)
    assert isinstance(bad, Malformed) and "one with its cost and asset is expected" in bad.reason


def test_balances_are_those_that_are_traded_or_there():
    told = {"free": {"BTC": "0.5", "XRP": "0", "USDT": None}, "used": {"BTC": "0.1", "XRP": "0"}, "total": {}}
    assert [(one.asset, one.free, one.locked) for one in read("account", told) if isinstance(one, Balance)] == [
        ("BTC", 50_000_000, 10_000_000),
        ("USDT", 0, 0),
    ]


class Books:
    """What was handed on, read as the pipeline reads it: orders by id, fills, balances."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.fills: dict[str, Fill] = {}
        self.balances: dict[str, Balance] = {}
        self.told: list[tuple[str, str]] = []  # ids and statuses, in order

    def submit(self, kind: str, payload: bytes) -> None:
        for one in parse_event(AccountEvent(VENUE, kind, payload), REGISTRY, 7, time.time_ns()):
            if isinstance(one, Order):
                self.told.append((one.client_order_id, one.status))
                number = one.venue_order_id or self.orders[one.client_order_id].venue_order_id
                self.orders[one.client_order_id] = msgspec.structs.replace(one, venue_order_id=number)
            elif isinstance(one, Fill):
                self.fills[one.trade_id] = one
            else:
                assert isinstance(one, Balance), one
                self.balances[one.asset] = one

    def unsettled(self):
        return [(one, BTC) for one in self.orders.values() if one.status not in entry_gateway.OVER]


async def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


def fault(rest: str, **wanted: object) -> None:
    asking = urllib.request.Request(f"{rest}/sim/v1/faults", json.dumps(wanted).encode())
    urllib.request.urlopen(asking, timeout=10).close()


@pytest.mark.torture
def test_ccxts_own_exchange_sends_asks_and_cancels_at_the_simulated_one(tmp_path, monkeypatch):
    pytest.importorskip("ccxt", reason="needs the extra ccxt")
    monkeypatch.setattr(ccxt_client, "POLL_S", 0.3)
    simulator = Simulator(tmp_path / "exchange", "--instruments", "BTC/USDT", "--rate", "50")
    try:
        asyncio.run(_work(simulator))
    finally:
        simulator.stop()


async def _work(simulator: Simulator) -> None:
    config = Config(
        mode="demo",
        venue=Venue(name=VENUE, pairs=("BTC/USDT",), rest_url=simulator.rest, stream_url=simulator.ready["stream"]),
        account=Account(orders="exchange", keys_file=simulator.ready["keys_file"]),
    )
    books = Books()
    gateway = gateway_of(config, REGISTRY, books.submit, books.unsettled, time.time_ns, lambda: None, None)
    await gateway.start()
    try:
        await until(gateway.subscribed.is_set)
        await gateway.reconcile()
        assert books.balances["USDT"].free == 100_000 * 10**8

        def send(one: Order) -> Order:
            books.orders[one.client_order_id] = one
            gateway.post(Approved(one, risk._SEAL), BTC)
            return one

        bought = send(order(asked_id("a"), "market"))
        await until(lambda: books.orders[bought.client_order_id].status == "filled" and books.fills)
        await gateway.reconcile()
        assert sum(one.size for one in books.fills.values()) == bought.size
        fees = sum(one.fee for one in books.fills.values())
        assert books.balances["BTC"].free == 10**8 + 1_000_000 - fees

        resting = send(order(asked_id("b"), "limit", price="30000"))
        await until(lambda: books.orders[resting.client_order_id].status == "working")
        gateway.post_cancel(books.orders[resting.client_order_id], BTC)
        await until(lambda: books.orders[resting.client_order_id].status == "cancelled")

        fault(simulator.rest, kind="reply_lost", count=1, only="POST /api/v3/order")
        lost = send(order(asked_id("c"), "market", side=-1))
        await until(lambda: books.orders[lost.client_order_id].status == "filled")
        assert (lost.client_order_id, "unknown") in books.told
        state = json.loads(urllib.request.urlopen(f"{simulator.rest}/sim/v1/state", timeout=10).read())
        assert state["orders"] == 3
        too_much = send(order(asked_id("d"), "limit", price="30000", size=10_000_000))
        await until(lambda: books.orders[too_much.client_order_id].status == "rejected")
        assert "InsufficientFunds" in books.orders[too_much.client_order_id].reason
        assert not gateway.failed.done()
    finally:
        await gateway.close()
