"""The slow, obvious back-test of a target on trades: what the fast one must equal, fill by fill.

In:  trades one at a time, what is wanted after each, when an order for it reaches the venue; the rules as whole numbers.
Out: fills, cash and position.

One trade goes like this.
1. Funding that is due by the trade's own time is paid, at its price, by what is held.
2. What is wanted and not held is filled by market orders at the trade's price: what closes before what opens. What the
   share of the trade's size does not give waits for the next trade; what the margin does not allow is cancelled.
3. So is each order that has reached the venue by the trade's own time, in the order in which they were sent; what is still
   open of the one before it is then cancelled.
4. Where the equity is down to the maintenance margin, all that is held is liquidated at the trade's price, whatever its size; what
   is open or under way is cancelled, and the liquidation fee is paid.
5. An exit is met. A stop that a trade touches sends a market order, filled from the next trade on; a trailing stop follows the trades
   before this one; after its time a position is left in the same way. A take-profit rests: a trade beyond it fills it at its own
   price, as far as its size goes, and what that leaves is left at the market. What is under way is cancelled.
6. The change of the target decides what is wanted; an order for it sets out. So nothing is filled at the trade on which it was
   decided, however short the way is.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ninefold.backtest.bars import MOST_TICKS
from ninefold.backtest.exact import LARGEST, ONE
from ninefold.backtest.fee_tiers import Tier, Volumes
from ninefold.backtest.funding import NO_FUNDING, Funding
from ninefold.backtest.market_rules import Numbers
from ninefold.backtest.outcome import FILLS, Reason, TooLarge
from ninefold.backtest.target import Changes
from ninefold.backtest.ticks.tape import Ticks
from ninefold.market.time import DAY_NS

NEVER_NS = 2**63 - 1
UNLIMITED = 2**62  # lots


def play(
    ticks: Ticks,
    changes: Changes,
    alone_ns: np.ndarray,
    rules: Numbers,
    tiers: Sequence[Tier] = (),
    funding: Funding = NO_FUNDING,
) -> np.ndarray:
    """FILLS rows. alone_ns: when an order decided at each trade would arrive, had it no others before it; shape (n,).
    tiers: of fees; none: as the rules have them.

    raises: TooLarge if an amount exceeds 2**60.
    """
    account = Account(rules, rules.cash, volumes=Volumes(tiers), funding=dues_of(funding))
    wanted = dict(zip(changes.at.tolist(), changes.to.tolist(), strict=True))
    columns = (ticks.exchange_ns, ticks.price, ticks.size, alone_ns)
    for row, (at_ns, price, size, arrival_ns) in enumerate(zip(*(of.tolist() for of in columns), strict=True)):
        account.meet(row, at_ns, price, size)
        if row in wanted:
            account.decide(row, wanted[row], arrival_ns, price)
    return np.array(account.fills, FILLS)


def dues_of(funding: Funding) -> deque[tuple[int, int]]:
    """When, and the rate in 10**-8."""
    return deque(zip(funding.at_ns.tolist(), funding.whole.tolist(), strict=True))


@dataclass(slots=True)
class Account:
    """wanted: the position that orders at the venue ask for. sent: the same of orders under way. due_ns: before that time no
    trade can fill anything, and nothing is paid. funding: to come. tick: of what prices count in, one of the instrument's; exits lie
    on those."""

    rules: Numbers
    cash: int
    position: int = 0
    wanted: int = 0
    sent: int = 0
    reason: Reason = Reason.TARGET  # of what is wanted at the venue
    average: int = 0  # entry price, rounded down
    best: int = 0  # trade since the entry
    entered_ns: int = 0
    target: int = 0
    due_ns: int = NEVER_NS
    room: int = 0
    under_way: deque[tuple[int, int]] = field(default_factory=deque)  # arrival_ns, position wanted
    last_ns: int = 0  # arrival of what was decided last
    fills: list[tuple[int, ...]] = field(default_factory=list)
    now_ns: int = 0
    day: int = 0
    volumes: Volumes = field(default_factory=lambda: Volumes(()))
    funding: deque[tuple[int, int]] = field(default_factory=deque)
    tick: int = 1
    beside: int = 0  # of other instruments on the same account: their equity, and what margin they ask for
    beside_initial: int = 0
    beside_maintenance: int = 0
    proved: int = 0  # fills; what they cost, and what they hold
    paid: int = 0
    held: int = 0

    def meet(self, row: int, exchange_ns: int, price: int, size: int) -> None:
        """A trade. raises: TooLarge if the cash exceeds 2**60 units."""
        self.trade(row, exchange_ns, price, size)
        if self.position and self.is_ruined(price):
            self.cancel()
            self.liquidate(row, price)
        self.leave(row, exchange_ns, price)
        self.prove()
        if abs(self.cash) > LARGEST:
            raise TooLarge(row)
        waits = self.under_way[0][0] if self.under_way else NEVER_NS
        if self.position and self.funding:
            waits = min(waits, self.funding[0][0])
        looks = self.position and (self.rules.stop or self.rules.take or self.rules.trail or self.rules.hold)
        self.due_ns = exchange_ns if self.wanted != self.position or looks else waits

    def trade(self, row: int, exchange_ns: int, price: int, size: int) -> None:
        """Pay what is due, fill what can be."""
        self.now_ns = exchange_ns
        self.day = exchange_ns // DAY_NS
        self.pay(row, exchange_ns, price)
        self.room = size * self.rules.volume_share // ONE if self.rules.volume_share else UNLIMITED
        self.work(row, price)
        while self.under_way and self.under_way[0][0] <= exchange_ns:
            self.reason = Reason.TARGET
            self.wanted = self.under_way.popleft()[1]
            self.work(row, price)

    def leave(self, row: int, exchange_ns: int, price: int) -> None:
        """Whether an exit is met, unless one was already."""
        if not self.position:
            return
        side = 1 if self.position > 0 else -1
        if self.reason == Reason.TARGET:
            self.look(row, exchange_ns, price // self.tick, side)
        self.best = max(self.best * side, price // self.tick * side) * side

    def look(self, row: int, exchange_ns: int, price: int, side: int) -> None:
        """Leave where an exit is met. price: ticks. side: of what is held."""
        rules = self.rules
        stops = [(self.average, rules.stop, Reason.STOP_LOSS), (self.best, rules.trail, Reason.TRAILING)]
        levels = [(max(of - side * max(1, of * by // ONE), 0), why) for of, by, why in stops if by]
        stop, why = max(levels, key=lambda one: one[0] * side, default=(0, Reason.TARGET))
        take = max(self.average + side * max(1, _up(self.average * rules.take)), 0) if rules.take else 0
        if stop and (price - stop) * side <= 0:
            self.exit(why)
        elif take and (price - take) * side > 0:
            self.exit(Reason.TAKE_PROFIT)
            self.fill(row, take * self.tick, -_within(self.position, self.room), Reason.TAKE_PROFIT, limit=True)
        elif rules.hold and exchange_ns - self.entered_ns >= rules.hold:
            self.exit(Reason.TIME)

    def exit(self, reason: Reason) -> None:
        self.cancel()
        self.reason = reason

    def pay(self, row: int, exchange_ns: int, price: int) -> None:
        while self.funding and exchange_ns >= self.funding[0][0]:
            _, rate = self.funding.popleft()
            if self.position:
                paid = _up(self.position * price * rate)
                self.cash -= paid
                self.fills.append((row, price, 0, 0, 0, paid, Reason.FUNDING, 0))

    def is_ruined(self, price: int) -> bool:
        equity = self.cash + self.position * price + self.beside
        return equity <= _up(abs(self.position) * price * self.rules.maintenance) + self.beside_maintenance

    def sound(self) -> tuple[int, int]:
        """The prices between which what is held is not liquidated."""
        prices = range(MOST_TICKS + 1)
        if self.position > 0:
            return bisect_left(prices, True, key=lambda price: not self.is_ruined(price)) - 1, MOST_TICKS + 1
        return 0, bisect_left(prices, True, key=self.is_ruined) if self.position else MOST_TICKS + 1

    def liquidate(self, row: int, price: int) -> None:
        self.fill(row, price, -self.position, Reason.LIQUIDATION)

    def cancel(self) -> None:
        """What waits, and what is under way."""
        self.under_way.clear()
        self.wanted = self.sent = 0
        self.reason = Reason.TARGET

    def work(self, row: int, price: int) -> None:
        order = self.wanted - self.position
        if order * self.position < 0:
            self.fill(row, price, _within(order, min(abs(self.position), self.room)), self.reason)
            order = self.wanted - self.position
        if order and order * self.position >= 0:
            size = min(abs(order), self.room)
            allowed = self.allowed(price, size)
            if allowed < size:
                self.wanted = self.position + _within(order, allowed)
            self.enter(price // self.tick, allowed)
            self.fill(row, price, _within(order, allowed))

    def enter(self, price: int, size: int) -> None:
        """What an opening makes of the entry. price: ticks."""
        held = abs(self.position)
        if not held:
            self.entered_ns, self.best = self.now_ns, price
        if size:
            self.average = (self.average * held + price * size) // (held + size)

    def decide(self, row: int, target: int, arrival_ns: int, price: int) -> None:
        """target: 10**-8. arrival_ns: had it no others before it. price: of the trade. raises: TooLarge."""
        self.last_ns = max(self.last_ns, arrival_ns)
        if target == self.target and (self.position or self.sent):
            return
        self.target = target
        lots = self.lots(abs(target), price)
        if lots > self.rules.most_lots:
            raise TooLarge(row)
        self.sent = min(lots, self.rules.most_long) if target > 0 else -min(lots, self.rules.most_short)
        self.under_way.append((self.last_ns, self.sent))
        self.due_ns = min(self.due_ns, self.last_ns)

    def lots(self, target: int, price: int) -> int:
        if self.rules.size:
            return self.rules.size * target // ONE
        equity = self.cash + self.position * price + self.beside
        if equity // ONE > LARGEST // self.rules.share:
            return self.rules.most_lots + 1
        return max(equity, 0) * self.rules.share // ONE * target // ONE // price

    def allowed(self, price: int, size: int) -> int:
        """The largest part of a size whose margin the account has, after what it costs to open."""
        least, most = 0, size
        while least < most:
            middle = (least + most + 1) // 2
            cost = max(0, _up(price * middle * self.taker)) + self.slip(price) * middle
            equity = self.cash + self.position * price - cost + self.beside
            if equity >= _up((abs(self.position) + middle) * price * self.rules.initial) + self.beside_initial:
                least = middle
            else:
                most = middle - 1
        return least

    def fill(self, row: int, price: int, size: int, reason: Reason = Reason.TARGET, limit: bool = False) -> None:
        if size == 0:
            return
        fee = _up(price * abs(size) * (self.maker if limit else self.taker))
        if reason == Reason.LIQUIDATION:
            fee += _up(price * abs(size) * self.rules.liquidation_fee)
        self.volumes.add(self.day, price * abs(size))
        slip = 0 if limit else self.slip(price) * abs(size)
        self.cash -= price * size + fee + slip
        self.position += size
        self.room -= abs(size)
        self.fills.append((row, price, size, fee, slip, 0, reason, 0))

    @property
    def taker(self) -> int:
        tiers = self.volumes.tiers
        return tiers[self.volumes.tier(self.day)].taker if tiers else self.rules.taker

    @property
    def maker(self) -> int:
        tiers = self.volumes.tiers
        return tiers[self.volumes.tier(self.day)].maker if tiers else self.rules.maker

    def slip(self, price: int) -> int:
        return self.rules.slip_ticks + _up(price * self.rules.slip_rate)

    def prove(self) -> None:
        """Cash, position and costs add up to the unit."""
        for _, price, size, fee, slip, funding, *_ in self.fills[self.proved :]:
            self.paid += price * size + fee + slip + funding
            self.held += size
        self.proved = len(self.fills)
        if self.cash != self.rules.cash - self.paid or self.position != self.held:
            raise ArithmeticError(f"the account does not add up: {self}")


def _within(order: int, most: int) -> int:
    """The part of an order, signed, that is at most so large."""
    return max(-most, min(most, order))


def _up(value: int) -> int:
    return -(-value // ONE)
