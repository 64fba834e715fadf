"""The view of a stream that goes on for weeks: chunks are folded, not kept."""

import gc
import tracemalloc

import numpy as np
import pytest

from ninefold.api.live import LiveView
from ninefold.api.tape import HELD
from ninefold.market.arrays import QUOTES
from ninefold.market.chunk import decode, encode

from .stream import chunk, listings, registry, trade

TRADES = 10  # of a chunk


@pytest.mark.slow
def test_a_full_view_stays_as_large_as_it_is():
    view = LiveView("paper", registry())
    view.apply(chunk(1, *listings()))
    quotes = np.zeros(500, QUOTES)  # 30 kB a chunk, to notice when a row keeps the bytes of its chunk
    quotes["instrument"] = 1
    full = HELD // TRADES + 50  # chunks
    held: list[int] = []
    tracemalloc.start()
    try:
        for seq in range(2, 2 * full + 2):
            made = chunk(seq, trades=[trade(seq, seq / 1_000, price=100, size=1)] * TRADES)
            made.add("quotes", quotes)
            view.apply(decode(encode(made)))
            if seq in (full + 1, 2 * full + 1):
                gc.collect()
                held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert held[1] - held[0] < 30_000, f"bytes held by a full view, and after as many trades again: {held}"
