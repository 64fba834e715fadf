"""Strategies that take over from each other on one account, each for a part of the time.

In:  parts of a session, or of the time of trades, that follow one another, and who acts in each; None: nobody.
Out: what came of it on one account.

Each begins anew with its part, as in a back-test of that part alone, but with what is held: it wants nothing before it says so.
Where nobody acts nothing is quoted, and what is held is sold at the next trade if trades are what is acted on. Who acts in parts
that follow one another goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from ninefold.backtest.ticks.cut import part_of
from ninefold.backtest.ticks.events import Session
from ninefold.backtest.ticks.market import Decide, Terms, Traded, Turn, trade_live_quotes
from ninefold.backtest.ticks.on_trade import OnTrade
from ninefold.backtest.ticks.quotes import Quotes
from ninefold.backtest.ticks.quoting import asked_by, told_quotes
from ninefold.strategy.plan import Plan

Who = TypeVar("Who")


class Acts(NamedTuple, Generic[Who]):
    """Who acts from `start` up to `stop`: rows of events, or ns."""

    start: int
    stop: int
    who: Who | None


def quote_in_turns(session: Session, parts: Sequence[Acts[Plan]], terms: Terms) -> tuple[Traded, int]:
    """Strategies that quote; how often any was asked. Parts are rows of events, those without any left out.

    raises: as `run_quoting`.
    """
    acts = _merged([part for part in parts if part.start < part.stop])
    whole = part_of(session, acts[0].start, acts[-1].stop)
    origin = len(whole) - acts[-1].stop  # where row 0 of the session would stand
    turns, asked = [], 0
    for start, stop, plan in acts:
        turns.append(Turn(_at_event(whole, origin + start, terms), _nothing))
        if plan is None:
            continue
        own = part_of(session, start, stop)
        shown, made = asked_by(plan, own, terms)
        timer = replace(shown.timer, at=shown.timer.at + origin + stop - len(own))
        turns.append(Turn(timer, told_quotes(made) if isinstance(made, Quotes) else made))
        asked += len(shown.at_ns)
    return trade_live_quotes(whole, turns, terms), asked


class InTurns:
    """Free code on trades. parts: of time, ns; what makes an `on_trade`."""

    def __init__(self, parts: Sequence[Acts[Callable[[], OnTrade]]]) -> None:
        self._to_come = _merged(parts)[::-1]
        self._acting: OnTrade | None = None

    def on_trade(self, price: int, size: int, side: int, exchange_ns: int, position: int) -> float | None:
        """As `OnTrade`."""
        begins = bool(self._to_come) and exchange_ns >= self._to_come[-1].start
        while self._to_come and exchange_ns >= self._to_come[-1].start:
            make = self._to_come.pop().who
            self._acting = None if make is None else make()
        wanted = None if self._acting is None else self._acting.on_trade(price, size, side, exchange_ns, position)
        return 0.0 if wanted is None and begins else wanted


def _merged(parts: Sequence[Acts[Who]]) -> list[Acts[Who]]:
    """Who acts in parts that follow one another acts in one."""
    groups = [list(group) for _, group in groupby(parts, key=lambda part: part.who)]
    return [Acts(group[0].start, group[-1].stop, group[0].who) for group in groups]


def _at_event(session: Session, row: int, terms: Terms) -> Quotes:
    """A decision when this event is known."""
    at, none = np.array([row]), np.zeros(1, np.int64)
    return Quotes(at, none, none, none, none, most=1, decided_ns=terms.latency.feed.known_ns(session, at))


def _nothing() -> Decide:
    return lambda row, position: (0, 0, 0, 0)
