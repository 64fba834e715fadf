"""A request about orders or the account, before and after it is signed.

In:  what a venue's *_requests.py wants to ask. Out: values; nothing here or there reads a clock or sends anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from ninefold.market.records import Order

HELD_HERE = frozenset({"stop", "take_profit", "trailing"})
Json = str | int | bool | Mapping[str, "Json"] | Sequence["Json"]


class Unsigned(msgspec.Struct, frozen=True):
    """query: name to text, in the order in which it is sent. body: what is sent as JSON, or at some venues as a form;
    None: nothing is sent."""

    method: str
    path: str
    query: Mapping[str, str] = {}
    body: Mapping[str, Json] | Sequence[Json] | None = None


class Signed(msgspec.Struct, frozen=True):
    """As it goes over the line. body: None if there is none."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str | None = None


class Keys(msgspec.Struct, frozen=True):
    """passphrase: only OKX has one. The secret is no part of any text that is made of these."""

    key: str
    secret: str
    passphrase: str = ""

    def __repr__(self) -> str:
        return "Keys(...)"


class Line(msgspec.Struct, frozen=True):
    """A websocket with the events of an account.

    hello:  what is said after it opened, each after an answer to the one before.
    ping:   what is said every ping_s seconds where the venue wants more than websocket's own pings; empty where not.
    """

    url: str
    hello: tuple[bytes, ...] = ()
    ping: bytes = b""
    ping_s: float = 0.0


class Token(msgspec.Struct, frozen=True):
    """Where the account's line is opened with a token that is asked for by REST. read: the token in the answer's body.
    keep: what has to be sent every keep_s seconds so that it stays valid; None where it need not be."""

    ask: Unsigned
    read: Callable[[str], str]
    keep: Unsigned | None = None
    keep_s: float = 0.0


class NotHeld(ValueError):
    """An order of a kind that the venue does not keep; it has to be held by us."""


def leaving(order: Order) -> Order:
    """An order that was held here, once its time has come: what it sets off, a limit order or one at the market."""
    if order.order_type not in HELD_HERE:
        return order
    return msgspec.structs.replace(order, order_type="limit" if order.price else "market", trigger=0)


def with_query(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path


def not_held(venue: str, order: Order) -> NotHeld:
    kind = "reduce-only " * order.reduce_only + order.order_type
    limit = "with" if order.price else "without"
    return NotHeld(
        f"{venue} keeps no {kind} order {limit} a limit for instrument {order.instrument} (order {order.client_order_id}); "
        "ask the venue's `holds` first, and hold the order here"
    )
