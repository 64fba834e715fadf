"""The strategy of a back-test: found by its name, its parameters set.

In:  a name; settings as people write them, "fast=10"; a folder or file with the user's own.
Out: `Chosen`: what it makes of a market, and the words by which its trial is counted.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from pathlib import Path

import numpy as np

import ninefold
from ninefold.backtest.exact import ONE
from ninefold.backtest.market_rules import Rules
from ninefold.backtest.result import Result
from ninefold.backtest.run import run
from ninefold.backtest.stateful import check_columns, run_stateful
from ninefold.backtest.target import Changes, changes_of_crossing, changes_of_target
from ninefold.formula import Call, Column, Literal, Term, batch, sources
from ninefold.services.backtest_bars import Market
from ninefold.services.strategies import known_strategies
from ninefold.strategy.library import strategy_named
from ninefold.strategy.parameters import BadStrategy, Number, Parameter
from ninefold.strategy.plan import NO_EXITS, Exits, Plan, Signals, targets
from ninefold.strategy.strategy import parameters_of as parameters_in
from ninefold.strategy.strategy import plan_of


@dataclass(frozen=True, eq=False, slots=True)
class Chosen:
    """code: version of the program and digest of what the strategy does."""

    plan: Plan
    code: str

    @property
    def name(self) -> str:
        return self.plan.name

    @property
    def family(self) -> str:
        return self.plan.family

    @property
    def parameters(self) -> dict[str, Number]:
        return dict(self.plan.parameters)

    @property
    def exits(self) -> Exits:
        return self.plan.exits

    def prepare(self, market: Market) -> Callable[[Rules], Result]:
        """What runs it under given rules; all that can be refused before a run is refused here.

        raises: BadStrategy naming a column that is missing; BadTarget. What it gives raises as `run`, and BadStrategy naming
        the bar at which free code failed.
        """
        if self.plan.knows_itself:
            check_columns(self.plan, market.columns)
            return lambda rules: run_stateful(self.plan, market.bars, market.columns, market.scale, rules)
        changes = self.changes(market)
        return lambda rules: run(market.bars, changes, rules)

    def changes(self, market: Market) -> Changes:
        """What it wants at each close. raises: BadStrategy if that depends on what it holds, or a column is missing."""
        if self.plan.knows_itself:
            raise BadStrategy(f"{self.name} depends on what it holds; it is played bar by bar, not from changes")
        if crossing := crossing_of(self.plan.target):
            return changes_of_crossing(market.bars, *crossing)
        target = targets(self._values(self.plan.target, market))
        changes = changes_of_target(target, len(market.bars))
        wants = self.plan.wants
        return (
            _repeated(changes, target, wants, market, self)
            if isinstance(wants, Signals) and self.exits != NO_EXITS
            else changes
        )

    def _values(self, term: Term, market: Market) -> np.ndarray:
        check_columns(self.plan, market.columns)
        return batch(term, market.columns, market.scale)


def choose(name: str, settings: Sequence[str] = (), folder: Path | None = None) -> Chosen:
    """The strategy of that name. folder: or one file, where the user's own are.

    raises: BadStrategy naming what is allowed; FormulaError.
    """
    kind = strategy_named(name, known_strategies(folder))
    made = plan_of(kind, values_of(name, parameters_in(kind), settings))
    if others := sources([made.target] if not made.knows_itself else []):
        raise BadStrategy(
            f"{name} reads {', '.join(map(str, others))}: back-tests over several series are not there yet"
        )
    return Chosen(made, code_of(plan_of(kind)))


def parameters_of(name: str, folder: Path | None = None) -> dict[str, Parameter]:
    """The parameters of the strategy of that name. raises: BadStrategy."""
    return parameters_in(strategy_named(name, known_strategies(folder)))


def code_of(plan: Plan) -> str:
    """Version of the program and digest of what a plan does; of a strategy that of its default parameters is taken."""
    return f"{ninefold.__version__} {blake2b(f'{plan.name}: {plan.text}'.encode(), digest_size=8).hexdigest()}"


def crossing_of(term: Term) -> tuple[int, int] | None:
    """The windows of a target that is 1 while one mean of closes is above another, else 0; None for any other.

    Means are compared as whole numbers there, many bars at a time, which gives the same.
    """
    match term:
        case Call(
            function=where, inputs=(Call(function=above, inputs=means), Literal(value=1.0), Literal(value=0.0))
        ) if where.name == "where" and above.name == "greater":
            fast, slow = map(_mean_window, means)
            return (fast, slow) if fast and slow else None
    return None


def _mean_window(term: Term) -> int | None:
    """How many closes it is the mean of."""
    if isinstance(term, Call) and term.function.name == "sma" and term.inputs == (Column("close"),):
        return int(term.parameters[0])
    return 1 if term == Column("close") else None


def values_of(strategy: str, parameters: Mapping[str, Parameter], settings: Sequence[str]) -> dict[str, Number]:
    """Settings as numbers. raises: BadStrategy naming what is allowed."""
    value: dict[str, Number] = {}
    allowed = ", ".join(f"{name} ({one.least} to {one.most}, {one.default})" for name, one in parameters.items())
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or name not in parameters:
            raise BadStrategy(
                f"--set {setting}: {strategy} has no parameter {name!r}{_near(name, parameters)}; allowed are {allowed}"
                if equals and parameters
                else f"--set {setting}: {strategy} has no parameters; leave it out"
                if equals
                else f"--set {setting}: settings are written NAME=VALUE; parameters of {strategy} are {allowed or 'none'}"
            )
        try:
            value[name] = parameters[name].check(name, Decimal(text))
        except (InvalidOperation, BadStrategy) as error:
            raise BadStrategy(f"--set {setting}: {name} is {parameters[name].allowed}") from error
    return value


def _repeated(changes: Changes, target: np.ndarray, wants: Signals, market: Market, chosen: Chosen) -> Changes:
    """With a change at each entry of the side that is held already, so that a position left by an exit is entered again."""
    again = np.zeros(len(target), bool)
    for entry, side in ((wants.entry, 1.0), (wants.short_entry, -1.0)):
        again |= (np.nan_to_num(chosen._values(entry, market)) != 0) & (target == side)
    at = np.union1d(changes.at, np.flatnonzero(again))
    return Changes(at, np.rint(np.nan_to_num(target[at]) * ONE).astype(np.int64))


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
