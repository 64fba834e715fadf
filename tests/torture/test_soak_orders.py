"""A day of trading in simulated time under random faults of the exchange: the account adds up at every step.

In:  a decision each ten simulated seconds, a random fault now and then, a restart of the trader every hour or so.
Out: at each step at which nothing is under way, our books equal the exchange's own account to the last unit; nothing is under
     way for ever; at the end every order is the same on both sides. Half an hour in `make test`, 24 hours as torture.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from ninefold.execution.core import ExecutionCore
from ninefold.execution.rules import AccountRules
from ninefold.market.arrays import rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry, listed
from ninefold.market.records import AnyRecord, Balance, Fill, Malformed, Order, Started, Tick
from ninefold.simulator import faults, ledger
from ninefold.simulator.faults import FaultRequest
from ninefold.venues.binance_gateway import Placed
from ninefold.venues.binance_orders import parse_account

from .simulated_time import SYMBOL, Gateway, SimulatedLoop, Venue, let_time_be

STEP_S = 10.0
FAULTY, RESTARTED = 0.15, 1 / 360  # of the steps
LONGEST_UNDER_WAY = 30  # steps
SIZES = (0, 1_000, 2_000)
KINDS = (*faults.OF_REPLIES, *faults.OF_EVENTS, *faults.OF_ALL)
RULES = AccountRules(
    account="main", venue="binance", quote="USDT", max_position=10**13, max_order=10**13, max_orders_per_minute=1_000
)


@pytest.mark.slow
def test_in_half_an_hour_of_random_faults_the_account_adds_up_at_every_step(tmp_path, monkeypatch):
    assert len(soak(tmp_path, monkeypatch, hours=0.5)) > len(KINDS) / 3


@pytest.mark.torture
@pytest.mark.timeout(3_600)
def test_in_a_day_of_random_faults_the_account_adds_up_at_every_step(tmp_path, monkeypatch):
    assert set(soak(tmp_path, monkeypatch, hours=24)) == set(KINDS)


def soak(folder: Path, monkeypatch: pytest.MonkeyPatch, hours: float) -> Counter[str]:
    """How often each fault was met."""
    seed = int(os.environ.get("NINEFOLD_SEED", "0")) or random.randrange(1, 1 << 32)
    print(f"NINEFOLD_SEED={seed}")
    loop = SimulatedLoop()
    let_time_be(loop, monkeypatch)
    begun = time.perf_counter()
    try:
        trader = loop.run_until_complete(day(folder, loop, seed, int(hours * 3_600 / STEP_S)))
    finally:
        loop.close()
    print(f"{hours} simulated hours in {time.perf_counter() - begun:.0f} s: {trader.told()}")
    assert trader.steps["added up"] > 0.5 * trader.steps.total()
    return trader.venue.faults.struck


async def day(folder: Path, loop: SimulatedLoop, seed: int, steps: int) -> Trader:
    venue = Venue(folder, loop, seed)
    keys = json.loads((folder / "keys.json").read_text())
    trader = Trader(venue, (keys["apiKey"], keys["secret"]), loop)
    try:
        await trader.start()
        for _ in range(steps):
            await trader.step()
        venue.faults.clear()
        while trader.core.unsettled() or trader.core.account.differences():
            await asyncio.sleep(1.0)
            if trader.core.account.differences():
                await trader.gateway.ask_balances()
        trader.check()
        trader.check_orders()
    finally:
        await trader.gateway.close()
        venue.close()
    return trader


class Trader:
    """Core, parser and gateway, wired as the pipeline wires them. ledger: what survives a restart."""

    def __init__(self, venue: Venue, keys: tuple[str, str], loop: SimulatedLoop) -> None:
        self.venue, self.keys, self._loop, self.chance = venue, keys, loop, venue.chance
        self.registry = Registry()
        self.registry.add(listed("binance", SYMBOL, "BTC", "USDT", tick="0.01", lot="0.00001", min_notional="5"))
        self.ledger: list[AnyRecord] = []
        self.steps: Counter[str] = Counter()
        self.under_way = self.seq = self.restarts = 0

    async def start(self) -> None:
        """What was in memory is gone; what was written is not."""
        self.core = ExecutionCore.restore(RULES, self.registry, self.ledger)
        self.gateway = Gateway(self.venue, self.keys, self.submit, self.unsettled, self._loop.now_ns)
        self.fold(Started(seq=self.seq + 1, known_ns=self._loop.now_ns(), run="soak"))
        await self.gateway.start()
        await self.gateway.subscribed.wait()
        await self.gateway.reconcile()

    async def step(self) -> None:
        if self.chance.random() < FAULTY:
            self.venue.order(self.fault())
        if self.chance.random() < RESTARTED:
            await self.gateway.close()
            self.restarts += 1
            await self.start()
        self.venue.market.advance(0.25)
        self.decide(self.chance.choice(SIZES))
        await asyncio.sleep(self.chance.uniform(0.5, 1.5) * STEP_S)
        if self.core.unsettled():
            self.under_way += 1
            self.steps["under way"] += 1
            assert self.under_way < LONGEST_UNDER_WAY, self.core.unsettled()
        else:
            self.under_way = 0
            self.steps["added up"] += 1
            self.check()

    def fault(self) -> FaultRequest:
        kind = self.chance.choice(KINDS)
        by_ms = self.chance.choice((-4_000, 4_000, 9_000)) if kind == "clock_jump" else 0
        share = 1.0 if kind in faults.OF_ALL else self.chance.choice((0.3, 1.0))
        return FaultRequest(kind, seconds=self.chance.uniform(1, 40), share=share, by_ms=by_ms)

    def decide(self, size: int) -> None:
        _, bids, asks = self.venue.market.depth(SYMBOL, 1)
        tick = self.venue.exchange.listings[SYMBOL].instrument.tick_e8
        unit = 10 ** (8 - self.registry[1].price_decimals)
        bid, ask = bids[0][0] * tick // unit, asks[0][0] * tick // unit
        for approved in self.fold(desired={1: size}, quote=(bid, ask)):
            self._loop.call_later(self.chance.uniform(0, 0.05), self.gateway.post, approved, self.registry[1])

    def submit(self, kind: str, payload: bytes) -> None:
        records = parse_account(kind, payload, self.registry, self.seq + 1, self._loop.now_ns())
        assert not [record for record in records if isinstance(record, Malformed)]
        self.fold(*records)

    def unsettled(self) -> list[Placed]:
        return [(order, self.registry[order.instrument]) for order in self.core.unsettled()]

    def fold(self, *records: AnyRecord, desired: dict[int, int] | None = None, quote: tuple[int, int] = (0, 0)):
        self.seq += 1
        now = self._loop.now_ns()
        chunk = Chunk(self.seq, self.seq, now, records=list(records))
        if desired is not None:
            chunk.add("quotes", rows("quotes", [(1, now, now, self.seq, 1, quote[0], 1, quote[1], 1)]))
            chunk.records.append(Tick(seq=self.seq, known_ns=now, exchange_ns=now))
        approved = self.core.step(chunk, desired)
        self.ledger += [record for record in chunk.records if isinstance(record, Order | Fill | Balance)]
        return approved

    def check(self) -> None:
        """What our fills add up to is what the exchange has, to the last unit."""
        booked = self.core.account.booked
        assert {asset: booked.get(asset) for asset in ("BTC", "USDT")} == {
            asset: amount for asset, amount in self.venue.balances().items() if asset in ("BTC", "USDT")
        }
        assert not self.core.contradictions

    def check_orders(self) -> None:
        """Each order at the exchange is in our books once, with the same size filled."""
        lot = self.venue.exchange.listings[SYMBOL].instrument.lot_e8
        theirs = ledger.find_orders(self.venue.exchange.store, "order_id > 0", ())
        assert len({one.client_id for one in theirs}) == len(theirs) > 0
        newest = {record.client_order_id: record for record in self.ledger if isinstance(record, Order)}
        for one in theirs:
            unit = 10 ** (8 - self.registry[1].size_decimals)
            assert newest[one.client_id].filled * unit == one.filled_lots * lot, one.client_id

    def told(self) -> str:
        steps = ", ".join(f"{name} {count:,}" for name, count in sorted(self.steps.items()))
        met = ", ".join(f"{kind} {count:,}" for kind, count in sorted(self.venue.faults.struck.items()))
        total = self.venue.exchange.orders_total
        return f"steps {steps}; {total:,} orders, {self.restarts} restarts; met {met}"
