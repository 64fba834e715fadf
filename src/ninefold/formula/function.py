"""What a function of the language is: one line of a table.

A function has leading series arguments (terms), then parameters (plain numbers), and may read columns of the bar by
itself: `rsi(close, 14)` is given its series, `atr(14)` reads high, low and close.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ninefold.formula.errors import FormulaError
from ninefold.formula.kernels import Kernel
from ninefold.formula.units import BOOL, RATIO, Unit

Numbers = tuple[float, ...]
# From the function's name and the units of the inputs (None for a literal, which adopts one) to the units that
# the inputs then have, and the result's.
UnitRule = Callable[[str, tuple[Unit | None, ...]], tuple[tuple[Unit, ...], Unit]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A plain number: its name, default, and the values it may take (both ends included)."""

    name: str
    default: float
    low: float
    high: float
    whole: bool = True

    def check(self, function: str, found: object) -> float:
        """The number as the function wants it.

        raises: FormulaError saying what is allowed.
        """
        if isinstance(found, int | float) and not isinstance(found, bool) and self.low <= found <= self.high:
            if not self.whole:
                return float(found)
            if found == int(found):
                return int(found)
        shown = f"{found:g}" if isinstance(found, float) else found
        kind = "a whole number" if self.whole else "a number"
        raise FormulaError(
            f"{function}: {self.name} is {shown}; allowed is {kind} from {self.low:g} to {self.high:g}, "
            f"for example {self.default:g}"
        )


@dataclass(frozen=True, slots=True)
class Function:
    """One function.

    series:   names of the terms it is given; `columns`: what it reads by itself, after those.
    units:    its unit rule; lookback: bars of warm-up of its own for given parameters.
    kernel:   makes what computes it, from the slots of its inputs and its own slot.
    family:   functions of one family with equal inputs and parameters share a kernel; `output` is which of its outputs.
    symbol:   the operator it is written as; `binding` how tightly that binds (Python's order).
    """

    name: str
    series: tuple[str, ...]
    units: UnitRule
    kernel: Callable[[tuple[int, ...], int, Numbers], Kernel]
    lookback: Callable[[Numbers], int]
    description: str
    columns: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    family: str = ""
    output: int = 0
    symbol: str = ""
    binding: int = 0
    constant: Callable[..., float] | None = None  # its value where all inputs are literals

    @property
    def signature(self) -> str:
        """How it is called: 'bbands_upper(series, timeperiod=20, nbdevup=2, nbdevdn=2)'."""
        shown = [*self.series, *(f"{parameter.name}={parameter.default:g}" for parameter in self.parameters)]
        return f"{self.name}({', '.join(shown)})"


def same_units(result: Unit | None = None, condition: bool = False, truth: bool = False) -> UnitRule:
    """All inputs have one unit, which literals adopt; the result has it too, or `result`.

    condition: the first input is a bool and stands apart. truth: bools are allowed among the others.
    """

    def rule(function: str, found: tuple[Unit | None, ...]) -> tuple[tuple[Unit, ...], Unit]:
        first = found[:1] if condition else ()
        rest = found[1:] if condition else found
        if condition and first != (BOOL,):
            raise FormulaError(
                f"{function}: the first argument must be a bool such as close > open, found {first[0] or 'a number'}"
            )
        units = {unit for unit in rest if unit is not None}
        if len(units) > 1:
            mixed = " and ".join(sorted(str(unit) for unit in units))
            raise FormulaError(
                f"{function}: cannot combine {mixed}; make them comparable first, for example as ratios: "
                "close / sma(close, 20), volume / sma(volume, 20)"
            )
        unit = units.pop() if units else RATIO
        if unit == BOOL and not truth:
            raise FormulaError(f"{function}: takes numbers, found a bool; turn it into one with where(condition, 1, 0)")
        return (*((BOOL,) if condition else ()), *(unit for _ in rest)), result or unit

    return rule


def combined_units(combine: Callable[[tuple[Unit, ...]], Unit]) -> UnitRule:
    """Inputs keep their units, literals are ratios; the result's unit is computed from them."""

    def rule(function: str, found: tuple[Unit | None, ...]) -> tuple[tuple[Unit, ...], Unit]:
        units = tuple(RATIO if unit is None else unit for unit in found)
        if BOOL in units:
            raise FormulaError(f"{function}: takes numbers, found a bool; turn it into one with where(condition, 1, 0)")
        return units, combine(units)

    return rule


def only_units(wanted: Unit, advice: str) -> UnitRule:
    """Every input must have `wanted`, and so has the result."""

    def rule(function: str, found: tuple[Unit | None, ...]) -> tuple[tuple[Unit, ...], Unit]:
        for unit in found:
            if (RATIO if unit is None else unit) != wanted:
                raise FormulaError(f"{function}: takes {wanted}, found {unit or 'a number'}; {advice}")
        return tuple(wanted for _ in found), wanted

    return rule


def no_lookback(parameters: Numbers) -> int:
    return 0
