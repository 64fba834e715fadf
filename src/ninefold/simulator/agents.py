"""The crowd of one instrument: makers, takers, cancels, and one quoter that always outbids the best price.

In:  a seeded random source, the book, seconds passed.
Out: what somebody does next (`Act`). The latent price has clustered volatility, slow drifts and a weak pull to its
     anchor, so that following and reverting strategies both trade. Floats are fine here; the engine sees whole ticks.
"""

import math
from random import Random
from typing import NamedTuple

from ninefold.simulator.engine import BUY, SELL, Book
from ninefold.simulator.instruments import Instrument

TARGET_RESTING = 120  # agents' orders in a book
SEED_LEVELS = 40  # per side, when a book begins
VOLATILITY = 2.0e-4  # of the price, per root second
DRIFT = 5.0e-5  # of the price, per second: the spread of the slow drifts
DRIFT_SECONDS = 20.0
PULL_SECONDS = 3_600.0
HALF_SPREAD = 5.0e-5
FIRST_QUIET_TRADE_SECONDS = 2.0
QUIET_TRADE_SECONDS = 100.0  # mean time between trades of a quiet instrument
THINNER_SHARE = 0.65  # of new quotes go to the side with fewer levels
TAKER_SHARE = 0.04
BURST_TAKER_SHARE = 0.20
JOIN_SHARE = 0.25  # of new quotes queue up at the best price
WITHDRAWN_SHARE = 0.7  # of stale quotes: their makers are faster than the takers


class Act(NamedTuple):
    """One step of an agent. kind: "rest" (never crosses), "take" (the rest is dropped) or "cancel"."""

    kind: str
    side: int = BUY
    price_ticks: int = 0
    lots: int = 0
    order_id: int = 0


class Latent:
    """The price the crowd believes in, in ticks."""

    def __init__(self, random: Random, price: float, anchor: float) -> None:
        self.random = random
        self.price = price
        self.anchor = anchor
        self._log_volatility = 0.0
        self._drift = 0.0

    def step(self, seconds: float) -> None:
        gauss, root = self.random.gauss, math.sqrt(seconds)
        self._log_volatility += -self._log_volatility * seconds / 30.0 + 0.25 * root * gauss(0.0, 1.0)
        self._drift += -self._drift * seconds / DRIFT_SECONDS
        self._drift += DRIFT * math.sqrt(2 / DRIFT_SECONDS) * root * gauss(0.0, 1.0)
        pull = -math.log(self.price / self.anchor) / PULL_SECONDS
        noise = VOLATILITY * math.exp(self._log_volatility - 0.5) * root * gauss(0.0, 1.0)
        self.price = max(1.0, self.price * math.exp((self._drift + pull) * seconds + noise))


class Crowd:
    """All agents of one instrument but the one-upping quoter."""

    def __init__(self, instrument: Instrument, random: Random, last_ticks: int) -> None:
        self.instrument = instrument
        self.random = random
        self.latent = Latent(random, float(last_ticks), float(instrument.start_ticks))
        self.quiet = instrument.busy == 0
        self.resting: list[int] = []
        self._burst_left = 0
        self._burst_side = BUY
        self._next_quiet_trade_s = FIRST_QUIET_TRADE_SECONDS

    def opening(self) -> list[Act]:
        """Quotes that make a book out of nothing."""
        acts = []
        for side in (BUY, SELL):
            for _ in range(SEED_LEVELS):
                acts.append(Act("rest", side, self._quote(side), self._size()))
        return acts

    def pass_time(self, seconds: float) -> None:
        self.latent.step(seconds)
        self._next_quiet_trade_s -= seconds

    def next(self, book: Book) -> Act:
        """What happens next."""
        taking = self._arbitrage(book) or self._noise()
        if taking is not None:
            return taking
        random, bids, asks = self.random.random, book.bids.keys, book.asks.keys
        crowded = len(book.resting) / TARGET_RESTING
        if random() < 0.5 * crowded:
            doomed = self._doomed(book)
            if doomed is not None:
                return Act("cancel", BUY, 0, 0, doomed)
        thinner = BUY if len(bids) < len(asks) else SELL
        side = thinner if random() < THINNER_SHARE else -thinner
        keys = bids if side == BUY else asks
        if keys and random() < JOIN_SHARE and (-keys[0] * side - self.latent.price) * side < 0:
            return Act("rest", side, -keys[0] * side, self._size())
        return Act("rest", side, self._quote(side), self._size())

    def rests(self, order_id: int, book: Book) -> None:
        """An order of the crowd was put into the book."""
        self.resting.append(order_id)
        if len(self.resting) > 4 * TARGET_RESTING:
            self.resting = [each for each in self.resting if each in book.resting]

    def half_spread(self) -> float:
        return max(0.6, self.latent.price * HALF_SPREAD)

    def _arbitrage(self, book: Book) -> Act | None:
        """Quotes that the latent price has left behind: most are withdrawn, some are taken first."""
        if self.quiet:
            return None
        fair, bids, asks = self.latent.price, book.bids, book.asks
        if asks.keys and asks.keys[0] < fair - 1:
            side, limit, level = BUY, int(fair), asks.levels[asks.keys[0]]
        elif bids.keys and -bids.keys[0] > fair + 1:
            side, limit, level = SELL, math.ceil(fair), bids.levels[-bids.keys[0]]
        else:
            return None
        oldest = next(iter(level.orders))
        if oldest < 0 and self.random.random() < WITHDRAWN_SHARE:
            return Act("cancel", order_id=oldest)
        return Act("take", side, limit, self._size())

    def _noise(self) -> Act | None:
        """Takers without a reason, one by one or in bursts on one side."""
        random = self.random
        if self.quiet:
            if self._next_quiet_trade_s > 0:
                return None
            self._next_quiet_trade_s = random.expovariate(1 / QUIET_TRADE_SECONDS)
        elif random.random() >= (BURST_TAKER_SHARE if self._burst_left else TAKER_SHARE):
            return None
        if self._burst_left:
            self._burst_left -= 1
        else:
            self._burst_side = BUY if random.random() < 0.5 else SELL
            self._burst_left = 0 if self.quiet or random.random() < 0.9 else random.randrange(5, 40)
        reach = 20 * self.half_spread()
        return Act("take", self._burst_side, max(1, round(self.latent.price + self._burst_side * reach)), self._size())

    def _quote(self, side: int) -> int:
        scale = 3.0 if self.random.random() < 0.7 else 40.0
        half_spread = self.half_spread()
        away = half_spread + self.random.expovariate(1 / (scale * half_spread))
        return max(1, round(self.latent.price - side * away))

    def _size(self) -> int:
        return max(1, int(self.instrument.mean_lots * self.random.lognormvariate(-0.5, 1.0)))

    def _doomed(self, book: Book) -> int | None:
        """Of two orders picked at random, the one farther from the latent price."""
        first, second = self._pick(book), self._pick(book)
        if first is None or second is None:
            return first
        fair, resting = self.latent.price, book.resting
        is_nearer = abs(resting[first].price_ticks - fair) < abs(resting[second].price_ticks - fair)
        return second if is_nearer else first

    def _pick(self, book: Book) -> int | None:
        resting, in_book, bits = self.resting, book.resting, self.random.getrandbits
        while count := len(resting):
            while (at := bits(count.bit_length())) >= count:  # as `randrange` does it, in a third of the time
                pass
            order_id = resting[at]
            if order_id in in_book:
                return order_id
            resting[at] = resting[-1]  # it was filled or canceled since
            resting.pop()
        return None


class OneUpper:
    """Improves the best bid and ask by one tick whenever somebody else has set them."""

    def __init__(self) -> None:
        self.order_ids: dict[int, int] = {}

    def wish(self, book: Book, side: int, fair: float) -> int | None:
        """The price it now wants on this side, or None to stay. It never crosses, and never pays more than is fair."""
        bids, asks = book.bids.keys, book.asks.keys
        if not bids or not asks:
            return None
        best, other = (-bids[0], asks[0]) if side == BUY else (asks[0], -bids[0])
        own = book.resting.get(self.order_ids.get(side, 0))
        if own is not None and own.price_ticks == best:
            return None
        wanted = best + side
        if (other - wanted) * side <= 0 or (wanted - fair) * side > 0:
            return None
        return wanted
