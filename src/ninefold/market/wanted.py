"""Targets by instrument and strategy.

In:  TARGETS rows. Out: by instrument, in the order of the rows, the last target of each strategy.
The same strategies speak of one instrument after the other and at every bar: their names are read once.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np

from ninefold.market.arrays import TARGETS
from ninefold.market.chunk import Chunk

SETS_KNOWN = 256  # of strategies that spoke together
_WIDTH = TARGETS["strategy"].itemsize


def wanted_in(chunk: Chunk) -> dict[int, dict[str, float]]:
    """Of a chunk's targets, read once for all who ask; not to be changed."""
    targets = chunk.rows("targets")
    if chunk.wanted is None or chunk.wanted[0] is not targets:
        chunk.wanted = targets, wanted_of(targets)
    return chunk.wanted[1]


def wanted_of(targets: np.ndarray) -> dict[int, dict[str, float]]:
    found: dict[int, dict[str, float]] = {}
    instruments = targets["instrument"]
    cuts = [0, *(np.flatnonzero(np.diff(instruments)) + 1).tolist(), len(targets)] if len(targets) else [0]
    names, wants = targets["strategy"], targets["target"].tolist()
    for first, last in pairwise(cuts):
        said = zip(_names(names[first:last].tobytes()), wants[first:last], strict=True)
        found.setdefault(int(instruments[first]), {}).update(said)
    return found


@lru_cache(SETS_KNOWN)
def _names(packed: bytes) -> tuple[str, ...]:
    return tuple([packed[at : at + _WIDTH].rstrip(b"\0").decode() for at in range(0, len(packed), _WIDTH)])
