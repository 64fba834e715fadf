"""Bybit v5: signed requests about orders and the account, of spot and perpetuals (linear, inverse).

In:  orders, questions; keys, the venue's time in milliseconds.
Out: requests, and these signed: HMAC-SHA256 over time, key, window and query (GET) or body (POST), in hexadecimal.

After bybit-exchange.github.io/docs/v5: "Integration Guidance" (authentication), "Place Order", "Cancel Order", "Get Open &
Closed Orders", "Get Order History", "Get Trade History", "Get Wallet Balance", "Connect" (private line), read 2026-11-30.
A stop or take-profit of spot is its "tpslOrder", which keeps the assets aside; elsewhere it is a conditional order.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

import msgspec

from ninefold.market.instruments import Instrument
from ninefold.market.records import Order
from ninefold.venues.bybit_wire import LINEAR, SPOT, category
from ninefold.venues.signed import Json, Keys, Line, Signed, Token, Unsigned, not_held, with_query
from ninefold.venues.venue_ids import same

REST_URL = "https://api.bybit.com"
TOKEN: Token | None = None
RECV_WINDOW_MS = 5000
ARRIVES_WITHIN_MS = RECV_WINDOW_MS
IN_TURN = False
name_of = same
LOGIN_MS = 10_000  # a login is good until so long after it was made
PING_S = 20.0
TIMES = {"limit": "GTC", "post_only": "PostOnly", "ioc": "IOC", "fok": "FOK"}
TRIGGERED = ("stop", "take_profit")
RISES, FALLS = 1, 2
PAGE = "50"
FILLS_PAGE = "100"


def holds(order: Order, instrument: Instrument) -> bool:
    """Whether the venue keeps such an order itself. Spot knows no reduce-only; a sale there cannot but reduce."""
    if order.reduce_only and category(instrument.venue_symbol) == SPOT and order.side > 0:
        return False
    return order.order_type in TIMES or order.order_type == "market" or order.order_type in TRIGGERED


def build_order(order: Order, instrument: Instrument) -> Unsigned:
    """raises: NotHeld."""
    if not holds(order, instrument):
        raise not_held("bybit", order)
    kind = category(instrument.venue_symbol)
    sent: dict[str, Json] = {
        **_of(instrument),
        "side": "Buy" if order.side > 0 else "Sell",
        "orderType": "Limit" if order.price else "Market",
        "qty": instrument.size_text(order.size),
    }
    if order.price:
        sent |= {"price": instrument.price_text(order.price), "timeInForce": TIMES.get(order.order_type, "GTC")}
    elif kind == SPOT:
        sent["marketUnit"] = "baseCoin"  # without it a purchase is counted in the quote asset
    if order.order_type in TRIGGERED:
        sent |= _trigger(order, instrument, kind)
    if order.reduce_only and kind != SPOT:
        sent["reduceOnly"] = True
    return Unsigned("POST", "/v5/order/create", body={**sent, "orderLinkId": name_of(order.client_order_id)})


def cancel_order(order: Order, instrument: Instrument) -> Unsigned:
    sent: dict[str, Json] = {**_of(instrument), "orderLinkId": name_of(order.client_order_id)}
    if order.order_type in TRIGGERED and category(instrument.venue_symbol) == SPOT:
        sent["orderFilter"] = "tpslOrder"
    return Unsigned("POST", "/v5/order/cancel", body=sent)


def ask_order(order: Order, instrument: Instrument) -> tuple[Unsigned, ...]:
    """Open and recently closed orders, then the history: the first is emptied when the venue restarts its service."""
    query = {**_of(instrument), "orderLinkId": name_of(order.client_order_id)}
    return (Unsigned("GET", "/v5/order/realtime", query), Unsigned("GET", "/v5/order/history", query))


def ask_open_orders(instruments: Sequence[Instrument]) -> tuple[Unsigned, ...]:
    """A question for each category, of linear contracts for each asset in which they settle."""
    kinds = [(category(each.venue_symbol), each.settle) for each in instruments]
    wanted = sorted({(kind, settle if kind == LINEAR else "") for kind, settle in kinds})
    return tuple(
        Unsigned("GET", "/v5/order/realtime", {"category": kind, **_settled(settle), "limit": PAGE})
        for kind, settle in wanted
    )


def ask_fills(order: Order, instrument: Instrument) -> Unsigned:
    query = {**_of(instrument), "orderLinkId": name_of(order.client_order_id), "limit": FILLS_PAGE}
    return Unsigned("GET", "/v5/execution/list", query)


def ask_balances() -> Unsigned:
    return Unsigned("GET", "/v5/account/wallet-balance", {"accountType": "UNIFIED"})


def ask_rights() -> Unsigned | None:
    return Unsigned("GET", "/v5/user/query-api")


def next_page(asked: Unsigned, body: str) -> Unsigned | None:
    """The question for what an answer left out; None if it left out nothing. The cursor is encoded as it comes."""
    told = msgspec.json.decode(body, type=_Paged).result
    if not told.nextPageCursor or not told.rows:
        return None
    return Unsigned(asked.method, asked.path, {**asked.query, "cursor": told.nextPageCursor})


def sign(request: Unsigned, rest_url: str, keys: Keys, now_ms: int, nonce: str) -> Signed:
    """nonce: not needed here; the time is what is told apart."""
    query = "&".join(f"{name}={value}" for name, value in request.query.items())
    body = None if request.body is None else msgspec.json.encode(request.body).decode()
    what = f"{now_ms}{keys.key}{RECV_WINDOW_MS}{query if body is None else body}"
    headers = {
        "Content-Type": "application/json",
        "X-BAPI-API-KEY": keys.key,
        "X-BAPI-TIMESTAMP": str(now_ms),
        "X-BAPI-RECV-WINDOW": str(RECV_WINDOW_MS),
        "X-BAPI-SIGN": _hmac(what, keys.secret),
    }
    return Signed(request.method, rest_url + with_query(request.path, query), headers, body)


def lines(keys: Keys, now_ms: int, nonce: str, token: str) -> tuple[Line, ...]:
    """One line for all categories: orders, executions, the wallet. token: none is needed here."""
    expires = now_ms + LOGIN_MS
    login = {"op": "auth", "args": [keys.key, expires, _hmac(f"GET/realtime{expires}", keys.secret)]}
    wanted = {"op": "subscribe", "args": ["order", "execution", "wallet"]}
    hello = (msgspec.json.encode(login), msgspec.json.encode(wanted))
    return (Line("wss://stream.bybit.com/v5/private", hello, b'{"op":"ping"}', PING_S),)


def _of(instrument: Instrument) -> dict[str, str]:
    symbol = instrument.venue_symbol
    return {"category": category(symbol), "symbol": symbol.removeprefix("spot:")}


def _settled(settle: str) -> dict[str, str]:
    return {"settleCoin": settle} if settle else {}


def _trigger(order: Order, instrument: Instrument, kind: str) -> dict[str, Json]:
    """A stop waits for the price to go on against its side's wish, a take-profit for it to turn in its favour."""
    sent: dict[str, Json] = {"triggerPrice": instrument.price_text(order.trigger)}
    if kind == SPOT:
        return {**sent, "orderFilter": "tpslOrder"}
    rises = (order.side > 0) == (order.order_type == "stop")
    return {**sent, "triggerDirection": RISES if rises else FALLS}


def _hmac(text: str, secret: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


class _Page(msgspec.Struct):
    rows: list[msgspec.Raw] = msgspec.field(default_factory=list, name="list")
    nextPageCursor: str = ""


class _Paged(msgspec.Struct):
    result: _Page
