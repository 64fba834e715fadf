"""From what a venue lists to an instrument: its steps, how finely its numbers are held, and its symbol as ccxt writes it.

In:  a venue's texts: names, steps, kind.
Out: an instrument without an id. Books hold prices and sizes of orders from before a step became coarser, so both are held
     finer than today's steps.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ninefold.market.instruments import Instrument, listed
from ninefold.market.numbers import decimals_of, to_units
from ninefold.venues.adapter import BadFrame
from ninefold.venues.told import short

FINER = (2, 3)  # decimals of prices and of sizes beyond those of the steps
MOST_DECIMALS = 15
UNKNOWN_DECIMALS = (10, 8)  # of prices and of sizes where no rules are known


def ruled(
    venue: str,
    venue_symbol: str,
    base: str,
    quote: str,
    *,
    tick: str = "",
    lot: str = "",
    least: str = "",
    finer: tuple[int, int] = FINER,
    **rules: Any,
) -> Instrument:
    """tick, lot: plain decimals above 0; "" where the venue has not told its rules. least: the smallest size of an order.

    raises: BadFrame, NotExact.
    """
    if not (venue_symbol and base and quote):
        raise BadFrame(f"instrument {venue_symbol!r} has no base or no quote")
    if not (tick and lot):
        held: dict[str, Any] = {"price_decimals": UNKNOWN_DECIMALS[0], "size_decimals": UNKNOWN_DECIMALS[1]}
        return listed(venue, venue_symbol, base, quote, **held, **rules)
    prices, sizes = (
        min(decimals_of(step) + more, MOST_DECIMALS) for step, more in zip((tick, lot), finer, strict=True)
    )
    steps = {"tick_size": to_units(tick, prices), "lot_size": to_units(lot, sizes)}
    if min(steps.values()) <= 0:
        raise BadFrame(f"{venue_symbol} has steps of {tick} and {lot}; they must be above 0")
    found: dict[str, Any] = {**steps, "price_decimals": prices, "size_decimals": sizes, "rules_known": True}
    found["min_size"] = to_units(least, sizes) if least else 0
    return listed(venue, venue_symbol, base, quote, **{**found, **rules})


def contract(spot: Instrument, kind: str, settle: str, end: str = "") -> Instrument:
    """The same as a swap, future or option: 'BTC/USD' becomes 'BTC/USD:BTC' or, with its day, 'BTC/USD:BTC-261225'."""
    symbol = "-".join([f"{spot.symbol}:{settle}", *([end] if end else [])])
    return msgspec.structs.replace(spot, kind=kind, settle=settle, symbol=symbol)


def of_contract(spot: Instrument, size: str) -> Instrument:
    """The same with how much of the base one contract is."""
    return msgspec.structs.replace(spot, contract_size=short(size))
