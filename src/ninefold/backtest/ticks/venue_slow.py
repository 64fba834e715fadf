"""The slow, obvious venue: what orders meet on recorded trades and books. What the fast one must equal, fill by fill.

In:  events one at a time, what was sent and when it reaches the venue, the rules.
Out: FILLED rows, cash and position.

One event goes like this.
1. Orders whose condition was met at the event before are sent to the book; then what has arrived by the event's own time, in
   the order in which it was sent. So an order meets the book as it stood when it arrived, and never the event at which it was
   decided.
   Before all that, funding that is due is paid.
2. The event happens. A trade fills orders that rest (`_Venue.trade`); a level or a best quote changes the book and the queue.
3. Where margin is asked for, what the equity no longer carries is liquidated. `orders` says what margin, funding and liquidation do.
   Before the first trade the position is worth what its last fill cost.

With a book: an order that takes gets what the levels show, best price first, less what was taken of them before: that stays
taken until the level shows fewer. What rests stands behind what its level showed when it arrived. A trade at its price
first eats what is ahead, then the order; a trade beyond its price fills it at its own price, as far as the trade's size goes.
Without one (trades alone): an order that takes meets the next trade, at its price, up to its size; what rests is filled, at its
own price, by trades beyond that price alone, since nobody knows who stood ahead of it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from ninefold.backtest.exact import LARGEST, ONE
from ninefold.backtest.fee_tiers import Volumes
from ninefold.backtest.outcome import TooLarge
from ninefold.backtest.ticks.events import BEST, CLEAR, TRADE, Session
from ninefold.backtest.ticks.orders import (
    ABOVE,
    CANCEL,
    FILLED,
    FUNDED,
    LIQUIDATED,
    NOW,
    SUBMIT,
    Account,
    Life,
    Queue,
)
from ninefold.backtest.ticks.quotes import Quotes
from ninefold.market.time import DAY_NS


@dataclass(slots=True, eq=False)
class Resting:
    """left: lots. ahead: lots that are filled before it. waits: for its condition. fresh: has met no trade yet (without a
    book). best: trade since it arrived that its trail follows; 0: none."""

    order: int
    side: int
    left: int
    price: int
    life: int
    when: int
    trigger: int
    trail: int
    group: int
    ahead: int = 0
    waits: bool = False
    fresh: bool = False
    best: int = 0


@dataclass(slots=True)
class Venue:
    session: Session
    queue: Queue
    maker: int  # fees, 10**-8
    taker: int
    cash: int
    volumes: Volumes = field(default_factory=lambda: Volumes(()))
    position: int = 0
    last: int = 0  # price of the last trade
    now_ns: int = 0
    event: int = 0
    shown: dict[tuple[int, int], int] = field(default_factory=dict)  # (side, price) to lots
    taken: dict[tuple[int, int], int] = field(default_factory=dict)  # by us, of what is shown
    traded: dict[tuple[int, int], int] = field(default_factory=dict)  # since the level was last told
    live: list[Resting] = field(default_factory=list)  # in the order of their arrival
    fired: list[Resting] = field(default_factory=list)
    over: set[int] = field(default_factory=set)  # groups
    way: deque[tuple[int, int, Resting]] = field(default_factory=deque)  # arrival_ns, what, order
    fills: list[tuple[int, ...]] = field(default_factory=list)
    initial: int = 0  # margins, 10**-8; 0: none is asked for
    maintenance: int = 0
    liquidation_fee: int = 0
    funding: deque[tuple[int, int]] = field(default_factory=deque)
    mark: int = 0  # the last trade; before the first one, our own last fill
    worth: int = 1  # units of the account's money that a tick times a lot is
    beside: int = (
        0  # of the account's other instruments: their equity, the margins that they ask for, whether they hold anything
    )
    beside_initial: int = 0
    beside_maintenance: int = 0
    beside_held: bool = False
    ruined: bool = False  # whether the account was liquidated at this event

    def happen(self, event: int, exchange_ns: int, kind: int, side: int, price: int, size: int) -> None:
        self.event, self.now_ns = event, exchange_ns
        self.pay(exchange_ns)
        fired, self.fired = self.fired, []
        for one in fired:
            if one in self.live:
                self.live.remove(one)
                self.enter(one, exchange_ns)
        while self.way and self.way[0][0] <= exchange_ns:
            at_ns, what, one = self.way.popleft()
            if what == CANCEL:
                self.live = [other for other in self.live if other is not one]
            else:
                self.arrive(one, at_ns)
        if kind == TRADE:
            self.trade(side, price, size)
        elif kind == CLEAR:
            self.shown.clear()
            self.traded.clear()
        elif self.is_kept(price):
            if kind == BEST:
                for level in [one for one in self.shown if one[0] == side and (one[1] - price) * side > 0]:
                    self.level(*level, 0)
            self.level(side, price, size)
        if self.initial and (self.position or self.beside_held) and self.is_ruined():
            self.ruined = True
            self.liquidate(exchange_ns)

    def pay(self, exchange_ns: int) -> None:
        while self.funding and self.funding[0][0] <= exchange_ns:
            at_ns, rate = self.funding.popleft()
            if self.position:
                paid = _up(self.value * rate)
                self.spend(paid)
                self.fills.append((self.event, at_ns, FUNDED, self.mark, 0, paid, 0))

    def spend(self, amount: int) -> None:
        self.cash -= amount
        if abs(self.cash) > LARGEST:
            raise TooLarge(self.event)

    @property
    def value(self) -> int:
        """Of what is held, units."""
        return self.position * self.mark * self.worth

    def asked_for(self) -> tuple[int, int]:
        """The margins that it asks for: of what it holds with the orders of one side, as they rest; and of what it holds."""
        sides = [
            max(0, self.value * side)
            + sum(one.price * self.worth * one.left for one in self.live if one.side == side and not one.waits)
            for side in (1, -1)
        ]
        return _up(min(max(sides), LARGEST) * self.initial), _up(abs(self.value) * self.maintenance)

    def is_ruined(self) -> bool:
        return self.cash + self.value + self.beside <= _up(abs(self.value) * self.maintenance) + self.beside_maintenance

    def liquidate(self, at_ns: int) -> None:
        self.live, self.fired = [], []
        self.way.clear()
        size = abs(self.position)
        one = Resting(LIQUIDATED, -1 if self.position > 0 else 1, size, 0, Life.IOC, NOW, 0, 0, 0)
        fee = _up(self.mark * self.worth * size * self.liquidation_fee)
        self.fill(one, self.mark, size, False, at_ns, fee)

    def carries(self, one: Resting, at_ns: int) -> bool:
        """Whether the equity carries what an order may open."""
        rests = sum(other.left for other in self.live if other.side == one.side and not other.waits)
        held = self.position * one.side + rests + one.left
        price = (one.price or self.mark) * self.worth
        if not self.initial or held <= abs(self.position):
            return True
        if not 0 < held * price <= LARGEST:
            return False
        fee = max(0, _up(price * one.left * self.rate(False, at_ns // DAY_NS)))
        return self.cash + self.value + self.beside - fee >= _up(held * price * self.initial) + self.beside_initial

    def is_kept(self, price: int) -> bool:
        return 0 <= price - self.session.low < self.session.span

    def arrive(self, one: Resting, at_ns: int) -> None:
        if one.group in self.over:
            return
        if one.when != NOW:
            one.waits, one.best = True, self.last if one.trail else 0
            self.live.append(one)
        else:
            self.enter(one, at_ns)

    def enter(self, one: Resting, at_ns: int) -> None:
        """Send it to the book."""
        one.waits = False
        if not self.carries(one, at_ns):
            return
        if not self.session.has_book:
            if one.life != Life.POST_ONLY:
                one.fresh = True
                self.live.append(one)
            elif not (self.last and self.takes(one, self.last)):
                self.live.append(one)
            return
        levels = sorted((level for level in self.shown if level[0] == -one.side), key=lambda level: level[1] * one.side)
        reached = [level for level in levels if self.takes(one, level[1])]
        if one.life == Life.POST_ONLY and reached:
            return
        if one.life == Life.FOK and sum(self.there(level) for level in reached) < one.left:
            return
        for level in reached:
            size = min(one.left, self.there(level))
            self.taken[level] = self.taken.get(level, 0) + size
            self.fill(one, level[1], size, False, at_ns)
        if one.left and one.price and one.life in (Life.GTC, Life.POST_ONLY):
            one.ahead = self.shown.get((one.side, one.price), 0)
            self.live.append(one)

    def takes(self, one: Resting, price: int) -> bool:
        """Whether it would trade at a price that the other side shows."""
        return one.price == 0 or (one.price - price) * one.side >= 0

    def there(self, level: tuple[int, int]) -> int:
        return self.shown[level] - self.taken.get(level, 0)

    def level(self, side: int, price: int, size: int) -> None:
        """A level shows another size. A book is never crossed: what the other side showed at or beyond it is forgotten, as at a
        CLEAR, which says nothing of those ahead of us."""
        level = (side, price)
        should = max(0, self.shown.get(level, 0) - self.traded.pop(level, 0))
        for one in self.live:
            if not one.waits and (one.side, one.price) == level:
                left = max(0, should - size)
                if self.queue == Queue.PROPORTIONAL and should:
                    one.ahead -= left * one.ahead // should
                one.ahead = min(one.ahead, size)
        self.taken[level] = min(self.taken.get(level, 0), size)
        if size:
            self.shown[level] = size
            for other in [one for one in self.shown if one[0] == -side and (price - one[1]) * side >= 0]:
                self.shown.pop(other)
                self.traded.pop(other, None)
        else:
            self.shown.pop(level, None)

    def trade(self, side: int, price: int, size: int) -> None:
        self.last = self.mark = price
        left = size
        if not self.session.has_book:
            left = self.meet_fresh(price, left)
        here = [one for one in self.live if not one.waits and not one.fresh and one.price and side != one.side]
        for one in sorted(here, key=lambda one: -one.price * one.side):
            beyond = (one.price - price) * one.side
            if one not in self.live or beyond < 0 or (beyond == 0 and not self.session.has_book):
                continue
            passed = left
            if beyond == 0:
                passed = max(0, left - one.ahead)
                one.ahead = max(0, one.ahead - left)
            size_filled = min(one.left, passed)
            left -= size_filled
            self.fill(one, one.price, size_filled, True, self.now_ns)
        for hit in (1, -1):
            if side != hit and self.is_kept(price):
                self.traded[(hit, price)] = self.traded.get((hit, price), 0) + size
        for one in self.live:
            if one.waits and one not in self.fired:
                self.look(one, price)

    def meet_fresh(self, price: int, left: int) -> int:
        """Orders that take, without a book. returns: what they leave of the trade's size."""
        for one in [one for one in self.live if one.fresh]:
            if one not in self.live:
                continue
            size = min(one.left, left) if self.takes(one, price) else 0
            if one.life == Life.FOK and size < one.left:
                size = 0
            left -= size
            self.fill(one, price, size, False, self.now_ns)
            one.fresh = one.price == 0 and one.life == Life.GTC
            if one.life in (Life.IOC, Life.FOK) and one in self.live:
                self.live.remove(one)
        return left

    def look(self, one: Resting, price: int) -> None:
        """Whether a trade meets its condition."""
        way = 1 if one.when == ABOVE else -1
        if one.trail:
            trigger = one.best + one.trail * way if one.best else 0
            one.best = price if not one.best or (one.best - price) * way > 0 else one.best
        else:
            trigger = one.trigger
        if trigger and (price - trigger) * way >= 0:
            self.fired.append(one)

    def rate(self, maker: bool, day: int) -> int:
        if not self.volumes.tiers:
            return self.maker if maker else self.taker
        tier = self.volumes.tiers[self.volumes.tier(day)]
        return tier.maker if maker else tier.taker

    def fill(self, one: Resting, price: int, size: int, maker: bool, at_ns: int, more: int = 0) -> None:
        """more: a fee beside the usual one."""
        if size == 0:
            return
        value = price * self.worth * size
        fee = _up(value * self.rate(maker, at_ns // DAY_NS)) + more
        self.volumes.add(at_ns // DAY_NS, value)
        one.left -= size
        self.spend(value * one.side + fee)
        self.position += size * one.side
        self.mark = self.mark if self.last else price
        self.fills.append((self.event, at_ns, one.order, price, size * one.side, fee, int(maker)))
        if one.group:
            self.over.add(one.group)
        self.live = [
            other
            for other in self.live
            if (other is not one or one.left) and (other is one or not one.group or other.group != one.group)
        ]


def _up(value: int) -> int:
    return -(-value // ONE)


def venue_of(session: Session, account: Account) -> Venue:
    margins = (account.initial, account.maintenance, account.liquidation_fee)
    venue = Venue(session, account.queue, account.maker, account.taker, account.cash, Volumes(account.tiers))
    venue.initial, venue.maintenance, venue.liquidation_fee = margins
    venue.funding.extend(account.funding)
    return venue


def play(session: Session, asked: np.ndarray, arrival_ns: np.ndarray, account: Account) -> tuple[np.ndarray, int, int]:
    """FILLED rows, cash and position. asked: ASKED rows; arrival_ns: of each, not falling. raises: TooLarge."""
    venue = venue_of(session, account)
    orders: dict[int, Resting] = {}
    sent = deque(zip(asked.tolist(), arrival_ns.tolist(), strict=True))
    for event, (exchange_ns, _, kind, side, price, size) in enumerate(session.events.tolist()):
        venue.happen(event, exchange_ns, kind, side, price, size)
        while sent and sent[0][0][0] == event:
            (_, what, order, one_side, lots, limit, *rest), at_ns = sent.popleft()
            if what != CANCEL:
                orders[order] = Resting(order, one_side, lots, limit, *rest)
            venue.way.append((at_ns, what, orders[order]))
    return np.array(venue.fills, FILLED), venue.cash, venue.position


def play_quotes(
    session: Session, quotes: Quotes, arrival_ns: np.ndarray, account: Account
) -> tuple[np.ndarray, int, int]:
    """The same of quotes, each renewed as `quotes` says. arrival_ns: of what is sent at each decision, not falling."""
    venue, decisions = venue_of(session, account), decisions_of(quotes, arrival_ns)
    quoting = Quoting(quotes)
    for event, (exchange_ns, _, kind, side, price, size) in enumerate(session.events.tolist()):
        venue.happen(event, exchange_ns, kind, side, price, size)
        if event in decisions:
            quoting.renew(venue, *decisions[event])
    return np.array(venue.fills, FILLED), venue.cash, venue.position


def decisions_of(quotes: Quotes, arrival_ns: np.ndarray) -> dict[int, tuple[int, ...]]:
    """By event: bid, its size, ask, its size, and when what is sent reaches the venue."""
    table = zip(*(of.tolist() for of in (*quotes.sides, arrival_ns)), strict=True)
    return dict(zip(quotes.at.tolist(), table, strict=True))


class Quoting:
    """What works for each side."""

    def __init__(self, quotes: Quotes) -> None:
        self._quotes, self._orders = quotes, 0
        self._working: dict[int, Resting | None] = {1: None, -1: None}

    def renew(self, venue: Venue, bid: int, bid_size: int, ask: int, ask_size: int, at_ns: int) -> None:
        quotes, working = self._quotes, self._working
        for way, limit, lots in ((1, bid, bid_size), (-1, ask, ask_size)):
            wanted = lots if venue.position * way < quotes.most else 0
            if quotes.from_best:
                best = max((price * way for side, price in venue.shown if side == way), default=None)
                limit = 0 if best is None else best * way - limit * way
                wanted = wanted if venue.is_kept(limit) else 0
            old = working[way]
            if old and (old in venue.live or any(old is one and what == SUBMIT for _, what, one in venue.way)):
                if wanted and old.price == limit:
                    continue
                venue.way.append((at_ns, CANCEL, old))
            working[way] = None
            if wanted:
                new = working[way] = Resting(self._orders, way, wanted, limit, quotes.life, NOW, 0, 0, 0)
                venue.way.append((at_ns, SUBMIT, new))
                self._orders += 1
