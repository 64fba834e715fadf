"""The mood among the values of bars: `sentiment` writes it, later stages read it.

In:  VALUES rows. Out: the value of the term `sentiment` by bar.
"""

from __future__ import annotations

import math

import numpy as np

MOOD = b"sentiment"


def moods(values: np.ndarray) -> dict[tuple[int, int, int], float]:
    """The moods among VALUES rows by (instrument, width_ns, close_ns)."""
    mine = values[values["term"] == MOOD]
    keys = mine[["instrument", "width_ns", "close_ns"]].tolist()
    return dict(zip(keys, mine["value"].tolist(), strict=True))


def mood_of(bars: np.ndarray, known: dict[tuple[int, int, int], float]) -> np.ndarray:
    """The mood at each bar, shape (n,); NaN where none was known."""
    keys = bars[["instrument", "width_ns", "close_ns"]].tolist()
    return np.array([known.get(key, math.nan) for key in keys], np.float64)
