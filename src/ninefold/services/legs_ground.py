"""Where points of a strategy with legs are played: all legs of a point on one account.

In:  what is asked, the points. Out: what some of them made, a row each; what there is to say of the markets; as `backtest_ground` has
     it of targets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ninefold.backtest.bars import Bars
from ninefold.services.backtest_bars import Market
from ninefold.services.backtest_ground import Ground, ground_of
from ninefold.services.backtest_legs import about
from ninefold.services.backtest_outcome import Played, played_each
from ninefold.services.backtest_report import earned
from ninefold.services.backtest_search import Play
from ninefold.services.backtest_strategy import Chosen
from ninefold.services.backtest_wanted import Wanted, check_holdout
from ninefold.services.legs_ready import Move, Ready, ready_each, snapshot_of_legs
from ninefold.store.trials import TrialReader
from ninefold.strategy.forms import Legs


@dataclass(frozen=True, eq=False, slots=True)
class LegsGround:
    """each: of every point; the markets are the same."""

    wanted: Wanted
    each: Sequence[Ready]

    @property
    def drawn(self) -> Bars:
        """Of the first leg, by which a report draws."""
        return self.each[0].first.bars

    @property
    def markets(self) -> list[Market]:
        return list(self.each[0].markets.values())

    @property
    def bars(self) -> int:
        return sum(len(market.bars) for market in self.each[0].markets.values())

    @property
    def unit(self) -> Fraction:
        return self.each[0].unit

    @property
    def width_ns(self) -> int:
        return self.wanted.width_ns

    @property
    def cash(self) -> int:
        """At the start, in `unit`."""
        return self.each[0].cash

    @property
    def snapshot(self) -> str:
        """Identity of the data by its content."""
        return snapshot_of_legs(self.each[0].markets, [ready.chosen for ready in self.each])

    def looks(self, ledger: TrialReader, points: int) -> bool:
        """Whether the legs reach behind the holdout's wall. raises: as `check_holdout`."""
        return check_holdout(self.wanted, self.each[0].first, ledger, points)

    def player(self, some: Sequence[int], move: Move = lambda one: one) -> Play:
        """What plays those of the points, by their place in `some`. move: of the changes of all targets."""

        def play(places: range) -> Played:
            each = [self.each[some[place]] for place in places]
            return played_each([ready.play(ready.rules, move) for ready in each], self.width_ns)

        return play

    def held(self) -> dict[str, Any]:
        """Buy and hold, as `earned` tells it."""
        return earned(self.each[0].held(), self.width_ns, self.wanted.target_volatility)

    def portfolio(self, point: int, told: dict[str, Any]) -> dict[str, Any]:
        """What the legs are."""
        ready = self.each[point]
        return {"legs": dict(ready.named), "filled": ready.legs.filled}

    def about(self) -> dict[str, Any]:
        """From when to when, and of how many bars."""
        return about(self.wanted, self.each[0])


def ground_for(wanted: Wanted, points: Sequence[Chosen]) -> Ground | LegsGround:
    """By the form of the strategy. raises: as `ground_of` and `ready_each`."""
    if isinstance(points[0].plan.wants, Legs):
        return LegsGround(wanted, ready_each(wanted, points))
    return ground_of(wanted, points)
