"""The slow, obvious back-test of one instrument on bars: what the fast one must equal, fill by fill.

In:  bars, changes of the target, the rules as whole numbers, funding rates.
Out: fills and funding, equity and position at each close.

One bar goes like this.
1. Funding is paid at the open by what is held then (on an unknown bar at the last close).
2. At the open, waiting orders are filled: what closes before what opens. What the share of the volume does not give waits
   for the next bar; what the margin does not allow is cancelled. Nothing is filled on a bar without trades.
3. A position is liquidated or left by an exit: at the open if that lies beyond, else within the bar at the exit's price. If the
   bar touches a stop and a take-profit, the stop was first. Of stops, and liquidation, the nearest to the open is first. A
   take-profit is a limit order: the price must go through it. A trailing stop follows the bars before this one.
4. At the close the time exit and then the change of the target decide what is wanted from the next bar on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from ninefold.backtest.bars import UNKNOWN, Bars
from ninefold.backtest.exact import LARGEST, ONE
from ninefold.backtest.fee_tiers import Tier, Volumes
from ninefold.backtest.market_rules import Numbers
from ninefold.backtest.outcome import FILLS, Reason, TooLarge
from ninefold.backtest.target import Changes
from ninefold.market.time import DAY_NS

UNLIMITED = 2**62  # lots


@dataclass(frozen=True, slots=True)
class Played:
    """fills: FILLS rows. equity: units, shape (n,). position: lots, shape (n,). Both at the close of each bar."""

    fills: np.ndarray
    equity: np.ndarray
    position: np.ndarray


def play(bars: Bars, changes: Changes, rules: Numbers, funding: dict[int, int], tiers: Sequence[Tier] = ()) -> Played:
    """funding: rate in 10**-8 by row of the bar at whose open it is paid. tiers: of fees; none: as the rules have them.

    raises: TooLarge if an amount exceeds 2**60.
    """
    wanted = dict(zip(changes.at.tolist(), changes.to.tolist(), strict=True))
    return play_live(bars, lambda row, account: wanted.get(row), rules, funding, tiers)


def play_live(
    bars: Bars,
    wanted: Callable[[int, Account], int | None],
    rules: Numbers,
    funding: dict[int, int],
    tiers: Sequence[Tier] = (),
) -> Played:
    """`play` of a strategy that is asked at each close, when it sees what it holds.

    wanted: the row and the account as it is then; a target in 10**-8, or None for no change.
    """
    account = Account(rules, rules.cash, volumes=Volumes(tiers))
    equity, position = [], []
    for row, (bar, open_ns) in enumerate(zip(_each(bars), bars.open_ns.tolist(), strict=True)):
        account.day = open_ns // DAY_NS
        if row in funding and account.position:
            account.pay_funding(row, bar.open if bar.known else account.close, funding[row])
            account.look(row)
        if bar.known and bar.volume > 0:
            account.open(row, bar)
            account.leave(row, bar)
            account.follow(bar)
            account.look(row)
        if bar.known:
            account.close = bar.close
        account.decide(row, wanted(row, account))
        account.prove()
        equity.append(account.cash + account.position * account.close)
        position.append(account.position)
    return Played(np.array(account.fills, FILLS), np.array(equity, np.int64), np.array(position, np.int64))


@dataclass(frozen=True, slots=True)
class _Bar:
    open: int
    high: int
    low: int
    close: int
    volume: int

    @property
    def known(self) -> bool:
        return self.volume != UNKNOWN


def _each(bars: Bars) -> Iterator[_Bar]:
    columns = (getattr(bars, name).tolist() for name in ("open", "high", "low", "close", "volume"))
    for values in zip(*columns, strict=True):
        yield _Bar(*values)


@dataclass(slots=True)
class Account:
    """average: entry price, rounded down. best: the most favourable price since the entry. room: lots that the bar still
    gives."""

    rules: Numbers
    cash: int
    position: int = 0
    wanted: int = 0
    reason: Reason = Reason.TARGET
    target: int = 0
    close: int = 0
    average: int = 0
    best: int = 0
    entered: int = 0
    room: int = 0
    fills: list[tuple[int, ...]] = field(default_factory=list)
    day: int = 0
    volumes: Volumes = field(default_factory=lambda: Volumes(()))
    proved: int = 0  # fills; what they cost, and what they hold
    paid: int = 0
    held: int = 0

    @property
    def side(self) -> int:
        return (self.position > 0) - (self.position < 0)

    @property
    def maker(self) -> int:
        tiers = self.volumes.tiers
        return tiers[self.volumes.tier(self.day)].maker if tiers else self.rules.maker

    @property
    def taker(self) -> int:
        tiers = self.volumes.tiers
        return tiers[self.volumes.tier(self.day)].taker if tiers else self.rules.taker

    def pay_funding(self, row: int, price: int, rate: int) -> None:
        paid = _up(self.position * price * rate, ONE)
        self.cash -= paid
        self.fills.append((row, price, 0, 0, 0, paid, Reason.FUNDING, 0))

    def open(self, row: int, bar: _Bar) -> None:
        self.room = bar.volume * self.rules.volume_share // ONE if self.rules.volume_share else UNLIMITED
        order = self.wanted - self.position
        if order * self.position < 0:
            closes = min(abs(order), abs(self.position), self.room)
            self.fill(row, bar.open, closes if order > 0 else -closes, self.reason)
            order = self.wanted - self.position
        if order and order * self.position >= 0:
            side = 1 if order > 0 else -1
            size = min(abs(order), self.room)
            allowed = self.allowed(bar.open, size)
            if allowed < size:
                self.wanted = self.position + side * allowed
            if allowed and not self.position:
                self.entered, self.average, self.best = row, 0, bar.open
            if allowed:
                held = abs(self.position)
                self.average = (self.average * held + bar.open * allowed) // (held + allowed)
            self.fill(row, bar.open, side * allowed, self.reason)

    def allowed(self, price: int, size: int) -> int:
        """The largest part of a size whose margin the account has, after what it costs to open."""
        least, most = 0, size
        while least < most:
            middle = (least + most + 1) // 2
            cost = max(0, self.fee(price, middle, self.taker)) + self.slip(price) * middle
            equity = self.cash + self.position * price - cost
            if equity >= _up((abs(self.position) + middle) * price * self.rules.initial, ONE):
                least = middle
            else:
                most = middle - 1
        return least

    def leave(self, row: int, bar: _Bar) -> None:
        if self.position == 0:
            return
        toward = bar.low if self.position > 0 else bar.high
        if self.is_ruined(bar.open):
            self.liquidate(row, bar.open, 0)
            return
        stop, reason = self.stop()
        take = self.take()
        if stop and self.beyond(bar.open, stop):
            self.exit(row, bar.open, reason, 0)
        elif take and not self.beyond(bar.open, take, inclusive=False):
            self.exit(row, bar.open, Reason.TAKE_PROFIT, 0)
        elif self.is_ruined(toward) and not (stop and not self.is_ruined(stop)):
            step = -1 if self.position > 0 else 1
            level = next(price for price in range(bar.open, toward + step, step) if self.is_ruined(price))
            self.liquidate(row, level, 1)
        elif stop and self.beyond(toward, stop):
            self.exit(row, stop, reason, 1)
        elif take and self.is_through(bar, take):
            self.exit(row, take, Reason.TAKE_PROFIT, 1)

    def beyond(self, price: int, level: int, inclusive: bool = True) -> bool:
        """Whether a price is at a level or worse for us."""
        if price == level:
            return inclusive
        return price < level if self.position > 0 else price > level

    def is_through(self, bar: _Bar, level: int) -> bool:
        return bar.high > level if self.position > 0 else bar.low < level

    def stop(self) -> tuple[int, Reason]:
        """The nearer of stop loss and trailing stop; 0: none."""
        found = []
        if self.rules.stop:
            distance = max(1, self.average * self.rules.stop // ONE)
            found.append((self.average - self.side * distance, Reason.STOP_LOSS))
        if self.rules.trail:
            distance = max(1, self.best * self.rules.trail // ONE)
            found.append((self.best - self.side * distance, Reason.TRAILING))
        if not found:
            return 0, Reason.TARGET
        level, reason = max(found, key=lambda one: one[0] * self.side)
        return max(level, 0), reason

    def take(self) -> int:
        """0: none."""
        if not self.rules.take:
            return 0
        distance = max(1, _up(self.average * self.rules.take, ONE))
        return max(self.average + self.side * distance, 0)

    def is_ruined(self, price: int) -> bool:
        equity = self.cash + self.position * price
        return equity <= _up(abs(self.position) * price * self.rules.maintenance, ONE)

    def exit(self, row: int, price: int, reason: Reason, inside: int) -> None:
        self.wanted, self.reason = 0, reason
        size = min(abs(self.position), self.room)
        self.fill(row, price, -self.side * size, reason, inside, limit=reason == Reason.TAKE_PROFIT)

    def liquidate(self, row: int, price: int, inside: int) -> None:
        self.wanted, self.reason = 0, Reason.LIQUIDATION
        self.fill(row, price, -self.position, Reason.LIQUIDATION, inside)

    def fill(self, row: int, price: int, size: int, reason: Reason, inside: int = 0, limit: bool = False) -> None:
        if size == 0:
            return
        fee = self.fee(price, abs(size), self.maker if limit else self.taker)
        if reason == Reason.LIQUIDATION:
            fee += self.fee(price, abs(size), self.rules.liquidation_fee)
        slip = 0 if limit else self.slip(price) * abs(size)
        self.volumes.add(self.day, price * abs(size))
        self.cash -= price * size + fee + slip
        self.position += size
        self.room = max(self.room - abs(size), 0)
        self.fills.append((row, price, size, fee, slip, 0, reason, inside))

    def look(self, row: int) -> None:
        if abs(self.cash) > LARGEST:
            raise TooLarge(row)

    def fee(self, price: int, size: int, rate: int) -> int:
        return _up(price * size * rate, ONE)

    def slip(self, price: int) -> int:
        return self.rules.slip_ticks + _up(price * self.rules.slip_rate, ONE)

    def follow(self, bar: _Bar) -> None:
        if self.position > 0:
            self.best = max(self.best, bar.high)
        if self.position < 0:
            self.best = min(self.best, bar.low)

    def decide(self, row: int, target: int | None) -> None:
        held = row - self.entered + 1
        if self.rules.hold and self.position and self.wanted == self.position and held >= self.rules.hold:
            self.wanted, self.reason = 0, Reason.TIME
        if target is None or (target == self.target and (self.position or self.wanted)):
            return
        self.target, self.reason = target, Reason.TARGET
        lots = self.lots(abs(target))
        if lots > self.rules.most_lots:
            raise TooLarge(row)
        self.wanted = min(lots, self.rules.most_long) if target > 0 else -min(lots, self.rules.most_short)

    def lots(self, target: int) -> int:
        if self.rules.size:
            return self.rules.size * target // ONE
        equity = self.cash + self.position * self.close
        if equity // ONE > LARGEST // self.rules.share:
            return self.rules.most_lots + 1
        return max(equity, 0) * self.rules.share // ONE * target // ONE // self.close

    def prove(self) -> None:
        """Cash, positions and costs add up to the unit."""
        for _, price, size, fee, slip, funding, *_ in self.fills[self.proved :]:
            self.paid += price * size + fee + slip + funding
            self.held += size
        self.proved = len(self.fills)
        if self.cash != self.rules.cash - self.paid or self.position != self.held:
            raise ArithmeticError(f"the account does not add up: {self}")


def _up(value: int, by: int) -> int:
    return -(-value // by)
