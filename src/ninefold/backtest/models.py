"""The assumptions of the simulated market, one small model each.

In:  what was filled and what the market showed.
Out: fees, waiting times, sizes. Change one here and every back-test and paper account changes with it.
"""

from __future__ import annotations

from fractions import Fraction

import msgspec

from ninefold.market.time import SECOND_NS


class FeeModel(msgspec.Struct, frozen=True):
    """A fraction of what is received, in that asset, cut to 10**-8: Binance spot without BNB discount takes 0.1 %."""

    taker: Fraction = Fraction(1, 1000)

    def fee(self, received: int) -> int:
        """
        >>> FeeModel().fee(100_000_999)
        100000
        """
        return int(received * self.taker)


class LatencyModel(msgspec.Struct, frozen=True):
    """An order reaches the market `order_ns` after the tick that decided it and lives there `patience_ns` at most."""

    order_ns: int = 50_000_000
    patience_ns: int = 10 * SECOND_NS


class SizeModel:
    """Sizes shown, less what we took: a size that was recorded once is filled once.

    As long as the best price of a side stays, what we took from it stays taken; another best price shows new size.
    """

    def __init__(self) -> None:
        self._taken: dict[tuple[int, int], tuple[int, int]] = {}  # (instrument, side) to (price, size taken)

    def available(self, instrument: int, side: int, price: int, shown: int) -> int:
        """What an order of this side may still get at the price and size that a quote shows."""
        return max(0, shown - self._taken_at(instrument, side, price))

    def take(self, instrument: int, side: int, price: int, size: int) -> None:
        self._taken[(instrument, side)] = (price, self._taken_at(instrument, side, price) + size)

    def show(self, instrument: int, side: int, price: int) -> None:
        """A quote was shown; another price than the one we took from makes the record of it void."""
        if self._taken_at(instrument, side, price) == 0:
            self._taken.pop((instrument, side), None)

    @property
    def instruments(self) -> set[int]:
        """Instruments of which something is taken."""
        return {instrument for instrument, _ in self._taken}

    def _taken_at(self, instrument: int, side: int, price: int) -> int:
        at, taken = self._taken.get((instrument, side), (price, 0))
        return taken if at == price else 0
