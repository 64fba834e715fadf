"""One life of the trading end of the pipeline in simulated time: the real stage, gateway and halt switch, a ledger in memory.

In:  inputs (what the market shows, what people ask for, what the exchange says), each kept in the journal before it is acted on.
Out: the stage's records, synced into the ledger some milliseconds later, and only then orders. A kill leaves the journal and
     what was synced; a power loss takes the end of the journal too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ninefold.config import Account, Config, Risk, Strategies
from ninefold.config import Venue as VenueSection
from ninefold.execution.guards import ExitRule
from ninefold.journal.inputs import AccountEvent
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry, listed
from ninefold.market.records import AnyRecord, Fill, Flatten, Halted, Malformed, Order, Resumed, Started, Tick
from ninefold.market.time import SECOND_NS
from ninefold.services import halt
from ninefold.services.execute import Execute, Outgoing
from ninefold.services.trading import Trading
from ninefold.venues.binance_orders import parse_account

from .simulated_time import Gateway

if TYPE_CHECKING:
    from .day import Day

SYMBOLS = {"BTCUSDT": "BTC/USDT", "ETHUSDT": "ETH/USDT", "SOLUSDT": "SOL/USDT", "ADABTC": "ADA/BTC"}
STRATEGIES = ("fast", "late", "slow")
EXITS = {"fast": ExitRule(SECOND_NS, stop=200_000, take=300_000)}  # 0.2 and 0.3 %
JOURNALLED = 50  # inputs behind the ledger's end that a start looks at; the product keeps 30 s of them


def config_of(folder: Path) -> Config:
    wide = dict.fromkeys(("position_quote", "order_quote", "instrument_quote", "venue_quote", "total_quote"), 30_000.0)
    return Config(
        data_dir=str(folder),
        mode="demo",
        venue=VenueSection(pairs=tuple(SYMBOLS.values()), rest_url="http://127.0.0.1:1", ws_api_url="ws://127.0.0.1:1"),
        account=Account(orders="exchange", keys_file=str(folder / "keys.json"), capital="9000", durable="overlapped"),
        risk=Risk(orders_per_minute=1_000, clock_skew_s=60.0, **wide),
        strategies=Strategies(names=STRATEGIES),
    )


def registry() -> Registry:
    known = Registry()
    known.add(listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.00001", min_notional="5"))
    known.add(listed("binance", "ETHUSDT", "ETH", "USDT", tick="0.01", lot="0.0001", min_notional="5"))
    known.add(listed("binance", "SOLUSDT", "SOL", "USDT", tick="0.01", lot="0.001", min_notional="5"))
    known.add(listed("binance", "ADABTC", "ADA", "BTC", tick="0.00000001", lot="1", min_notional="0.0001"))
    return known


class Kept:
    """The ledger's events; one that is told twice is kept once, as in the file. A power loss takes what was not synced."""

    def __init__(self) -> None:
        self._events: list[AnyRecord] = []
        self._known: set[bytes] = set()
        self.sent: set[str] = set()  # orders that may have left
        self._last_seq = 0
        self._on_disk = (0, 0)  # events, and up to which seq

    def events(self) -> list[AnyRecord]:
        return list(self._events)

    def last_seq(self) -> int:
        return self._last_seq

    def note(self, records: Sequence[AnyRecord], last_seq: int) -> int:
        before = len(self._events)
        for record in records:
            content = msgspec.msgpack.encode(record)
            if content not in self._known:
                self._known.add(content)
                self._events.append(record)
                if isinstance(record, Order) and record.status == "sent":
                    self.sent.add(record.client_order_id)
        self._last_seq = max(self._last_seq, last_seq)
        return len(self._events) - before

    def sync(self) -> None:
        self._on_disk = (len(self._events), self._last_seq)

    def shorten(self) -> None:
        """It is no file."""

    def go_back(self, seq: int) -> None:
        self._last_seq = min(self._last_seq, seq)
        self.sync()

    def lose_power(self) -> int:
        """How many orders that may have left it does not know any more."""
        events, self._last_seq = self._on_disk
        lost = self._events[events:]
        del self._events[events:]
        self._known -= {msgspec.msgpack.encode(one) for one in lost}
        known = {one.client_order_id for one in self._events if isinstance(one, Order)}
        return len({one.client_order_id for one in lost if isinstance(one, Order) and one.status == "sent"} - known)


class Life:
    """From a start to a kill. dead: nothing of it counts any more."""

    def __init__(self, day: Day) -> None:
        self.dead = False
        self.dies_between = False  # the next time something is written and not yet sent
        self.dies_unsynced = False  # the next time something was sent and is not yet synced: the power goes
        self.made: list[AnyRecord] = []  # since somebody looked
        self._day = day
        self._waiting: list[Outgoing] = []
        self._unsynced: set[int] = set()  # instruments
        self._syncs = False
        self.registry = registry()
        keep_halt = partial(halt.keep, day.folder)
        self.execute = Execute(
            config_of(day.folder), STRATEGIES, day.kept, self.registry, keep_halt=keep_halt, exits=EXITS
        )
        self.core = self.execute.core
        self._halted: halt.Halt | None = None
        self._flattened: tuple[halt.Ask, ...] = ()

    async def start(self) -> None:
        """What is in the journal and not in the ledger is done again, and nothing of it sent: the exchange is asked."""
        self.execute.go_back(self._day.seq)
        for chunk in self._day.journal:
            again = _copy(chunk)
            self.execute.step(again)
            self.made += again.records
            self.execute.write(again)
            self.execute.take_orders()
        held = self.core.halts.in_force
        self._halted = halt.Halt(held.by, held.reason, held.known_ns) if held is not None else None
        self._flattened = tuple(halt.Ask(one.by, one.instrument, one.known_ns) for one in self.core.flattened.values())
        seq, known_ns = self._day.next()
        self.hear([Started(seq=seq, known_ns=known_ns, run="day")])
        self.trading = Trading(
            config_of(self._day.folder), self.execute, self._account, self._day.loop.now_ns, lambda: None
        )
        self.running = asyncio.ensure_future(self.trading.run())

    @property
    def gateway(self) -> Gateway | None:
        return self.trading._gateway  # type: ignore[return-value]

    def kill(self) -> None:
        """SIGKILL: what is on its way to the exchange arrives there all the same."""
        self.dead = True
        self.running.cancel()
        for task in list(self.gateway._tasks) if self.gateway is not None else []:
            task.cancel()

    def tick(self, arrays: dict[str, np.ndarray], asked: Sequence[AnyRecord]) -> None:
        """What the market shows and people want, at one moment."""
        seq, known_ns = self._day.next()
        stamped = [msgspec.structs.replace(one, seq=seq, known_ns=known_ns) for one in (*self._switched(), *asked)]
        self.hear([*stamped, Tick(seq=seq, known_ns=known_ns, exchange_ns=known_ns)], arrays)

    def hear(self, records: list[AnyRecord], arrays: dict[str, np.ndarray] | None = None) -> None:
        seq, known_ns = self._day.next()
        self._day.take(Chunk(seq, seq, known_ns, arrays or {}, records))
        chunk = _copy(self._day.journal[-1])
        self.execute.step(chunk)
        self.made += chunk.records
        kept, orders = self.execute.account_records(chunk), self.execute.take_orders()
        if not kept and not orders:
            return
        self.execute.note(kept, seq)
        if self.dies_between and orders:
            self.kill()
            return
        if not self._syncs:
            self._syncs = True
            self._day.loop.call_later(self._day.venue.chance.uniform(0.001, 0.02), self._sync)
        self._let_go(orders)
        if self.dies_unsynced and orders and not self.dead:
            self._day.lose_power(self)

    def _let_go(self, orders: Sequence[Outgoing]) -> None:
        """As the books do: an order leaves when the one before it of its instrument is synced."""
        leaving: list[Outgoing] = []
        waiting: list[Outgoing] = []
        for one in [*self._waiting, *orders]:
            (waiting if one.order.instrument in self._unsynced else leaving).append(one)
            self._unsynced.add(one.order.instrument)
        self._waiting = waiting
        self.trading.send(leaving)

    def _sync(self) -> None:
        if self.dead:
            return
        self._syncs = False
        self.execute.sync()
        self._unsynced.clear()
        self._let_go(())

    def _account(self, kind: int, number: int, known_ns: int, payload: bytes) -> None:
        if self.dead:
            return
        told = msgspec.msgpack.decode(payload, type=AccountEvent)
        seq, now_ns = self._day.next()
        records = parse_account(told.kind, told.body, self.registry, seq, now_ns)
        assert not [record for record in records if isinstance(record, Malformed)], records
        if records:
            self.hear(records)

    def _switched(self) -> list[AnyRecord]:
        """As the door looks at the switches."""
        found: list[AnyRecord] = []
        held, asked = halt.read(self._day.folder), halt.asked(self._day.folder)
        if (self._halted and not held) or (self._flattened and not asked):
            found.append(Resumed(seq=0, known_ns=0, by="halt switch"))
            self._halted, self._flattened = None, ()
        if held is not None and held != self._halted:
            found.append(Halted(seq=0, known_ns=0, by=held.by, reason=held.reason))
        found += [
            Flatten(seq=0, known_ns=0, by=one.by, instrument=one.instrument)
            for one in asked
            if one not in self._flattened
        ]
        self._halted, self._flattened = held, asked
        return found

    def take_made(self) -> list[Order | Fill]:
        made, self.made = self.made, []
        return [one for one in made if isinstance(one, Order | Fill)]


def _copy(chunk: Chunk) -> Chunk:
    return Chunk(chunk.first_seq, chunk.last_seq, chunk.known_ns, dict(chunk.arrays), list(chunk.records))
