"""Parameters that a strategy leaves open: `buy_rsi = IntParameter(10, 40, default=30)`.

In:  a range or a list of values and a default. Out: `.value`, which is the default unless the strategy's `buy_params`,
     `sell_params` or the file NAME.json beside it say otherwise, and `.range`, which is that value alone: nothing is searched here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SPACES = {"buy": "buy", "enter": "buy", "sell": "sell", "exit": "sell", "protection": "protection"}


class BaseParameter:
    """space: where its value is kept; by the beginning of its name if left out."""

    def __init__(
        self, *, default: Any, space: str | None = None, optimize: bool = True, load: bool = True, **kwargs: Any
    ) -> None:
        self.name: str | None = None
        self.space = self.category = space
        self.optimize = optimize
        self.load = load
        self.default = default
        self._value = self.checked(default)

    @property
    def value(self) -> Any:
        return self._value

    @value.setter
    def value(self, value: Any) -> None:
        self._value = self.checked(value)

    @property
    def range(self) -> Any:
        return [self._value]

    def checked(self, value: Any) -> Any:
        return value


class NumericParameter(BaseParameter):
    """low, high: both allowed; or `low` is the pair of them."""

    def __init__(self, low: Any, high: Any = None, *, default: Any, **kwargs: Any) -> None:
        if (high is None) != isinstance(low, Sequence):
            raise ValueError(f"a parameter has a range {low!r} to {high!r}; write Parameter(low, high, default=...)")
        self.low, self.high = low if high is None else (low, high)
        super().__init__(default=default, **kwargs)


class IntParameter(NumericParameter):
    """
    >>> IntParameter(1, 9, default=3).value, list(IntParameter(1, 9, default=3).range)
    (3, [3])
    """

    def checked(self, value: Any) -> int:
        return int(value)

    @property
    def range(self) -> Any:
        return range(self._value, self._value + 1)


class RealParameter(NumericParameter):
    def checked(self, value: Any) -> float:
        return float(value)


class DecimalParameter(NumericParameter):
    """
    >>> DecimalParameter(0, 1, default=0.12345, decimals=2).value
    0.12
    """

    def __init__(self, low: Any, high: Any = None, *, default: Any, decimals: int = 3, **kwargs: Any) -> None:
        self.decimals = decimals
        super().__init__(low, high, default=default, **kwargs)

    def checked(self, value: Any) -> float:
        return round(float(value), self.decimals)


class CategoricalParameter(BaseParameter):
    def __init__(self, categories: Sequence[Any], *, default: Any = None, **kwargs: Any) -> None:
        if len(categories) < 2:
            raise ValueError(f"a CategoricalParameter has the categories {categories!r}; it takes at least two")
        self.categories = list(categories)
        super().__init__(default=default, **kwargs)


class BooleanParameter(CategoricalParameter):
    def __init__(self, *, default: Any = None, **kwargs: Any) -> None:
        super().__init__([True, False], default=default, **kwargs)


def parameters_of(strategy: Any) -> dict[str, BaseParameter]:
    """By name, in the order of the class and those it stands on."""
    found = {}
    for one in reversed(type(strategy).__mro__):
        found.update({name: each for name, each in vars(one).items() if isinstance(each, BaseParameter)})
    return found


def set_parameters(strategy: Any, stored: Mapping[str, Mapping[str, Any]]) -> None:
    """Give each parameter its value: from `stored` (space to name to value), else from the strategy's own lists."""
    for name, one in parameters_of(strategy).items():
        one.name = name
        one.space = one.space or SPACES.get(name.partition("_")[0])
        values = {**(getattr(strategy, f"{one.space}_params", None) or {}), **stored.get(str(one.space), {})}
        if one.load and name in values:
            one.value = values[name]
