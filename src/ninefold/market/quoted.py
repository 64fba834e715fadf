"""What a strategy that quotes wants at a bar's close.

In:  nothing; a value. Out: `Quoted`, in the instrument's units of price and size; a size of 0 wants no quote on that side.
"""

from __future__ import annotations

from typing import NamedTuple


class Quoted(NamedTuple):
    """seq: of the input that closed the bar."""

    strategy: str
    instrument: int
    seq: int
    bid: int
    bid_size: int
    ask: int
    ask_size: int

    def of(self, side: int) -> tuple[int, int]:
        """Price and size of one side."""
        return (self.bid, self.bid_size) if side > 0 else (self.ask, self.ask_size)
