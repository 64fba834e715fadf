"""Words of numbers, and the end of a text: what the compiled readers of messages stand on.

In:  addresses; WIDE bytes behind what is meant must be there.
"""

from __future__ import annotations

import numpy as np

from ninefold.market.compiled import compiled, first_set, load_word
from ninefold.market.wide import WIDE, equal, not_plain

_FULL_WORD = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
_QUOTE = np.uint8(34)


@compiled
def word_of(at: int, place: int) -> int:
    """The int64 at a place among those that begin at an address."""
    return np.int64(load_word(at + 8 * place))


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
        quote = first_set(equal(at, _QUOTE))
        if first_set(not_plain(at)) < quote:
            return -1
        if quote < WIDE:
            return at + quote
        at += WIDE
    return -1
