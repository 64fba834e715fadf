"""What plays a strategy on trades and books, by its form.

In:  a source of trades, a strategy that was chosen, rules and latencies.
Out: what runs it, or decides for it. All that can be refused before a run is refused here.

A target of bars is decided at their closes, bars being made of the trades themselves, and known at the first trade after; a target
of trades is a formula of each trade's price and size (`close`, `volume`). `on_trade` is asked at every trade, with all of
them in memory; quotes are asked by their timer, on a recorded book.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ninefold.backtest.bars import Bars, when
from ninefold.backtest.market_rules import Margin
from ninefold.backtest.stateful import line_of
from ninefold.backtest.ticks.bars import BarsOfTicks
from ninefold.backtest.ticks.decide import Formula, OfBars
from ninefold.backtest.ticks.events import Session
from ninefold.backtest.ticks.folded import Folded, Folds
from ninefold.backtest.ticks.market import Terms, Traded
from ninefold.backtest.ticks.on_trade import OnTrade as OnTradeInTicks
from ninefold.backtest.ticks.on_trade import run_on_trade
from ninefold.backtest.ticks.orders import Queue
from ninefold.backtest.ticks.quoted import result_of
from ninefold.backtest.ticks.quoting import decimals, run_quoting
from ninefold.backtest.ticks.result import TickResult
from ninefold.backtest.ticks.stream import Filled, Stream, TickStrategy, Way, tick_numbers
from ninefold.backtest.trades import TRADES
from ninefold.formula import Scale
from ninefold.services.backtest_bars import market_of_bars
from ninefold.services.backtest_strategy import Chosen
from ninefold.services.ticks_source import Source
from ninefold.store.packed_rows import PackedRows
from ninefold.strategy.forms import BookCode, OnTrade, Quoting, TradeCode
from ninefold.strategy.parameters import BadStrategy
from ninefold.strategy.plan import Plan

BAR, TRADE = "bar", "trade"
EACH = (BAR, TRADE)
QUEUES = {"back": Queue.BACK_OF_QUEUE, "proportional": Queue.PROPORTIONAL}


class Played(NamedTuple):
    """ticks: how many trades there were. more: what is told of such a run alone."""

    account: Folded
    ticks: int
    more: dict[str, Any]


def player_of(chosen: Chosen, source: Source, way: Way, each: str, queue: str) -> Callable[[], Played]:
    """raises: BadStrategy for a form that is not played here, or columns that there are not; BadRules, BadTicks."""
    tick_numbers(way.rules, source.tick, source.lot, source.highest)
    plan = chosen.plan
    if isinstance(plan.wants, Quoting | BookCode):
        session, terms = quoted_on(plan, source, way, queue)
        return lambda: _quotes(plan, source, session, terms, way)
    if isinstance(plan.wants, TradeCode):
        make = code_of(plan.name, plan.wants, source)
        return lambda: _on_trade(make(), source, way)
    decides = target_of(chosen, source, way.width_ns, each)
    left = way.left_by(plan.exits)
    tick_numbers(left.rules, source.tick, source.lot, source.highest)
    return lambda: streamed(decides(), source, left)


def target_of(chosen: Chosen, source: Source, width_ns: int, each: str) -> Callable[[], TickStrategy]:
    """What decides a target, new for each run. raises: as `player_of`."""
    plan = chosen.plan
    if plan.knows_itself:
        raise BadStrategy(
            f"strategy {plan.name} depends on what it holds bar by bar; on trades write on_trade, which is told the position"
        )
    if each == TRADE:
        if plan.entered_again:
            raise BadStrategy(
                f"strategy {plan.name} has entries and exits, and enters again at a close where its entry holds; leave --each trade "
                "out, and closes are those of bars"
            )
        if missing := sorted(plan.target.columns - {"close", "volume"}):
            raise BadStrategy(
                f"strategy {plan.name} reads {', '.join(missing)}; of a trade a formula may read close and volume, its price and "
                "size: leave --each trade out, and it is of bars"
            )
        scale = Scale(decimals(source.tick), decimals(source.lot))
        steps = [float(step * 10 ** decimals(step)) for step in (source.tick, source.lot)]
        return lambda: Formula(plan.target, scale, *steps)
    bars = bars_of(source, width_ns)
    changes = chosen.changes(market_of_bars(bars))
    return lambda: OfBars(changes, bars.close_ns)


def code_of(name: str, code: TradeCode, source: Source) -> Callable[[], OnTradeInTicks]:
    """Free code on trades, new for each run."""
    return lambda: _InQuote(name, code.make(), float(source.tick), float(source.lot))


def streamed(strategy: TickStrategy, source: Source, way: Way) -> Played:
    account, bars = Stream(way, source.tick, source.lot, source.highest), BarsOfTicks(way.width_ns)
    folds = Folds(way.width_ns, PackedRows(TRADES))
    for block in source.blocks():
        folds.take(account.take(block, strategy.changes(block)))
        bars.take(block)
    found = folds.found(bars.found(source.tick, source.lot), way.rules, account.numbers)
    return Played(found, account.rows, {})


def folded(found: TickResult, bars: Bars) -> Folded:
    """A run whose fills are all known, on bars of the trades that it met."""
    folds = Folds(int(bars.close_ns[0] - bars.open_ns[0]), PackedRows(TRADES))
    folds.take(Filled(found.fills, found.fill_ns))
    return folds.found(bars, found.rules, found.numbers)


def bars_of(source: Source, width_ns: int) -> Bars:
    bars = BarsOfTicks(width_ns)
    for block in source.blocks():
        bars.take(block)
    return bars.found(source.tick, source.lot)


def quoted_on(plan: Plan, source: Source, way: Way, queue: str) -> tuple[Session, Terms]:
    """Where and by what terms a strategy quotes. raises: BadStrategy where it cannot."""
    session = source.session
    if session is None or not session.has_book:
        raise BadStrategy(
            f"strategy {plan.name} quotes, and {source.name} has no book; give --instrument, of which books are stored "
            "(`ninefold replay`, `ninefold up`)"
        )
    if source.spot:
        raise BadStrategy(
            f"strategy {plan.name} quotes both sides, and {source.name} is spot: what is not held is not sold; give a perpetual"
        )
    margin = None if way.rules.margin == Margin() else way.rules.margin
    return session, Terms(way.rules.cash, way.rules.fees, QUEUES[queue], way.latency, margin, way.funding)


def _quotes(plan: Plan, source: Source, session: Session, terms: Terms, way: Way) -> Played:
    traded, asked = run_quoting(plan, session, terms)
    found = result_of(traded, way)
    return Played(folded(found, bars_of(source, way.width_ns)), found.ticks, told_of_quotes(traded, asked))


def told_of_quotes(traded: Traded, asked: int) -> dict[str, Any]:
    """What is told of quotes alone."""
    return {"events": len(traded.session), "asked": asked, "fills": int((traded.fills["size"] != 0).sum())}


def _on_trade(code: OnTradeInTicks, source: Source, way: Way) -> Played:
    ticks = source.whole()
    bars = BarsOfTicks(way.width_ns)
    bars.take(ticks)
    return Played(folded(run_on_trade(ticks, code, way), bars.found(source.tick, source.lot)), len(ticks), {})


class _InQuote:
    """Free code in quote and base."""

    def __init__(self, name: str, on_trade: OnTrade, tick: float, lot: float) -> None:
        self._name, self._asked, self._tick, self._lot = name, on_trade, tick, lot

    def on_trade(self, price: int, size: int, side: int, exchange_ns: int, position: int) -> float | None:
        try:
            found = self._asked(price * self._tick, size * self._lot, side, exchange_ns, position * self._lot)
            return None if found is None else float(found)
        except Exception as error:
            raise BadStrategy(
                f"strategy {self._name}: on_trade failed at the trade of {when(exchange_ns)}: {type(error).__name__}: "
                f"{error}{line_of(error)}"
            ) from error
