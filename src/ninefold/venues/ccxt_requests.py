"""Orders through ccxt: which of its calls is made, with what, for an order or a question.

In:  orders, questions. Out: calls as requests: the call's name as `path`, its arguments by name as `body`; ccxt signs them.

After docs.ccxt.com ("Private API": createOrder, cancelOrder, fetchOrder, fetchOpenOrders, fetchMyTrades, fetchBalance) and the
source of ccxt 4.5, read 2026-11-30. An order is asked for by our id, which ccxt does for few exchanges (BY_CLIENT_ID): others
cannot be used, since an order whose answer was lost could not be found again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from ninefold.market.instruments import Instrument
from ninefold.market.records import Order
from ninefold.venues.ccxt_names import PREFIX
from ninefold.venues.signed import Json, Keys, Line, Signed, Token, Unsigned, not_held
from ninefold.venues.venue_ids import same

# Of ccxt's exchanges without an order entry of their own here, those where createOrder and fetchOrder take a clientOrderId of
# our form, what is told of an order has it, "no such order" is told from other errors, and a purchase at the market is of an
# amount of base. Not so: mexc says "no such order" of orders that are there, as any error; coinsph buys at the market by cost.
BY_CLIENT_ID = ("binanceus", "hashkey", "weex")
NOT_KEPT = (
    (f"{PREFIX}hashkey", "fok"),
    (f"{PREFIX}weex", "post_only"),
)  # ccxt sends them as what they are not, or on faith
FILLS_BY_CLIENT_ID = (f"{PREFIX}hashkey",)  # the others tell those of one order by the number that they gave it
REST_URL = ""
TOKEN: Token | None = None
ARRIVES_WITHIN_MS = 60_000  # exchanges differ; longer than ccxt waits for an answer
IN_TURN = True
name_of = same
KINDS: Mapping[str, tuple[str, dict[str, Json]]] = {
    "market": ("market", {}),
    "limit": ("limit", {}),
    "post_only": ("limit", {"postOnly": True}),
    "ioc": ("limit", {"timeInForce": "IOC"}),
    "fok": ("limit", {"timeInForce": "FOK"}),
}


def holds(order: Order, instrument: Instrument) -> bool:
    kept = order.order_type in KINDS and (instrument.venue, order.order_type) not in NOT_KEPT
    return kept and not (order.reduce_only and order.side > 0)


def build_order(order: Order, instrument: Instrument) -> Unsigned:
    """raises: NotHeld."""
    if not holds(order, instrument):
        raise not_held(instrument.venue, order)
    kind, params = KINDS[order.order_type]
    arguments: dict[str, Json] = {
        "symbol": instrument.venue_symbol,
        "type": kind,
        "side": "buy" if order.side > 0 else "sell",
        "amount": instrument.size_text(order.size),
        "params": {**params, "clientOrderId": name_of(order.client_order_id)},
    }
    if order.price:
        arguments["price"] = instrument.price_text(order.price)
    return Unsigned("CALL", "create_order", body=arguments)


def cancel_order(order: Order, instrument: Instrument) -> Unsigned | None:
    """By the exchange's number, which every exchange takes."""
    if not order.venue_order_id:
        return None
    return Unsigned("CALL", "cancel_order", body={"id": order.venue_order_id, "symbol": instrument.venue_symbol})


def ask_order(order: Order, instrument: Instrument) -> tuple[Unsigned, ...]:
    symbol, ours = instrument.venue_symbol, {"clientOrderId": name_of(order.client_order_id)}
    which: dict[str, Json] = {"id": order.venue_order_id} if order.venue_order_id else {"id": "", "params": ours}
    return (Unsigned("CALL", "fetch_order", body={**which, "symbol": symbol}),)


def ask_open_orders(instruments: Sequence[Instrument]) -> tuple[Unsigned, ...]:
    return tuple(Unsigned("CALL", "fetch_open_orders", body={"symbol": one.venue_symbol}) for one in instruments)


def ask_fills(order: Order, instrument: Instrument) -> Unsigned | None:
    """Those of the order, a page at most (100 to 1,000); the symbol's latest may be others by now."""
    if not order.venue_order_id:
        return None
    name, value = "orderId", order.venue_order_id
    if instrument.venue in FILLS_BY_CLIENT_ID:
        name, value = "clientOrderId", name_of(order.client_order_id)
    return Unsigned("CALL", "fetch_my_trades", body={"symbol": instrument.venue_symbol, "params": {name: value}})


def ask_balances() -> Unsigned:
    return Unsigned("CALL", "fetch_balance", body={})


def ask_rights() -> Unsigned | None:
    """ccxt has no call for it."""
    return None


def next_page(asked: Unsigned, body: str) -> Unsigned | None:
    """ccxt's calls are asked for one page, the newest."""
    return None


def sign(request: Unsigned, rest_url: str, keys: Keys, now_ms: int, nonce: str) -> Signed:
    """For the eye: what is called. ccxt signs by itself."""
    return Signed(request.method, request.path, {}, msgspec.json.encode(request.body).decode())


def lines(keys: Keys, now_ms: int, nonce: str, token: str) -> tuple[Line, ...]:
    """None: orders and fills are asked for again and again."""
    return ()
