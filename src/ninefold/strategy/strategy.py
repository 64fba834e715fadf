"""What people write: a class of about ten lines.

    class SmaCross(Strategy):
        "Long while the mean of the last `fast` closes is above that of the last `slow`, else flat."

        fast = whole(10, 1, 1000)
        slow = whole(30, 1, 1000)
        target = "where(sma(close, fast) > sma(close, slow), 1, 0)"

In:  a class with `target`, or `entry` and `exit` (and `short_entry`, `short_exit`), any of them with `legs`; or `legs` alone;
     or quotes (`bid`, `ask`, `size`); or a method `on_bar`, `on_trade` or `on_book`; parameters with ranges; `exits`. A
     formula is a text, in which parameters stand by name, or a method that returns a term.
Out: a `Plan`, its parameters set.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from ninefold.formula import FUNCTIONS, FormulaError, Term, parse
from ninefold.formula.columns import COLUMNS
from ninefold.strategy.forms import UNWIND, BookCode, Legs, Quoting, TradeCode
from ninefold.strategy.parameters import BadStrategy, Number, Parameter
from ninefold.strategy.plan import NEVER, Code, Exits, Plan, Signals, Wants, check_signals, check_target

_SIDES = ("entry", "exit", "short_entry", "short_exit")
_WAYS: dict[str, tuple[str, ...]] = {
    "legs": ("legs",),
    "target": ("target",),
    "entry": _SIDES,
    "on_bar": ("on_bar",),
    "bid": ("bid", "ask"),
    "on_trade": ("on_trade",),
    "on_book": ("on_book",),
}
_ALLOWED = (
    "target; entry and exit (or short_entry and short_exit); legs, alone or with one of these; bid, ask and size; on_bar; "
    "on_trade; on_book"
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class Strategy:
    """The base of all strategies; the docstring of a class says what it does.

    name:      by which it is called; made of the class's name if not given: SmaCross is sma_cross.
    timeframe: of the bars it runs on in the pipeline; a back-test may take others.
    family:    its kind, by which trials are counted. source: where the idea is from.
    unrecorded: why it does not trade on recorded markets, if so.
    filled:    of legs, what becomes of them if not all can be filled in a bar: unwind or wait.
    most:      of quotes, the largest position either way, base. every_ms: after how long they are renewed.
    """

    name: ClassVar[str] = ""
    timeframe: ClassVar[str] = "1m"
    family: ClassVar[str] = "own"
    source: ClassVar[str] = ""
    unrecorded: ClassVar[str] = ""
    exits: ClassVar[Exits] = Exits()
    filled: ClassVar[str] = UNWIND
    every_ms: ClassVar[int] = 100

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


def _wants(made: Strategy, given: dict[str, Number]) -> Wants:
    kind = type(made)
    sides = {which: _term(made, which, given) for which in _SIDES if hasattr(made, which)}
    there = {way: any(hasattr(made, name) for name in names) for way, names in _WAYS.items()}
    ways = [way for way, has in there.items() if has]
    if len(ways) != 1 and ways not in (["legs", "target"], ["legs", "entry"]):
        raise BadStrategy(f"{kind.__name__} has {' and '.join(ways) or 'no target'}; a strategy has one of: {_ALLOWED}")
    if there["legs"]:
        return Legs(_weights(made, given), _side(made, sides, given), made.filled)
    if there["bid"]:
        return _quoting(made, given)
    if sides:
        return _signals(sides)
    if there["target"]:
        return _term(made, "target", given)
    text, make = _code(kind, given), partial(_method, kind, given, ways[0])
    if there["on_book"]:
        return BookCode(make, text, _most(made), made.every_ms)
    return TradeCode(make, text) if there["on_trade"] else Code(make, text, *_place(kind))


def _place(kind: type[Strategy]) -> tuple[str, int]:
    """File and line at which its `on_bar` begins."""
    code = getattr(inspect.unwrap(kind.on_bar), "__code__", None)  # type: ignore[attr-defined]
    return (code.co_filename, code.co_firstlineno) if code is not None else ("", 0)


def _method(kind: type[Strategy], given: dict[str, Number], name: str) -> Any:
    """Free code of a new object."""
    return getattr(kind(**given), name)


def _signals(sides: dict[str, Term]) -> Signals:
    return Signals(**{which: sides.get(which, NEVER) for which in _SIDES})


def _side(made: Strategy, sides: dict[str, Term], given: dict[str, Number]) -> Term | None:
    """What the legs' weights are multiplied by."""
    if sides:
        signals = _signals(sides)
        check_signals(made.name, signals)
        return signals.target
    return check_target(made.name, _term(made, "target", given)) if hasattr(made, "target") else None


def _weights(made: Strategy, given: dict[str, Number]) -> tuple[tuple[str, Term], ...]:
    legs = made.legs() if callable(made.legs) else made.legs  # type: ignore[attr-defined]
    if not isinstance(legs, Mapping):
        raise BadStrategy(
            f'{type(made).__name__}.legs is {legs!r}; it must be a mapping of names to weights, such as {{"here": 1, "there": -1}}'
        )
    return tuple((name, _formula(made, f"legs[{name!r}]", _numbered(weight), given)) for name, weight in legs.items())


def _quoting(made: Strategy, given: dict[str, Number]) -> Quoting:
    kind = type(made).__name__
    if missing := [side for side in ("bid", "ask") if not hasattr(made, side)]:
        raise BadStrategy(f"{kind} quotes and has no {missing[0]}; it needs bid and ask, formulas of a price")
    sizes = {}
    for name in ("bid_size", "ask_size"):
        which = name if hasattr(made, name) else "size"
        if not hasattr(made, which):
            raise BadStrategy(f"{kind} quotes and has no {name}; give size, or bid_size and ask_size, in base")
        found = getattr(made, which)
        sizes[name] = _formula(made, which, _numbered(found() if callable(found) else found), given)
    prices = {name: _term(made, name, given) for name in ("bid", "ask")}
    return Quoting(**prices, **sizes, most=_most(made), every_ms=made.every_ms)


def _most(made: Strategy) -> float:
    if not hasattr(made, "most"):
        raise BadStrategy(
            f"{type(made).__name__} quotes and has no most; give the largest position either way, in base"
        )
    most: float = made.most
    return most


def _term(made: Strategy, which: str, given: dict[str, Number]) -> Term:
    found = getattr(made, which)
    return _formula(made, which, found() if callable(found) else found, given)


def _formula(made: Strategy, which: str, found: object, given: dict[str, Number]) -> Term:
    if isinstance(found, str):
        return parse(found, given)
    if not isinstance(found, Term):
        raise BadStrategy(
            f"{type(made).__name__}.{which} is {found!r}; it must be a formula: a text, or a term that a method returns"
        )
    return found


def _numbered(found: object) -> object:
    """A weight or a size may be a number."""
    return str(found) if isinstance(found, int | float) and not isinstance(found, bool) else found


def _code(kind: type[Strategy], given: dict[str, Number]) -> str:
    try:
        text = inspect.getsource(kind)
    except (OSError, TypeError):  # it was written in no file
        text = kind.__qualname__
    return f"{text}\n{given}"
