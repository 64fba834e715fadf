"""Back-tests of a target on trades: whole, or block by block in memory that does not grow with the tape.

In:  trades, what is wanted at each, how long news and orders take, the rules of the market.
Out: a `TickResult`. An order decided at a trade is filled at the first later trade that the venue made when the order had
     arrived; `slow` says what happens there. Where a tape is cut into blocks changes nothing.

Exits of the rules count time in steps of `Way.width_ns`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import NamedTuple, Protocol

import numpy as np

from ninefold.backtest.exact import LARGEST
from ninefold.backtest.fee_tiers import state_of
from ninefold.backtest.funding import NO_FUNDING, Funding
from ninefold.backtest.market_rules import Numbers, Rules, numbers, tiers_of
from ninefold.backtest.outcome import COLUMNS, FILLS, TooLarge
from ninefold.backtest.target import Changes, changes_of_target
from ninefold.backtest.ticks.fast import ARRIVED, CASH, STANDS, Dues, Orders, Tape, play
from ninefold.backtest.ticks.latency import Latency
from ninefold.backtest.ticks.result import Curve, TickResult
from ninefold.backtest.ticks.tape import BadTicks, Ticks
from ninefold.market.time import MINUTE_NS
from ninefold.strategy.plan import Exits


class TickStrategy(Protocol):
    """Decides block by block; what it keeps between them is its own."""

    def changes(self, ticks: Ticks) -> Changes:
        """The changes of its target: rows of this block, known when the trades of these rows are."""


@dataclass(frozen=True, slots=True)
class Way:
    """rules: what fills cost. latency: how long news and orders take. width_ns: of the steps of the equity curve.
    funding: what is paid at its moments, at the price of the first trade then."""

    rules: Rules
    latency: Latency = field(default_factory=Latency)
    width_ns: int = MINUTE_NS
    funding: Funding = NO_FUNDING

    def left_by(self, exits: Exits) -> Way:
        """The same with these exits."""
        return replace(self, rules=replace(self.rules, exits=exits))


def run(ticks: Ticks, target: np.ndarray | Changes, way: Way) -> TickResult:
    """Back-test one strategy on trades that are in memory.

    target: shape (n,) in [-1, +1], known with each trade, NaN counts as 0; or its `Changes`.
    raises: BadTarget, BadRules, BadTicks naming row or rule; TooLarge if the account outgrows 2**60 units.

    >>> from ninefold.backtest.market_rules import Fees, FixedSize
    >>> from ninefold.backtest.ticks.latency import FixedFeed, FixedOrder
    >>> way = Way(Rules(cash=1000, sizing=FixedSize(2), fees=Fees(taker=0)), Latency(FixedFeed(10), FixedOrder(30)))
    >>> ticks = Ticks(np.array([100, 120, 140, 150]), price=np.array([5, 6, 7, 9]), size=np.array([1, 1, 1, 1]))
    >>> result = run(ticks, np.array([1.0, 1.0, 1.0, 1.0]), way)
    >>> result.fills[["bar", "price", "size"]].tolist(), int(result.equity[-1])
    ([(2, 7, 2)], 1004)
    """
    changes = target if isinstance(target, Changes) else changes_of_target(target, len(ticks))
    return run_decided([(ticks, changes)], way, ticks.highest)


def run_blocks(blocks: Iterable[Ticks], strategy: TickStrategy, way: Way, highest: int) -> TickResult:
    """The same block by block; only fills and the equity curve are kept.

    highest: no price of the tape is above it, ticks.
    raises:  as `run`; BadTicks also if there are no blocks, and for blocks that do not follow each other.
    """
    return run_decided(((block, strategy.changes(block)) for block in blocks), way, highest)


def run_decided(decided: Iterable[tuple[Ticks, Changes]], way: Way, highest: int) -> TickResult:
    """The same of blocks with the changes of a target in each."""
    account: Stream | None = None
    found, curve = [], Curve(way.width_ns)
    for ticks, changes in decided:
        account = account or Stream(way, ticks.tick, ticks.lot, highest)
        found.append(account.take(ticks, changes))
        curve.take(ticks, account.rows - len(ticks))
    if account is None or not account.rows:
        raise BadTicks("there are no trades: give at least one")
    fills, fill_ns = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return TickResult(
        account.tick, account.lot, account.rows, way.rules, account.numbers, fills, fill_ns, curve.steps()
    )


class Filled(NamedTuple):
    """fills: FILLS rows; `bar` is the row of the tape. fill_ns: when the venue made these trades."""

    fills: np.ndarray
    fill_ns: np.ndarray


class Stream:
    """An account that meets one block of trades after the other; of its fills it keeps none. rows: trades so far."""

    def __init__(self, way: Way, tick: Fraction, lot: Fraction, highest: int) -> None:
        self.tick, self.lot, self.rows = tick, lot, 0
        self._way, self._highest = way, highest
        self.numbers = tick_numbers(way.rules, tick, lot, highest, way.width_ns)
        self._dues = Dues(way.funding.at_ns, way.funding.whole)
        self._tiers = state_of(tiers_of(way.rules, tick * lot))
        self._stands = np.zeros(STANDS, np.int64)
        self._stands[CASH] = self.numbers.cash
        self._arrival, self._lots = np.empty(0, np.int64), np.empty(0, np.int64)  # of orders under way
        self._last_ns, self._last_arrival_ns = 0, 0

    def take(self, ticks: Ticks, changes: Changes) -> Filled:
        """What was filled in a block. raises: BadTicks if it does not follow the one before; TooLarge with the row of the tape."""
        if not len(ticks):
            return Filled(np.empty(0, FILLS), np.empty(0, np.int64))
        self._check(ticks)
        orders = self._orders(ticks, changes)
        fills = self._play(ticks, orders)
        arrived, decided = int(self._stands[ARRIVED]), len(orders.at)
        self._arrival, self._lots = orders.arrival[arrived:decided].copy(), orders.lots[arrived:decided].copy()
        fill_ns = ticks.exchange_ns[fills["bar"]]
        fills["bar"] += self.rows
        self.rows += len(ticks)
        self._last_ns = int(ticks.exchange_ns[-1])
        return Filled(fills, fill_ns)

    def _check(self, ticks: Ticks) -> None:
        if (ticks.tick, ticks.lot) != (self.tick, self.lot):
            raise BadTicks(
                f"a block counts in {ticks.tick} and {ticks.lot}, those before in {self.tick} and {self.lot}; give one unit"
            )
        if self.rows and int(ticks.exchange_ns[0]) < self._last_ns:
            raise BadTicks(f"row {self.rows} (first of a block) was traded before the row before it; sort the blocks")
        if ticks.highest > self._highest:
            raise BadTicks(f"a price of {ticks.highest} ticks is above {self._highest}, said to be the highest; say so")

    def _orders(self, ticks: Ticks, changes: Changes) -> Orders:
        arrival = self._way.latency.arrivals(ticks, changes.at, self._last_arrival_ns)
        self._last_arrival_ns = int(arrival[-1]) if len(arrival) else self._last_arrival_ns
        before, to_come = np.full(len(self._arrival), -1), np.zeros(len(changes.at), np.int64)
        return Orders(
            np.concatenate((before, changes.at)),
            np.concatenate((before, changes.to)),
            np.concatenate((self._arrival, arrival)),
            np.concatenate((self._lots, to_come)),
            self._stands.copy(),
            self._tiers.copy(),
        )

    def _play(self, ticks: Ticks, orders: Orders) -> np.ndarray:
        tape, before = Tape(ticks.exchange_ns, ticks.price, ticks.size), len(self._arrival)
        fills = np.empty((3 * len(orders.at) + len(self._dues.at_ns) + 3, COLUMNS), np.int64)
        count = play(tape, orders, self._dues, before, self.numbers, fills)
        if count > len(fills):  # what the share of a trade's size did not give was filled bit by bit
            fills = np.empty((count, COLUMNS), np.int64)
            orders.stands[:], orders.tiers[:] = self._stands, self._tiers
            count = play(tape, orders, self._dues, before, self.numbers, fills)
        if count < 0:
            raise TooLarge(self.rows - count - 1)
        self._stands, self._tiers = orders.stands, orders.tiers
        return fills[:count].reshape(-1).view(FILLS).copy()


def tick_numbers(rules: Rules, tick: Fraction, lot: Fraction, highest: int, width_ns: int = MINUTE_NS) -> Numbers:
    """The rules as kernels read them: `hold` is in ns, of so many steps of `width_ns`. raises: BadRules."""
    found = numbers(rules, tick, lot, highest)
    return found._replace(hold=min(found.hold * width_ns, LARGEST))  # 36 years
