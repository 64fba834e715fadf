"""Several instruments on one account, as the kernels read them.

In:  bars of the same times by name, rules, funding.
Out: `Legs`: matrices with a row for each instrument, and what a tick times a lot of each is worth in the account's unit.

The unit is the largest amount of quote of which every instrument's tick times lot is a whole multiple; so everything adds
up exactly although their steps differ.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from enum import IntEnum
from fractions import Fraction
from types import MappingProxyType
from typing import NamedTuple, Protocol

import numpy as np

from ninefold.backtest.bars import BadBars, Bars, when
from ninefold.backtest.exact import BadRules, multiple
from ninefold.backtest.market_rules import FixedSize, Numbers, Rules, numbers
from ninefold.backtest.outcome import FILLS
from ninefold.strategy.plan import NO_EXITS

LEG_FILLS = np.dtype([*((name, "<i8") for name in FILLS.names or ()), ("instrument", "<i8")])


class Together(IntEnum):
    """What becomes of orders of several instruments that cannot all be filled in one bar; `slow_portfolio` says it fully."""

    ALONE = 0  # each is filled by itself
    WAIT = 1  # all of them wait
    UNWIND = 2  # those that can are filled, and brought back if another was to be opened


class Legs(NamedTuple):
    """open_ns: of each row, shape (n,). open, close: ticks, volume: lots, shape (instruments, n). The rest has shape
    (instruments,): worth: units a tick times lot; size: lots at target +1, 0: by the share of the equity; most_long, most_short,
    most_lots: lots; least: units, the least value of an order that opens. All int64.
    """

    open_ns: np.ndarray
    open: np.ndarray
    close: np.ndarray
    volume: np.ndarray
    worth: np.ndarray
    size: np.ndarray
    most_long: np.ndarray
    most_short: np.ndarray
    most_lots: np.ndarray
    least: np.ndarray


def legs_of(
    bars: Mapping[str, Bars],
    rules: Rules,
    sizes: Mapping[str, FixedSize],
    least: Mapping[str, Fraction] = MappingProxyType({}),
) -> tuple[Legs, Numbers, Fraction]:
    """Legs, what all of them share of the rules, and the unit in quote.

    sizes:  of instruments whose size is not `rules.sizing`.
    least:  of instruments whose venue takes no order below such a value, in quote.
    raises: BadBars for no bars or bars of other times; BadRules for rules that need the prices within a bar.
    """
    made = list(bars.values())
    _check(bars, rules, sizes)
    unit = unit_of(made)
    worth = [int(one.unit / unit) for one in made]
    each = [
        numbers(_with(rules, sizes.get(name), one.unit), one.tick, one.lot, one.highest * of * len(made))
        for (name, one), of in zip(bars.items(), worth, strict=True)
    ]
    lowest = [-int(-least.get(name, Fraction(0)) // unit) for name in bars]
    table = np.array(
        [
            (of, n.size, n.most_long, n.most_short, n.most_lots, low)
            for of, n, low in zip(worth, each, lowest, strict=True)
        ]
    )
    legs = Legs(
        np.array(made[0].open_ns),
        np.array([one.open for one in made]),
        np.array([one.close for one in made]),
        np.array([one.volume for one in made]),
        *(np.ascontiguousarray(column) for column in table.T.astype(np.int64)),
    )
    return legs, each[0]._replace(cash=multiple(rules.cash, unit, "cash", "units")), unit


class Counted(Protocol):
    @property
    def unit(self) -> Fraction: ...


def unit_of(bars: Iterable[Counted]) -> Fraction:
    """The account's, in quote: the largest of which each instrument's is a whole multiple."""
    steps = [one.unit for one in bars]
    whole = math.lcm(*(step.denominator for step in steps))
    return Fraction(math.gcd(*(step.numerator * whole // step.denominator for step in steps)), whole)


def _with(rules: Rules, size: FixedSize | None, cash: Fraction) -> Rules:
    """The rules of one instrument; the account's cash is counted in the account's unit."""
    return Rules(cash, size or rules.sizing, rules.fees, rules.slippage, rules.limits, rules.margin)


def _check(bars: Mapping[str, Bars], rules: Rules, sizes: Mapping[str, FixedSize]) -> None:
    if not bars:
        raise BadBars("there are no bars; give those of at least one instrument, by name")
    first_name, first = next(iter(bars.items()))
    for name, one in bars.items():
        if len(one) != len(first) or not np.array_equal(one.close_ns, first.close_ns):
            raise BadBars(
                f"{name} has {len(one)} bars from {when(one.open_ns[0])}, {first_name} {len(first)} from "
                f"{when(first.open_ns[0])}: instruments on one account need bars of the same times; cut them to the times they "
                'share, with holes="unknown" where one has none'
            )
    for name in sizes:
        if name not in bars:
            raise BadRules(f"there is a size for {name!r} and no bars; bars are given for {', '.join(bars)}")
    if rules.exits != NO_EXITS or rules.volume_share is not None:
        raise BadRules(
            "exits and a share of the volume are rules of one instrument (`run`); of several on one account leave them out"
        )
