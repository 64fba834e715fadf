"""Terms: the immutable, hashable, typed expressions a formula is made of.

In:  columns, numbers, and functions of them; `close > sma(close, 10)` builds a term, it computes nothing.
Out: a tree that knows its unit, its warm-up, its columns and its text. An illegal one cannot be built: FormulaError
     says why. Equality is of structure (`==` gives a bool), so terms serve as keys; equal terms are computed once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ninefold.formula.arithmetic import COMPARED
from ninefold.formula.catalogue import FUNCTIONS
from ninefold.formula.columns import COLUMNS
from ninefold.formula.errors import FormulaError, did_you_mean
from ninefold.formula.function import Function, Numbers
from ninefold.formula.units import BOOL, RATIO, Unit

LARGEST_TERM = 1_000  # parts of one formula: bounds what a typed or evolved formula can cost
DEEPEST_TERM = 100
_ATOM = 9  # binds tighter than any operator


class Term:
    """A term of the language.

    unit:    of its values; prices are in ticks, sizes in lots.
    warm_up: how many bars after the anchor, or after an unknown bar, have no value yet.
    columns: what it reads of a bar. size, depth: parts in the tree and levels of it.
    """

    unit: Unit
    warm_up: int = 0
    columns: frozenset[str] = frozenset()
    size: int = 1
    depth: int = 1
    _key: tuple[Any, ...]
    _hash: int

    def _seal(self, *key: Any) -> None:
        self.__dict__["_key"] = key
        self.__dict__["_hash"] = hash(key)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"terms are immutable; build a new one instead of setting {name}")

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Term) and self._hash == other._hash and self._key == other._key)

    def __reduce__(self) -> tuple[Callable[..., Term], tuple[Any, ...]]:
        return type(self), self._key  # hashes of text differ between processes, so the tree is built again

    def __bool__(self) -> bool:
        raise FormulaError(
            f"{self} has no truth value until it is evaluated; join conditions with & | ~, "
            "and write (a < b) & (b < c) instead of a < b < c"
        )

    def __repr__(self) -> str:
        return f"parse({str(self)!r})"

    def __add__(self, other: Operand) -> Term:
        return call("add", self, other)

    def __radd__(self, other: Operand) -> Term:
        return call("add", other, self)

    def __sub__(self, other: Operand) -> Term:
        return call("subtract", self, other)

    def __rsub__(self, other: Operand) -> Term:
        return call("subtract", other, self)

    def __mul__(self, other: Operand) -> Term:
        return call("multiply", self, other)

    def __rmul__(self, other: Operand) -> Term:
        return call("multiply", other, self)

    def __truediv__(self, other: Operand) -> Term:
        return call("divide", self, other)

    def __rtruediv__(self, other: Operand) -> Term:
        return call("divide", other, self)

    def __neg__(self) -> Term:
        return call("negative", self)

    def __abs__(self) -> Term:
        return call("abs", self)

    def __gt__(self, other: Operand) -> Term:
        return call("greater", self, other)

    def __ge__(self, other: Operand) -> Term:
        return call("at_least", self, other)

    def __lt__(self, other: Operand) -> Term:
        return call("less", self, other)

    def __le__(self, other: Operand) -> Term:
        return call("at_most", self, other)

    def __and__(self, other: Term) -> Term:
        return call("both", self, other)

    def __or__(self, other: Term) -> Term:
        return call("either", self, other)

    def __invert__(self) -> Term:
        return call("negation", self)


Operand = Term | float | int


class Column(Term):
    """A column of the bar, by name."""

    name: str

    def __init__(self, name: str) -> None:
        if name not in COLUMNS:
            hint = did_you_mean(name, COLUMNS)
            raise FormulaError(f"there is no column {name!r}{hint}; columns are {' '.join(COLUMNS)}")
        self.__dict__.update(name=name, unit=COLUMNS[name], columns=frozenset((name,)))
        self._seal(name)

    def __str__(self) -> str:
        return self.name


class Literal(Term):
    """A number in quote and base units, of the unit of what it is compared with or added to; alone it is a ratio."""

    value: float

    def __init__(self, value: float, unit: Unit = RATIO) -> None:
        if not math.isfinite(value):
            raise FormulaError(f"a number in a formula must be finite, found {value}")
        self.__dict__.update(value=float(value) + 0.0, unit=unit)  # + 0.0 makes -0.0 a plain 0
        self._seal(self.value, unit)

    def __str__(self) -> str:
        return number_text(self.value)


class Call(Term):
    """A function applied to terms and plain numbers. `inputs` includes the columns the function reads by itself."""

    function: Function
    inputs: tuple[Term, ...]
    parameters: Numbers

    def __init__(self, name: str, inputs: tuple[Term, ...], parameters: Numbers) -> None:
        function = FUNCTIONS[name]
        found = tuple(None if isinstance(term, Literal) else term.unit for term in inputs)
        units, unit = function.units(name, found)
        inputs = tuple(
            Literal(term.value, wanted) if isinstance(term, Literal) else term
            for term, wanted in zip(inputs, units, strict=True)
        )
        parameters = tuple(
            parameter.check(name, number) for parameter, number in zip(function.parameters, parameters, strict=True)
        )
        self.__dict__.update(
            function=function,
            inputs=inputs,
            parameters=parameters,
            unit=unit,
            warm_up=max(term.warm_up for term in inputs) + function.lookback(parameters),
            columns=frozenset().union(*(term.columns for term in inputs)),
            size=1 + sum(term.size for term in inputs),
            depth=1 + max(term.depth for term in inputs),
        )
        if self.size > LARGEST_TERM or self.depth > DEEPEST_TERM:
            raise FormulaError(
                f"the formula has {self.size} parts on {self.depth} levels; "
                f"allowed are {LARGEST_TERM} parts on {DEEPEST_TERM} levels: use fewer or simpler terms"
            )
        self._seal(function.name, inputs, parameters)

    def __str__(self) -> str:
        function = self.function
        if not function.symbol:
            given = [str(term) for term in self.inputs[: len(function.series)]]
            return f"{function.name}({', '.join([*given, *map(number_text, self.parameters)])})"
        if len(self.inputs) == 1:
            return function.symbol + _within(self.inputs[0], function.binding)
        left = function.binding + (function.binding == COMPARED)  # a < b < c would not mean (a < b) < c
        return f"{_within(self.inputs[0], left)} {function.symbol} {_within(self.inputs[1], function.binding + 1)}"


def call(name: str, *arguments: Operand, **named: float) -> Term:
    """Apply a function of the language: call("rsi", close, 14), call("macd", close, signalperiod=5).

    raises: FormulaError for an unknown function, wrong arguments, or units that do not go together.
    """
    function = FUNCTIONS.get(name)
    if function is None:
        raise FormulaError(f"there is no function {name!r}{did_you_mean(name, FUNCTIONS)}; `FUNCTIONS` lists all")
    series, numbers = arguments[: len(function.series)], arguments[len(function.series) :]
    inputs = tuple(_term(function, argument) for argument in series)
    if len(inputs) < len(function.series) or len(numbers) > len(function.parameters):
        raise FormulaError(f"{name} got {len(arguments)} arguments; it is called as {function.signature}")
    parameters = _bind(function, numbers, named)
    if function.constant is not None and all(isinstance(term, Literal) for term in inputs):
        return _folded(function, inputs)
    if not function.symbol and function.constant is None:
        _refuse_literals(function, inputs)
    return Call(name, inputs + tuple(Column(column) for column in function.columns), parameters)


def number_text(value: float) -> str:
    """A number as it is written in a formula.

    >>> number_text(10.0), number_text(0.5), number_text(1e22)
    ('10', '0.5', '1e+22')
    """
    text = repr(float(value))
    return text[:-2] if text.endswith(".0") else text


def _within(term: Term, binding: int) -> str:
    bound = term.function.binding if isinstance(term, Call) and term.function.symbol else _ATOM
    return str(term) if bound >= binding else f"({term})"


def _term(function: Function, argument: object) -> Term:
    if isinstance(argument, Term):
        return argument
    if isinstance(argument, int | float) and not isinstance(argument, bool):
        return Literal(argument)
    raise FormulaError(
        f"{function.name}: takes terms and numbers, found {argument!r}; it is called as {function.signature}"
    )


def _bind(function: Function, numbers: tuple[Any, ...], named: dict[str, float]) -> Numbers:
    names = [parameter.name for parameter in function.parameters]
    for name in named:
        if name not in names[len(numbers) :]:
            hint = did_you_mean(name, names)
            raise FormulaError(
                f"{function.name} has no argument {name!r} left{hint}; it is called as {function.signature}"
            )
    plain = [number.value if isinstance(number, Literal) else number for number in numbers]
    given = dict(zip(names, plain, strict=False)) | named
    return tuple(given.get(parameter.name, parameter.default) for parameter in function.parameters)


def _folded(function: Function, inputs: tuple[Term, ...]) -> Term:
    _, unit = function.units(function.name, tuple(None for _ in inputs))
    if unit == BOOL or function.constant is None:
        raise FormulaError(f"{function.name}: compares two constants; at least one side must be a term such as close")
    return Literal(function.constant(*[term.value for term in inputs if isinstance(term, Literal)]))


def _refuse_literals(function: Function, inputs: tuple[Term, ...]) -> None:
    if inputs and all(isinstance(term, Literal) for term in inputs):
        raise FormulaError(
            f"{function.name}: needs a term such as close, found the number {inputs[0]}; "
            f"it is called as {function.signature}"
        )
