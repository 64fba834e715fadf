"""Strategies with legs made ready to run: what each leg is, its bars, and what is wanted of it.

In:  what is asked, in the words of the command; points of one strategy, which differ in their parameters.
Out: a `Ready` a point. All that can be refused before a run is refused here.

Legs are cut to the times that all of them have. Without a size, +1 of a leg is the equity (times the leverage) over the number of
legs. Where the target of any leg is unknown, all are flat: half a position is another strategy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from ninefold.backtest.bars import Bars
from ninefold.backtest.exact import ONE, exact, multiple
from ninefold.backtest.legs import Together, unit_of
from ninefold.backtest.market_rules import EquityShare, FixedSize, Rules
from ninefold.backtest.moved import within
from ninefold.backtest.portfolio import PortfolioResult, run_together
from ninefold.backtest.stateful import check_read
from ninefold.backtest.target import Changes, changes_of_target
from ninefold.formula import Evaluator, Term
from ninefold.services.backtest_bars import Market
from ninefold.services.backtest_legs_bars import leg_markets, legs_named
from ninefold.services.backtest_series import with_elsewhere
from ninefold.services.backtest_strategy import Chosen
from ninefold.services.backtest_wanted import BadBacktest, Wanted, rules_of, snapshot_of
from ninefold.strategy.forms import UNWIND, Legs
from ninefold.strategy.legs_wanted import wanted_of_legs

Move = Callable[[Changes], Changes]


class Ready(NamedTuple):
    """All that a run takes; what would be refused has been. named: what each leg is. changes: of its target."""

    chosen: Chosen
    legs: Legs
    named: Mapping[str, str]
    markets: Mapping[str, Market]
    rules: Rules
    changes: Mapping[str, Changes]

    @property
    def first(self) -> Market:
        return next(iter(self.markets.values()))

    @property
    def bars(self) -> dict[str, Bars]:
        return {leg: market.bars for leg, market in self.markets.items()}

    @property
    def unit(self) -> Fraction:
        """Of the account's money, in quote."""
        return unit_of(self.bars.values())

    @property
    def cash(self) -> int:
        """At the start, units."""
        return multiple(self.rules.cash, self.unit, "cash", "units")

    def play(self, rules: Rules, move: Move = lambda one: one) -> PortfolioResult:
        """Under these rules, with the changes of all targets moved."""
        return run_together(
            self.bars,
            {leg: move(changes) for leg, changes in self.changes.items()},
            rules,
            funding={leg: market.funding for leg, market in self.markets.items()},
            together=Together.UNWIND if self.legs.filled == UNWIND else Together.WAIT,
            least={leg: market.least_value for leg, market in self.markets.items()},
        )

    def between(self, start: int, stop: int) -> Ready:
        """From row `start` up to row `stop`; what is wanted before holds at the first close."""
        markets = {leg: market.between(start, stop) for leg, market in self.markets.items()}
        return self._replace(
            markets=markets, changes={leg: within(one, start, stop) for leg, one in self.changes.items()}
        )

    def held(self) -> PortfolioResult:
        """All legs bought in equal parts, with the same money, fees and slippage."""
        share = EquityShare(Fraction(ONE // len(self.markets), ONE))
        sizing = self.rules.sizing if isinstance(self.rules.sizing, FixedSize) else share
        rules = Rules(self.rules.cash, sizing, self.rules.fees, self.rules.slippage)
        forever = Changes(np.zeros(1, np.int64), np.full(1, ONE))
        return run_together(self.bars, dict.fromkeys(self.markets, forever), rules, together=Together.ALONE)


def ready_each(wanted: Wanted, points: Sequence[Chosen]) -> list[Ready]:
    """raises: BadBacktest, BadBars, BadRules, BadStrategy and what reading the bars raises."""
    each = [_legs_of(point) for point in points]
    name = points[0].name
    named = legs_named(wanted, each[0], name)
    terms = list(dict.fromkeys(term for legs in each for term in legs.terms))
    markets = {
        leg: with_elsewhere(market, dict.fromkeys(term for legs in each for term in legs.read_of(leg)))
        for leg, market in leg_markets(wanted, terms, named, name).items()
    }
    return [_ready(wanted, *both, named, markets) for both in zip(points, each, strict=True)]


def snapshot_of_legs(markets: Mapping[str, Market], points: Sequence[Chosen]) -> str:
    """Identity of the data of all legs."""
    each = [f"{leg} {snapshot_of(market, points)}" for leg, market in markets.items()]
    return blake2b(" ".join(each).encode(), digest_size=16).hexdigest()


def _legs_of(chosen: Chosen) -> Legs:
    if not isinstance(chosen.plan.wants, Legs):
        raise BadBacktest(f"{chosen.name} has no legs")
    return chosen.plan.wants


def _ready(
    wanted: Wanted, chosen: Chosen, legs: Legs, named: Mapping[str, str], markets: Mapping[str, Market]
) -> Ready:
    changes = _changes(chosen, legs, markets)
    for leg, market in markets.items():
        if market.spot and (changes[leg].to < 0).any():
            raise BadBacktest(
                f"leg {leg} is {named[leg]}, a spot market, and {chosen.name} wants it short, which spot is not; give a perpetual, or "
                "say --short if the files are of perpetuals"
            )
    rules = rules_of(wanted, next(iter(markets.values())), chosen)
    if isinstance(rules.sizing, EquityShare):
        part = Fraction(int(exact(wanted.leverage, "leverage") * ONE) // len(markets), ONE)
        rules = replace(rules, sizing=EquityShare(part))
    return Ready(chosen, legs, named, markets, rules, changes)


def _changes(chosen: Chosen, legs: Legs, markets: Mapping[str, Market]) -> dict[str, Changes]:
    values = {leg: np.array([_values(chosen, term, markets[leg]) for term in legs.read_of(leg)]) for leg in legs.names}
    wanted = wanted_of_legs(legs, values)
    return {leg: changes_of_target(target, len(target)) for leg, target in wanted.items()}


def _values(chosen: Chosen, term: Term, market: Market) -> np.ndarray:
    check_read(chosen.plan, term.columns, market.columns)
    found: np.ndarray = Evaluator([term], market.scale).warm(market.columns)[0]
    return found
