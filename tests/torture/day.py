"""A day of everything at once, in simulated time, repeatable from a seed: markets that walk and jump, strategies that change
their minds, orders by hand of all kinds, halts, flattens, faults of the exchange and the line, kills and power losses.

In:  the seed, how long. Out: what was met, counted; AssertionErrors from `Truth`, asked after every step and whenever all rests.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from ninefold.market.arrays import rows
from ninefold.market.chunk import Chunk
from ninefold.market.records import AnyRecord, Asked, CancelAsked
from ninefold.market.time import SECOND_NS
from ninefold.services import halt
from ninefold.simulator import faults
from ninefold.simulator.agents import Act
from ninefold.simulator.exchange import Listing
from ninefold.simulator.faults import FaultRequest
from ninefold.simulator.store import TradeRow

from .day_life import JOURNALLED, STRATEGIES, SYMBOLS, Kept, Life
from .day_truth import Truth, resting
from .simulated_time import SimulatedLoop, Venue

KINDS = (*faults.OF_REPLIES, *faults.OF_EVENTS, *faults.OF_ALL)
PAUSES_S = (0.05, 0.5, 5.0, 14.0)
FAULTY, ASKED, AGAIN, CANCELLED, JUMPED, HALTED, FLATTENED = 0.1, 0.08, 0.03, 0.02, 0.02, 0.006, 0.006  # of the steps
RESUMED = 0.1  # of the steps while something is halted or sold out
RESTED_EVERY = 60  # steps
LONGEST_REST_S = 600.0
LOTS = {"BTCUSDT": 100, "ETHUSDT": 200, "SOLUSDT": 400, "ADABTC": 100}  # of the first order by hand; each is one more
HAND_KINDS = ("bracket", "trail", "limit", "post_only", "ioc", "fok", "twap", "stop", "market")


class Tape:
    """What is traded, as the market's feed would tell it."""

    name = "tape"

    def __init__(self) -> None:
        self.heard: list[tuple[str, TradeRow]] = []

    def traded(self, listing: Listing, rows: list[TradeRow]) -> None:
        self.heard += [(listing.instrument.symbol, row) for row in rows]

    def step(self, now_ms: int) -> None:
        return

    def settle(self, symbol: str) -> int:
        return 0


class Day:
    """kept, journal, seq: what survives a kill. restarted: chance of one, by step."""

    def __init__(self, folder: Path, loop: SimulatedLoop, seed: int, restarted: float) -> None:
        self.folder, self.loop = folder, loop
        self.venue = Venue(folder, loop, seed, tuple(SYMBOLS))
        self.kept = Kept()
        self.truth = Truth(self.venue, self.kept)
        self.journal: list[Chunk] = []
        self.seq = 0
        self.met: Counter[str] = Counter()
        self._restarted = restarted
        self._chance = self.venue.chance
        self._tape = Tape()
        self.venue.exchange.faces.append(self._tape)
        self._asked: list[AnyRecord] = []
        self._old: list[Asked] = []

    async def run(self, seconds: float) -> None:
        begun = self.loop.time()
        try:
            await self._live()
            while self.loop.time() < begun + seconds:
                await self.step()
                self.met["steps"] += 1
                if self.met["steps"] % RESTED_EVERY == 0:
                    await self.rest()
            await self.rest()
        finally:
            self.life.kill()
            await asyncio.gather(self.life.running, return_exceptions=True)
            self.venue.close()

    def next(self) -> tuple[int, int]:
        """Seq and time of the next input."""
        return self.seq + 1, self.loop.now_ns()

    def take(self, chunk: Chunk) -> None:
        """Into the journal."""
        self.seq = chunk.last_seq
        self.journal.append(chunk)
        if len(self.journal) > 4 * JOURNALLED:
            kept = self.kept.last_seq() - JOURNALLED
            self.journal = [one for one in self.journal if one.last_seq > kept]

    async def step(self) -> None:
        self._people()
        self._happen()
        self._move()
        self.life.tick(self._shown(), self._asked)
        self._asked = []
        pause_s = self._chance.choice(PAUSES_S) * self._chance.uniform(0.5, 1.5)
        if self._chance.random() < self._restarted:
            self._doom(pause_s)
        await asyncio.sleep(pause_s)
        if self.life.running.done() and not self.life.dead:
            self.life.running.result()
        self.truth.check(self.life)
        if self.life.dead:
            await self._live()

    async def rest(self) -> None:
        """No more faults, until everything was asked and answered; then all is compared."""
        self.venue.faults.clear()
        self.life.dies_between = self.life.dies_unsynced = False
        until = self.loop.time() + LONGEST_REST_S
        while not self._rests():
            assert self.loop.time() < until, (
                f"under way for ever: {self.life.core.unsettled()}, {self.life.core.awaited}"
            )
            await asyncio.sleep(1.0)
            self.truth.check(self.life)
        assert self.life.gateway is not None
        await self.life.gateway.reconcile()
        self.truth.check_at_rest(self.life)
        self.met["rests"] += 1

    def _rests(self) -> bool:
        gateway, core = self.life.gateway, self.life.core
        line = gateway is not None and gateway.subscribed.is_set() and not core.awaited
        return line and all(resting(one) for one in core.unsettled()) and len(gateway._tasks) <= 2

    async def _live(self) -> None:
        self.life = Life(self)
        self.truth.begin(self.life)
        await self.life.start()

    def _doom(self, within_s: float) -> None:
        self.met["restarts"] += 1
        if self._chance.random() < 0.3:
            self.life.dies_between = True
            self.met["killed between write and send"] += 1
            return
        if self._chance.random() < 0.3:
            self.life.dies_unsynced = True
            return
        power = self._chance.random() < 0.4
        self.loop.call_later(self._chance.uniform(0, within_s), self._kill, self.life, power)

    def _kill(self, life: Life, power: bool) -> None:
        if life.dead or life is not self.life:
            return
        if power:
            self.lose_power(life)
        life.kill()

    def lose_power(self, life: Life) -> None:
        """What the ledger had not synced is gone, and some of the journal's end."""
        life.kill()
        self.met["power losses"] += 1
        self.met["orders taken from the ledger"] += self.kept.lose_power()
        del self.journal[len(self.journal) - self._chance.randrange(min(8, len(self.journal))) :]
        self.seq = self.journal[-1].last_seq

    def _happen(self) -> None:
        """Faults, and what people switch."""
        chance, now_ns = self._chance, self.loop.now_ns()
        if chance.random() < FAULTY:
            kind = chance.choice(KINDS)
            by_ms = chance.choice((-4_000, 4_000, 9_000)) if kind == "clock_jump" else 0
            by_ms = chance.choice((300, 1_500, 3_000)) if kind == "late" else by_ms
            share = 1.0 if kind in faults.OF_ALL else chance.choice((0.3, 1.0))
            self.venue.order(FaultRequest(kind, seconds=chance.uniform(1, 40), share=share, by_ms=by_ms))
        if halt.read(self.folder) is not None or halt.asked(self.folder):
            if chance.random() < RESUMED:
                halt.clear(self.folder)
                self.met["resumes"] += 1
        elif chance.random() < HALTED:
            halt.write(self.folder, halt.Halt("ada", "lunch", now_ns))
            self.met["halts"] += 1
        elif chance.random() < FLATTENED:
            name = chance.choice(("", *(one.name for one in self.life.registry)))
            halt.flatten(self.folder, halt.Ask("ada", name, now_ns))
            self.truth.let_go("")
            self.met["flattens"] += 1

    def _people(self) -> None:
        chance = self._chance
        if chance.random() < ASKED:
            symbol, kind = chance.choice(tuple(SYMBOLS)), chance.choice(HAND_KINDS)
            asked = self._ask(symbol, kind)
            self._old = [*self._old[-20:], asked]
            self._asked.append(asked)
            self.met[kind] += 1
        if self._old and chance.random() < AGAIN:  # who heard no answer asks again
            self._asked.append(chance.choice(self._old[-3:]))
            self.met["asked again"] += 1
        if self._old and chance.random() < CANCELLED:
            known = [one for one in self.life.core.unsettled() if resting(one)] or [*self.life.core.desk.held.values()]
            if known:
                one = chance.choice(known)
                self._asked.append(CancelAsked(seq=0, known_ns=0, by="ada", client_order_id=one.client_order_id))
                self.truth.let_go(one.client_order_id)
                self.met["cancels"] += 1

    def _ask(self, symbol: str, kind: str) -> Asked:
        """An order by hand; no two of an instrument are of one size."""
        LOT = 10 ** {"BTCUSDT": 5, "ETHUSDT": 4, "SOLUSDT": 3, "ADABTC": 0}[symbol]
        number = self.met[symbol]
        self.met[symbol] += 1
        lots = LOTS[symbol] + number
        best = self.venue.market.depth(symbol, 1)[2][0][0]
        decimals = 8 if symbol == "ADABTC" else 2
        away = lambda ppm: f"{max(1, best * (10**6 + ppm) // 10**6) / 10**decimals:.{decimals}f}"  # noqa: E731
        near, far = self._chance.randint(200, 3_000), self._chance.randint(500, 9_000)
        if symbol == "ADABTC":
            near, far = 5 * near, 5 * far
        more: dict[str, Any] = {
            "bracket": {"stop": away(-near), "take_profit": away(far)},
            "trail": {"trail": f"{max(1, best * near // 10**6) / 10**decimals:.{decimals}f}"},
            "limit": {"order_type": "limit", "price": away(-near), "stop": away(-near - far)},
            "post_only": {"order_type": "post_only", "price": away(-near)},
            "ioc": {"order_type": "ioc", "price": away(near)},
            "fok": {"order_type": "fok", "price": away(near)},
            "twap": {"slices": 3, "over_ns": 60 * SECOND_NS},
            "stop": {"order_type": "stop", "side": -1, "trigger": away(-near), "reduce_only": True},
            "market": {},
        }[kind]
        plain = {"side": 1, "size": f"{lots / LOT:.5f}".rstrip("0").rstrip("."), "pair": SYMBOLS[symbol]}
        return Asked(seq=0, known_ns=0, ask_id=f"{symbol} {number}", by="ada", **{**plain, **more})

    def _move(self) -> None:
        """Time passes in the market; now and then a price jumps, or somebody takes much."""
        market, chance = self.venue.market, self._chance
        if chance.random() < JUMPED:
            pit = market.pits[chance.choice(tuple(SYMBOLS))]
            pit.crowd.latent.price *= 1 + chance.uniform(-0.01, 0.01)
            side = chance.choice((1, -1))
            best = pit.book.side(-side).best()
            if best is not None:
                pit.do(Act("take", side, best + side * max(1, best // 500), 20 * pit.instrument.mean_lots))
            self.met["jumps"] += 1
        market.advance(0.25)

    def _shown(self) -> dict[str, np.ndarray]:
        """Quotes, what was traded, and what the strategies want: of an instrument all of them speak, or none."""
        seq, now = self.next()
        heard, self._tape.heard = self._tape.heard, []
        numbers = {one.venue_symbol: one.id for one in self.life.registry}
        trades = [(numbers[of], now, now, seq, 0, 0, row.trade_id, row.price_ticks, row.lots, 1) for of, row in heard]
        quotes, targets = [], []
        for symbol, number in numbers.items():
            _, bids, asks = self.venue.market.depth(symbol, 1)
            if bids and asks:
                quotes.append((number, now, now, seq, seq, bids[0][0], bids[0][1], asks[0][0], asks[0][1]))
            if symbol != "ADABTC" and self._chance.random() < 0.3:
                for name in STRATEGIES:
                    target = self._chance.choice((-0.5, 0.0, 0.0, 0.3, 1.0))
                    targets.append((number, name.encode(), SECOND_NS, now, target, now, seq))
        made = {"trades": trades, "quotes": quotes, "targets": targets}
        return {kind: rows(kind, values) for kind, values in made.items() if values}
