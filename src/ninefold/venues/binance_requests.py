"""Binance spot: signed requests about orders and the account.

In:  approved orders, questions, the venue's time in milliseconds.
Out: requests, and their texts with signature.

After developers.binance.com/docs/binance-spot-api-docs, read 2026-11: "Trading endpoints", "Account endpoints" and
"Request Security" (HMAC-SHA256 over the percent-encoded query; on the WebSocket API over the sorted parameters).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from urllib.parse import urlencode

import msgspec

from ninefold.execution.risk import Approved
from ninefold.market.instruments import Instrument
from ninefold.market.numbers import to_text
from ninefold.market.records import Order

RECV_WINDOW_MS = 5000  # the venue refuses what reaches it later than this after its timestamp
PRICED = {  # types with a limit, as the venue names them; all others are market orders once they leave
    "limit": {"type": "LIMIT", "timeInForce": "GTC"},
    "post_only": {"type": "LIMIT_MAKER"},
    "ioc": {"type": "LIMIT", "timeInForce": "IOC"},
    "fok": {"type": "LIMIT", "timeInForce": "FOK"},
}
KEPT = {  # orders that wait there for a price; with a limit where it keeps none without
    "kept_stop": ("STOP_LOSS", "STOP_LOSS_LIMIT"),
    "kept_take_profit": ("TAKE_PROFIT", "TAKE_PROFIT_LIMIT"),
}
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*", re.ASCII)


class Request(msgspec.Struct, frozen=True):
    """params: name to text, in the order in which they are sent."""

    method: str
    path: str
    params: dict[str, str]


def build_order(approved: Approved, instrument: Instrument, timestamp_ms: int) -> Request:
    """POST /api/v3/order, asking for the full answer with its fills. What we held (stop, take-profit, trailing, slice)
    leaves as a market order when its time has come."""
    order = approved.order
    kind = PRICED.get(order.order_type)
    price = {} if kind is None else {"price": to_text(order.price, instrument.price_decimals)}
    if order.order_type in KEPT:
        kind, price = _kept(order, instrument)
    return _request(
        "POST",
        "/api/v3/order",
        timestamp_ms,
        symbol=instrument.venue_symbol,
        side=side_text(order.side),
        **(kind or {"type": "MARKET"}),
        quantity=to_text(order.size, instrument.size_decimals),
        **price,
        newClientOrderId=order.client_order_id,
        newOrderRespType="FULL",
    )


def cancel_order(symbol: str, client_order_id: str, timestamp_ms: int) -> Request:
    return _request("DELETE", "/api/v3/order", timestamp_ms, symbol=symbol, origClientOrderId=client_order_id)


def ask_order(symbol: str, client_order_id: str, timestamp_ms: int) -> Request:
    return _request("GET", "/api/v3/order", timestamp_ms, symbol=symbol, origClientOrderId=client_order_id)


def ask_open_orders(timestamp_ms: int) -> Request:
    return _request("GET", "/api/v3/openOrders", timestamp_ms)


def ask_recent_orders(symbol: str, since_ms: int, timestamp_ms: int) -> Request:
    """All orders of a symbol since a moment, also those that are over; 500 at most, the oldest."""
    return _request("GET", "/api/v3/allOrders", timestamp_ms, symbol=symbol, startTime=str(since_ms))


def ask_account(timestamp_ms: int) -> Request:
    return _request("GET", "/api/v3/account", timestamp_ms)


def ask_my_trades(symbol: str, venue_order_id: str, timestamp_ms: int) -> Request:
    return _request("GET", "/api/v3/myTrades", timestamp_ms, symbol=symbol, orderId=venue_order_id)


def sign(request: Request, secret: str) -> str:
    """The query of a request with its signature: query string of GET and DELETE, body of POST."""
    query = _query(request.params)
    return f"{query}&signature={_hmac(query, secret)}"


def subscription(key: str, secret: str, timestamp_ms: int) -> bytes:
    """The message that subscribes to the account's events on the WebSocket API."""
    params = {"apiKey": key, "recvWindow": str(RECV_WINDOW_MS), "timestamp": str(timestamp_ms)}
    signature = _hmac("&".join(f"{name}={params[name]}" for name in sorted(params)), secret)
    sent = {"apiKey": key, "recvWindow": RECV_WINDOW_MS, "timestamp": timestamp_ms, "signature": signature}
    return msgspec.json.encode({"id": "user", "method": "userDataStream.subscribe.signature", "params": sent})


def _kept(order: Order, instrument: Instrument) -> tuple[dict[str, str], dict[str, str]]:
    """The venue's name of an order that waits there, and its prices."""
    at_market, limited = KEPT[order.order_type]
    stop = {"stopPrice": to_text(order.trigger, instrument.price_decimals)}
    if not order.price:
        return {"type": at_market}, stop
    limit = {"price": to_text(order.price, instrument.price_decimals)}
    return {"type": limited, "timeInForce": "GTC"}, {**limit, **stop}


def side_text(side: int) -> str:
    return "BUY" if side > 0 else "SELL"


def _request(method: str, path: str, timestamp_ms: int, **params: str) -> Request:
    return Request(method, path, {"timestamp": str(timestamp_ms), **params, "recvWindow": str(RECV_WINDOW_MS)})


def _query(params: dict[str, str]) -> str:
    """As `urlencode`, which takes a quarter of what an order takes: texts that stay as they are are only joined."""
    if _PLAIN.fullmatch("".join(params.values())):
        return "&".join([f"{name}={value}" for name, value in params.items()])
    return urlencode(params)


def _hmac(text: str, secret: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
