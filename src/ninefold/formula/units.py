"""Units of terms, and the scale that turns quote units into an instrument's ticks and lots.

A unit counts how often price, size and count are multiplied into a value: close * volume is price*size, close / close
a ratio. Formulas see prices in ticks and sizes in lots, so a literal that is compared with a price must be converted.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np


@dataclass(frozen=True, slots=True)
class Unit:
    """Powers of price, size and count; `truth` marks yes/no terms, which take part in no arithmetic.

    >>> str(PRICE.times(SIZE)), str(PRICE.times(PRICE)), str(RATIO.over(PRICE)), str(PRICE.over(PRICE)), str(BOOL)
    ('price*size', 'price^2', 'price^-1', 'ratio', 'bool')
    """

    price: int = 0
    size: int = 0
    count: int = 0
    truth: bool = False

    def times(self, other: Unit) -> Unit:
        return Unit(self.price + other.price, self.size + other.size, self.count + other.count)

    def over(self, other: Unit) -> Unit:
        return Unit(self.price - other.price, self.size - other.size, self.count - other.count)

    def __str__(self) -> str:
        if self.truth:
            return "bool"
        powers = (("price", self.price), ("size", self.size), ("count", self.count))
        parts = [name if power == 1 else f"{name}^{power}" for name, power in powers if power]
        return "*".join(parts) or "ratio"


PRICE = Unit(price=1)
SIZE = Unit(size=1)
COUNT = Unit(count=1)
RATIO = Unit()
BOOL = Unit(truth=True)


@dataclass(frozen=True, slots=True)
class Scale:
    """How an instrument's numbers are scaled: price = ticks * 10**-price_decimals, size = lots * 10**-size_decimals."""

    price_decimals: int
    size_decimals: int

    def decimals(self, unit: Unit) -> int:
        return unit.price * self.price_decimals + unit.size * self.size_decimals

    def to_ticks(self, value: float, unit: Unit) -> float:
        """A literal in quote and base units as ticks and lots, rounded once, to the nearest float.

        >>> Scale(2, 5).to_ticks(61203.1, PRICE), Scale(2, 5).to_ticks(0.1, SIZE)
        (6120310.0, 10000.0)
        """
        return float(Decimal(repr(float(value))).scaleb(self.decimals(unit)))

    def to_quote(self, values: np.ndarray, unit: Unit) -> np.ndarray:
        """Values in ticks and lots as quote and base units, for display."""
        decimals = self.decimals(unit)
        ticks = np.asarray(values, np.float64)
        return ticks / 10.0**decimals if decimals >= 0 else ticks * 10.0**-decimals
