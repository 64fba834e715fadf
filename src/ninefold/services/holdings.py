"""What strategies hold, as their columns have it.

In:  the account's amounts and entries, as they stand or stood. Out: holdings in the instrument's units and ticks.
"""

from __future__ import annotations

import numpy as np

from ninefold.execution.entries import tick_of
from ninefold.execution.held_before import NOTHING, HeldBefore, Stood
from ninefold.execution.money import base_amount
from ninefold.market.instruments import Instrument
from ninefold.strategy.own import Holding, Holdings


def holding_of(of: Instrument, stood: Stood) -> Holding | None:
    if stood == NOTHING:
        return None
    return Holding(float(stood.amount) / base_amount(of, 1), _in_ticks(of, stood.average, stood.tick), stood.seq)


def holdings_of(of: Instrument, before: HeldBefore, strategy: str, seqs: np.ndarray) -> Holdings:
    """At each of n inputs, shape (n,)."""
    amount, average, tick, seq = before.at_each(strategy, of.id, seqs).T
    for one in set(tick.tolist()) - {0, tick_of(of)}:
        for place in np.flatnonzero(tick == one).tolist():
            average[place] = _in_ticks(of, int(average[place]), one)
    return Holdings(amount / float(base_amount(of, 1)), average, seq)


def _in_ticks(of: Instrument, average: int, tick: int) -> int:
    """As an `Entry` counts itself in."""
    return average if tick == tick_of(of) else average * tick // tick_of(of)
