"""Fees by tier in compiled loops; `fee_tiers` says what they are.

In:  an array that holds, from some place on, the day it was last asked for, the rates of that day, and what was traded by day.
Out: the same array, changed in place.

Sums stop at 2**60 units, beyond which no tier begins.
"""

from __future__ import annotations

import numpy as np

from ninefold.backtest.fee_tiers import DAY, DAYS, MAKER, ON, TABLE, TAKER, TIERS, VOLUME
from ninefold.market.compiled import compiled

LARGEST = 2**60
DAY_NS = 86_400_000_000_000


@compiled
def settle_day(tiers: np.ndarray, at: int, time_ns: int) -> bool:
    """Set the rates of the day that holds this time; whether another day was there before. at: where the array begins."""
    day = time_ns // DAY_NS
    if tiers[at + DAY] == day:
        return False
    tiers[at + DAY] = day
    total = 0
    for slot in range(DAYS):
        if day - DAYS <= tiers[at + ON + slot] < day:
            total = min(total + tiers[at + VOLUME + slot], LARGEST)
    for one in range(tiers[at + TIERS]):
        place = at + TABLE + 3 * one
        if tiers[place] <= total:
            tiers[at + MAKER], tiers[at + TAKER] = tiers[place + 1], tiers[place + 2]
    return True


@compiled
def add_traded(tiers: np.ndarray, at: int, value: int) -> None:
    """Count a fill of the day that `settle_day` was last asked for. value: units."""
    day = tiers[at + DAY]
    slot = day % DAYS
    if tiers[at + ON + slot] != day:
        tiers[at + ON + slot], tiers[at + VOLUME + slot] = day, 0
    tiers[at + VOLUME + slot] = min(tiers[at + VOLUME + slot] + value, LARGEST)
