"""What people write: a class of about ten lines.

    class SmaCross(Strategy):
        "Long while the mean of the last `fast` closes is above that of the last `slow`, else flat."

        fast = whole(10, 1, 1000)
        slow = whole(30, 1, 1000)
        target = "where(sma(close, fast) > sma(close, slow), 1, 0)"

In:  a class with `target`, or `entry` and `exit` (and `short_entry`, `short_exit`), or a method `on_bar`; parameters with
     ranges; `exits`. A formula is a text, in which parameters stand by name, or a method that returns a term.
Out: a `Plan`, its parameters set.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from ninefold.formula import FUNCTIONS, FormulaError, Term, parse
from ninefold.formula.columns import COLUMNS
from ninefold.strategy.parameters import BadStrategy, Number, Parameter
from ninefold.strategy.plan import NEVER, Code, Exits, Plan, Signals

_SIDES = ("entry", "exit", "short_entry", "short_exit")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class Strategy:
    """The base of all strategies; the docstring of a class says what it does.

    name:      by which it is called; made of the class's name if not given: SmaCross is sma_cross.
    timeframe: of the bars it runs on in the pipeline; a back-test may take others.
    family:    its kind, by which trials are counted. source: where the idea is from.
    unrecorded: why it does not trade on recorded markets, if so.
    """

    name: ClassVar[str] = ""
    timeframe: ClassVar[str] = "1m"
    family: ClassVar[str] = "own"
    source: ClassVar[str] = ""
    unrecorded: ClassVar[str] = ""
    exits: ClassVar[Exits] = Exits()

    def __init__(self, **values: Number) -> None:
        for name, one in parameters_of(type(self)).items():
            setattr(self, name, one.check(name, values.pop(name, one.default)))
        if values:
            allowed = ", ".join(parameters_of(type(self))) or "none"
            raise BadStrategy(f"{self.name} has no parameter {', '.join(values)}; allowed are {allowed}")

    def __init_subclass__(cls, **given: Any) -> None:
        super().__init_subclass__(**given)
        cls.name = cls.__dict__.get("name", "") or _HUMP.sub("_", cls.__name__).lower()
        for name in parameters_of(cls):
            if name in COLUMNS or name in FUNCTIONS:
                raise BadStrategy(
                    f"{cls.__name__}: the parameter {name!r} is a word of the language; give it another name"
                )


def parameters_of(kind: type[Strategy]) -> dict[str, Parameter]:
    """The parameters of a strategy by name, those of the classes it is made of first."""
    bodies = [vars(one) for one in reversed(kind.__mro__)]
    return {name: value for body in bodies for name, value in body.items() if isinstance(value, Parameter)}


def plan_of(kind: type[Strategy], values: Mapping[str, Number] | None = None, timeframe: str | None = None) -> Plan:
    """A strategy with its parameters set; those that are not given have their defaults.

    raises: BadStrategy or FormulaError, naming the strategy.
    """
    made = kind(**dict(values or {}))
    given = {name: getattr(made, name) for name in parameters_of(kind)}
    try:
        wants = _wants(made, given)
    except FormulaError as error:
        raise FormulaError(f"strategy {kind.name}: {error}") from error
    exits = made.exits() if callable(made.exits) else made.exits
    return Plan(
        name=kind.name,
        timeframe=timeframe or kind.timeframe,
        wants=wants,
        family=kind.family,
        description=described(kind),
        source=kind.source,
        parameters=tuple(given.items()),
        exits=exits,
    )


def described(kind: type[Strategy]) -> str:
    """The first paragraph of what its docstring says."""
    return " ".join(inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0].split())


def _wants(made: Strategy, given: dict[str, Number]) -> Term | Signals | Code:
    kind = type(made)
    sides = {which: _term(made, which, given) for which in _SIDES if hasattr(made, which)}
    ways = [
        way
        for way, there in (("target", hasattr(made, "target")), ("entry", sides), ("on_bar", hasattr(made, "on_bar")))
        if there
    ]
    if len(ways) != 1:
        raise BadStrategy(
            f"{kind.__name__} has {' and '.join(ways) or 'no target'}; a strategy has one of: target; entry and exit (or short_entry "
            "and short_exit); on_bar"
        )
    if sides:
        return Signals(**{which: sides.get(which, NEVER) for which in _SIDES})
    if hasattr(made, "on_bar"):
        return Code(lambda: kind(**given).on_bar, _code(kind, given))  # type: ignore[attr-defined]
    return _term(made, "target", given)


def _term(made: Strategy, which: str, given: dict[str, Number]) -> Term:
    found = getattr(made, which)
    if callable(found):
        found = found()
    if isinstance(found, str):
        return parse(found, given)
    if not isinstance(found, Term):
        raise BadStrategy(
            f"{type(made).__name__}.{which} is {found!r}; it must be a formula: a text, or a term that a method returns"
        )
    return found


def _code(kind: type[Strategy], given: dict[str, Number]) -> str:
    try:
        text = inspect.getsource(kind)
    except OSError:
        text = kind.__qualname__
    return f"{text}\n{given}"
