"""Back-tests of several instruments on one account: shared cash, legs filled together.

In:  bars of the same times and a target for each instrument, by name; the rules of the market.
Out: a `PortfolioResult`. `slow_portfolio` says what happens, and in which order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from ninefold.backtest.bars import Bars
from ninefold.backtest.fast_portfolio import Told, play_together
from ninefold.backtest.fee_tiers import state_of
from ninefold.backtest.funding import NO_FUNDING, Funding
from ninefold.backtest.legs import LEG_FILLS, Together, legs_of
from ninefold.backtest.market_rules import FixedSize, Numbers, Rules, tiers_of
from ninefold.backtest.outcome import FILLS, Reason, TooLarge
from ninefold.backtest.result import OfFills, by_day, returns_of, total, turnover_of
from ninefold.backtest.target import BadTarget, Changes, changes_of_target
from ninefold.backtest.trades import TRADES, trades_of

COLUMNS = len(LEG_FILLS.names or ())


LEG_TRADES = np.dtype([*TRADES.descr, ("instrument", "<i8")])


@dataclass(frozen=True, eq=False)
class PortfolioResult(OfFills):
    """bars: by name, in the order of the rows. unit: of money, in quote. fills: LEG_FILLS rows, oldest first.
    equity: of the account at each close, units, shape (n,). position: lots at each close, shape (instruments, n)."""

    bars: Mapping[str, Bars]
    rules: Rules
    numbers: Numbers
    unit: Fraction
    fills: np.ndarray
    equity: np.ndarray
    position: np.ndarray

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.bars)

    @property
    def close_ns(self) -> np.ndarray:
        return next(iter(self.bars.values())).close_ns

    @property
    def holds(self) -> np.ndarray:
        """Whether there is any position at each close, bool, shape (n,)."""
        found: np.ndarray = (self.position != 0).any(axis=0)
        return found

    @property
    def values(self) -> np.ndarray:
        """What each fill traded, units; of funding 0."""
        worth = np.array([int(one.unit / self.unit) for one in self.bars.values()])
        found: np.ndarray = np.abs(self.fills["price"] * self.fills["size"]) * worth[self.fills["instrument"]]
        return found

    @property
    def traded_on(self) -> dict[int, int]:
        """The same by UTC day since 1970, of days with fills."""
        return by_day(next(iter(self.bars.values())).open_ns[self.fills["bar"]], self.values)

    @property
    def turnover(self) -> float:
        """The value of all fills over the mean equity; NaN if that is not positive."""
        return turnover_of(total(self.values), self.equity)

    @property
    def trades(self) -> np.ndarray:
        """LEG_TRADES rows that are over, by instrument, oldest first; money in this account's units."""
        found: np.ndarray = self._trades[self._trades["exit_bar"] >= 0]
        return found

    @property
    def open_trades(self) -> np.ndarray:
        """The LEG_TRADES rows of what is held at the end."""
        found: np.ndarray = self._trades[self._trades["exit_bar"] < 0]
        return found

    @property
    def unfilled(self) -> np.ndarray:
        """LEG_FILLS rows of what could not be filled with the others."""
        found: np.ndarray = self.fills[self.fills["reason"] == Reason.UNFILLED]
        return found

    @cached_property
    def _trades(self) -> np.ndarray:
        return np.concatenate([self._trades_of(of, bars) for of, bars in enumerate(self.bars.values())])

    def _trades_of(self, of: int, bars: Bars) -> np.ndarray:
        """Prices are multiplied by what a tick times lot is worth here, so that money counts in one unit."""
        worth = int(bars.unit / self.unit)
        mine = self.fills[(self.fills["instrument"] == of) & (self.fills["reason"] != Reason.UNFILLED)]
        fills = np.zeros(len(mine), FILLS)
        for name in FILLS.names or ():
            fills[name] = mine[name]
        fills["price"] *= worth
        at = fills["bar"]
        found = trades_of(fills, bars.open_ns[at], bars.close_ns[at], int(bars.close[-1]) * worth)
        rows = np.zeros(len(found), LEG_TRADES)
        for name in TRADES.names or ():
            rows[name] = found[name]
        rows["entry_price"] /= worth
        rows["exit_price"] /= worth
        rows["instrument"] = of
        return rows

    @property
    def returns(self) -> np.ndarray:
        """Equity of a bar over that of the bar before, less 1; the first over the cash at the start; NaN where none was left."""
        return returns_of(self.numbers.cash, self.equity)

    def to_quote(self, units: np.ndarray | int) -> np.ndarray:
        """Units of money in the quote asset, float64."""
        found: np.ndarray = np.asarray(units, np.float64) * float(self.unit)
        return found


def run_together(
    bars: Mapping[str, Bars],
    targets: Mapping[str, np.ndarray | Changes],
    rules: Rules,
    sizes: Mapping[str, FixedSize] | None = None,
    funding: Mapping[str, Funding] | None = None,
    together: Together = Together.WAIT,
    least: Mapping[str, Fraction] | None = None,
) -> PortfolioResult:
    """Back-test one strategy of several instruments.

    targets:  by name, each as `run` takes it, or its changes; of `EquityShare` each is a part of the one account's equity.
    sizes:    of instruments whose size at target +1 is not that of the rules.
    together: what becomes of orders that cannot all be filled in one bar.
    least:    in quote, of instruments whose venue takes no order of a lesser value.
    raises:   BadTarget, BadBars, BadRules, BadFunding; TooLarge if the account outgrows 2**60 units.
    """
    names = tuple(bars)
    legs, whole, unit = legs_of(bars, rules, sizes or {}, least or {})
    if set(targets) != set(names):
        raise BadTarget(
            f"targets are given for {', '.join(targets)} and bars for {', '.join(names)}; each needs the other"
        )
    given = [targets[name] for name in names]
    wanted = [one if isinstance(one, Changes) else changes_of_target(one, legs.close.shape[1]) for one in given]
    changed = _by_row([(one.at, one.to) for one in wanted])
    paid = _by_row([(funding or {}).get(name, NO_FUNDING).on(bars[name]) for name in names])
    told = Told(changed, paid, state_of(tiers_of(rules, unit)))
    equity, held = np.empty(legs.close.shape[1], np.int64), np.empty(legs.close.shape, np.int64)
    fills = np.empty((3 * len(changed) + len(paid) + len(names) + 1, COLUMNS), np.int64)
    count = play_together(legs, told, whole, together, fills, equity, held)
    if count > len(fills):
        fills = np.empty((count, COLUMNS), np.int64)
        count = play_together(legs, told, whole, together, fills, equity, held)
    if count < 0:
        raise TooLarge(-count - 1)
    return PortfolioResult(bars, rules, whole, unit, fills[:count].reshape(-1).view(LEG_FILLS), equity, held)


def _by_row(of_each: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Rows and values of each instrument as (row, instrument, value), shape (m, 3), by row and then instrument."""
    tables = [np.stack((rows, np.full(len(rows), of), values), axis=1) for of, (rows, values) in enumerate(of_each)]
    table = np.concatenate(tables)
    return np.ascontiguousarray(table[np.lexsort((table[:, 1], table[:, 0]))])
