"""What a strategy is: a formula whose value is the target, and the words that go with it.

In:  nothing; a strategy is data. It knows no money: sizing, netting and risk come after.
Out: targets in [-1, +1], how much we would like to be long.

An unknown target is NaN and stays NaN on the record; whoever acts on it acts as on 0 (`sizing`). Keeping the last
opinion instead would hold a position that nothing supports any more, and would make the target depend on when we last
could see.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ninefold.formula import RATIO, Term, parse, sources
from ninefold.market.time import width_of

LONGEST_NAME = 32  # characters; the arrays of targets hold no more
_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)


class BadStrategy(ValueError):
    """A strategy that cannot be used: says which, what was found, what is allowed."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """A target as a formula of the bars of one timeframe.

    source: where it comes from: the family of the library, the user's module, or the evolution that found it.
    raises: BadStrategy for a name, timeframe or unit that is not allowed.
    """

    name: str
    timeframe: str
    target: Term
    source: str
    description: str

    def __post_init__(self) -> None:
        if len(self.name) > LONGEST_NAME or not _NAME.fullmatch(self.name):
            raise BadStrategy(
                f"strategy name {self.name!r}: allowed are small letters, digits and _, "
                f"beginning with a letter, at most {LONGEST_NAME} characters"
            )
        try:
            width_of(self.timeframe)
        except ValueError as error:
            raise BadStrategy(f"strategy {self.name}: {error}") from None
        if self.target.unit != RATIO:
            raise BadStrategy(
                f"strategy {self.name}: the target is a {self.target.unit}, it must be a plain number from -1 to +1; "
                "write where(condition, 1, -1) for a condition, sign(x) for a difference of prices"
            )

        if others := sources([self.target]):
            raise BadStrategy(
                f"strategy {self.name}: the target reads {', '.join(sorted(map(str, next(iter(others.values())))))}; "
                "live strategies read the bars of one instrument and one timeframe, so leave out at(...) and on(...)"
            )

    @property
    def width_ns(self) -> int:
        return width_of(self.timeframe)


def strategy(name: str, timeframe: str, target: str, source: str, description: str) -> Strategy:
    """A strategy from the text of its formula.

    raises: FormulaError if the text is no formula; BadStrategy.

    >>> strategy("dip", "1m", "where(rsi(close, 14) < 30, 1, 0)", "mine", "Long when oversold.").target.warm_up
    14
    """
    return Strategy(name, timeframe, parse(target), source, description)


def targets(values: np.ndarray) -> np.ndarray:
    """A target formula's values as targets: cut to [-1, +1]; NaN stays NaN and means that the strategy cannot tell."""
    clipped: np.ndarray = np.clip(values, -1.0, 1.0)
    return clipped
