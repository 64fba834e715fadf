"""From what we want to hold to the orders that get us there.

In:  the desired position of each instrument, the positions there are, the strategies that spoke.
Out: intended orders: the difference, cut to the instrument's lot toward zero. Differences below its minima make none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from ninefold.execution.ids import client_order_id
from ninefold.execution.money import is_orderable, size_of
from ninefold.execution.shown import Quote
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Instrument
from ninefold.market.records import May, Order, Tick
from ninefold.market.wanted import SETS_KNOWN, wanted_in, wanted_of


def intend(
    account: str,
    instrument: Instrument,
    desired: int,
    position: int,
    quote: Quote | None,
    tick: Tick,
    strategies: tuple[str, ...],
    mays: Sequence[May],
) -> Order | None:
    """The order that brings a position to `desired`, or None if it is near enough.

    desired:  units of the instrument's size. A spot account cannot be short, so less than 0 is 0.
    position: amount of the base asset (10**-8). quote: None if no price is known; risk then refuses, and says so.
    """
    difference = max(desired, 0) - size_of(instrument, position)
    side = 1 if difference > 0 else -1
    size = abs(difference) // instrument.lot_size * instrument.lot_size
    if size < max(instrument.min_size, 1) or (
        quote is not None and not is_orderable(instrument, size, quote.price(side))
    ):
        return None
    return Order(
        seq=tick.seq,
        known_ns=tick.known_ns,
        client_order_id=client_order_id(account, instrument.name, tick.seq, tick.known_ns, strategies),
        instrument=instrument.id,
        side=side,
        size=size,
        status="intended",
        strategies=strategies,
        may_id=foretelling(mays, instrument.id, side, strategies, tick),
    )


def foretelling(mays: Sequence[May], instrument: int, side: int, strategies: tuple[str, ...], tick: Tick) -> str:
    """Id of the newest MAY of one of the strategies that told of this order before it was decided and still holds; empty
    if none did."""
    fitting = [
        may
        for may in mays
        if may.instrument == instrument
        and may.side == side
        and may.strategy in strategies
        and may.seq < tick.seq
        and may.until_ns >= tick.exchange_ns
    ]
    return max(fitting, key=lambda may: (may.seq, may.may_id)).may_id if fitting else ""


def contributors(chunk: Chunk) -> Mapping[int, tuple[str, ...]]:
    """Strategies with a known target in this chunk, by instrument, in alphabetical order."""
    targets = chunk.rows("targets")
    unknown = np.isnan(targets["target"])
    wanted = wanted_of(targets[~unknown]) if unknown.any() else wanted_in(chunk)
    return {instrument: _in_order(tuple(said)) for instrument, said in wanted.items()}


@lru_cache(SETS_KNOWN)
def _in_order(strategies: tuple[str, ...]) -> tuple[str, ...]:
    """They are mostly the same at every tick."""
    return tuple(sorted(strategies))
