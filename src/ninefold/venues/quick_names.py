"""Names of symbols in a message, and the hash table that says which row is whose.

In:  addresses of names; slots: uint64 (a power of two, NAME_WORDS + 1), by its hash a name and its row, empty where the first
     word is 0.
Out: how long a name is, whether one is another in small letters, its row.
"""

from __future__ import annotations

import numpy as np

from ninefold.market.compiled import address_of, compiled, first_set, load_word
from ninefold.market.wide import equal
from ninefold.venues.quick_words import mask

NAME_WORDS = 3
NAME_MOST = 8 * NAME_WORDS  # bytes of a symbol
_SLOT_BYTES = 8 * (NAME_WORDS + 1)


def name_words(name: bytes) -> np.ndarray:
    """A symbol as NAME_WORDS uint64."""
    return np.frombuffer(name.ljust(NAME_MOST, b"\0"), np.uint64)


@compiled
def place_of(words: np.ndarray, slots: np.ndarray) -> int:
    """The slot of a name: the one that holds it, or the empty one where it belongs."""
    return (_slot(words[0], words[1], words[2], address_of(slots), len(slots)) - address_of(slots)) // _SLOT_BYTES


@compiled
def row_of(at: int, length: int, slots: int, count: int) -> int:
    """Of a symbol; -1 if it was not taught."""
    first, second, third = _words(at, length)
    slot = _slot(first, second, third, slots, count)
    return np.int64(load_word(slot + 24)) if load_word(slot) else np.int64(-1)


@compiled
def up_to(at: int, stop: int) -> int:
    """How many bytes there are before a `stop`; -1 if more than a name has."""
    length = first_set(equal(at, np.uint8(stop)))
    return length if length <= NAME_MOST else -1


@compiled
def is_lower_of(lower: int, lower_length: int, at: int, length: int) -> bool:
    """Whether the one is the other in small letters. Both must be ASCII."""
    for place in range(0, NAME_MOST, 8):
        part = mask(max(length - place, 0))
        if load_word(lower + place) & part != _lower(load_word(at + place) & part):
            return False
    return length == lower_length


@compiled
def _words(at: int, length: int) -> tuple[int, int, int]:
    first = load_word(at) & mask(length)
    second = load_word(at + 8) & mask(length - 8) if length > 8 else np.uint64(0)
    third = load_word(at + 16) & mask(length - 16) if length > 16 else np.uint64(0)
    return first, second, third


@compiled
def _slot(first: int, second: int, third: int, slots: int, count: int) -> int:
    """The address of the slot that holds a name, or of the empty one where it belongs."""
    mixed = first * np.uint64(0x9E37_79B9_7F4A_7C15) + second * np.uint64(0xC2B2_AE3D_27D4_EB4F) + third
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    slot = np.int64(mixed >> np.uint64(33))
    while True:
        at = slots + (slot & (count - 1)) * _SLOT_BYTES
        here = load_word(at)
        if here == 0 or (here == first and load_word(at + 8) == second and load_word(at + 16) == third):
            return at
        slot += 1


@compiled
def _lower(word: int) -> int:
    """Eight bytes of ASCII, A to Z as a to z."""
    ones = np.uint64(0x0101_0101_0101_0101)
    from_a, behind_z = word + ones * np.uint64(128 - 65), word + ones * np.uint64(128 - 91)
    return word | ((from_a & ~behind_z & np.uint64(0x8080_8080_8080_8080)) >> np.uint64(2))
