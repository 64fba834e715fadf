"""Coinbase Advanced Trade, spot: signed requests about orders and the account.

In:  orders, questions; the key's name and its private key, the time, a nonce.
Out: requests, and these signed: each bears a JSON web token of its own (ES256) that names method, host and path.

After docs.cdp.coinbase.com, read 2026-11-30: "Coinbase App API Key Authentication" and the venue's own client (claims iss cdp,
sub, nbf, exp, uri; header kid, nonce), "Create Order", "Advanced API Order Management", "Cancel Orders", "Get Order", "List
Orders", "List Fills", "List Accounts", "Advanced Trade WebSocket Overview" and its user and heartbeats channels. The older
keys with HMAC are no longer given out. Orders are cancelled by the venue's number alone, and stops have a limit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode, urlsplit

import msgspec

from ninefold.market.instruments import Instrument
from ninefold.market.records import Order
from ninefold.venues.es256 import token as es256
from ninefold.venues.signed import Json, Keys, Line, Signed, Token, Unsigned, not_held, with_query
from ninefold.venues.venue_ids import same

REST_URL = "https://api.coinbase.com"
STREAM_URL = "wss://advanced-trade-ws-user.coinbase.com"
TOKEN: Token | None = None
VALID_S = 120  # a token is good for two minutes
ARRIVES_WITHIN_MS = VALID_S * 1000
IN_TURN = False
name_of = same
ORDERS = "/api/v3/brokerage/orders"
PLAIN = {
    "market": "market_market_ioc",
    "limit": "limit_limit_gtc",
    "post_only": "limit_limit_gtc",
    "ioc": "sor_limit_ioc",
    "fok": "limit_limit_fok",
}
TRIGGERED = ("stop", "take_profit")
PAGE = "100"


def holds(order: Order, instrument: Instrument) -> bool:
    """Whether the venue keeps such an order itself. Spot knows no reduce-only; a sale there cannot but reduce."""
    if order.reduce_only and order.side > 0:
        return False
    return order.order_type in PLAIN or (order.order_type in TRIGGERED and order.price > 0)


def build_order(order: Order, instrument: Instrument) -> Unsigned:
    """The id makes it safe: the venue answers one that it knows with the order that is there. raises: NotHeld."""
    if not holds(order, instrument):
        raise not_held("coinbase", order)
    sent: Mapping[str, Json] = {
        "client_order_id": name_of(order.client_order_id),
        "product_id": instrument.venue_symbol,
        "side": "BUY" if order.side > 0 else "SELL",
        "order_configuration": _configuration(order, instrument),
    }
    return Unsigned("POST", ORDERS, body=sent)


def cancel_order(order: Order, instrument: Instrument) -> Unsigned | None:
    if not order.venue_order_id:
        return None
    return Unsigned("POST", f"{ORDERS}/batch_cancel", body={"order_ids": [order.venue_order_id]})


def ask_order(order: Order, instrument: Instrument) -> tuple[Unsigned, ...]:
    """By its number where it is known; else our id is looked for in the orders of the instrument, newest first."""
    if order.venue_order_id:
        return (Unsigned("GET", f"{ORDERS}/historical/{order.venue_order_id}"),)
    return (Unsigned("GET", f"{ORDERS}/historical/batch", {"product_ids": instrument.venue_symbol, "limit": PAGE}),)


def ask_open_orders(instruments: Sequence[Instrument]) -> tuple[Unsigned, ...]:
    return (Unsigned("GET", f"{ORDERS}/historical/batch", {"order_status": "OPEN", "limit": PAGE}),)


def ask_fills(order: Order, instrument: Instrument) -> Unsigned | None:
    if not order.venue_order_id:
        return None
    return Unsigned("GET", f"{ORDERS}/historical/fills", {"order_ids": order.venue_order_id, "limit": PAGE})


def ask_balances() -> Unsigned:
    return Unsigned("GET", "/api/v3/brokerage/accounts", {"limit": "250"})


def ask_rights() -> Unsigned | None:
    return Unsigned("GET", "/api/v3/brokerage/key_permissions")


def next_page(asked: Unsigned, body: str) -> Unsigned | None:
    """The question for what an answer left out; None if it left out nothing."""
    told = msgspec.json.decode(body, type=_Paged)
    if not told.cursor or told.has_next is False:
        return None
    return Unsigned(asked.method, asked.path, {**asked.query, "cursor": told.cursor})


def sign(request: Unsigned, rest_url: str, keys: Keys, now_ms: int, nonce: str) -> Signed:
    """nonce: in the token's header. raises: NoSigner, ValueError."""
    host = urlsplit(rest_url).netloc
    token = _token(keys, now_ms, nonce, {"uri": f"{request.method} {host}{request.path}"})
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    body = None if request.body is None else msgspec.json.encode(request.body).decode()
    return Signed(request.method, rest_url + with_query(request.path, urlencode(request.query)), headers, body)


def lines(keys: Keys, now_ms: int, nonce: str, token: str) -> tuple[Line, ...]:
    """Orders of all products; without heartbeats the venue closes a line that has nothing to tell. token: none is asked for."""
    jwt = _token(keys, now_ms, nonce, {})
    hello = tuple(
        msgspec.json.encode({"type": "subscribe", "channel": channel, "jwt": jwt}) for channel in ("heartbeats", "user")
    )
    return (Line(STREAM_URL, hello),)


def _configuration(order: Order, instrument: Instrument) -> dict[str, Json]:
    size: dict[str, Json] = {"base_size": instrument.size_text(order.size)}
    if order.order_type == "market":
        return {PLAIN["market"]: size}
    limit: dict[str, Json] = {**size, "limit_price": instrument.price_text(order.price)}
    if order.order_type in TRIGGERED:
        rises = (order.side > 0) == (order.order_type == "stop")
        direction = "STOP_DIRECTION_STOP_UP" if rises else "STOP_DIRECTION_STOP_DOWN"
        trigger: dict[str, Json] = {"stop_price": instrument.price_text(order.trigger), "stop_direction": direction}
        return {"stop_limit_stop_limit_gtc": {**limit, **trigger}}
    if PLAIN[order.order_type] == PLAIN["limit"]:
        limit["post_only"] = order.order_type == "post_only"
    return {PLAIN[order.order_type]: limit}


def _token(keys: Keys, now_ms: int, nonce: str, more: dict[str, object]) -> str:
    now = now_ms // 1000
    header = {"alg": "ES256", "typ": "JWT", "kid": keys.key, "nonce": nonce}
    claims = {"sub": keys.key, "iss": "cdp", "nbf": now, "exp": now + VALID_S, **more}
    return es256(header, claims, keys.secret)


class _Paged(msgspec.Struct):
    cursor: str = ""
    has_next: bool | None = None
