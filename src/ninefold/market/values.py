"""What stages tell of a bar beside what formulas make of it: later stages read it as columns.

In:  VALUES rows. Out: the values of the terms in TOLD by bar.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ninefold.market.arrays import VALUES

MOOD = b"sentiment"
FORECAST = b"forecast"  # the expected log return of the next bar
ONE_UPPING = b"one_upping"
MEAN = b"vwap"  # the volume-weighted mean price, in the unit of the bar's own prices
TOLD = (MOOD, FORECAST, ONE_UPPING, MEAN)

Known = Mapping[tuple[bytes, int, int, int], float]  # term, instrument, width_ns, close_ns


def told(values: np.ndarray) -> np.ndarray:
    """The rows among VALUES rows that are told."""
    terms = values["term"]
    mine: np.ndarray = values[np.logical_or.reduce([terms == term for term in TOLD])]
    return mine


def known_of(values: np.ndarray) -> Known:
    """The values told by term and bar."""
    mine = told(values)
    keys = mine[["term", "instrument", "width_ns", "close_ns"]].tolist()
    return dict(zip(keys, mine["value"].tolist(), strict=True))


def told_of(bars: np.ndarray, known: Known) -> dict[str, np.ndarray]:
    """What was told of each bar, by column, shape (n,); NaN where nothing was."""
    keys = bars[["instrument", "width_ns", "close_ns"]].tolist()
    return {term.decode(): np.array([known.get((term, *key), math.nan) for key in keys], np.float64) for term in TOLD}


def telling(bars: np.ndarray, term: bytes, values: list[float]) -> np.ndarray:
    """VALUES rows that tell a value of each bar, without those that are NaN."""
    made = np.empty(len(bars), VALUES)
    for name in ("instrument", "width_ns", "close_ns", "known_ns", "seq"):
        made[name] = bars[name]
    made["term"], made["value"] = term, values
    known_only: np.ndarray = made[~np.isnan(made["value"])]
    return known_only
