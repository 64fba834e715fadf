"""Parts of recordings that hold what a test is about.

In:  a recorded file of Binance spot. Out: a file of the same name with all trades and changes of the book, and few of the best
     bids and asks, which are most of its lines and each of which takes as long as a trade.
"""

from __future__ import annotations

import gzip
from itertools import islice
from pathlib import Path

QUOTES_KEPT = 10  # one best bid and ask in so many


def thinned(whole: Path, folder: Path, most: int | None = None) -> Path:
    """most: of the first lines alone."""
    part, quotes = folder / whole.name, 0
    with gzip.open(whole) as lines, gzip.open(part, "wb", 1) as kept:
        for line in islice(lines, most):
            quotes += (is_quote := b"@bookTicker" in line)
            if not is_quote or quotes % QUOTES_KEPT == 0:
                kept.write(line)
    return part
