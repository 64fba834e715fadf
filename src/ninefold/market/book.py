"""The book rebuilt from its rows.

In:  BOOKS rows of one instrument in order: a CLEAR_BOOK row begins a snapshot, SET_LEVEL sets a size, size 0 removes
     the level.
Out: bids falling, asks rising.
"""

from __future__ import annotations

from heapq import nlargest, nsmallest

import numpy as np

from ninefold.market.arrays import BID, CLEAR_BOOK


class Book:
    """Sizes by price; `update_id` is the last one applied."""

    __slots__ = ("asks", "bids", "update_id")

    def __init__(self) -> None:
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self.update_id = 0

    def apply(self, rows: np.ndarray) -> None:
        """Fold rows of one instrument, oldest first."""
        for action, side, price, size, update_id in rows[["action", "side", "price", "size", "update_id"]].tolist():
            if action == CLEAR_BOOK:
                self.bids.clear()
                self.asks.clear()
            else:
                levels = self.bids if side == BID else self.asks
                if size:
                    levels[price] = size
                else:
                    levels.pop(price, None)
            self.update_id = update_id

    def top(self, depth: int = 1) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """The best levels: (bids falling, asks rising), each (price, size)."""
        return nlargest(depth, self.bids.items()), nsmallest(depth, self.asks.items())
