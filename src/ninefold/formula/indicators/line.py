"""A line of the tables: a function of TA-Lib under its usual name, made into one of ours.

In:  name, TA-Lib's function, which of its outputs, unit, description.
Out: a `Function`. Arguments, defaults and warm-up are asked of TA-Lib, not copied.

Left out are the switches between kinds of moving averages (write the average you mean), except of the functions that
exist for their sake, and start values that are prices.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import talib.abstract

from ninefold.formula.function import Function, Numbers, Parameter, UnitRule, combined_units, only_units, same_units
from ninefold.formula.talib_kernel import TaLib
from ninefold.formula.units import RATIO, SIZE, Unit
from ninefold.formula.windows import LONGEST

Line = tuple[str, str, int, UnitRule, str]

# Allowed values where they are not those of a period of bars (2 to LONGEST).
_ALLOWED: dict[str, tuple[float, float]] = {
    "signalperiod": (1, LONGEST),
    "fastk_period": (1, LONGEST),
    "slowk_period": (1, LONGEST),
    "slowd_period": (1, LONGEST),
    "fastd_period": (1, LONGEST),
    "rocperiod": (1, LONGEST),
    "leftbars": (1, LONGEST),
    "rightbars": (1, LONGEST),
    "nbdev": (0.01, 100.0),
    "nbdevup": (0.01, 100.0),
    "nbdevdn": (0.01, 100.0),
    "multiplier": (0.01, 100.0),
    "vfactor": (0.0, 1.0),
    "acceleration": (0.0001, 1.0),
    "maximum": (0.0001, 1.0),
    "offsetonreverse": (0.0, 1.0),
    "accelerationinitlong": (0.0001, 1.0),
    "accelerationlong": (0.0001, 1.0),
    "accelerationmaxlong": (0.0001, 1.0),
    "accelerationinitshort": (0.0001, 1.0),
    "accelerationshort": (0.0001, 1.0),
    "accelerationmaxshort": (0.0001, 1.0),
    "fastlimit": (0.01, 0.99),
    "slowlimit": (0.01, 0.99),
    "percentile": (0.0, 100.0),
    "penetration": (0.0, 10.0),
    "AC signalperiod": (2, LONGEST),
    "SMI signalperiod": (2, LONGEST),
}
_AVERAGES = (0, 9)  # TA-Lib's numbers: SMA EMA WMA DEMA TEMA TRIMA KAMA MAMA T3 HMA
_CHOOSES_AVERAGE = ("MA", "MAVP", "MACDEXT")
_LEFT = ("startvalue", "minperiod")  # a plain number cannot be a price; a shortest period is written max(y, 5)


def _first(units: tuple[Unit, ...]) -> Unit:
    return units[0]


def _product(units: tuple[Unit, ...]) -> Unit:
    return units[0].times(units[1])


def _range_by_size(units: tuple[Unit, ...]) -> Unit:
    return units[0].over(units[2])


SAME = same_units()  # the unit of what goes in, which must be alike
FIRST = combined_units(_first)  # the unit of the first input, whatever the others have
PURE = combined_units(lambda units: RATIO)  # a plain number, of whatever goes in
LOTS = combined_units(lambda units: SIZE)
SQUARE = combined_units(lambda units: units[0].times(units[0]))
PRODUCT = combined_units(_product)
RANGE_BY_SIZE = combined_units(_range_by_size)
OF_RATIO = only_units(
    RATIO, "its value would depend on the size of a tick; make it a ratio first, close / lag(close, 1)"
)


def indicator(line: Line) -> Function:
    """The function of one line."""
    name, talib_name, output, units, description = line
    about = described(talib_name)
    given = [kind for kind in about["input_names"].values() if isinstance(kind, str)]
    read = [column for kind in about["input_names"].values() if not isinstance(kind, str) for column in kind]
    parameters = tuple(
        _parameter(talib_name, key, default)
        for key, default in about["parameters"].items()
        if _is_ours(talib_name, key)
    )
    names = tuple(parameter.name for parameter in parameters)
    lookback = _lookback(talib_name, names)
    outputs = len(about["output_names"])

    def kernel(inputs: tuple[int, ...], slot: int, numbers: Numbers) -> TaLib:
        return TaLib(inputs, slot, talib_name, dict(zip(names, numbers, strict=True)), lookback(numbers), outputs)

    return Function(
        name=name,
        series=("x",) if len(given) == 1 else ("x", "y")[: len(given)],
        units=units,
        kernel=kernel,
        lookback=lookback,
        description=description,
        columns=tuple(read),
        parameters=parameters,
        family=talib_name,
        output=output,
    )


@functools.cache
def described(talib_name: str) -> dict[str, Any]:
    """What TA-Lib says of a function: input_names, parameters with defaults, output_names, group."""
    describe: Any = talib.abstract.Function  # type: ignore[attr-defined]  # talib's stubs leave it out
    about: dict[str, Any] = describe(talib_name).info
    return about


def _lookback(talib_name: str, names: tuple[str, ...]) -> Callable[[Numbers], int]:
    describe: Any = talib.abstract.Function  # type: ignore[attr-defined]

    @functools.lru_cache(maxsize=1024)
    def lookback(numbers: Numbers) -> int:
        return int(describe(talib_name, **dict(zip(names, numbers, strict=True))).lookback)

    return lookback


def _is_ours(talib_name: str, parameter: str) -> bool:
    if parameter.endswith("matype"):
        return talib_name in _CHOOSES_AVERAGE
    return parameter not in _LEFT


def _parameter(talib_name: str, name: str, default: float) -> Parameter:
    usual = _AVERAGES if name.endswith("matype") else _ALLOWED.get(name, (2, LONGEST))
    low, high = _ALLOWED.get(f"{talib_name} {name}", usual)
    return Parameter(name, default, low, high, whole=isinstance(default, int))
