"""What an account may do. Amounts are units of 10**-8 of the account's quote asset; times are nanoseconds."""

from __future__ import annotations

import msgspec

from ninefold.market.time import MINUTE_NS, SECOND_NS

STALE_NS = 5 * SECOND_NS  # a price older than this is no price; the liveliest venues send several a second


class AccountRules(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of one account on one venue. A limit that is None is none; the config sets all but those of the tail.

    account:    its name; part of every client order id, so it must never change.
    simulated:  paper money; only then instruments may trade whose steps and minima the venue never said.
    balances:   what a paper account starts with, asset to amount.
    max_instrument, max_venue, max_total: worth of what is held and on order, of one instrument, one venue, all.
    max_strategy: worth of what one strategy holds, the orders for it included.
    price_band_ppm: millionths of the mid, for venues that tell none. max_daily_loss_ppm, max_drawdown_ppm: of the account's worth.
    max_var, max_cvar: of the book over one bar of `tail_width_ns`.
    stops_at_venue: whether the venue is to keep stops beside us, where it can.
    canary: worth of one position until `canary_orders` filled orders have agreed with the venue.
    """

    account: str
    venue: str
    quote: str
    max_position: int
    max_order: int
    max_orders_per_minute: int
    simulated: bool = False
    balances: dict[str, int] = {}
    max_instrument: int | None = None
    max_venue: int | None = None
    max_total: int | None = None
    max_strategy: int | None = None
    price_band_ppm: int | None = None
    max_skew_ns: int | None = None
    max_daily_loss_ppm: int | None = None
    max_drawdown_ppm: int | None = None
    max_var: int | None = None
    max_cvar: int | None = None
    tail_width_ns: int = MINUTE_NS
    canary: int | None = None
    canary_orders: int = 0
    stops_at_venue: bool = False
