"""Candles straight from trades, of any width, for looking at: what stored bars know beyond that (flat and unknown ones, quotes,
revisions) they do not.

In:  the columns of one instrument's trades, in order. Out: columns of candles, oldest first; a stretch without a trade has none.
"""

from __future__ import annotations

import numpy as np

NAMES = ("open_ns", "open", "high", "low", "close", "volume", "trades")


def candles_of(time_ns: np.ndarray, price: np.ndarray, size: np.ndarray, width_ns: int) -> dict[str, np.ndarray]:
    """open_ns, open, high, low, close, volume and trades of every candle with trades, shape (candles,), int64.

    time_ns: rising, shape (n,). price, size: of the same trades. width_ns: candles open at its multiples.

    >>> made = candles_of(np.array([3, 4, 25]), np.array([7, 5, 6]), np.array([1, 1, 2]), 10)
    >>> [made[name].tolist() for name in ("open_ns", "high", "close", "volume")]
    [[0, 20], [7, 6], [5, 6], [2, 2]]
    """
    if not len(time_ns):
        return {name: np.empty(0, np.int64) for name in NAMES}
    first, last = int(time_ns[0]) // width_ns, int(time_ns[-1]) // width_ns
    if last - first < len(time_ns):  # the edges of all candles are looked for
        places = np.searchsorted(time_ns, np.arange(first, last + 1) * width_ns)
        ends = np.append(places[1:], len(time_ns))
        starts = places[ends > places]
    else:
        opened = time_ns // width_ns
        starts = np.flatnonzero(np.append(True, opened[1:] != opened[:-1]))
    behind = np.append(starts[1:], len(time_ns))
    return {
        "open_ns": time_ns[starts] // width_ns * width_ns,
        "open": price[starts],
        "high": np.maximum.reduceat(price, starts),
        "low": np.minimum.reduceat(price, starts),
        "close": price[behind - 1],
        "volume": np.add.reduceat(size, starts),
        "trades": behind - starts,
    }
