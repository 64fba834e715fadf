"""Results of many trials as the trial ledger packs them.

In:  the columns of its table. Out: digests, returns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

from ninefold.backtest.statistics.checked import Floats

DIGEST_BYTES = 16
Steps = NDArray[np.int16]  # shape (..., stretches): returns in steps of the trial's own scale


def steps_of(count: int, packed: bytes) -> Steps:
    """Shape (count, stretches)."""
    return np.frombuffer(zstandard.decompress(packed), np.int16).reshape(count, -1)


def different_returns(parts: Sequence[tuple[Any, ...]], stretches: int) -> Floats:
    """Returns of those (count, digests, scale, steps) that have so many stretches, equal results once."""
    found: dict[bytes, Floats] = {}
    for count, digests, scale, packed in parts:
        steps = steps_of(count, packed)
        if steps.shape[1] == stretches:
            returns = steps * np.frombuffer(scale, np.float32).astype(np.float64)[:, None]
            found.update(zip(split_digests(digests), returns, strict=True))
    return np.array(list(found.values())).reshape(len(found), stretches)


def split_digests(digests: bytes) -> list[bytes]:
    return [digests[at : at + DIGEST_BYTES] for at in range(0, len(digests), DIGEST_BYTES)]
