"""Places in memory compared and searched many bytes at a time: what the compiled readers of messages stand on.

In:  addresses; WIDE bytes behind what is meant must be there.
Out: whether two places hold the same, and where something is.
"""

from __future__ import annotations

import numpy as np

from ninefold.market.compiled import below, compiled, equal_to, first_set, load_word

WIDE = 32
QUOTE, BACKSLASH, SPACE = np.uint8(34), np.uint8(92), np.uint8(32)
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
def past_text(at: int, end: int) -> int:
    """The quote that ends plain text of printable ASCII; -1 if there is anything else in it, or no end."""
    while at < end:
        first = first_set(equal_to(at, QUOTE))
        if first_set(equal_to(at, BACKSLASH) | below(at, SPACE)) < first:
            return -1
        if first < 64:
            return at + first
        at += WIDE
    return -1
