"""Binance USD-M: signed requests about orders and the account, in one-way mode.

In:  orders, questions; keys, the venue's time in milliseconds.
Out: requests, and these signed: HMAC-SHA256 over the percent-encoded parameters, in hexadecimal, as the last of them.

After developers.binance.com/docs/derivatives/usds-margined-futures, read 2026-11-30: "General Info" (signed endpoints),
"New Order", "Cancel Order", "Query Order", "Current All Open Orders", "Account Trade List", "Futures Account Balance V3",
"Start User Data Stream"; "New Algo Order", "Cancel Algo Order", "Query Algo Order", "Current All Algo Open Orders": since
2025-12 stops and take-profits are algo orders; once one is triggered, an order with a number of its own stands for it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from urllib.parse import urlencode

import msgspec

from ninefold.market.instruments import Instrument
from ninefold.market.records import Order
from ninefold.venues.signed import Keys, Line, Signed, Token, Unsigned, not_held, with_query
from ninefold.venues.venue_ids import same

REST_URL = "https://fapi.binance.com"
RECV_WINDOW_MS = 5000
ARRIVES_WITHIN_MS = RECV_WINDOW_MS
IN_TURN = False
name_of = same
TIMES = {"limit": "GTC", "post_only": "GTX", "ioc": "IOC", "fok": "FOK"}
TRIGGERED = {"stop": ("STOP_MARKET", "STOP"), "take_profit": ("TAKE_PROFIT_MARKET", "TAKE_PROFIT")}
LISTEN_KEY = "/fapi/v1/listenKey"  # asked for with the key alone, unsigned
PAGE = "1000"
KEEP_S = 1800.0  # a listen key is valid for an hour


def holds(order: Order, instrument: Instrument) -> bool:
    return order.order_type == "market" or order.order_type in TIMES or order.order_type in TRIGGERED


def build_order(order: Order, instrument: Instrument) -> Unsigned:
    """raises: NotHeld."""
    if not holds(order, instrument):
        raise not_held("binanceusdm", order)
    limit = {"price": instrument.price_text(order.price)} if order.price else {}
    sent = {"symbol": instrument.venue_symbol, "side": "BUY" if order.side > 0 else "SELL"}
    rest = {"quantity": instrument.size_text(order.size), **limit}
    if order.price:
        rest["timeInForce"] = TIMES.get(order.order_type, "GTC")
    if order.reduce_only:
        rest["reduceOnly"] = "true"
    name = name_of(order.client_order_id)
    if order.order_type in TRIGGERED:
        kind = TRIGGERED[order.order_type][bool(order.price)]
        trigger = {"triggerPrice": instrument.price_text(order.trigger)}
        algo = {"algoType": "CONDITIONAL", **sent, "type": kind, **rest, **trigger, "clientAlgoId": name}
        return Unsigned("POST", "/fapi/v1/algoOrder", body=algo)
    kind = "LIMIT" if order.price else "MARKET"
    plain = {**sent, "type": kind, **rest, "newClientOrderId": name, "newOrderRespType": "RESULT"}
    return Unsigned("POST", "/fapi/v1/order", body=plain)


def cancel_order(order: Order, instrument: Instrument) -> Unsigned:
    """A triggered order's own one is cancelled by its number."""
    return Unsigned("DELETE", *_which(order, instrument))


def ask_order(order: Order, instrument: Instrument) -> tuple[Unsigned, ...]:
    asked = Unsigned("GET", *_which(order, instrument))
    if order.order_type in TRIGGERED and order.venue_order_id:
        return (asked, Unsigned("GET", "/fapi/v1/algoOrder", {"clientAlgoId": name_of(order.client_order_id)}))
    return (asked,)


def ask_open_orders(instruments: Sequence[Instrument]) -> tuple[Unsigned, ...]:
    return (Unsigned("GET", "/fapi/v1/openOrders"), Unsigned("GET", "/fapi/v1/openAlgoOrders"))


def ask_fills(order: Order, instrument: Instrument) -> Unsigned | None:
    if not order.venue_order_id:
        return None
    query = {"symbol": instrument.venue_symbol, "orderId": order.venue_order_id, "limit": PAGE}
    return Unsigned("GET", "/fapi/v1/userTrades", query)


def ask_balances() -> Unsigned:
    return Unsigned("GET", "/fapi/v3/balance")


def ask_rights() -> Unsigned | None:
    """It is told at another address, that of the wallets."""
    return None


def next_page(asked: Unsigned, body: str) -> Unsigned | None:
    """Answers are whole; an order with a thousand trades is asked on from the last one."""
    if asked.path != "/fapi/v1/userTrades":
        return None
    trades = msgspec.json.decode(body, type=list[_Trade])
    if len(trades) < int(PAGE):
        return None
    return Unsigned(asked.method, asked.path, {**asked.query, "fromId": str(trades[-1].id + 1)})


def sign(request: Unsigned, rest_url: str, keys: Keys, now_ms: int, nonce: str) -> Signed:
    """nonce: not needed here; the time is what is told apart."""
    headers = {"X-MBX-APIKEY": keys.key}
    if request.path == LISTEN_KEY:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        return Signed(request.method, rest_url + request.path, headers, "")
    form = request.body if isinstance(request.body, dict) else request.query
    text = urlencode({"timestamp": now_ms, **form, "recvWindow": RECV_WINDOW_MS})
    text += f"&signature={hmac.new(keys.secret.encode(), text.encode(), hashlib.sha256).hexdigest()}"
    if request.body is None:
        return Signed(request.method, rest_url + with_query(request.path, text), headers)
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    return Signed(request.method, rest_url + request.path, headers, text)


def lines(keys: Keys, now_ms: int, nonce: str, token: str) -> tuple[Line, ...]:
    """Opened with a listen key; nothing need be said on it."""
    return (Line(f"wss://fstream.binance.com/private/ws?listenKey={token}"),)


def _which(order: Order, instrument: Instrument) -> tuple[str, dict[str, str]]:
    """Where an order is asked about and cancelled, and by which name."""
    symbol = {"symbol": instrument.venue_symbol}
    if order.order_type not in TRIGGERED:
        return "/fapi/v1/order", {**symbol, "origClientOrderId": name_of(order.client_order_id)}
    if order.venue_order_id:
        return "/fapi/v1/order", {**symbol, "orderId": order.venue_order_id}
    return "/fapi/v1/algoOrder", {"clientAlgoId": name_of(order.client_order_id)}


def _listen_key(body: str) -> str:
    """raises: msgspec.DecodeError."""
    return msgspec.json.decode(body, type=_Listen).listenKey


class _Trade(msgspec.Struct):
    id: int


class _Listen(msgspec.Struct):
    listenKey: str


TOKEN: Token | None = Token(Unsigned("POST", LISTEN_KEY), _listen_key, Unsigned("PUT", LISTEN_KEY), KEEP_S)
