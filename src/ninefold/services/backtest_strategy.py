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
from ninefold.formula import Call, Column, Evaluator, Literal, Term
from ninefold.services.backtest_bars import Market
from ninefold.services.strategies import known_strategies
from ninefold.strategy.library import strategy_named
from ninefold.strategy.parameters import BadStrategy, Number, Parameter
from ninefold.strategy.plan import Exits, Plan, targets
from ninefold.strategy.strategy import parameters_of as parameters_in
from ninefold.strategy.strategy import plan_of

CELLS = 4_000_000  # a value a bar of so many formulas is held at once, with all that they are made of


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
            return lambda rules: run_stateful(
                self.plan, market.bars, market.columns, market.scale, rules, market.funding
            )
        changes = self.changes(market)
        return lambda rules: run(market.bars, changes, rules, market.funding)

    def changes(self, market: Market, known: Mapping[Term, np.ndarray] | None = None) -> Changes:
        """What it wants at each close. raises: BadStrategy if that depends on what it holds, or a column is missing.

        known: values of formulas on this market that need not be computed again.
        """
        if self.plan.knows_itself:
            raise BadStrategy(f"{self.name} depends on what it holds; it is played bar by bar, not from changes")
        if crossing := crossing_of(self.plan.target):
            return changes_of_crossing(market.bars, *crossing)
        check_columns(self.plan, market.columns)
        known = known or _values(self.formulas, market)
        target = targets(known[self.plan.target])
        changes = changes_of_target(target, len(market.bars))
        entries = [(side, known[entry]) for side, entry in self.plan.entered_again]
        return _repeated(changes, target, entries) if entries else changes

    @property
    def formulas(self) -> list[Term]:
        """All whose values `changes` needs."""
        return [self.plan.target, *(entry for _, entry in self.plan.entered_again)]


def changes_together(points: Sequence[Chosen], market: Market) -> list[Changes]:
    """Of several, equal parts of their formulas computed once. raises: as `Chosen.changes`."""
    for point in points:
        check_columns(point.plan, market.columns)
    step = max(1, CELLS // len(market.bars))
    found = []
    for start in range(0, len(points), step):
        some = points[start : start + step]
        known = _values([term for point in some for term in point.formulas], market)
        found += [point.changes(market, known) for point in some]
    return found


def choose(name: str, settings: Sequence[str] = (), folder: Path | None = None) -> Chosen:
    """The strategy of that name. folder: or one file, where the user's own are.

    raises: BadStrategy naming what is allowed; FormulaError.
    """
    return choose_each(name, [settings], folder)[0]


def choose_each(name: str, settings: Sequence[Sequence[str]], folder: Path | None = None) -> list[Chosen]:
    """The same with several settings; the user's file is read once."""
    kind = strategy_named(name, known_strategies(folder))
    plan, parameters = plan_of(kind), parameters_in(kind)
    code = code_of(plan)
    return [Chosen(plan_of(kind, values_of(name, parameters, of)) if of else plan, code) for of in settings]


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


def _values(terms: Sequence[Term], market: Market) -> dict[Term, np.ndarray]:
    different = list(dict.fromkeys(terms))
    return dict(zip(different, Evaluator(different, market.scale).warm(market.columns), strict=True))


def _repeated(changes: Changes, target: np.ndarray, entries: Sequence[tuple[float, np.ndarray]]) -> Changes:
    """With a change at each entry of the side that is held already, so that a position left by an exit is entered again."""
    again = np.zeros(len(target), bool)
    for side, entry in entries:
        again |= (np.nan_to_num(entry) != 0) & (target == side)
    at = np.union1d(changes.at, np.flatnonzero(again))
    return Changes(at, np.rint(np.nan_to_num(target[at]) * ONE).astype(np.int64))


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
