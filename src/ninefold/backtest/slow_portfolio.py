"""The slow, obvious back-test of several instruments on one account: what the fast one must equal, fill by fill.

In:  legs (bars of the same times, what they are worth, their sizes), changes of each target, rules, funding rates.
Out: fills with their instrument, equity, and positions at each close.

One bar goes like this, instruments always in their order.
1. Funding is paid at the open by what is held then (on an unknown bar at the last close).
2. At the open waiting orders are filled, what closes before what opens. If the margin does not allow what opens, each is
   cut by the same factor, and the rest is cancelled. An instrument without trades is valued at its last close. What becomes
   of orders that cannot all be filled in this bar, `legs.Together` says: WAIT, none is. UNWIND: those that can are; if one
   that cannot would have opened something, it is cancelled, and all go back to what was held before this open, as soon as
   they have trades. What only closes waits.
3. At the close, equity at or below the maintenance margin of all positions liquidates them: they are left at the next
   opens, the liquidation fee is paid, and no target counts until they are. Else changes of targets decide what is wanted.
   Unless orders go alone, none is sent if one of them cannot be: its instrument has no price yet, or what it would open is
   below one lot or below the least value that the venue takes. After that, and after an unwinding, the next change of any
   target decides all of them anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ninefold.backtest.bars import UNKNOWN
from ninefold.backtest.exact import LARGEST, ONE
from ninefold.backtest.fee_tiers import Tier, Volumes
from ninefold.backtest.legs import LEG_FILLS, Legs, Together
from ninefold.backtest.market_rules import Numbers
from ninefold.backtest.outcome import Reason, TooLarge
from ninefold.execution.legs_rule import breaks, cannot_be_sent
from ninefold.market.time import DAY_NS


@dataclass(frozen=True, slots=True)
class PlayedTogether:
    """fills: LEG_FILLS rows. equity: units, shape (n,). position: lots, shape (instruments, n)."""

    fills: np.ndarray
    equity: np.ndarray
    position: np.ndarray


def play_together(
    legs: Legs,
    changes: Mapping[tuple[int, int], int],
    rules: Numbers,
    funding: Mapping[tuple[int, int], int],
    together: Together,
    tiers: Sequence[Tier] = (),
) -> PlayedTogether:
    """changes: target in 10**-8 by (row, instrument); funding: rate in 10**-8 by the same. tiers: of fees, by what the account
    traded of all instruments; none: as the rules have them.

    raises: TooLarge if an amount exceeds 2**60.
    """
    account = _Account(legs, rules, together, Volumes(tiers))
    equity, position = [], []
    for row, open_ns in enumerate(legs.open_ns.tolist()):
        account.day = open_ns // DAY_NS
        known = [int(volume) != UNKNOWN for volume in legs.volume[:, row]]
        opens = [int(legs.open[of, row]) if known[of] else account.close[of] for of in range(len(known))]
        for of, price in enumerate(opens):
            if (row, of) in funding and account.position[of]:
                account.pay(row, of, price, funding[row, of])
        traded = [int(volume) > 0 for volume in legs.volume[:, row]]
        values = [opens[of] if traded[of] else account.close[of] for of in range(len(known))]
        account.open(row, values, traded)
        account.close = [int(legs.close[of, row]) if known[of] else account.close[of] for of in range(len(known))]
        if abs(account.cash) > LARGEST:
            raise TooLarge(row)
        account.decide(row, {of: changes[row, of] for of in range(len(known)) if (row, of) in changes})
        equity.append(account.equity(account.close))
        position.append(list(account.position))
    account.prove()
    return PlayedTogether(
        np.array(account.fills, LEG_FILLS), np.array(equity, np.int64), np.array(position, np.int64).T
    )


@dataclass(slots=True)
class _Account:
    legs: Legs
    rules: Numbers
    together: Together
    volumes: Volumes
    day: int = 0
    cash: int = 0
    position: list[int] = field(default_factory=list)
    wanted: list[int] = field(default_factory=list)
    close: list[int] = field(default_factory=list)
    target: list[int] = field(default_factory=list)
    liquidating: bool = False
    unwinding: bool = False
    anew: bool = False  # whether the next change decides all instruments
    fills: list[tuple[int, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cash = self.rules.cash
        self.position, self.wanted, self.close, self.target = ([0] * len(self.legs.worth) for _ in range(4))

    def equity(self, prices: list[int]) -> int:
        return self.cash + sum(self.value(of, price) for of, price in enumerate(prices))

    def value(self, of: int, price: int) -> int:
        return self.position[of] * price * int(self.legs.worth[of])

    def needed(self, prices: list[int], rate: int) -> int:
        return sum(_up(abs(self.value(of, price)) * rate, ONE) for of, price in enumerate(prices))

    def pay(self, row: int, of: int, price: int, rate: int) -> None:
        paid = _up(self.value(of, price) * rate, ONE)
        self.cash -= paid
        self.fills.append((row, price, 0, 0, 0, paid, Reason.FUNDING, 0, of))

    def open(self, row: int, prices: list[int], traded: list[bool]) -> None:
        waiting = [of for of, wanted in enumerate(self.wanted) if wanted != self.position[of]]
        ready = [of for of in waiting if traded[of]]
        missing = [of for of in waiting if not traded[of]]
        if missing and self.together == Together.WAIT and not self.liquidating:
            return
        before = list(self.position)
        breaks = ready and self.breaks(missing)
        for of in ready:
            order = self.wanted[of] - self.position[of]
            if order * self.position[of] < 0:
                size = min(abs(order), abs(self.position[of]))
                self.fill(row, of, prices[of], size if order > 0 else -size)
        sizes = {of: self.wanted[of] - self.position[of] for of in ready if self.wanted[of] != self.position[of]}
        factor = self.factor(prices, sizes)
        for of, size in sizes.items():
            cut = abs(size) * factor // ONE
            self.fill(row, of, prices[of], cut if size > 0 else -cut)
            self.wanted[of] = self.position[of]
        if breaks:
            self.miss(row, missing)
            self.wanted, self.unwinding = before, True
        self.liquidating = self.liquidating and any(self.position)
        self.unwinding = self.unwinding and self.wanted != self.position

    def breaks(self, missing: list[int]) -> bool:
        """Whether what cannot be filled now leaves the others without their counterpart."""
        if self.together != Together.UNWIND or self.liquidating or self.unwinding:
            return False
        return breaks((self.position[of], self.wanted[of]) for of in missing)

    def miss(self, row: int, missing: list[int]) -> None:
        self.fills += [(row, 0, 0, 0, 0, 0, Reason.UNFILLED, 0, of) for of in missing]
        self.anew = True

    def factor(self, prices: list[int], sizes: dict[int, int]) -> int:
        """The largest factor, in 10**-8, by which all sizes may be multiplied."""
        least, most = 0, ONE
        while least < most:
            middle = (least + most + 1) // 2
            cut = {of: abs(size) * middle // ONE for of, size in sizes.items()}
            costs = sum(self.cost(of, prices[of], size) for of, size in cut.items())
            held = [abs(position) + cut.get(of, 0) for of, position in enumerate(self.position)]
            needed = sum(
                _up(size * prices[of] * int(self.legs.worth[of]) * self.rules.initial, ONE)
                for of, size in enumerate(held)
            )
            if self.equity(prices) - costs >= needed:
                least = middle
            else:
                most = middle - 1
        return least

    def cost(self, of: int, price: int, size: int) -> int:
        fee, slip = self.costs(of, price, size)
        return max(fee, 0) + slip

    def costs(self, of: int, price: int, size: int) -> tuple[int, int]:
        """Fee and slippage."""
        worth = int(self.legs.worth[of])
        slip = self.rules.slip_ticks + _up(price * self.rules.slip_rate, ONE)
        fee = _up(price * size * worth * self.taker, ONE)
        if self.liquidating:
            fee += _up(price * size * worth * self.rules.liquidation_fee, ONE)
        return fee, slip * size * worth

    @property
    def taker(self) -> int:
        tiers = self.volumes.tiers
        return tiers[self.volumes.tier(self.day)].taker if tiers else self.rules.taker

    def fill(self, row: int, of: int, price: int, size: int) -> None:
        if size == 0:
            return
        fee, slip = self.costs(of, price, abs(size))
        self.cash -= price * size * int(self.legs.worth[of]) + fee + slip
        self.volumes.add(self.day, price * abs(size) * int(self.legs.worth[of]))
        self.position[of] += size
        reason = Reason.LIQUIDATION if self.liquidating else Reason.UNWOUND if self.unwinding else Reason.TARGET
        self.fills.append((row, price, size, fee, slip, 0, reason, 0, of))

    def decide(self, row: int, changes: dict[int, int]) -> None:
        equity = self.equity(self.close)
        if any(self.position) and not self.liquidating and equity <= self.needed(self.close, self.rules.maintenance):
            self.liquidating, self.unwinding, self.anew = True, False, False
            self.wanted = [0] * len(self.wanted)
        for of, target in changes.items():
            self.target[of] = target
        if self.liquidating or not changes:
            return
        if self.anew:
            changes, self.anew, self.unwinding = dict(enumerate(self.target)), False, False
        wanted = {of: self.lots(row, of, target, equity) for of, target in changes.items() if self.close[of]}
        missing = [of for of, target in changes.items() if self.is_in_the_way(of, target, wanted.get(of, 0))]
        if missing and self.together != Together.ALONE:
            self.miss(row, missing)
            return
        for of, lots in wanted.items():
            self.wanted[of] = lots

    def is_in_the_way(self, of: int, target: int, lots: int) -> bool:
        """Whether none can be sent because of this one; what closes is taken whatever its value."""

        def is_taken(size: int) -> bool:
            return size * self.close[of] * int(self.legs.worth[of]) >= int(self.legs.least[of])

        return cannot_be_sent(target, self.position[of], lots, is_taken)

    def lots(self, row: int, of: int, target: int, equity: int) -> int:
        """The position that is wanted at a target."""
        lots = self.lots_of(of, abs(target), equity)
        if lots > int(self.legs.most_lots[of]):
            raise TooLarge(row)
        most = self.legs.most_long[of] if target > 0 else self.legs.most_short[of]
        return min(lots, int(most)) * (1 if target > 0 else -1)

    def lots_of(self, of: int, target: int, equity: int) -> int:
        if self.legs.size[of]:
            return int(self.legs.size[of]) * target // ONE
        if equity // ONE > LARGEST // self.rules.share:
            return int(self.legs.most_lots[of]) + 1
        share = max(equity, 0) * self.rules.share // ONE * target // ONE
        return share // (self.close[of] * int(self.legs.worth[of]))

    def prove(self) -> None:
        """Cash, positions and costs add up to the unit."""
        paid = sum(
            price * size * int(self.legs.worth[of]) + fee + slip + funding
            for _, price, size, fee, slip, funding, _, _, of in self.fills
        )
        held = [sum(fill[2] for fill in self.fills if fill[8] == of) for of in range(len(self.position))]
        if self.cash != self.rules.cash - paid or self.position != held:
            raise ArithmeticError(f"the account does not add up: {self}")


def _up(value: int, by: int) -> int:
    return -(-value // by)
