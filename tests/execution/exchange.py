"""The simulated exchange inside a test, as the oracle: real matching, real account, everything it says collected.

In:  orders of all types that a venue takes, cancels, other people's orders.
Out: messages exactly as a gateway hands them on; and the truth, read from the exchange's own books.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec

from ninefold.execution.account import Account
from ninefold.execution.risk import Approved, RiskState, check
from ninefold.execution.rules import AccountRules
from ninefold.execution.shown import Shown
from ninefold.market.arrays import rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Instrument, Registry, listed
from ninefold.market.records import Balance, Order
from ninefold.simulator import ledger
from ninefold.simulator.agents import Act
from ninefold.simulator.auth import Keys
from ninefold.simulator.errors import ApiError
from ninefold.simulator.exchange import Exchange
from ninefold.simulator.faults import Faults
from ninefold.simulator.generated import GeneratedMarket
from ninefold.simulator.hub import Hub
from ninefold.simulator.instruments import GENERATED
from ninefold.simulator.orders import Orders
from ninefold.simulator.params import Params
from ninefold.simulator.private import Private
from ninefold.simulator.store import Store
from ninefold.venues.binance_orders import Envelope
from ninefold.venues.binance_requests import (
    Request,
    ask_account,
    ask_my_trades,
    ask_open_orders,
    ask_order,
    ask_recent_orders,
    build_order,
    cancel_order,
)

RULES = AccountRules(
    account="main", venue="binance", quote="USDT", max_position=10**18, max_order=10**18, max_orders_per_minute=10**6
)
STATUSES = {
    "NEW": "working", "PARTIALLY_FILLED": "partly_filled", "FILLED": "filled", "CANCELED": "cancelled",
    "EXPIRED": "expired",
}  # fmt: skip


class Message(NamedTuple):
    """kind, payload: as `parse_account` takes them. order_id: whose answer it is; empty for events."""

    kind: str
    payload: bytes
    order_id: str = ""


class Truth(NamedTuple):
    """An order in the exchange's books; sizes in lots, prices in ticks. fills: trade id to (price, size, fee, asset)."""

    status: str
    filled: int
    venue_order_id: str
    fills: dict[str, tuple[int, int, int, str]]


class Venue:
    """One instrument, BTC/USDT, with a book of agents around it."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / "exchange.sqlite")
        self.exchange = Exchange(self.store, Hub(Faults()), [GENERATED["BTCUSDT"]])
        self.market = GeneratedMarket(self.exchange, seed=7, rate=1_000)
        self.market.open()
        self.pit = self.market.pits["BTCUSDT"]
        self.private = Private(self.exchange, Orders(self.exchange, self.market), Keys("key", "secret"))
        self.said: list[Message] = []
        self.registry = Registry()
        self.instrument: Instrument = self.registry.add(
            listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.00001")
        )  # without minima: it is the exchange that refuses
        self.exchange.user_listeners[self._heard] = None

    def place(self, order: Order) -> None:
        """Send an order that passed the gate, with the request that the gateway would send."""
        self._answered("order_answer", order, build_order(self._approved(order), self.instrument, 1))

    def cancel(self, order: Order) -> None:
        self._answered("cancel_answer", order, cancel_order("BTCUSDT", order.client_order_id, 1))

    def others(self, side: int, lots: int) -> None:
        """Somebody takes so much at any price within reach."""
        best = self.pit.book.side(-side).best() or 6_000_000
        self.pit.do(Act("take", side, best + side * 500, lots))
        self.exchange.flush()

    def ask(self, order: Order) -> list[Message]:
        """What the gateway asks for an order that is not settled: its state, then its trades."""
        answer = self._call(ask_order("BTCUSDT", order.client_order_id, 1))
        asked = [self._message("order_status", order, *answer)]
        if answer[0] == 200:
            number = str(msgspec.json.decode(answer[1])["orderId"])
            asked.append(self._message("my_trades", order, *self._call(ask_my_trades("BTCUSDT", number, 1))))
        return asked

    def ask_account(self) -> list[Message]:
        """Open orders, then balances: the end of every reconciliation."""
        asked = (("open_orders", ask_open_orders(1)), ("account", ask_account(1)))
        return [Message(kind, _envelope("", "", "", "", *self._call(request))) for kind, request in asked]

    def ask_recent(self) -> Message:
        """All orders there were, at a start."""
        answer = self._call(ask_recent_orders("BTCUSDT", 1, 1))
        return Message("recent_orders", _envelope("", "", "", "", *answer))

    def lost(self, order: Order) -> Message:
        """What stands for an answer that did not come."""
        return self._message("order_answer", order, 0, "no answer: TimeoutError")

    def truth(self, order_id: str) -> Truth | None:
        found = ledger.find_orders(self.store, "client_id = ?", (order_id,))
        if not found:
            return None
        [order] = found
        fills = ledger.find_fills(self.store, "order_id = ?", (order.order_id,))
        return Truth(
            STATUSES[order.status],
            order.filled_lots,
            str(order.order_id),
            {str(each.trade_id): (each.price_ticks, each.lots, each.fee_e8, each.fee_asset) for each in fills},
        )

    def balances(self) -> dict[str, tuple[int, int]]:
        return {asset: (each.free_e8, each.locked_e8) for asset, each in self.exchange.account.balances.items()}

    def best(self, side: int) -> int:
        """The best price an order of this side meets, in ticks."""
        return self.pit.book.side(-side).best() or 6_000_000

    def _answered(self, kind: str, order: Order, request: Request) -> None:
        self.said.append(self._message(kind, order, *self._call(request)))

    def _call(self, request: Request) -> tuple[int, str]:
        doors = {
            ("POST", "order"): self.private.place,
            ("DELETE", "order"): self.private.cancel,
            ("GET", "order"): self.private.order,
            ("GET", "myTrades"): self.private.my_trades,
            ("GET", "openOrders"): self.private.open_orders,
            ("GET", "allOrders"): self.private.all_orders,
            ("GET", "account"): self.private.account,
        }
        try:
            answer = doors[(request.method, request.path.removeprefix("/api/v3/"))](Params(request.params))
        except ApiError as error:
            return error.status, msgspec.json.encode({"code": error.code, "msg": error.msg}).decode()
        return 200, msgspec.json.encode(answer).decode()

    def _heard(self, event: dict[str, object]) -> None:
        self.said.append(Message("user_event", msgspec.json.encode({"subscriptionId": 0, "event": event})))

    def _message(self, kind: str, order: Order, status: int, body: str) -> Message:
        side = "BUY" if order.side > 0 else "SELL"
        payload = _envelope(order.client_order_id, "BTCUSDT", side, self.instrument.size_text(order.size), status, body)
        return Message(kind, payload, order.client_order_id)

    def _approved(self, order: Order) -> Approved:
        shown, account = Shown(self.registry, "binance"), Account()
        shown.fold(Chunk(1, 1, 5, {"quotes": rows("quotes", [(1, 5, 5, 1, 1, 6_000_000, 9, 6_000_001, 9)])}))
        for asset in ("BTC", "USDT"):
            account.show(Balance(seq=1, known_ns=1, asset=asset, free=10**18, locked=0))
        approved, refused = check(RiskState(5, RULES, self.registry, shown, account, None, [], []), [order])
        assert approved, refused
        return approved[0]


@contextmanager
def open_venue() -> Iterator[Venue]:
    with TemporaryDirectory() as folder:
        venue = Venue(Path(folder))
        try:
            yield venue
        finally:
            venue.store.close()


def _envelope(order_id: str, symbol: str, side: str, quantity: str, status: int, body: str) -> bytes:
    return msgspec.json.encode(Envelope(order_id, symbol, side, quantity, status, body))
