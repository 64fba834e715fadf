"""Places in memory compared and searched eight bytes at a time: what the compiled readers of messages stand on.

In:  addresses; eight bytes behind what is meant must be there.
Out: whether two places hold the same, and where something is.
"""

from __future__ import annotations

import numpy as np

from ninefold.market.compiled import compiled, first_set, load_word

_FULL_WORD = np.uint64(0xFFFF_FFFF_FFFF_FFFF)


@compiled
def same(at: int, text: int, length: int) -> bool:
    """Whether two places hold the same; behind the text there are zeros up to a whole word."""
    while length >= 8:
        if load_word(at) != load_word(text):
            return False
        at, text, length = at + 8, text + 8, length - 8
    return length == 0 or (load_word(at) & mask(length)) == load_word(text)


@compiled
def mask(length: int) -> int:
    """Of the first `length` bytes of a word; 0 to 8."""
    if length >= 8:
        return _FULL_WORD
    return (np.uint64(1) << np.uint64(8 * length)) - np.uint64(1)


@compiled
def bytes_equal(word: int, byte: int) -> int:
    """The highest bit of each byte of a word that is `byte`; of bytes behind the first such one it may be wrong."""
    ones = np.uint64(0x0101_0101_0101_0101)
    different = word ^ (ones * np.uint64(byte))
    return (different - ones) & ~different & np.uint64(0x8080_8080_8080_8080)


@compiled
def past_text(at: int, end: int) -> int:
    """The quote that ends plain text of printable ASCII; -1 if there is anything else in it, or no end."""
    ones, tops = np.uint64(0x0101_0101_0101_0101), np.uint64(0x8080_8080_8080_8080)
    while at < end:
        word = load_word(at)
        wrong = bytes_equal(word, 92) | ((word - ones * np.uint64(32)) & ~word & tops) | (word & tops)
        first = first_set(bytes_equal(word, 34))
        if first_set(wrong) < first:
            return -1
        if first < 64:
            return at + (first >> 3)
        at += 8
    return -1
