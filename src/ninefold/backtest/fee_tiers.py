"""Fees by tier: what was traded in the 30 days before decides what a fill costs.

In:  tiers as a venue publishes them: from which volume on, maker and taker.
Out: the same in units and 10**-8; the volume of days; the tier that it reaches.

A venue counts once a day: the value of all fills of the 30 UTC days before decides for the whole of a day. The account begins
without any. `tier_loop` is the compiled form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from ninefold.backtest.exact import LARGEST, BadRules, Number, exact, rate

MOST_TIERS = 100
DAYS = 30
DAY, MAKER, TAKER, TIERS = 0, 1, 2, 3  # places in the array of `tier_loop`
VOLUME = 4  # of DAYS days, each at its remainder
ON = VOLUME + DAYS  # which days these are
TABLE = ON + DAYS  # volume, maker, taker of each tier
NO_DAY = -(2**62)


class Tier(NamedTuple):
    """volume: from which on, in units. Rates in 10**-8."""

    volume: int
    maker: int
    taker: int


@dataclass(frozen=True, slots=True)
class FeeTier:
    """volume: quote, of 30 days, from which on it counts. maker, taker: fractions of a fill's value."""

    volume: Number
    maker: Number
    taker: Number


@dataclass(frozen=True, slots=True)
class FeeTiers:
    """Lowest volume first, which is 0."""

    tiers: tuple[FeeTier, ...]

    @property
    def maker(self) -> Number:
        return self.tiers[0].maker

    @property
    def taker(self) -> Number:
        return self.tiers[0].taker

    def whole(self, unit: Fraction) -> tuple[Tier, ...]:
        """unit: of money, in quote. raises: BadRules naming the tier."""
        found = []
        for number, one in enumerate(self.tiers, 1):
            volume = min(-(-exact(one.volume, f"volume of tier {number}") // unit), LARGEST)
            maker, taker = (rate(getattr(one, name), f"{name} fee of tier {number}", -1) for name in ("maker", "taker"))
            found.append(Tier(int(volume), maker, taker))
        volumes = [one.volume for one in found]
        if not 1 <= len(found) <= MOST_TIERS or volumes[0] != 0 or any(np.diff(np.array(volumes, object)) <= 0):
            said = ", ".join(str(one.volume) for one in self.tiers) or "none"
            raise BadRules(
                f"fee tiers begin at the volumes {said}; 1 to {MOST_TIERS} are needed, the first from 0 on and each from more on "
                "than the one before"
            )
        return tuple(found)


@dataclass(slots=True)
class Volumes:
    """What was traded, by UTC day (since 1970), in units."""

    tiers: Sequence[Tier]
    of_day: dict[int, int] = field(default_factory=dict)

    def add(self, day: int, value: int) -> None:
        self.of_day[day] = self.of_day.get(day, 0) + value

    def before(self, day: int) -> int:
        """Of the 30 days before."""
        return sum(value for of, value in self.of_day.items() if day - DAYS <= of < day)

    def tier(self, day: int) -> int:
        """Which of the tiers counts on that day, from 0."""
        volume = self.before(day)
        return max(number for number, one in enumerate(self.tiers) if one.volume <= volume)


def state_of(tiers: Sequence[Tier]) -> np.ndarray:
    """As `tier_loop` keeps it, before the first fill; without tiers empty."""
    if not tiers:
        return np.empty(0, np.int64)
    state = np.zeros(TABLE + 3 * len(tiers), np.int64)
    state[0] = NO_DAY
    state[ON : ON + DAYS] = NO_DAY
    state[TIERS] = len(tiers)
    state[TABLE:] = np.array(tiers, np.int64).ravel()
    return state
