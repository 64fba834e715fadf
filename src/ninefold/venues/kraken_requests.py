"""Kraken spot: signed requests about orders and the account.

In:  orders, questions; keys, a nonce that grows.
Out: requests, and these signed: HMAC-SHA512 over the path and the SHA-256 of nonce and form, in base64.

After docs.kraken.com, read 2026-11-30: "Spot REST authentication", "Add Order", "Cancel Order", "Query Orders Info", "Get
Open Orders", "Get Closed Orders", "Get Trades History", "Get Extended Balance", "Get API Key Info", "Get Websockets
Token", "Spot Client Order Identifiers", and of websocket v2 "Executions". The fee is asked for in the quote asset (fciq),
so that it is known in which it comes. A request whose nonce is not greater than the last one's is refused: once a question
was answered, no request from before it can arrive any more.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import msgspec

from ninefold.market.instruments import Instrument
from ninefold.market.records import Order
from ninefold.market.time import SECOND_NS
from ninefold.venues.kraken_wire import rest_name
from ninefold.venues.signed import Keys, Line, Signed, Token, Unsigned, not_held
from ninefold.venues.venue_ids import uuid

REST_URL = "https://api.kraken.com"
ARRIVES_WITHIN_MS = 60_000  # nothing but the nonce ends an old request: longer than any connection of ours waits
IN_TURN = True  # else nonces would overtake each other
name_of = uuid
PLAIN: Mapping[str, dict[str, str]] = {"market": {}, "limit": {}, "post_only": {}, "ioc": {"timeinforce": "IOC"}}
TRIGGERED = {"stop": "stop-loss", "take_profit": "take-profit"}
FILLS_BEFORE_S = 7 * 86_400  # how long before the last news of an order its fills may lie
PAGE = 50


def holds(order: Order, instrument: Instrument) -> bool:
    """Whether the venue keeps such an order itself. Spot knows no reduce-only; a sale there cannot but reduce. No page
    names fill-or-kill."""
    if order.reduce_only and order.side > 0:
        return False
    return order.order_type in PLAIN or order.order_type in TRIGGERED


def build_order(order: Order, instrument: Instrument) -> Unsigned:
    """raises: NotHeld."""
    if not holds(order, instrument):
        raise not_held("kraken", order)
    form = {
        "pair": rest_name(instrument.venue_symbol),
        "type": "buy" if order.side > 0 else "sell",
        "ordertype": _kind(order),
        "volume": instrument.size_text(order.size),
        **_prices(order, instrument),
        "oflags": "post,fciq" if order.order_type == "post_only" else "fciq",
        **PLAIN.get(order.order_type, {}),
        "cl_ord_id": name_of(order.client_order_id),
    }
    return _request("AddOrder", form)


def cancel_order(order: Order, instrument: Instrument) -> Unsigned | None:
    return _request("CancelOrder", {"cl_ord_id": name_of(order.client_order_id)})


def ask_order(order: Order, instrument: Instrument) -> tuple[Unsigned, ...]:
    """By its number where it is known; our id is looked for among the open and then the closed orders."""
    if order.venue_order_id:
        return (_request("QueryOrders", {"txid": order.venue_order_id}),)
    ours = {"cl_ord_id": name_of(order.client_order_id)}
    return (_request("OpenOrders", ours), _request("ClosedOrders", ours))


def ask_open_orders(instruments: Sequence[Instrument]) -> tuple[Unsigned, ...]:
    return (_request("OpenOrders", {}),)


def ask_fills(order: Order, instrument: Instrument) -> Unsigned | None:
    """All trades of the week before the last news of the order, each for itself: those of a taker come as one if it is
    not asked for otherwise, with other ids than on the account's line."""
    if not order.venue_order_id:
        return None
    since = str(max(0, order.known_ns // SECOND_NS - FILLS_BEFORE_S))
    return _request("TradesHistory", {"start": since, "consolidate_taker": "false", "ofs": "0"})


def ask_balances() -> Unsigned:
    return _request("BalanceEx", {})


def ask_rights() -> Unsigned | None:
    return _request("GetApiKeyInfo", {})


def next_page(asked: Unsigned, body: str) -> Unsigned | None:
    """The question for what an answer left out; None if it left out nothing."""
    if not isinstance(asked.body, dict) or "ofs" not in asked.body:
        return None
    begun = int(str(asked.body["ofs"])) + PAGE
    if begun >= msgspec.json.decode(body, type=_Paged).result.count:
        return None
    return Unsigned(asked.method, asked.path, body={**asked.body, "ofs": str(begun)})


def sign(request: Unsigned, rest_url: str, keys: Keys, now_ms: int, nonce: str) -> Signed:
    """nonce: goes with the form; the venue takes none that is not greater than the one before."""
    form = request.body if isinstance(request.body, dict) else {}
    text = urlencode({"nonce": nonce, **form})
    what = request.path.encode() + hashlib.sha256(f"{nonce}{text}".encode()).digest()
    signature = hmac.new(base64.b64decode(keys.secret), what, hashlib.sha512).digest()
    headers = {
        "API-Key": keys.key,
        "API-Sign": base64.b64encode(signature).decode(),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return Signed(request.method, rest_url + request.path, headers, text)


def lines(keys: Keys, now_ms: int, nonce: str, token: str) -> tuple[Line, ...]:
    """Orders and executions; first those that are open and the last fifty fills."""
    wanted = {"channel": "executions", "token": token, "snap_orders": True, "snap_trades": True}
    hello = msgspec.json.encode({"method": "subscribe", "params": wanted})
    return (Line("wss://ws-auth.kraken.com/v2", (hello,), b'{"method":"ping"}', 30.0),)


def _kind(order: Order) -> str:
    if order.order_type in TRIGGERED:
        return TRIGGERED[order.order_type] + "-limit" * bool(order.price)
    return "limit" if order.price else "market"


def _prices(order: Order, instrument: Instrument) -> dict[str, str]:
    """price is the trigger where there is one, and the limit then price2."""
    told = (order.trigger, order.price) if order.order_type in TRIGGERED else (order.price,)
    return dict(zip(("price", "price2"), (instrument.price_text(price) for price in told if price), strict=False))


def _request(name: str, form: dict[str, str]) -> Unsigned:
    return Unsigned("POST", f"/0/private/{name}", body=form)


def _token(body: str) -> str:
    """raises: msgspec.DecodeError."""
    return msgspec.json.decode(body, type=_Tokened).result.token


class _Count(msgspec.Struct):
    count: int = 0


class _Paged(msgspec.Struct):
    result: _Count


class _Token(msgspec.Struct):
    token: str


class _Tokened(msgspec.Struct):
    result: _Token


TOKEN: Token | None = Token(_request("GetWebSocketsToken", {}), _token)
