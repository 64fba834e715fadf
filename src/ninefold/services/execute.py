"""execute: risk, orders, ledger; on paper in our simulated market, or signed to the venue.

In:  chunks with targets, quotes and what the venue says about the account.
Out: the same with orders, fills, HAS and equity. The stage is pure; its account records go into the ledger, and only
     then may the orders leave.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Protocol, cast

import numpy as np

from ninefold.backtest.paper import PaperVenue, SimulatedVenue
from ninefold.bus.status import Meter
from ninefold.config import Config
from ninefold.execution.core import NO_EXITS, ExecutionCore
from ninefold.execution.decisions import UNTOLD, Basis, decisions
from ninefold.execution.guards import ExitRule
from ninefold.execution.held_before import HeldBefore, Stood
from ninefold.execution.legs_rule import NO_LEGS, LegsRule
from ninefold.execution.orders import Cancel
from ninefold.execution.risk import Approved
from ninefold.execution.rules import AccountRules
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.records import (
    AnyRecord,
    Asked,
    Balance,
    CancelAsked,
    Crossed,
    Decision,
    Equity,
    Fill,
    Flatten,
    Flattened,
    Found,
    Halted,
    Listed,
    May,
    Order,
    Resumed,
    Shared,
    Tick,
)
from ninefold.market.strategy_records import Guard, LegsMoved, StrategyFailed
from ninefold.market.time import SECOND_NS, TIMEFRAMES
from ninefold.services.holdings import holding_of, holdings_of
from ninefold.services.sizes import Sizes
from ninefold.services.stopped import failed_since, record_of
from ninefold.strategy.itself import Held, Itself
from ninefold.strategy.own import Holding, Holdings
from ninefold.strategy.plan import Plan
from ninefold.strategy.quotes_wanted import QuotesWanted, most_of
from ninefold.strategy.scaling import Sizing

UNIT = 10**8
MILLION = 10**6
LEDGER_KINDS = (
    *(Listed, Order, Decision, Found, Fill, Balance, Equity, Shared, Crossed, Guard, LegsMoved, StrategyFailed),
    *(Halted, Resumed, Flatten, Flattened, Asked, CancelAsked),
)
Outgoing = Approved | Cancel
MakeVenue = Callable[[AccountRules, Registry], SimulatedVenue]


class Events(Protocol):
    """The ledger, or what stands for it where nothing is kept."""

    def events(self) -> list[AnyRecord]: ...

    def last_seq(self) -> int: ...

    def note(self, records: Sequence[AnyRecord], last_seq: int) -> int: ...

    def sync(self) -> None: ...

    def shorten(self) -> None: ...

    def go_back(self, seq: int) -> None: ...


def rules_of(config: Config) -> AccountRules:
    paper = config.account.orders == "paper"
    risk = config.risk
    return AccountRules(
        account="paper" if paper else "main",
        venue=config.venue.name,
        quote=config.account.quote,
        max_position=_units(risk.position_quote),
        max_order=_units(risk.order_quote),
        max_orders_per_minute=risk.orders_per_minute,
        simulated=paper,
        balances={config.account.quote: int(Decimal(config.account.capital) * UNIT)} if paper else {},
        max_instrument=_units(risk.instrument_quote),
        max_venue=_units(risk.venue_quote),
        max_total=_units(risk.total_quote),
        max_strategy=_units(risk.strategy_quote),
        price_band_ppm=_ppm(risk.price_band),
        max_skew_ns=None if config.mode == "replay" else int(risk.clock_skew_s * SECOND_NS),
        max_daily_loss_ppm=_ppm(risk.daily_loss),
        max_drawdown_ppm=_ppm(risk.drawdown),
        max_var=None if risk.var_quote is None else _units(risk.var_quote),
        max_cvar=None if risk.cvar_quote is None else _units(risk.cvar_quote),
        tail_width_ns=TIMEFRAMES[risk.tail_timeframe],
        canary=_units(config.account.canary_quote) if config.mode == "live" and not paper else None,
        canary_orders=config.account.canary_orders,
        stops_at_venue=config.account.stops == "venue" and not paper,
    )


def sizing_of(config: Config) -> Sizing:
    given = config.sizing
    width_ns = TIMEFRAMES[given.timeframe]
    return Sizing(given.method, given.volatility, given.kelly, given.most, given.bars, width_ns)


def _units(quote: float) -> int:
    return int(quote * UNIT)


def _ppm(fraction: float) -> int:
    return round(fraction * MILLION)


class Execute:
    """The stage. It asks the core for the position that all strategies together want (sizes.py). venue: the simulated one that
    takes the orders; None: the paper one, or who sends them. keep_halt: sets the halt switch. basis: what decides besides the
    inputs. exits, legs: by strategy, of those that have any. itself: strategies that read what they hold, and free code.
    quoting: those that quote. known_since_ns,
    known_until_ns: of the oldest and the newest event that the ledger had at the start, 0 without any.
    """

    name = "execute"

    def __init__(
        self,
        config: Config,
        strategies: tuple[str, ...],
        ledger: Events,
        registry: Registry,
        venue: MakeVenue | None = None,
        keep_halt: Callable[[Halted], None] | None = None,
        basis: Basis = UNTOLD,
        exits: Mapping[str, ExitRule] = NO_EXITS,
        itself: Sequence[Plan] = (),
        legs: Mapping[str, LegsRule] = NO_LEGS,
        quoting: Sequence[Plan] = (),
    ) -> None:
        rules = rules_of(config)
        self.registry = registry
        self._basis = basis
        self._to_send: list[Outgoing] = []
        self._ledger = ledger
        self._keep_halt = keep_halt
        sizing, capital = sizing_of(config), int(Decimal(config.account.capital) * UNIT)
        self._sizes = Sizes(sizing, strategies, capital // max(1, len(config.venue.pairs)), registry)
        self._mays: list[May] = []
        self._done_seq = ledger.last_seq()
        events = ledger.events()
        self.known_since_ns = events[0].known_ns if events else 0
        self.known_until_ns = max((event.known_ns for event in events), default=0)
        for event in events:
            if isinstance(event, Listed):
                self.registry.learn(event.instrument)
        self._before = HeldBefore(events, [plan.name for plan in (*itself, *quoting)])
        self._quoting = QuotesWanted(quoting, config.venue.name, registry)
        self.itself = Itself(itself, config.venue.name, registry, failed_since(events, basis))
        widths = frozenset({sizing.width_ns} if sizing.method == "volatility" else ())
        self.core = ExecutionCore.restore(rules, self.registry, events, widths, exits, legs, most_of(quoting))
        make = venue or (PaperVenue if rules.simulated else None)
        self._paper = make(rules, self.registry) if make is not None else None
        if self._paper is not None:
            self._paper.restore(events)

    @property
    def ledger_seq(self) -> int:
        """Up to where the ledger has what this stage made."""
        return self._done_seq

    def warm(self, instruments: Sequence[Instrument], bars: np.ndarray, values: np.ndarray) -> None:
        """Returns of the bars so far; what strategies earned is measured anew."""
        self.core.returns.fold(bars)
        self.core.guards.warm(bars)
        self.itself.warm(bars, values, self._held_at_each)
        self._quoting.warm(bars, values, self._held_at_each)

    def go_back(self, seq: int) -> None:
        """The journal ends here: what the ledger has behind it stays, but the numbers there are given anew."""
        if seq < self._done_seq:
            self._ledger.go_back(seq)
            self._done_seq = seq

    def step(self, chunk: Chunk) -> Chunk:
        self._observe(chunk)
        if chunk.last_seq <= self._done_seq:
            self.core.shown.fold(chunk)
            self.core.returns.fold(chunk.rows("bars"))
            self._told(chunk, partial(self._held_at, chunk.last_seq))
            self.core.guards.pass_by(chunk)
            self.core.quotes.pass_by(self._quoting.take(chunk, partial(self._held_at, chunk.last_seq)))
            return chunk
        if self._paper is not None:
            chunk.records.extend(self._paper.step(chunk))
        told = partial(self._told, chunk, self._held)
        approved = self.core.step(chunk, partial(self._desired, chunk), self._mays, self._sizes.wants, told)
        cancels = self.core.take_cancels()
        if self._paper is not None:
            self._paper.accept(approved)
            self._paper.cancel(cancels, chunk.known_ns)
        else:
            self._to_send += [*approved, *cancels]
        chunk.records.extend(self._failures(chunk))
        chunk.records.extend(decisions(chunk, self.core, self._counted, self._size, self._basis))
        return chunk

    def _told(self, chunk: Chunk, held: Held) -> None:
        """Strategies that read what they hold decide, once the chunk's fills are booked, and before exits look at targets."""
        made = self.itself.targets(chunk, held)
        if len(made):
            chunk.add("targets", made)
            self._sizes.observe(chunk)
        chunk.records += self.itself.renewed

    def _desired(self, chunk: Chunk) -> Mapping[int, int]:
        """Sizes by instrument."""
        self.core.quotes.want(self._quoting.take(chunk, self._held))
        return self._sizes.desired(chunk, self.core)

    def _held(self, strategy: str, instrument: int) -> Holding | None:
        """Now."""
        mine = self.core.account.attribution
        entry = mine.entries.of.get((strategy, instrument))
        if entry is None:
            return None
        stood = Stood(mine.held(strategy, instrument), entry.average, entry.tick, entry.seq)
        return holding_of(self.registry[instrument], stood)

    def _held_at(self, seq: int, strategy: str, instrument: int) -> Holding | None:
        """When the ledger's input was decided on; there is one that decides in a chunk."""
        return holding_of(self.registry[instrument], self._before.at(strategy, instrument, seq))

    def _held_at_each(self, strategy: str, instrument: int, seqs: np.ndarray) -> Holdings:
        return holdings_of(self.registry[instrument], self._before, strategy, seqs)

    def _failures(self, chunk: Chunk) -> list[StrategyFailed]:
        """Free code that has failed since the last decision, or while it was played again at the start."""
        if not self.itself.failures:
            return []
        tick = next((record for record in chunk.records if isinstance(record, Tick)), None)
        if tick is None:
            return []
        failures, self.itself.failures = self.itself.failures, []
        return [record_of(one, tick, self.registry[one.instrument], self._basis) for one in failures]

    def _size(self, instrument: int) -> int:
        """As it was wanted at this tick."""
        return self.core.legs.sized.get(instrument, self._sizes.size(instrument))

    def _counted(self, instrument: int) -> Mapping[str, float]:
        """Targets as they counted at this tick."""
        return self.core.guards.counted(instrument, self._sizes.targets.get(instrument, {}))

    def take_orders(self) -> list[Outgoing]:
        """The orders approved, and those to be cancelled, since the last call; they may leave once the chunks they are from
        are in the ledger."""
        orders, self._to_send = self._to_send, []
        return orders

    def account_records(self, chunk: Chunk) -> list[AnyRecord]:
        """What of a chunk belongs into the ledger and is not there yet."""
        if chunk.last_seq <= self._done_seq:
            return []
        return cast(list[AnyRecord], [record for record in chunk.records if isinstance(record, LEDGER_KINDS)])

    def append(self, records: Sequence[AnyRecord], last_seq: int) -> None:
        """Into the ledger, synced. raises: StoreWriteFailed; nothing may be sent then."""
        self.note(records, last_seq)
        self.sync()

    def note(self, records: Sequence[AnyRecord], last_seq: int) -> None:
        """Into the ledger, not synced. raises: as `append`."""
        self._ledger.note(records, last_seq)
        self._done_seq = last_seq
        if self._keep_halt is not None and (halted := self.core.halts.unshown) is not None:
            self._keep_halt(halted)

    def sync(self) -> None:
        """What was noted is on the disk when this returns; may run in a thread beside the rest, as `shorten` may."""
        self._ledger.sync()

    def shorten(self) -> None:
        self._ledger.shorten()

    def write(self, chunk: Chunk) -> None:
        """A chunk's account records into the ledger, synced. raises: as `append`."""
        records = self.account_records(chunk)
        if records:
            self.append(records, chunk.last_seq)

    def gauge(self, meter: Meter) -> None:
        """Show the account's worth, while it is known, and which strategies are stopped."""
        meter.detail = f"stopped: {', '.join(self.itself.stopped)}" if self.itself.stopped else ""
        equity = self.core.equity()
        if equity is not None:
            meter.gauges["equity"] = equity / UNIT

    def _observe(self, chunk: Chunk) -> None:
        self._sizes.observe(chunk)
        for record in chunk.records:
            if isinstance(record, Listed):
                self.registry.learn(record.instrument)
            elif isinstance(record, May):
                self._mays.append(record)
            elif isinstance(record, Tick):
                self._mays = [may for may in self._mays if may.until_ns >= record.exchange_ns]
