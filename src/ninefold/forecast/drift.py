"""Is what we see now like what the model was taught on?

In:  the last feature rows, and the ranges that held all but one in a hundred of the teaching rows.
Out: ok, warn or stop, with the feature that strays most. On `stop` the model is not asked.

One value in a hundred lies outside by construction. Features of neighbouring bars are alike, so a few strays in a row
are common; a tenth of the window is not, and with a third outside the trees answer from their outermost leaves.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WINDOW = 120  # rows
WARN, STOP = 0.10, 0.33  # share of the window outside its range
OUTSIDE = 0.005  # of the teaching rows, on either side


class Range(msgspec.Struct, frozen=True):
    low: float
    high: float


class Drift(msgspec.Struct, frozen=True):
    """verdict: 'ok', 'warn', 'stop', or 'unknown' until half a window of rows has been seen."""

    verdict: str
    feature: str = ""
    share: float = 0.0


def ranges(features: Floats) -> tuple[Range, ...]:
    """The range of each feature over the teaching rows; shape (n, k), no NaN, n at least 1."""
    low, high = np.quantile(features, [OUTSIDE, 1.0 - OUTSIDE], axis=0)
    return tuple(Range(float(a), float(b)) for a, b in zip(low, high, strict=True))


def drift(window: Floats, taught: Sequence[Range], names: Sequence[str]) -> Drift:
    """Judge the last rows; shape (m, k), m up to WINDOW, no NaN."""
    if len(window) < WINDOW // 2:
        return Drift("unknown")
    low, high = np.array([r.low for r in taught]), np.array([r.high for r in taught])
    shares = np.mean((window < low) | (window > high), axis=0)
    worst = int(np.argmax(shares))
    share = float(shares[worst])
    return Drift("stop" if share > STOP else "warn" if share > WARN else "ok", names[worst], share)
