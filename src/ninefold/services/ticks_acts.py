"""Points that act on parts of the time of trades and books, by the form of the strategy.

In:  a source of trades, held in memory, points of one strategy. Out: what each makes of a part alone, and what several make of parts
     that follow one another, on one account.

Of a target, what is wanted where a part begins is taken over from the formula, which has seen all trades before. Quotes and free
code begin anew with each part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from ninefold.backtest.moved import stitched, within
from ninefold.backtest.target import Changes
from ninefold.backtest.ticks.cut import part_of
from ninefold.backtest.ticks.events import Session
from ninefold.backtest.ticks.latency import Timed
from ninefold.backtest.ticks.market import Terms
from ninefold.backtest.ticks.on_trade import OnTrade, run_on_trade
from ninefold.backtest.ticks.quoted import result_of
from ninefold.backtest.ticks.quoting import run_quoting
from ninefold.backtest.ticks.result import TickResult
from ninefold.backtest.ticks.stream import Way, run, tick_numbers
from ninefold.backtest.ticks.tape import Ticks
from ninefold.backtest.ticks.turns import Acts, InTurns, quote_in_turns
from ninefold.services.backtest_strategy import Chosen
from ninefold.services.backtest_ticks import WantedTicks
from ninefold.services.fitting_plays import FLAT
from ninefold.services.ticks_play import code_of, quoted_on, target_of, told_of_quotes
from ninefold.services.ticks_source import Source
from ninefold.strategy.forms import BookCode, Quoting, TradeCode
from ninefold.strategy.parameters import BadStrategy
from ninefold.strategy.plan import Plan


class Acting(Protocol):
    """Parts have trades in them."""

    def alone(self, points: Sequence[int], from_ns: int, to_ns: int) -> list[TickResult]:
        """Each on an account of its own."""

    def joined(self, parts: Sequence[Acts[int]]) -> tuple[TickResult, dict[str, Any]]:
        """parts: of time, ns, with the point that acts. returns: also what is told of such a run alone."""


class OfTargets(NamedTuple):
    """changes: of each point's target, by rows of all trades."""

    ticks: Ticks
    way: Way
    changes: Sequence[Changes]

    def alone(self, points: Sequence[int], from_ns: int, to_ns: int) -> list[TickResult]:
        first, last = rows_of(self.ticks, from_ns, to_ns)
        part = self.ticks.between(first, last)
        return [run(part, within(self.changes[point], first, last), self.way) for point in points]

    def joined(self, parts: Sequence[Acts[int]]) -> tuple[TickResult, dict[str, Any]]:
        rows = [
            (*rows_of(self.ticks, from_ns, to_ns), FLAT if point is None else self.changes[point])
            for from_ns, to_ns, point in parts
        ]
        return run(self.ticks.between(rows[0][0], rows[-1][1]), stitched(rows), self.way), {}


class OfCode(NamedTuple):
    """makes: of each point, new free code on trades."""

    ticks: Ticks
    way: Way
    makes: Sequence[Callable[[], OnTrade]]

    def alone(self, points: Sequence[int], from_ns: int, to_ns: int) -> list[TickResult]:
        part = self.ticks.between(*rows_of(self.ticks, from_ns, to_ns))
        return [run_on_trade(part, self.makes[point](), self.way) for point in points]

    def joined(self, parts: Sequence[Acts[int]]) -> tuple[TickResult, dict[str, Any]]:
        turns = [Acts(start, stop, None if point is None else self.makes[point]) for start, stop, point in parts]
        ticks = self.ticks.between(*rows_of(self.ticks, parts[0].start, parts[-1].stop))
        return run_on_trade(ticks, InTurns(turns), self.way), {}


class OfQuotes(NamedTuple):
    """plans: of each point."""

    session: Session
    terms: Terms
    way: Way
    plans: Sequence[Plan]

    def alone(self, points: Sequence[int], from_ns: int, to_ns: int) -> list[TickResult]:
        part = part_of(self.session, *rows_of(self.session, from_ns, to_ns))
        return [result_of(run_quoting(self.plans[point], part, self.terms)[0], self.way) for point in points]

    def joined(self, parts: Sequence[Acts[int]]) -> tuple[TickResult, dict[str, Any]]:
        turns = [
            Acts(*rows_of(self.session, from_ns, to_ns), None if point is None else self.plans[point])
            for from_ns, to_ns, point in parts
        ]
        traded, asked = quote_in_turns(self.session, turns, self.terms)
        return result_of(traded, self.way), told_of_quotes(traded, asked)


def acting_of(wanted: WantedTicks, points: Sequence[Chosen], source: Source, ticks: Ticks, way: Way) -> Acting:
    """ticks: all of the source's. raises: as `player_of`, of any point."""
    tick_numbers(way.rules, source.tick, source.lot, source.highest)
    plans = [point.plan for point in points]
    codes = [plan.wants for plan in plans if isinstance(plan.wants, TradeCode)]
    if isinstance(plans[0].wants, Quoting | BookCode):
        return OfQuotes(*quoted_on(plans[0], source, way, wanted.queue), way, plans)
    if codes:
        return OfCode(ticks, way, [code_of(points[0].name, code, source) for code in codes])
    if any(plan.exits != plans[0].exits for plan in plans):
        raise BadStrategy(
            f"strategy {points[0].name} has exits that go by the parameters that vary, so no account can go on from one setting to "
            "the next; set those, or `ninefold sweep` takes it"
        )
    left = way.left_by(plans[0].exits)
    tick_numbers(left.rules, source.tick, source.lot, source.highest)
    decides = [target_of(point, source, way.width_ns, wanted.each)() for point in points]
    return OfTargets(ticks, left, [one.changes(ticks) for one in decides])


def rows_of(of: Timed, from_ns: int, to_ns: int) -> tuple[int, int]:
    """Of trades or events in [from_ns, to_ns)."""
    first, last = np.searchsorted(of.exchange_ns, [from_ns, to_ns]).tolist()
    return first, last
