"""Operators and functions of one bar: + - * / comparisons & | ~ abs min max where sign sqrt log exp.

Each is written twice, for a float and for an array, and a test holds the two to the same bits. Unknown in, unknown out;
what has no finite value (x / 0, log of 0, overflow) is unknown too: NaN, never an infinity.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ninefold.formula import kernels
from ninefold.formula.errors import FormulaError
from ninefold.formula.function import Function, Numbers, UnitRule, combined_units, no_lookback, only_units, same_units
from ninefold.formula.kernels import NAN, Elementwise
from ninefold.formula.units import BOOL, RATIO, Unit

LARGEST = 1.7976931348623157e308


def finite(function: Callable[..., Any]) -> Callable[..., float]:
    """The scalar form: what is not finite becomes NaN."""

    @functools.wraps(function)
    def scalar(*inputs: float) -> float:
        result: float = function(*inputs)
        return result if -LARGEST <= result <= LARGEST else NAN

    return scalar


def finite_array(function: Callable[..., Any]) -> Callable[..., np.ndarray]:
    """The array form of the same."""

    @functools.wraps(function)
    def array(*inputs: Any) -> np.ndarray:
        with np.errstate(all="ignore"):
            return kernels.finite(np.asarray(function(*inputs), np.float64))

    return array


def known(test: Callable[[Any, Any], Any]) -> tuple[Callable[..., float], Callable[..., np.ndarray]]:
    """Both forms of a comparison: 1, 0, or NaN where a side is unknown."""

    def scalar(a: float, b: float) -> float:
        return NAN if a != a or b != b else (1.0 if test(a, b) else 0.0)

    def array(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.where(np.isnan(a) | np.isnan(b), NAN, np.where(test(a, b), 1.0, 0.0))

    return scalar, array


def divide(a: Any, b: Any) -> Any:
    """a / b for floats and arrays alike; NaN where b is 0."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        with np.errstate(all="ignore"):
            return np.where(np.asarray(b) == 0, NAN, a / np.where(np.asarray(b) == 0, 1.0, b))
    return a / b if b else NAN


def logarithm(x: Any) -> Any:
    """Natural logarithm for floats and arrays alike; NaN where x is not positive. One routine, so one result."""
    if isinstance(x, np.ndarray):
        with np.errstate(all="ignore"):
            return np.where(x > 0, np.log(np.where(x > 0, x, 1.0)), NAN)
    return float(np.log(x)) if x > 0 else NAN


def root(x: Any) -> Any:
    """Square root for floats and arrays alike; NaN where x is negative."""
    if isinstance(x, np.ndarray):
        with np.errstate(all="ignore"):
            return np.sqrt(x)
    return math.sqrt(x) if x >= 0 else NAN


def _exponential(x: float) -> float:
    with np.errstate(all="ignore"):
        return float(np.exp(x))


def _unordered_min(a: Any, b: Any) -> Any:
    return np.where(np.isnan(a) | np.isnan(b), NAN, np.where(a <= b, a, b))


def _unordered_max(a: Any, b: Any) -> Any:
    return np.where(np.isnan(a) | np.isnan(b), NAN, np.where(a >= b, a, b))


def _scalar_min(a: float, b: float) -> float:
    return NAN if a != a or b != b else (a if a <= b else b)


def _scalar_max(a: float, b: float) -> float:
    return NAN if a != a or b != b else (a if a >= b else b)


def _scalar_where(condition: float, a: float, b: float) -> float:
    return NAN if condition != condition or a != a or b != b else (a if condition else b)


def _array_where(condition: Any, a: Any, b: Any) -> Any:
    return np.where(np.isnan(condition) | np.isnan(a) | np.isnan(b), NAN, np.where(condition != 0, a, b))


def _scalar_sign(x: float) -> float:
    return NAN if x != x else float((x > 0) - (x < 0))


def _half(units: tuple[Unit, ...]) -> Unit:
    unit = units[0]
    if unit.price % 2 or unit.size % 2 or unit.count % 2:
        raise FormulaError(f"sqrt: {unit} has no square root among the units; divide by something alike first")
    return Unit(unit.price // 2, unit.size // 2, unit.count // 2)


def _elementwise(
    name: str,
    series: str,
    units: UnitRule,
    scalar: Callable[..., float],
    array: Callable[..., np.ndarray],
    description: str,
    symbol: str = "",
    binding: int = 0,
) -> Function:
    def kernel(inputs: tuple[int, ...], slot: int, parameters: Numbers) -> Elementwise:
        return Elementwise(inputs, slot, scalar, array)

    return Function(
        name=name,
        series=tuple(series.split()),
        units=units,
        kernel=kernel,
        lookback=no_lookback,
        description=description,
        family=name,
        symbol=symbol,
        binding=binding,
        constant=scalar,
    )


def _number(
    name: str,
    series: str,
    units: UnitRule,
    scalar: Callable[..., Any],
    array: Callable[..., Any],
    description: str,
    symbol: str = "",
    binding: int = 0,
) -> Function:
    return _elementwise(name, series, units, finite(scalar), finite_array(array), description, symbol, binding)


def _comparison(name: str, symbol: str, test: Callable[[Any, Any], Any], description: str) -> Function:
    return _elementwise(name, "a b", same_units(BOOL), *known(test), description, symbol, COMPARED)


COMPARED, EITHER, BOTH, SUMMED, MULTIPLIED, SIGNED = 1, 2, 3, 4, 5, 6  # how tightly operators bind, as in Python
_BOOLS = only_units(BOOL, "compare first, for example (close > open) & (volume > 10)")
_RATIOS = only_units(RATIO, "make it a ratio first, for example close / lag(close, 1)")
_PRODUCT = combined_units(lambda units: units[0].times(units[1]))
_QUOTIENT = combined_units(lambda units: units[0].over(units[1]))
_SAME = same_units()

ARITHMETIC: tuple[Function, ...] = (
    _number("add", "a b", _SAME, lambda a, b: a + b, lambda a, b: a + b, "a + b", "+", SUMMED),
    _number("subtract", "a b", _SAME, lambda a, b: a - b, lambda a, b: a - b, "a - b", "-", SUMMED),
    _number("multiply", "a b", _PRODUCT, lambda a, b: a * b, lambda a, b: a * b, "a * b", "*", MULTIPLIED),
    _number("divide", "a b", _QUOTIENT, divide, divide, "a / b; NaN where b is 0", "/", MULTIPLIED),
    _number("negative", "x", _SAME, lambda x: -x, lambda x: -x, "-x", "-", SIGNED),
    _comparison("greater", ">", lambda a, b: a > b, "a > b"),
    _comparison("at_least", ">=", lambda a, b: a >= b, "a >= b"),
    _comparison("less", "<", lambda a, b: a < b, "a < b"),
    _comparison("at_most", "<=", lambda a, b: a <= b, "a <= b"),
    _number("both", "a b", _BOOLS, lambda a, b: a * b, lambda a, b: a * b, "a and b", "&", BOTH),
    _number("either", "a b", _BOOLS, lambda a, b: a + b - a * b, lambda a, b: a + b - a * b, "a or b", "|", EITHER),
    _number("negation", "x", _BOOLS, lambda x: 1.0 - x, lambda x: 1.0 - x, "not x", "~", SIGNED),
    _number("abs", "x", _SAME, abs, np.abs, "magnitude"),
    _number("min", "a b", _SAME, _scalar_min, _unordered_min, "the smaller of two terms; over time see lowest"),
    _number("max", "a b", _SAME, _scalar_max, _unordered_max, "the larger of two terms; over time see highest"),
    _number("sign", "x", combined_units(lambda units: RATIO), _scalar_sign, np.sign, "+1, 0 or -1"),
    _number("sqrt", "x", combined_units(_half), root, root, "square root"),
    _number("log", "x", _RATIOS, logarithm, logarithm, "natural logarithm of a ratio"),
    _number("exp", "x", _RATIOS, _exponential, np.exp, "e to a ratio"),
    _number(
        "where",
        "condition a b",
        same_units(condition=True, truth=True),
        _scalar_where,
        _array_where,
        "a where the condition holds, else b",
    ),
)
