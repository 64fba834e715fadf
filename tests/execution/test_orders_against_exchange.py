"""The order state machine against the simulated exchange's own book: whatever way its reports take, the end is its truth.

Random orders of all types go through the real matching engine. What it says comes shuffled, doubled, or not at all; of orders
that are not settled then the venue is asked, as the gateway asks. Every planted break must be found.
"""

from collections.abc import Callable
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.execution import core as core_file
from ninefold.execution import orders as orders_file
from ninefold.execution.account import Account
from ninefold.execution.core import ExecutionCore
from ninefold.execution.ids import PREFIX
from ninefold.market.chunk import Chunk
from ninefold.market.records import AnyRecord, Fill, Malformed, Order, Started
from ninefold.venues import binance_orders
from ninefold.venues.binance_orders import parse_account
from tests.execution.exchange import RULES, Message, Venue, open_venue

KEPT = ("kept_stop", "kept_take_profit")
TYPES = ("market", "limit", "post_only", "ioc", "fok", "stop", *KEPT)
DEEP = 400_000  # lots: more than the account pays for


class Place(NamedTuple):
    """price: ticks beyond the best price that it meets; less than 0: it rests. Of one that the venue keeps it is how far its trigger
    is from that, on the side on which it waits; those of an odd size have a limit, beyond the trigger or short of it."""

    side: int
    kind: str
    price: int
    lots: int


class Cancel(NamedTuple):
    """Of the order placed as which one; it may be over, refused, or not have arrived."""

    number: int


class Others(NamedTuple):
    """Somebody else takes from the book, and so from what we have resting there."""

    side: int
    lots: int


class Fate(NamedTuple):
    """What becomes of a message: how often it comes, and its place in the order of arrival."""

    times: int
    place: int


sides = st.sampled_from([1, -1])
lots = st.one_of(st.integers(50, 5_000), st.sampled_from([1, 20_000, DEEP]))
acts = st.one_of(
    st.builds(Place, sides, st.sampled_from(TYPES), st.integers(-60, 60), lots),
    st.builds(Place, sides, st.sampled_from(TYPES), st.integers(-60, 60), lots),
    st.builds(Cancel, st.integers(0, 5)),
    st.builds(Others, sides, st.integers(1, 40_000)),
)
fates = st.builds(Fate, st.sampled_from([1, 1, 1, 2, 3, 0]), st.integers(0, 10_000))


class Play:
    """One history on the exchange, and our core that hears of it in another way."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.core = ExecutionCore(RULES, venue.registry)
        self.seq = 0
        self.orders: list[Order] = []
        self.malformed: list[AnyRecord] = []
        self.step([Started(seq=1, known_ns=1, run="a")])
        for message in venue.ask_account():
            self.hear(message)

    def act(self, one: Place | Cancel | Others) -> None:
        if isinstance(one, Place):
            self.place(one)
        elif isinstance(one, Others):
            self.venue.others(one.side, one.lots)
        elif one.number < len(self.orders):
            self.venue.cancel(self.orders[one.number])

    def place(self, one: Place) -> None:
        intended = Order(
            seq=self.seq, known_ns=self.seq, client_order_id=f"{PREFIX}{len(self.orders)}", instrument=1,
            side=one.side, size=one.lots, status="intended", order_type=one.kind, **self.prices(one),
        )  # fmt: skip
        self.orders.append(intended)
        self.step([intended, msgspec.structs.replace(intended, status="sent")])
        self.venue.place(intended)

    def prices(self, one: Place) -> dict[str, int]:
        best = self.venue.best(one.side)
        if one.kind in KEPT:
            away = abs(one.price) if one.kind == "kept_stop" else -abs(one.price)
            trigger = best + one.side * away
            return {"trigger": trigger, "price": trigger + one.side * one.price if one.lots % 2 else 0}
        return {"price": 0 if one.kind in ("market", "stop") else best + one.side * one.price}

    def hear(self, message: Message) -> None:
        self.step(parse_account(message.kind, message.payload, self.venue.registry, self.seq + 1, self.seq + 1))

    def step(self, records: list[AnyRecord]) -> None:
        self.seq += 1
        self.malformed += [record for record in records if isinstance(record, Malformed)]
        self.core.step(Chunk(self.seq, self.seq, self.seq, records=list(records)))

    def ask(self) -> None:
        """What the gateway does after silence: it asks for each order that is not settled, and last for the account."""
        for order in self.core.unsettled():
            for message in self.venue.ask(order):
                self.hear(message)
        for message in self.venue.ask_account():
            self.hear(message)

    def check(self) -> None:
        assert not self.malformed
        assert not self.core.contradictions
        position = 0
        for order in self.orders:
            known = self.core.orders[order.client_order_id]
            truth = self.venue.truth(order.client_order_id)
            if truth is None:
                assert (known.order.status, known.order.filled, known.fills) == ("rejected", 0, {})
                continue
            assert (known.order.status, known.order.filled, known.order.venue_order_id) == truth[:3]
            assert {name: told(fill) for name, fill in known.fills.items()} == truth.fills
            for _, size, fee, asset in truth.fills.values():
                position += order.side * size * 1_000 - (fee if asset == "BTC" else 0)
        account = self.core.account
        assert account.positions.get(1, 0) == position
        assert {asset: (account.free[asset], account.locked[asset]) for asset in account.free} == self.venue.balances()
        assert account.differences() == {}


def told(fill: Fill) -> tuple[int, int, int, str]:
    return fill.price, fill.size, fill.fee, fill.fee_asset


def play(history: list[Place | Cancel | Others], fated: list[Fate]) -> None:
    """Everything happens at the exchange; then we hear of it."""
    with open_venue() as venue:
        played = Play(venue)
        for one in history:
            played.act(one)
        arriving: list[tuple[int, int, Message]] = []
        for number, message in enumerate(venue.said):
            fate = fated[number % len(fated)]
            lost = fate.times == 0 and message.kind == "order_answer"
            for copy in range(1 if lost else fate.times):
                place = (fate.place * (copy + 1)) % 10_007
                said = venue.lost(order_of(played, message)) if lost else message
                arriving.append((place, len(arriving), said))
        for _, _, message in sorted(arriving):
            played.hear(message)
        played.ask()
        played.check()


def order_of(played: Play, message: Message) -> Order:
    return next(order for order in played.orders if order.client_order_id == message.order_id)


@settings(max_examples=60, deadline=None)
@given(st.lists(acts, min_size=1, max_size=8), st.lists(fates, min_size=1, max_size=40))
@pytest.mark.slow
def test_whatever_way_the_reports_take_we_end_in_the_state_and_the_account_of_the_exchange(history, fated):
    play(history, fated)


@pytest.mark.torture
@settings(max_examples=2_000, deadline=None)
@given(st.lists(acts, min_size=1, max_size=25), st.lists(fates, min_size=1, max_size=80))
def test_the_same_of_long_histories(history, fated):
    play(history, fated)


def test_what_a_power_loss_took_from_the_ledger_is_found_among_the_recent_orders_and_booked():
    """They left, and nothing is known of them: one is over, one rests, one was refused. Twice told they count once."""
    with open_venue() as venue:
        played = Play(venue)
        for number, (price, lots) in enumerate([(60, 3_000), (-30, 2_000), (0, 1)]):
            lost = Order(
                seq=9, known_ns=9, client_order_id=f"{PREFIX}{number}", instrument=1, side=1, size=lots,
                status="sent", order_type="limit", price=venue.best(1) + price,
            )  # fmt: skip
            venue.place(lost)
            played.orders.append(lost)
        for _ in range(2):
            played.hear(venue.ask_recent())
            played.ask()
        assert [venue.truth(one.client_order_id) is None for one in played.orders] == [False, False, True]
        played.orders.pop()
        played.check()
        assert played.core.orders[f"{PREFIX}0"].order.filled == 3_000
        assert [order.client_order_id for order in played.core.unsettled()] == [f"{PREFIX}1"]


IN_ORDER = [Fate(1, place) for place in range(40)]
BACKWARDS = [Fate(1, 40 - place) for place in range(40)]
NOTHING = [Fate(0, 0)]
TWICE = [Fate(2, place) for place in range(40)]
RESTS = Place(1, "limit", -30, 3_000)
HISTORIES: dict[str, list[Place | Cancel | Others]] = {
    "filled while it rests, in parts": [Place(1, "limit", -3, 30_000), Others(-1, 20_000), Others(-1, 20_000)],
    "cancelled while it rests": [RESTS, Cancel(0), Others(-1, 40_000)],
    "a cancel that races a fill": [Place(1, "limit", -3, 30_000), Others(-1, 20_000), Cancel(0)],
    "a cancel that comes too late": [Place(1, "market", 0, 100), Cancel(0)],
    "two of our own orders meet": [Place(-1, "limit", -1, 900), Place(1, "market", 0, 20_000)],
    "a stop goes off at the venue": [Place(-1, "kept_stop", 20, 900), Others(-1, 40_000)],
    "one with a limit does, and rests": [Place(-1, "kept_stop", -30, 901), Others(-1, 40_000), Others(1, 20_000)],
    "a cancel that races a stop": [Place(-1, "kept_stop", 20, 900), Others(-1, 40_000), Cancel(0)],
    "a stop that is cancelled in time": [Place(-1, "kept_stop", 60, 900), Cancel(0), Others(-1, 40_000)],
    "one stop that sets off the next": [
        Place(-1, "kept_stop", 2, 90_000),
        Place(-1, "kept_stop", 50, 900),
        Others(-1, 9_000),
    ],
    "a take-profit goes off": [Place(-1, "kept_take_profit", 20, 900), Others(1, 40_000), Others(1, 40_000)],
    "what would go off at once": [Place(-1, "kept_stop", 0, 900), Place(-1, "kept_take_profit", 0, 900)],
    "all types": [Place(1, kind, 5, 700) for kind in TYPES] + [Place(-1, kind, -5, 700) for kind in TYPES],
    "what the account cannot pay": [Place(1, kind, 5, DEEP) for kind in TYPES],
}


@pytest.mark.parametrize("fated", [IN_ORDER, BACKWARDS, NOTHING, TWICE], ids=["in order", "backwards", "lost", "twice"])
@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES)
def test_the_histories_that_go_wrong_most_easily(history, fated):
    play(history, fated)


Broken = tuple[object, str, object]  # where, name, what stands there instead
book, follow = Account.book, orders_file.follow


def twice(account: Account, fill: Fill, instrument: object) -> bool:
    account._seen.clear()
    return book(account, fill, instrument)


def without(**fields: object) -> Callable[..., bool]:
    return lambda account, fill, instrument: book(account, msgspec.structs.replace(fill, **fields), instrument)


BREAKS: dict[str, Broken] = {
    "a time-out is taken for a no": (binance_orders, "is_unsure", lambda envelope: False),
    "a repeated trade is booked twice": (Account, "book", twice),
    "two orders that meet are one fill": (Account, "book", without(client_order_id="")),
    "fees are forgotten": (Account, "book", without(fee=0)),
    "a late report takes an order back": (orders_file, "_rank", lambda status: 0),
    "an order that is over is not asked for": (orders_file.Tracked, "settled", property(lambda known: not known.open)),
    "a fill changes no order": (core_file, "follow", lambda a, by: a if isinstance(by, Fill) else follow(a, by)),
    "an order that ended stays open": (binance_orders, "STATUSES", {**binance_orders.STATUSES, "CANCELED": "working"}),
}


@pytest.mark.parametrize("broken", BREAKS.values(), ids=BREAKS)
def test_a_planted_break_is_found(broken, monkeypatch):
    monkeypatch.setattr(*broken)
    with pytest.raises((AssertionError, ZeroDivisionError)):  # one that is told of before it has a fill has no price
        for history in HISTORIES.values():
            for fated in (IN_ORDER, BACKWARDS, NOTHING, TWICE):
                play(history, fated)
