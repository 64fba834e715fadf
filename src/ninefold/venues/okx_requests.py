"""OKX v5: signed requests about orders and the account, of spot, perpetuals and futures in net mode.

In:  orders, questions; keys with passphrase, the venue's time in milliseconds.
Out: requests, and these signed: HMAC-SHA256 over time, method, path with query and body, in base64.

After www.okx.com/docs-v5/en, read 2026-11-30: "REST Authentication", "Place order", "Cancel order", "Order details", "Order
List", "Transaction details (last 3 days)", "Place algo order", "Cancel algo order", "Algo order details", "Algo order
List", "Get balance", "Login", "Order channel", "Algo orders channel", "Account channel".
Stops and take-profits are orders of another kind there (algo orders), with names and questions of their own; once one is
triggered, an order with a number of the venue's stands for it. Derivatives are traded with cross margin.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import msgspec

from ninefold.market.instruments import Instrument
from ninefold.market.records import Order
from ninefold.venues.okx_wire import SPOT, type_of
from ninefold.venues.signed import Json, Keys, Line, Signed, Token, Unsigned, not_held, with_query
from ninefold.venues.venue_ids import letters

REST_URL = "https://www.okx.com"
TOKEN: Token | None = None
ARRIVES_WITHIN_MS = 30_000  # the venue refuses what bears an older time
IN_TURN = False
name_of = letters
PLAIN = ("market", "limit", "post_only", "ioc", "fok")  # the venue's names are the same
TRIGGERED = {"stop": "sl", "take_profit": "tp"}
AT_MARKET = "-1"
PAGE = 100
PING_S = 20.0  # the venue closes a line on which nothing was said for 30 s
STREAM_URL = "wss://ws.okx.com:8443/ws/v5"


def holds(order: Order, instrument: Instrument) -> bool:
    """Whether the venue keeps such an order itself. Spot knows no reduce-only; a sale there cannot but reduce."""
    if order.reduce_only and type_of(instrument.venue_symbol) == SPOT and order.side > 0:
        return False
    return order.order_type in PLAIN or order.order_type in TRIGGERED


def build_order(order: Order, instrument: Instrument) -> Unsigned:
    """raises: NotHeld."""
    if not holds(order, instrument):
        raise not_held("okx", order)
    spot = type_of(instrument.venue_symbol) == SPOT
    algo = order.order_type in TRIGGERED
    sent: dict[str, Json] = {
        "instId": instrument.venue_symbol,
        "tdMode": "cash" if spot else "cross",
        "side": "buy" if order.side > 0 else "sell",
        "ordType": "conditional" if algo else order.order_type,
        "sz": instrument.size_text(order.size),
    }
    if spot and order.side > 0 and not order.price:
        sent["tgtCcy"] = "base_ccy"  # without it a purchase at the market is counted in the quote asset
    if order.reduce_only and not spot:
        sent["reduceOnly"] = True
    price = instrument.price_text(order.price) if order.price else ""
    if algo:
        which = TRIGGERED[order.order_type]
        sent |= {f"{which}TriggerPx": instrument.price_text(order.trigger), f"{which}OrdPx": price or AT_MARKET}
        return Unsigned(
            "POST", "/api/v5/trade/order-algo", body={**sent, "algoClOrdId": name_of(order.client_order_id)}
        )
    if price:
        sent["px"] = price
    return Unsigned("POST", "/api/v5/trade/order", body={**sent, "clOrdId": name_of(order.client_order_id)})


def cancel_order(order: Order, instrument: Instrument) -> Unsigned:
    """A triggered order's own one is cancelled by its number."""
    symbol, ours = instrument.venue_symbol, name_of(order.client_order_id)
    if order.order_type not in TRIGGERED:
        return Unsigned("POST", "/api/v5/trade/cancel-order", body={"instId": symbol, "clOrdId": ours})
    if order.venue_order_id:
        return Unsigned("POST", "/api/v5/trade/cancel-order", body={"instId": symbol, "ordId": order.venue_order_id})
    return Unsigned("POST", "/api/v5/trade/cancel-algos", body=[{"instId": symbol, "algoClOrdId": ours}])


def ask_order(order: Order, instrument: Instrument) -> tuple[Unsigned, ...]:
    """An order that was cancelled without a fill is forgotten by the venue two hours later."""
    symbol, ours = instrument.venue_symbol, name_of(order.client_order_id)
    by_name = Unsigned("GET", "/api/v5/trade/order", {"instId": symbol, "clOrdId": ours})
    if order.order_type not in TRIGGERED:
        done = {"instType": type_of(symbol), "instId": symbol, "limit": str(PAGE)}
        return (by_name, Unsigned("GET", "/api/v5/trade/orders-history", done))
    algo = Unsigned("GET", "/api/v5/trade/order-algo", {"algoClOrdId": ours})
    if not order.venue_order_id:
        return (algo,)
    return (Unsigned("GET", "/api/v5/trade/order", {"instId": symbol, "ordId": order.venue_order_id}), algo)


def ask_open_orders(instruments: Sequence[Instrument]) -> tuple[Unsigned, ...]:
    limit = {"limit": str(PAGE)}
    kinds = sorted({type_of(each.venue_symbol) for each in instruments})
    plain = (Unsigned("GET", "/api/v5/trade/orders-pending", {"instType": kind, **limit}) for kind in kinds)
    algo = (
        Unsigned("GET", "/api/v5/trade/orders-algo-pending", {"ordType": "conditional", "instType": kind, **limit})
        for kind in kinds
    )
    return (*plain, *algo)


def ask_fills(order: Order, instrument: Instrument) -> Unsigned:
    """Of the last three days; all of the instrument while the order's number is not known."""
    symbol = instrument.venue_symbol
    which = {"ordId": order.venue_order_id} if order.venue_order_id else {}
    query = {"instType": type_of(symbol), "instId": symbol, **which, "limit": str(PAGE)}
    return Unsigned("GET", "/api/v5/trade/fills", query)


def ask_balances() -> Unsigned:
    return Unsigned("GET", "/api/v5/account/balance")


def ask_rights() -> Unsigned | None:
    return Unsigned("GET", "/api/v5/account/config")


def next_page(asked: Unsigned, body: str) -> Unsigned | None:
    """The question for what an answer left out; None if it left out nothing. Pages go by the number of the last row."""
    rows = msgspec.json.decode(body, type=_Paged).data
    if "limit" not in asked.query or len(rows) < PAGE:
        return None
    return Unsigned(
        asked.method, asked.path, {**asked.query, "after": rows[-1].billId or rows[-1].algoId or rows[-1].ordId}
    )


def sign(request: Unsigned, rest_url: str, keys: Keys, now_ms: int, nonce: str) -> Signed:
    """nonce: not needed here; the time is what is told apart."""
    path = with_query(request.path, urlencode(request.query))
    body = None if request.body is None else msgspec.json.encode(request.body).decode()
    time = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=now_ms)).isoformat(timespec="milliseconds")
    time = time.replace("+00:00", "Z")
    headers = {
        "OK-ACCESS-KEY": keys.key,
        "OK-ACCESS-SIGN": _hmac(f"{time}{request.method}{path}{body or ''}", keys.secret),
        "OK-ACCESS-TIMESTAMP": time,
        "OK-ACCESS-PASSPHRASE": keys.passphrase,
    }
    if request.method != "GET":
        headers["Content-Type"] = "application/json"
    return Signed(request.method, rest_url + path, headers, body)


def lines(keys: Keys, now_ms: int, nonce: str, token: str) -> tuple[Line, ...]:
    """Orders and the account on one line, algo orders on another. token: none is needed here."""
    seconds = str(now_ms // 1000)
    signature = _hmac(f"{seconds}GET/users/self/verify", keys.secret)
    told = {"apiKey": keys.key, "passphrase": keys.passphrase, "timestamp": seconds, "sign": signature}
    login = msgspec.json.encode({"op": "login", "args": [told]})
    plain = _subscription({"channel": "orders", "instType": "ANY"}, {"channel": "account"})
    algo = _subscription({"channel": "orders-algo", "instType": "ANY"})
    return (
        Line(f"{STREAM_URL}/private", (login, plain), b"ping", PING_S),
        Line(f"{STREAM_URL}/business", (login, algo), b"ping", PING_S),
    )


def _subscription(*channels: dict[str, str]) -> bytes:
    return msgspec.json.encode({"op": "subscribe", "args": channels})


def _hmac(text: str, secret: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()


class _Row(msgspec.Struct):
    ordId: str = ""
    algoId: str = ""
    billId: str = ""


class _Paged(msgspec.Struct):
    data: list[_Row]
