"""What a venue's files must give so that orders can be sent to it: its line in the table of order entries.

In:  a venue's module of requests and how its answers are read. Out: one value that order_table.py lists by the venue's
     name, and that a gateway needs nothing beside of the venue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ninefold.market.instruments import Instrument
from ninefold.market.records import Order
from ninefold.venues.account_answers import Reading
from ninefold.venues.signed import Keys, Line, Signed, Token, Unsigned


class Requests(Protocol):
    """A module that makes and signs a venue's requests. Everything in it is pure: time and nonce are arguments.

    nonce: a text of digits that was never used before with these keys, greater than every one before.
    """

    REST_URL: str
    TOKEN: Token | None
    ARRIVES_WITHIN_MS: (
        int  # how long after its time a request can still reach the market; "no such order" counts after it
    )
    IN_TURN: bool  # whether a request may only leave when the one before was answered

    def name_of(self, client_order_id: str) -> str:
        """Our id as the venue has it."""

    def holds(self, order: Order, instrument: Instrument) -> bool:
        """Whether the venue keeps such an order itself; else it is held by us."""

    def build_order(self, order: Order, instrument: Instrument) -> Unsigned:
        """What a gateway sends of an order that was approved. raises: NotHeld."""

    def cancel_order(self, order: Order, instrument: Instrument) -> Unsigned | None:
        """None where the venue cancels by its own number of the order and that is not known yet. The answer proves
        little: what became of the order is asked, or told by the account's line."""

    def ask_order(self, order: Order, instrument: Instrument) -> tuple[Unsigned, ...]:
        """Questions, best first; there is no such order if none of them finds it."""

    def ask_open_orders(self, instruments: Sequence[Instrument]) -> tuple[Unsigned, ...]: ...

    def ask_fills(self, order: Order, instrument: Instrument) -> Unsigned | None:
        """None where the venue tells them by its own number of the order and that is not known yet."""

    def ask_balances(self) -> Unsigned: ...

    def ask_rights(self) -> Unsigned | None:
        """What the key may do; None where the venue does not tell."""

    def next_page(self, asked: Unsigned, body: str) -> Unsigned | None:
        """The question for what an answer left out; None if it left out nothing."""

    def sign(self, request: Unsigned, rest_url: str, keys: Keys, now_ms: int, nonce: str) -> Signed: ...

    def lines(self, keys: Keys, now_ms: int, nonce: str, token: str) -> tuple[Line, ...]:
        """The websockets with the account's events. token: as TOKEN was answered; empty where there is none."""


@dataclass(frozen=True)
class OrderEntry:
    requests: Requests
    reading: Reading
