"""What an account may do. Amounts are units of 10**-8 of the account's quote asset; times are nanoseconds."""

from __future__ import annotations

import msgspec

from ninefold.market.time import SECOND_NS

STALE_NS = 5 * SECOND_NS  # a price older than this is no price; the liveliest venues send several a second


class AccountRules(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of one account on one venue.

    account:    its name; part of every client order id, so it must never change.
    simulated:  paper money; only then instruments may trade whose steps and minima the venue never said.
    balances:   what a paper account starts with, asset to amount.
    """

    account: str
    venue: str
    quote: str
    max_position: int
    max_order: int
    max_orders_per_minute: int
    simulated: bool = False
    balances: dict[str, int] = {}
