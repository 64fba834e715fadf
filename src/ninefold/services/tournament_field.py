"""Who plays in a tournament, and where: a target on every market, legs on one account of all of them.

In:  what is asked, without a strategy. Out: `Field`: contests, each of them one search of the trial ledger; who cannot play, and why.

Legs are played where as many markets are given as they have, in the order in which these are given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ninefold.backtest.bars import BadBars
from ninefold.backtest.moved import rolled
from ninefold.backtest.target import BadTarget, Changes
from ninefold.formula.errors import FormulaError
from ninefold.services.backtest_bars import Market
from ninefold.services.backtest_ground import ChangesOf, Ground, ground_of
from ninefold.services.backtest_search import Play
from ninefold.services.backtest_series import with_elsewhere
from ninefold.services.backtest_strategy import Chosen, changes_together
from ninefold.services.backtest_wanted import (
    BadBacktest,
    Wanted,
    chosen_of,
    each_market,
    market_of,
    reads_vwap,
)
from ninefold.services.legs_ground import LegsGround
from ninefold.services.legs_ready import ready_each
from ninefold.services.strategies import known_strategies
from ninefold.store.trials import Search
from ninefold.strategy.forms import Legs
from ninefold.strategy.parameters import BadStrategy
from ninefold.strategy.plan import Code, Plan

if TYPE_CHECKING:
    from ninefold.services.ticks_sweep import TicksGround


class Contest(NamedTuple):
    """Players of one family. points: their places among those of the ground. player: what plays some of them, by their place, or
    their null twins. search: of what is not played on bars, one of its own."""

    players: Sequence[Chosen]
    ground: Ground | LegsGround | TicksGround
    points: Sequence[int]
    snapshot: str
    player: Callable[[Sequence[int], bool], Play]
    search: Search | None = None

    @property
    def family(self) -> str:
        return self.players[0].family

    @property
    def turnable(self) -> list[int]:
        """The places of those that have null twins: what they want does not depend on what they hold, nor on every trade."""
        if self.search is not None:
            return []
        plans = [one.plan for one in self.players]
        return [at for at, plan in enumerate(plans) if isinstance(plan.wants, Legs) or not plan.knows_itself]


class Field(NamedTuple):
    """contests: the first on every market. left_out: who cannot play, and why."""

    contests: list[Contest]
    left_out: list[dict[str, str]]

    @property
    def players(self) -> list[Chosen]:
        return [one for contest in self.contests for one in contest.players]


def field_of(wanted: Wanted, elsewhere: frozenset[str] = frozenset()) -> Field:
    """All that there are but those that play elsewhere. raises: as `field_among`."""
    each, left_out = [], []
    for name in known_strategies(wanted.strategies):
        if name in elsewhere:
            continue
        try:
            each.append(chosen_of(replace(wanted, strategy=name, settings=())))
        except (BadStrategy, FormulaError) as refused:
            left_out.append({"strategy": name, "why": str(refused)})
    field = field_among(wanted, each)
    return field._replace(left_out=left_out + field.left_out)


def field_among(wanted: Wanted, each: Sequence[Chosen]) -> Field:
    """raises: BadStrategy if none of them is a target that can be played; as `ground_of`."""
    targets, legs, left_out = _able(wanted, each)
    if not targets:
        raise BadStrategy("no strategy can run on these bars: " + "; ".join(one["why"] for one in left_out[:3]))
    ground = ground_of(wanted, targets)
    snapshot, changes = ground.snapshot, _remembered()
    families = [list(group) for _, group in groupby(range(len(targets)), lambda at: targets[at].family)]
    contests = [
        Contest([targets[at] for at in places], ground, places, snapshot, partial(_of_targets, ground, places, changes))
        for places in families
    ]
    return Field([*contests, *map(contest_of_legs, legs)], left_out)


def _able(wanted: Wanted, each: Sequence[Chosen]) -> tuple[list[Chosen], list[LegsGround], list[dict[str, str]]]:
    """Targets that can be played on all of these markets, by family; legs, each on a ground of its own; who cannot, and why."""
    targets, legs, left_out = [], [], []
    needy = [one for one in each if one.plan.form == "target" and any(map(reads_vwap, one.formulas))]
    plain = [market_of(one, needy) for one in each_market(wanted)]
    for one in each:
        try:
            if isinstance(one.plan.wants, Legs):
                legs.append(LegsGround(wanted, ready_each(wanted, [one])))
                continue
            for market in plain:
                own = market if isinstance(one.plan.wants, Code) else with_elsewhere(market, one.formulas)
                one.prepare(own.between(0, 1))
                refuse_untold(one.plan, own.columns)
        except (BadBacktest, BadBars, BadStrategy, BadTarget, FormulaError, LookupError) as refused:
            left_out.append({"strategy": one.name, "why": str(refused)})
        else:
            targets.append(one)
    return sorted(targets, key=lambda one: one.family), legs, left_out


def refuse_untold(plan: Plan, columns: Mapping[str, np.ndarray]) -> None:
    """raises: BadStrategy for a column that is known at no bar: the strategy would stay flat, which is no result."""
    if isinstance(plan.wants, Code):
        return
    untold = sorted(name for name in plan.target.columns & columns.keys() if not np.isfinite(columns[name]).any())
    if untold:
        raise BadStrategy(f"{plan.name} reads {', '.join(untold)}, which nobody told of these bars: it would stay flat")


def _of_targets(ground: Ground, places: Sequence[int], changes: ChangesOf, some: Sequence[int], twins: bool) -> Play:
    return ground.player([places[at] for at in some], partial(_turned, changes) if twins else changes)


def _turned(changes: ChangesOf, points: Sequence[Chosen], market: Market) -> list[Changes]:
    """The signals of null twins."""
    bars = len(market.bars)
    return [rolled(one, bars, bars // 2) for one in changes(points, market)]


def contest_of_legs(ground: LegsGround) -> Contest:
    """Of one strategy, alone in its search: others have other legs."""
    bars = len(ground.drawn)

    def player(some: Sequence[int], twins: bool) -> Play:
        return ground.player(some, (lambda one: rolled(one, bars, bars // 2)) if twins else lambda one: one)

    return Contest([ground.each[0].chosen], ground, [0], ground.snapshot, player)


def _remembered() -> ChangesOf:
    """`changes_together` that knows what it was asked before, by name: twins have the same changes, at other times."""
    known: dict[tuple[str, int], Changes] = {}

    def changes(points: Sequence[Chosen], market: Market) -> list[Changes]:
        new = [point for point in points if (point.name, id(market)) not in known]
        if new:
            keys = [(point.name, id(market)) for point in new]
            known.update(zip(keys, changes_together(new, market), strict=True))
        return [known[point.name, id(market)] for point in points]

    return changes
