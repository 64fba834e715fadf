"""The strategy of a back-test: found by its name, its parameters set.

In:  a name; settings as people write them, "fast=10".
Out: `Chosen`: what it wants at each close of a market, and the words by which its trial is counted.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

import ninefold
from ninefold.backtest.market_rules import Exits
from ninefold.backtest.target import Changes, changes_of_crossing, changes_of_target
from ninefold.formula import batch
from ninefold.services.backtest_bars import Market
from ninefold.strategy.library import library
from ninefold.strategy.strategy import BadStrategy, Strategy, targets

NO_EXITS = Exits()


class Parameter(NamedTuple):
    """A whole number in [least, most]."""

    default: int
    least: int
    most: int


class Parametrised(NamedTuple):
    """rule: what it does, in words; `code` changes with it."""

    family: str
    rule: str
    parameters: dict[str, Parameter]
    changes: Callable[[Market, dict[str, int]], Changes]


@dataclass(frozen=True, eq=False, slots=True)
class Chosen:
    """code: version of the program and digest of what the strategy does."""

    name: str
    family: str
    code: str
    parameters: dict[str, int]
    changes: Callable[[Market], Changes]
    exits: Exits = NO_EXITS


PARAMETRISED = {
    "sma_cross": Parametrised(
        "trend",
        "long while the mean of the last `fast` closes is above that of the last `slow`, else flat",
        {"fast": Parameter(10, 1, 100_000), "slow": Parameter(30, 1, 100_000)},
        lambda market, value: changes_of_crossing(market.bars, value["fast"], value["slow"]),
    )
}


def choose(name: str, settings: Sequence[str] = ()) -> Chosen:
    """The strategy of that name.

    raises: BadStrategy naming what is allowed.
    """
    if name in PARAMETRISED:
        of = PARAMETRISED[name]
        value = _values(name, of.parameters, settings)
        return Chosen(name, of.family, _code(name, of.rule), value, lambda market: of.changes(market, value))
    found = library()
    if name not in found:
        known = [*PARAMETRISED, *found]
        raise BadStrategy(f"there is no strategy {name!r}{_near(name, known)}; allowed are {', '.join(known)}")
    one = found[name]
    _values(name, {}, settings)
    return Chosen(name, one.source, _code(name, str(one.target)), {}, lambda market: _of_formula(one, market))


def _of_formula(one: Strategy, market: Market) -> Changes:
    if missing := sorted(one.target.columns - market.columns.keys()):
        raise BadStrategy(
            f"{one.name} reads {', '.join(missing)}; a file gives {', '.join(market.columns)} only: run it on stored bars with "
            "--instrument"
        )
    return changes_of_target(targets(batch(one.target, market.columns, market.scale)), len(market.bars))


def _values(strategy: str, parameters: dict[str, Parameter], settings: Sequence[str]) -> dict[str, int]:
    value = {name: one.default for name, one in parameters.items()}
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
        of = parameters[name]
        if not text.lstrip("-").isdecimal() or not of.least <= int(text) <= of.most:
            raise BadStrategy(f"--set {setting}: {name} is a whole number from {of.least} to {of.most}")
        value[name] = int(text)
    return value


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _code(name: str, rule: str) -> str:
    return f"{ninefold.__version__} {blake2b(f'{name}: {rule}'.encode(), digest_size=8).hexdigest()}"
