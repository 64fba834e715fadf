"""Back-tests of several instruments on one account, on trades: one cash, each instrument's own prices, orders and latency.

In:  tapes by name, what is wanted of each, the way of each. Out: a `TogetherResult`. `together_slow` says what happens.

Trades of all are taken in the order in which they became known, where that is known of all; else in that of the venues' times. Prices
are counted in what a lot of their instrument is worth in the account's unit, so that money is of one unit and every instrument's
fills are those of `stream`: of one alone they are the same. Exits lie on the instrument's own ticks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ninefold.backtest.exact import BadRules, Number
from ninefold.backtest.fee_tiers import FeeTiers, Tier, state_of
from ninefold.backtest.funding import Funding
from ninefold.backtest.legs import LEG_FILLS, unit_of
from ninefold.backtest.market_rules import Numbers, Slippage, tiers_of
from ninefold.backtest.outcome import FILLS, TooLarge
from ninefold.backtest.target import BadTarget, Changes
from ninefold.backtest.ticks.fast import ARRIVED, PAID
from ninefold.backtest.ticks.result import Curve, TickResult
from ninefold.backtest.ticks.stream import Way, tick_numbers
from ninefold.backtest.ticks.tape import BadTicks, Ticks
from ninefold.backtest.ticks.together_fast import DECIDED, KEPT, DuesOf, Merged, Sent, play_merged
from ninefold.backtest.ticks.together_slow import Trade
from ninefold.backtest.ticks.together_slow import play as play_slowly

Asks = Callable[[int, int], int | None]  # row of its tape, lots held: a target in 10**-8, or None to leave it as it is


class Market(NamedTuple):
    """One instrument. way: its rules (the cash is not read), its latency, its funding."""

    ticks: Ticks
    way: Way


@dataclass(frozen=True, eq=False)
class TogetherResult:
    """markets: by name, prices counted in the account's unit. fills: LEG_FILLS rows, oldest first; `bar` is the row of its
    instrument's tape. cash: at the start, units. fill_ns: when the venues made the fills."""

    markets: Mapping[str, Market]
    numbers: Sequence[Numbers]
    unit: Fraction
    cash: int
    fills: np.ndarray
    fill_ns: np.ndarray

    @cached_property
    def each(self) -> dict[str, TickResult]:
        """What each instrument made, on an account that begins with nothing: together they are what the account made."""
        return {name: self._of(at, market) for at, (name, market) in enumerate(self.markets.items())}

    def _of(self, at: int, market: Market) -> TickResult:
        ticks, curve, mine = market.ticks, Curve(market.way.width_ns), self.fills[self.fills["instrument"] == at]
        curve.take(ticks, 0)
        fills = np.zeros(len(mine), FILLS)
        for name in FILLS.names or ():
            fills[name] = mine[name]
        fill_ns, nothing = self.fill_ns[self.fills["instrument"] == at], self.numbers[at]._replace(cash=0)
        return TickResult(ticks.tick, ticks.lot, len(ticks), market.way.rules, nothing, fills, fill_ns, curve.steps())


def run_markets(markets: Mapping[str, Market], changes: Mapping[str, Changes], cash: Number) -> TogetherResult:
    """Back-test targets that are known beforehand. changes: of each instrument, by rows of its tape.

    raises: BadTicks, BadTarget, BadRules; TooLarge if the account outgrows 2**60 units.
    """
    ready = counted(markets, cash)
    if set(changes) != set(markets):
        raise BadTarget(
            f"targets are given for {', '.join(changes)} and trades of {', '.join(markets)}; each needs both"
        )
    merged, steps = _merged([market.ticks for market in ready.markets.values()])
    orders = _sent(ready, steps, [changes[name] for name in markets])
    table = np.column_stack((np.array(ready.numbers, np.int64), ready.worth))
    tiers = state_of(ready.tiers)
    dues = _dues([market.way.funding for market in ready.markets.values()])

    def play(room: int) -> tuple[int, np.ndarray]:
        fills, begin = np.empty((room, len(LEG_FILLS.names or ())), np.int64), orders.begin[:-1]
        stands = np.zeros((len(markets), KEPT), np.int64)
        stands[:, ARRIVED], stands[:, DECIDED], stands[:, PAID] = begin, begin, dues.begin[:-1]
        return play_merged(merged, orders, dues, table, tiers.copy(), stands, fills), fills

    room = 3 * len(orders.at) + len(dues.at_ns) + len(markets) + 3
    count, fills = play(room)
    if count > room:
        count, fills = play(count)
    if count < 0:
        raise TooLarge(-count - 1)
    return _found(ready, fills[:count].reshape(-1).view(LEG_FILLS).copy())


def run_markets_live(markets: Mapping[str, Market], asks: Mapping[str, Asks], cash: Number) -> TogetherResult:
    """The same in plain Python, of what is asked at every trade of its instrument. raises: as `run_markets`."""
    ready = counted(markets, cash)
    merged, _ = _merged([market.ticks for market in ready.markets.values()])
    alone = [market.way.latency.alone(market.ticks, np.arange(len(market.ticks))) for market in ready.markets.values()]
    arrival = np.empty(len(merged.of), np.int64)
    for of, one in enumerate(alone):
        arrival[merged.of == of] = one
    trades = [Trade(*values) for values in zip(*(column.tolist() for column in (*merged, arrival)), strict=True)]
    asked, funding = [asks[name] for name in markets], [market.way.funding for market in ready.markets.values()]
    fills = play_slowly(
        trades, lambda of, row, held: asked[of](row, held), ready.numbers, funding, ready.worth, ready.tiers
    )
    return _found(ready, fills)


def _found(ready: Counted, fills: np.ndarray) -> TogetherResult:
    """Fills at trades of their instruments."""
    fill_ns = np.empty(len(fills), np.int64)
    for of, market in enumerate(ready.markets.values()):
        mine = fills["instrument"] == of
        fill_ns[mine] = market.ticks.exchange_ns[fills["bar"][mine]]
    return TogetherResult(ready.markets, ready.numbers, ready.unit, ready.numbers[0].cash, fills, fill_ns)


class Counted(NamedTuple):
    """What is asked, in the account's unit."""

    markets: dict[str, Market]
    numbers: list[Numbers]
    worth: list[int]  # what a tick of each counts
    unit: Fraction
    tiers: tuple[Tier, ...]


def counted(markets: Mapping[str, Market], cash: Number) -> Counted:
    """Prices in the account's unit, and the rules as kernels read them; the first has the cash."""
    if not markets or not all(len(market.ticks) for market in markets.values()):
        raise BadTicks("there are no trades: give at least one of each instrument")
    fees = {market.way.rules.fees for market in markets.values()}
    if len(fees) > 1 and any(isinstance(one, FeeTiers) for one in fees):
        raise BadRules("fees by tier go by what the account trades of all instruments; give all the same")
    unit = unit_of([market.ticks for market in markets.values()])
    found: dict[str, Market] = {}
    numbers: list[Numbers] = []
    worths = [int(market.ticks.unit / unit) for market in markets.values()]
    for (name, (ticks, way)), worth in zip(markets.items(), worths, strict=True):
        counted = replace(ticks, price=ticks.price * worth, tick=ticks.tick / worth)
        slippage = Slippage(way.rules.slippage.ticks * worth, way.rules.slippage.rate)
        rules = replace(way.rules, cash=cash, slippage=slippage)
        found[name] = Market(counted, replace(way, rules=rules))
        whole = tick_numbers(rules, counted.tick, counted.lot, counted.highest * len(markets), way.width_ns)
        numbers.append(whole._replace(cash=0) if numbers else whole)
    return Counted(found, numbers, worths, unit, tiers_of(next(iter(found.values())).way.rules, unit))


def _merged(tapes: Sequence[Ticks]) -> tuple[Merged, list[np.ndarray]]:
    """All trades in one order, and the step of each row of each tape."""
    known = [tape.known_ns for tape in tapes]
    at_ns = [tape.exchange_ns if any(one is None for one in known) else tape.known_ns for tape in tapes]
    of = np.repeat(np.arange(len(tapes)), [len(tape) for tape in tapes])
    order = np.argsort(np.concatenate([np.asarray(one) for one in at_ns]), kind="stable")
    row, exchange_ns, price, size = (
        np.concatenate(columns)[order]
        for columns in zip(
            *((np.arange(len(tape)), tape.exchange_ns, tape.price, tape.size) for tape in tapes), strict=True
        )
    )
    merged = Merged(of[order], row, exchange_ns, price, size)
    return merged, [np.flatnonzero(merged.of == at) for at in range(len(tapes))]


def _sent(ready: Counted, steps: Sequence[np.ndarray], changes: Sequence[Changes]) -> Sent:
    both = list(zip(ready.markets.values(), changes, strict=True))
    arrival = [market.way.latency.arrivals(market.ticks, one.at, 0) for market, one in both]
    at = [mine[one.at] for mine, one in zip(steps, changes, strict=True)]
    begin = np.cumsum([0, *(len(one.at) for one in changes)])
    to = np.concatenate([one.to for one in changes])
    return Sent(begin, np.concatenate(at), to, np.concatenate(arrival), np.zeros(len(to), np.int64))


def _dues(each: Sequence[Funding]) -> DuesOf:
    begin = np.cumsum([0, *(len(one.at_ns) for one in each)])
    return DuesOf(begin, np.concatenate([one.at_ns for one in each]), np.concatenate([one.whole for one in each]))
