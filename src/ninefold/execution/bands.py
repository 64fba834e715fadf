"""The venue's price band: how far from the market's price an order's limit may lie.

In:  an instrument, the side, the quote. Out: lowest and highest price in the instrument's units; None where the venue told none.
"""

from __future__ import annotations

from ninefold.execution.money import ONE
from ninefold.execution.shown import Quote
from ninefold.market.instruments import Instrument
from ninefold.market.numbers import to_units


def band_of(instrument: Instrument, side: int, quote: Quote) -> tuple[int, int] | None:
    if instrument.price_band is None:
        return None
    low, high = instrument.price_band[:2] if side > 0 else instrument.price_band[2:]
    twice_mid = quote.bid + quote.ask
    return -(-to_units(low, 8) * twice_mid // (2 * ONE)), to_units(high, 8) * twice_mid // (2 * ONE)
