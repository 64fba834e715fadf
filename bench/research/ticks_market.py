"""The trades that back-tests on ticks are measured with. It needs numpy only: peers read it too.

A tick is half a quote: prices are then exact as doubles, and averages of them decide the same in ticks and in quote.
"""

from __future__ import annotations

import numpy as np

FEE = 0.0005
CASH = 10_000_000  # quote
TICK = 0.5
LOT = 0.001
SIZE = 1  # base, when long
FAST, SLOW = 50, 200  # trades
FEED_NS = 10_000_000
ORDER_NS = 40_500_000  # no order arrives at the moment of a trade: who is first there is not agreed
START_NS = 1_700_000_000_000_000_000
SEED = 11


def market(count: int, first: int = 0) -> dict[str, np.ndarray]:
    """A random walk of some 30,000 quote, a trade every 10 ms or so, no two at the same time; int64 columns.

    first: a block of its own, to be put behind others: its times and its seed follow from it.
    """
    random = np.random.default_rng((SEED, first))
    at = START_NS + first * 10_500_000 + np.cumsum(random.integers(1, 21, count)) * 1_000_000
    price = 60_000 + np.cumsum(random.integers(-1, 2, count))
    size = random.integers(1, 2_000, count)
    side = random.choice(np.array([1, -1], np.int8), count)
    return {"exchange_ns": at, "price": price, "size": size, "taker_side": side}
