"""Amounts of assets: integers in units of 10**-8, whatever the instrument's own units are.

In:  prices and sizes in an instrument's units.
Out: amounts of its base and quote asset. Quote amounts below 10**-8 are cut off, as venues do that keep 8 decimals.
"""

from __future__ import annotations

from functools import lru_cache

from ninefold.market.instruments import Instrument
from ninefold.market.numbers import to_text, to_units

DECIMALS = 8
ONE = 10**DECIMALS


def base_amount(instrument: Instrument, size: int) -> int:
    """A size as an amount of the base asset.

    raises: ValueError for instruments whose sizes are finer than 10**-8.
    """
    if instrument.size_decimals > DECIMALS:
        raise ValueError(
            f"{instrument.name} has sizes of {instrument.size_decimals} decimals; amounts hold {DECIMALS} at most"
        )
    return int(size) * int(10 ** (DECIMALS - instrument.size_decimals))


def size_of(instrument: Instrument, amount: int) -> int:
    """The greatest size, in the instrument's units, within an amount of the base asset (toward zero)."""
    unit = base_amount(instrument, 1)
    return amount // unit if amount >= 0 else -(-amount // unit)


def quote_amount(instrument: Instrument, price: int, size: int) -> int:
    """price * size as an amount of the quote asset, cut to 8 decimals."""
    product = int(price) * int(size)
    shift = DECIMALS - instrument.price_decimals - instrument.size_decimals
    return product * int(10**shift) if shift >= 0 else product // int(10**-shift)


def is_orderable(instrument: Instrument, size: int, price: int) -> bool:
    """Whether a size in whole lots is one that the venue takes at a price."""
    if size < max(instrument.min_size, 1):
        return False
    return quote_amount(instrument, price, size) >= least_notional(instrument)


def least_amount(instrument: Instrument, price: int) -> int:
    """The least amount of base of which the whole lots are one that the venue takes at a price, as `is_orderable` says."""
    shift = DECIMALS - instrument.price_decimals - instrument.size_decimals
    above, below = least_notional(instrument) * 10 ** max(-shift, 0), max(price, 1) * 10 ** max(shift, 0)
    size = max(instrument.min_size, 1, -(-above // below))
    return base_amount(instrument, -(-size // instrument.lot_size) * instrument.lot_size)


def least_notional(instrument: Instrument) -> int:
    """The least worth of an order, as an amount of the quote asset."""
    return _units_of(instrument.min_notional)


@lru_cache(1024)
def _units_of(amount: str) -> int:
    return to_units(amount, DECIMALS)


def text(amount: int, asset: str) -> str:
    """
    >>> text(150_000_000, "BTC")
    '1.5 BTC'
    """
    digits = to_text(amount, DECIMALS).rstrip("0").rstrip(".")
    return f"{digits} {asset}"
