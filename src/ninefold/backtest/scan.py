"""Compiled loops beside the kernel: where averages cross, and what an account was worth at each close.

In:  closes and windows, or fills. Out: numbers written into the arrays given.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from ninefold.backtest.parallel import parallel
from ninefold.market.compiled import compiled

ONE = 100_000_000  # as in `exact`; compiled in
BLOCK = 1024  # bars whose averages are compared at a time: the sums of all windows then stay near the processor
WORD = 64
BITS_OF_BYTES = np.uint64(0x0102040810204080)  # times eight bytes of 0 or 1: the highest byte has a bit for each


@compiled
def crossing_changes(closes: np.ndarray, fast: int, slow: int, at: np.ndarray, to: np.ndarray) -> int:
    """The changes of: +1 while the mean of `fast` closes is above that of `slow`. Sums times windows must fit."""
    first = max(fast, slow)
    if first > len(closes):
        return 0
    fast_sum = slow_sum = 0
    for row in range(first - fast, first):
        fast_sum += closes[row]
    for row in range(first - slow, first):
        slow_sum += closes[row]
    count, above = 0, False
    for row in range(first - 1, len(closes)):
        now = fast_sum * slow > slow_sum * fast
        if now != above:
            above = now
            at[count], to[count] = row, ONE if now else 0
            count += 1
        if row + 1 < len(closes):
            close = closes[row + 1]
            fast_sum += close - closes[row + 1 - fast]
            slow_sum += close - closes[row + 1 - slow]
    return count


@parallel
def crossing_bits(closes: np.ndarray, windows: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """For each pair a bit a bar, uint64, shape (pairs, words): whether the fast average is above the slow one.

    windows: shape (w,). pairs: places among them, and the windows themselves: fast and slow, shape (pairs, 4).
    """
    bars = len(closes)
    blocks = (bars + BLOCK - 1) // BLOCK
    total = np.zeros(bars + 1, np.int64)
    for row in range(bars):
        total[row + 1] = total[row] + closes[row]
    above = np.zeros((len(pairs), blocks * BLOCK // WORD), np.uint64)
    for block in prange(blocks):
        compare(total, windows, pairs, block * BLOCK, above)
    return above


@compiled
def compare(total: np.ndarray, windows: np.ndarray, pairs: np.ndarray, first: int, above: np.ndarray) -> None:
    """A bit for each bar of a block: whether the fast average is above the slow one. NaN, of the warm-up, never is."""
    length = min(BLOCK, len(total) - 1 - first)
    sums = np.full((len(windows), BLOCK), np.nan)
    for place in range(len(windows)):
        window = windows[place]
        for row in range(max(0, window - 1 - first), length):
            sums[place, row] = total[first + row + 1] - total[first + row + 1 - window]
    flags = np.zeros(BLOCK, np.uint8)
    packed = flags.view(np.uint64)
    for one in range(len(pairs)):
        fast, slow = sums[pairs[one, 0]], sums[pairs[one, 1]]
        by_slow, by_fast = float(pairs[one, 3]), float(pairs[one, 2])
        for row in range(BLOCK):
            flags[row] = fast[row] * by_slow > slow[row] * by_fast
        pack(packed, above[one, first // WORD : (first + BLOCK) // WORD])


@compiled
def pack(packed: np.ndarray, words: np.ndarray) -> None:
    """A bit for each byte of 0 or 1. packed: eight bytes a word, BLOCK in all; words: BLOCK // WORD."""
    for place in range(BLOCK // WORD):
        word = np.uint64(0)
        for byte in range(8):
            word |= (packed[8 * place + byte] * BITS_OF_BYTES) >> np.uint64(56) << np.uint64(8 * byte)
        words[place] = word


@compiled
def differing(values: np.ndarray, first: int, flags: np.ndarray, words: np.ndarray) -> None:
    """A bit for each value of the block from `first` on that is not the one before it, the very first not 0; NaN never is.

    flags: uint8, shape (BLOCK,), to work with. words: uint64, shape (BLOCK // WORD,), written.
    """
    now = values[first : first + BLOCK]
    flags[len(now) :] = 0
    flags[0] = now[0] != (values[first - 1] if first else 0.0)
    before = now[: len(now) - 1]
    for row in range(len(before)):
        flags[row + 1] = now[row + 1] != before[row]
    pack(flags.view(np.uint64), words)


@compiled
def mark(close: np.ndarray, cash: int, fills: np.ndarray, equity: np.ndarray) -> None:
    """What the account was worth at every close, from the fills; shape (n,)."""
    position, row = 0, 0
    for place in range(len(fills) + 1):
        until = fills[place, 0] if place < len(fills) else len(close)
        for of in range(row, until):
            equity[of] = cash + position * close[of]
        row = until
        if place < len(fills):
            position += fills[place, 2]
            cash -= fills[place, 1] * fills[place, 2] + fills[place, 3] + fills[place, 4] + fills[place, 5]


@compiled
def hold(fills: np.ndarray, held: np.ndarray) -> None:
    """What was held at every close, from the fills; shape (n,)."""
    position, row = 0, 0
    for place in range(len(fills)):
        held[row : fills[place, 0]] = position
        position += fills[place, 2]
        row = fills[place, 0]
    held[row:] = position
