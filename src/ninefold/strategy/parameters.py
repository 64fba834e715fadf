"""Parameters of a strategy: numbers that may be set, with a default and a range.

In:  `fast = whole(10, 1, 1000)` or `level = real(30, 1, 50, step=0.5)` in the body of a strategy's class.
Out: a `Parameter`; in a strategy that is made, the number itself stands in its place.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Number = int | float


class BadStrategy(ValueError):
    """A strategy that cannot be used: says which, what was found, what is allowed."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number in [least, most]; whole if the step is None, else in steps from least on (for searches; any number between
    may be set)."""

    default: Number
    least: Number
    most: Number
    step: float | None = None

    def __post_init__(self) -> None:
        wrong = None
        if not all(math.isfinite(value) for value in (self.default, self.least, self.most)):
            wrong = "all must be finite"
        elif not self.least <= self.default <= self.most:
            wrong = "the default must lie in the range"
        elif self.step is None and not all(isinstance(value, int) for value in (self.default, self.least, self.most)):
            wrong = "whole numbers are needed; write real(...) for others"
        elif self.step is not None and self.step <= 0:
            wrong = "the step must be above 0"
        if wrong:
            raise BadStrategy(f"parameter {self.default} from {self.least} to {self.most}, step {self.step}: {wrong}")

    def check(self, name: str, value: object) -> Number:
        """The value as this parameter takes it. raises: BadStrategy saying what is allowed."""
        if (
            isinstance(value, Decimal | int | float)
            and not isinstance(value, bool)
            and self.least <= value <= self.most
        ):
            if self.step is not None:
                return float(value)
            if value == int(value):
                return int(value)
        raise BadStrategy(f"{name} is {value}; {name} is {self.allowed}")

    @property
    def allowed(self) -> str:
        return f"a {'whole ' if self.step is None else ''}number from {self.least} to {self.most}"


def whole(default: int, least: int, most: int) -> Any:
    """A whole number. Any, so that `self.fast` reads as the number it is in a strategy that is made."""
    return Parameter(default, least, most)


def real(default: float, least: float, most: float, step: float = 0.1) -> Any:
    """A number that need not be whole."""
    return Parameter(float(default), float(least), float(most), step)
