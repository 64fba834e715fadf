"""Simulated markets with and without a quoter that keeps outbidding the best price by one tick.

In:  a seed. Out: the best quotes of one market as QUOTES rows, and whether such a quoter was planted.

The crowd, the book and the quoter are the simulator's. Ticks are fine or coarse; the quoter answers at once or after some
acts of others, always or only half the time. Markets without it have the crowd alone, or a quoter that joins the best
price instead of improving it, or one that improves it by one to five ticks.
"""

from __future__ import annotations

import math
from random import Random
from typing import NamedTuple

import numpy as np

from ninefold.market.arrays import QUOTES
from ninefold.simulator.agents import Act, Crowd, OneUpper
from ninefold.simulator.engine import BUY, SELL, Book
from ninefold.simulator.instruments import Instrument

ACTS = 3_000
SECONDS_PER_ACT = 0.05
LEAST_TICKS, MOST_TICKS = 20_000, 6_000_000  # of the price: half a spread is 1 to 300 ticks
SLOWEST = 3  # acts of others before the quoter answers
LEAST_ZEAL = 0.5  # of its chances that it takes


class Simulated(NamedTuple):
    """quotes: QUOTES rows, prices in ticks. kind: "quoter", or what is there instead."""

    quotes: np.ndarray
    kind: str


class Joiner(OneUpper):
    """Moves its order to the best price whenever somebody else has set it: new, but never better."""

    def wish(self, book: Book, side: int, fair: float) -> int | None:
        best = book.side(side).best()
        own = book.resting.get(self.order_ids.get(side, 0))
        return None if best is None or (own is not None and own.price_ticks == best) else best


def simulated(seed: int, acts: int = ACTS) -> Simulated:
    """One market; the same seed gives the same."""
    return _Market(seed).run(acts)


class Improver(OneUpper):
    """Improves the best price too, but not by as little as it can."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self.random = random

    def wish(self, book: Book, side: int, fair: float) -> int | None:
        wanted = super().wish(book, side, fair)
        other = book.side(-side).best()
        if wanted is None or other is None:
            return None
        wanted += side * self.random.randrange(5)
        return None if (other - wanted) * side <= 0 or (wanted - fair) * side > 0 else wanted


class _Market:
    def __init__(self, seed: int) -> None:
        self.random = random = Random(f"one-upping {seed}")
        ticks = round(math.exp(random.uniform(math.log(LEAST_TICKS), math.log(MOST_TICKS))))
        instrument = Instrument("BTCUSDT", "BTC", "USDT", 1_000_000, 1_000, 1, ticks, random.randrange(200, 5_000), 1.0)
        self.lots = max(1, instrument.mean_lots // 2)
        self.crowd = Crowd(instrument, Random(random.random()), ticks)
        self.kind = "quoter" if random.random() < 0.5 else random.choice(("joiner", "improver", "crowd"))
        quoters = {"quoter": OneUpper(), "joiner": Joiner(), "improver": Improver(random), "crowd": None}
        self.quoter = quoters[self.kind]
        self.slowness, self.zeal = random.randrange(SLOWEST + 1), random.uniform(LEAST_ZEAL, 1.0)
        self.book = Book()
        self.rows: list[tuple[int, ...]] = []
        self.now_ns = self.order_id = 0

    def run(self, acts: int) -> Simulated:
        for act in self.crowd.opening():
            self._do(act)
        wait = 0
        for _ in range(acts):
            seconds = self.random.expovariate(1 / SECONDS_PER_ACT)
            self.now_ns += int(seconds * 1e9)
            self.crowd.pass_time(seconds)
            self._do(self.crowd.next(self.book))
            wait = wait - 1 if wait else self.slowness
            if self.quoter is not None and not wait and self.random.random() < self.zeal:
                self._answer(self.quoter)
        return Simulated(np.array(self.rows, QUOTES), self.kind)

    def _do(self, act: Act) -> None:
        if act.kind == "cancel":
            self.book.cancel(act.order_id)
        else:
            price = self._beside(act.side, act.price_ticks) if act.kind == "rest" else act.price_ticks
            self.order_id -= 1
            self.book.submit(self.order_id, act.side, price, act.lots, rest=act.kind == "rest")
            if act.kind == "rest":
                self.crowd.rests(self.order_id, self.book)
        self._show()

    def _answer(self, quoter: OneUpper) -> None:
        for side in (BUY, SELL):
            wanted = quoter.wish(self.book, side, self.crowd.latent.price)
            if wanted is not None:
                self.book.cancel(quoter.order_ids.get(side, 0))
                self.order_id -= 1
                self.book.submit(self.order_id, side, wanted, self.lots, rest=True)
                quoter.order_ids[side] = self.order_id
                self._show()

    def _beside(self, side: int, price: int) -> int:
        other = self.book.side(-side).best()
        return max(1, other - side) if other is not None and (price - other) * side >= 0 else price

    def _show(self) -> None:
        """Make the best quote public if it changed."""
        bid, ask = self.book.bids.best(), self.book.asks.best()
        if bid is None or ask is None:
            return
        now = (bid, self.book.bids.levels[bid].total_lots, ask, self.book.asks.levels[ask].total_lots)
        if not self.rows or self.rows[-1][-4:] != now:
            self.rows.append((1, self.now_ns, self.now_ns, len(self.rows), self.book.update_id, *now))
