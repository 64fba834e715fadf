"""The points of a search: every combination of the values that parameters are given.

In:  settings as people write them: fast=5..50..5 (both ends included), fast=5,10,20, fast=10.
Out: for each point its settings; the values of each parameter that varies, in order.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import NamedTuple

from ninefold.services.backtest_config import settings_of
from ninefold.services.backtest_strategy import Chosen
from ninefold.services.backtest_wanted import Wanted, chosen_each
from ninefold.strategy.parameters import BadStrategy

MOST_POINTS = 200_000


class Grid(NamedTuple):
    """axes: texts by parameter, of those that have several. points: strategies, the last axis running fastest."""

    axes: dict[str, list[str]]
    points: list[Chosen]

    def columns(self) -> dict[str, list[object]]:
        """A value a point for each parameter that varies, as the trial ledger keeps them."""
        return {name: [point.parameters[name] for point in self.points] for name in self.axes}

    def values(self) -> dict[str, list[object]]:
        """The values of each parameter that varies, each once, in order."""
        return {name: list(dict.fromkeys(values)) for name, values in self.columns().items()}

    def fixed(self) -> dict[str, object]:
        """The parameters that do not vary."""
        return {name: value for name, value in self.points[0].parameters.items() if name not in self.axes}


def grid_of(wanted: Wanted) -> Grid:
    """Of a search on bars. raises: as `grid_of_settings`."""
    return grid_of_settings(wanted.settings, partial(chosen_each, wanted))


def grid_of_settings(settings: Sequence[str], choose: Callable[[list[tuple[str, ...]]], list[Chosen]]) -> Grid:
    """settings: with their ranges. choose: what makes a strategy of each point's settings.

    raises: BadStrategy naming the setting and what is allowed.
    """
    said = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise BadStrategy(f"--set {setting}: settings are written NAME=VALUE, NAME=5..50..5 or NAME=5,10,20")
        if name in said:
            raise BadStrategy(f"--set {setting}: {name} is set twice; write all its values in one, {name}=5,10,20")
        said[name] = _values(setting, text)
    axes = {name: values for name, values in said.items() if len(values) > 1}
    count = 1
    for values in axes.values():
        count *= len(values)
    if count > MOST_POINTS:
        raise BadStrategy(
            f"these settings make {count:,} points; at most {MOST_POINTS:,} are searched: take wider steps"
        )
    made = [dict(zip(said, values, strict=True)) for values in itertools.product(*said.values())]
    return Grid(axes, choose([settings_of(point) for point in made]))


def _values(setting: str, text: str) -> list[str]:
    """
    >>> _values("fast=5..20..5", "5..20..5"), _values("x=0.1..0.3..0.1", "0.1..0.3..0.1"), _values("fast=3,4", "3,4")
    (['5', '10', '15', '20'], ['0.1', '0.2', '0.3'], ['3', '4'])
    """
    if ".." not in text:
        return list(dict.fromkeys(text.split(",")))
    try:
        first, last, *by = (Decimal(part) for part in text.split(".."))
        step = by[0] if by else Decimal(1)
        if len(by) > 1 or not step > 0 or not last >= first or (last - first) / step > MOST_POINTS:
            raise InvalidOperation
    except (InvalidOperation, ValueError):
        raise BadStrategy(
            f"--set {setting}: a range is written FIRST..LAST..STEP with LAST not below FIRST, a STEP above 0 and at most "
            f"{MOST_POINTS:,} values, such as 5..50..5"
        ) from None
    return [f"{first + step * at:f}" for at in range(int((last - first) / step) + 1)]
