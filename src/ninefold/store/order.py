"""The order of stored rows: by instrument, then time, then (seq, n), which names a row.

In:  the four keys as arrays of shape (n,). Out: the permutation that sorts them.

Rows come in the order of inputs, almost in that of time, and there are some thousand instruments. So instruments are
sorted by their 16 bits (a radix sort), and what is then still not in order (late rows) by a merge sort of one integer, which
needs little more than a look at rows that are in order already. Anything unusual is sorted by all four keys.
"""

from __future__ import annotations

import numpy as np

_BITS_16 = 1 << 16
_INSTRUMENT_SHIFT = 47  # 39 hours of nanoseconds below it, 16 bits of instruments above


def sorted_order(instrument: np.ndarray, time_ns: np.ndarray, seq: np.ndarray, n: np.ndarray) -> np.ndarray | None:
    """The positions of rows in order, shape (n,); None if they are in order as they are."""
    if len(instrument) < 2:
        return None
    order = _by_instrument_and_time(instrument, time_ns, seq, n)
    if order is None:
        order = np.lexsort((n, seq, time_ns, instrument))
    return None if order[0] == 0 and (order[1:] > order[:-1]).all() else order


def _by_instrument_and_time(
    instrument: np.ndarray, time_ns: np.ndarray, seq: np.ndarray, n: np.ndarray
) -> np.ndarray | None:
    """Rows of one instrument and time stay as they come; None if they come in another order than that of (seq, n), or if
    the keys do not fit.
    """
    earliest, latest = int(time_ns.min()), int(time_ns.max())
    if instrument.min() < 0 or instrument.max() >= _BITS_16 or latest - earliest >= 1 << _INSTRUMENT_SHIFT:
        return None
    order = np.argsort(instrument.astype(np.uint16), kind="stable")
    key = (instrument.take(order).astype(np.int64) << _INSTRUMENT_SHIFT) + (time_ns.take(order) - earliest)
    if (key[1:] < key[:-1]).any():
        late = np.argsort(key, kind="stable")
        order, key = order.take(late), key.take(late)
    ties = np.flatnonzero(key[1:] == key[:-1])
    return order if _rising(seq, n, order[ties], order[ties + 1]) else None


def time_order(time_ns: np.ndarray, seq: np.ndarray, n: np.ndarray) -> np.ndarray | None:
    """The same for rows of one instrument: their positions by (time, seq, n), None if they are in order as they are."""
    if (time_ns[1:] < time_ns[:-1]).any():
        return np.lexsort((n, seq, time_ns))
    ties = np.flatnonzero(time_ns[1:] == time_ns[:-1])
    return None if _rising(seq, n, ties, ties + 1) else np.lexsort((n, seq, time_ns))


def _rising(seq: np.ndarray, n: np.ndarray, before: np.ndarray, after: np.ndarray) -> bool:
    """Whether (seq, n) of no row at `before` is above that of its partner at `after`."""
    return bool(((seq[before] < seq[after]) | ((seq[before] == seq[after]) & (n[before] <= n[after]))).all())
