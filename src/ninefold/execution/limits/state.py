"""What the rules look at: the market and the account at one tick, and what earlier orders of the same tick have left.

In:  the state the core hands over. Out: the questions that several rules ask of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ninefold.execution.account import Account
from ninefold.execution.attribution import split
from ninefold.execution.canary import Canary
from ninefold.execution.money import base_amount, quote_amount, text
from ninefold.execution.rejections import Rejections
from ninefold.execution.returns import Returns
from ninefold.execution.rules import AccountRules
from ninefold.execution.shown import Quote, Shown
from ninefold.execution.under_way import Pending, more, most
from ninefold.execution.worth import Worth
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.records import Flatten, Halted, Order

NO_PENDING: Pending = (0, 0)
FLATTEN = "flatten"  # stands where strategies stand, on orders that nobody's target asked for


@dataclass(frozen=True, slots=True)
class RiskState:
    """What the gate looks at. sent_ns: when the orders of the last minute were intended. awaited: what the venue has
    not yet told us about since the start: client order ids, "its balances". pending: what is on order, by instrument;
    pending_parts: by strategy and instrument. canary: None where there is none. skew_ns: how far our
    clock is ahead of the venue's. wanted: of each order by its id, what each strategy wanted of it. flattened: what somebody
    wants sold, by instrument name, "" for all.
    """

    known_ns: int
    rules: AccountRules
    registry: Registry
    shown: Shown
    account: Account
    halted: Halted | None
    sent_ns: Sequence[int]
    awaited: Sequence[str]
    pending: Mapping[int, Pending] = field(default_factory=dict)
    skew_ns: int | None = None
    worth: Worth = field(default_factory=Worth)
    returns: Returns = field(default_factory=Returns)
    wanted: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    flattened: Mapping[str, Flatten] = field(default_factory=dict)
    pending_parts: Mapping[tuple[str, int], Pending] = field(default_factory=dict)
    canary: Canary | None = None
    rejections: Rejections = field(default_factory=Rejections)

    def flatten_of(self, instrument: Instrument) -> Flatten | None:
        """Who wants it sold, if somebody does."""
        return self.flattened.get(instrument.name) or self.flattened.get("")

    def parts(self, instrument: Instrument, order: Order) -> dict[str, int]:
        """What each strategy would get of the order, signed amounts of base."""
        shares = self.wanted.get(order.client_order_id) or self.account.attribution.shares_of(order)
        return split(order.side * base_amount(instrument, order.size), shares)


class Ask(NamedTuple):
    """What is asked for 1 of the base: price // unit in the account's quote asset; unit: 0 where that is not what it is priced in."""

    of: Instrument
    price: int
    unit: int


@dataclass(slots=True)
class Purse:
    """What a strategy may come to hold of all instruments. known: worth of those with a price. unknown: how many have none."""

    known: int = 0
    unknown: int = 0

    def put(self, before: int | None, after: int | None) -> None:
        """The worth of one instrument has changed."""
        self.known += (after or 0) - (before or 0)
        self.unknown += (after is None) - (before is None)

    def beside(self, own: int | None) -> int | None:
        """The worth of all others than one."""
        return None if self.unknown > (own is None) else self.known - (own or 0)


EMPTY = Purse()


@dataclass(slots=True)
class Worths:
    """What the exposures are summed of, counted once a call and again where an order was approved. asks: by instrument, None while
    its price is unknown. of: by instrument. of_strategies: None until somebody asks.
    """

    asks: dict[int, Ask | None] = field(default_factory=dict)
    of: dict[int, int | None] = field(default_factory=dict)
    of_strategies: defaultdict[str, Purse] | None = None


@dataclass(slots=True)
class Left:
    """What the orders judged before in the same call have left."""

    free: dict[str, int]
    positions: dict[int, int]
    orders: int
    pending: dict[int, Pending]
    parts: dict[str, dict[int, Pending]]  # what is on order, by strategy and instrument
    judged: tuple[Order, bool] | None = None  # the newest that was asked about, and whether it grows
    parted: tuple[Order, Mapping[str, int]] | None = None  # likewise, and what each strategy would get of it
    worths: Worths = field(default_factory=Worths)

    def after(self, instrument: Instrument, order: Order) -> int:
        """The position if this order and all that go the same way are filled."""
        same_way = self.pending.get(instrument.id, (0, 0))[0 if order.side > 0 else 1]
        return self.positions.get(instrument.id, 0) + order.side * (same_way + base_amount(instrument, order.size))

    def grows(self, instrument: Instrument, order: Order) -> bool:
        """Whether the order could make a position greater or turn it round."""
        if self.judged is None or self.judged[0] is not order:
            before = self.positions.get(instrument.id, 0)
            self.judged = order, not min(before, 0) <= self.after(instrument, order) <= max(before, 0)
        return self.judged[1]

    def most(self, instrument: int) -> int:
        """The greatest amount that may come to be held, long or short, whichever of the orders under way are filled."""
        return most(self.positions.get(instrument, 0), self.pending.get(instrument, (0, 0)))

    def worth(self, state: RiskState, instrument: int) -> int | None:
        """Of the greatest amount that may come to be held, as `worth`."""
        known = self.worths.of
        if instrument not in known:
            known[instrument] = self.worth_at(state, instrument, self.most(instrument))
        return known[instrument]

    def purse(self, state: RiskState, strategy: str) -> Purse:
        if self.worths.of_strategies is None:
            self.worths.of_strategies = self._purses(state)
        return self.worths.of_strategies.get(strategy, EMPTY)

    def parts_of(self, state: RiskState, instrument: Instrument, order: Order) -> Mapping[str, int]:
        """As `state.parts`, made once an order."""
        if self.parted is None or self.parted[0] is not order:
            self.parted = order, state.parts(instrument, order)
        return self.parted[1]

    def _purses(self, state: RiskState) -> defaultdict[str, Purse]:
        found: defaultdict[str, Purse] = defaultdict(Purse)
        held_of_all = state.account.attribution.held_of_all
        for instrument, held in held_of_all.items():
            ask = self.ask(state, instrument)
            for strategy, amount in held.items():
                if amount and ask is not None and ask.unit:
                    found[strategy].known += abs(amount) * ask.price // ask.unit
                elif amount:
                    found[strategy].put(0, worth_of(state, ask, abs(amount)))
        for strategy, parts in self.parts.items():
            for instrument, on_order in parts.items():
                held_now = held_of_all.get(instrument, {}).get(strategy, 0)
                before = self.worth_at(state, instrument, abs(held_now))
                found[strategy].put(before, self.worth_at(state, instrument, most(held_now, on_order)))
        return found

    def worth_at(self, state: RiskState, instrument: int, amount: int) -> int | None:
        """Of an amount at what is asked for it, in the account's quote asset; None while a price is unknown."""
        return worth_of(state, self.ask(state, instrument), amount)

    def ask(self, state: RiskState, instrument: int) -> Ask | None:
        if instrument not in self.worths.asks:
            self.worths.asks[instrument] = _ask(state, instrument)
        return self.worths.asks[instrument]

    def take(self, state: RiskState, instrument: Instrument, order: Order) -> None:
        """An order of this call was approved."""
        quote = state.shown.quote(order.instrument)
        assert quote is not None  # an order without a price was refused
        amount = base_amount(instrument, order.size)
        self.judged = None
        self.orders += 1
        self.pending[instrument.id] = more(self.pending.get(instrument.id, (0, 0)), order.side * amount)
        if order.side > 0:
            self.free[instrument.quote] -= cost(instrument, order, quote)
        else:
            self.free[instrument.base] -= amount
        self.worths.of.pop(instrument.id, None)
        held, ask = state.account.attribution.held_of_all.get(instrument.id, {}), self.ask(state, instrument.id)
        for strategy, part in self.parts_of(state, instrument, order).items():
            of, held_now = self.parts.setdefault(strategy, {}), held.get(strategy, 0)
            before = of.get(instrument.id, NO_PENDING)
            of[instrument.id] = after = more(before, part)
            if self.worths.of_strategies is not None:
                was = worth_of(state, ask, most(held_now, before))
                self.worths.of_strategies[strategy].put(was, worth_of(state, ask, most(held_now, after)))


Rule = Callable[[RiskState, Left, Instrument, Order], str]
Priced = Callable[[RiskState, Left, Instrument, Order, Quote], str]


def _ask(state: RiskState, instrument: int) -> Ask | None:
    quote, of = state.shown.quote(instrument), state.registry[instrument]
    if quote is None:
        return None
    return Ask(of, quote.ask, int(10**of.price_decimals) if of.quote == state.rules.quote else 0)


def worth_of(state: RiskState, ask: Ask | None, amount: int) -> int | None:
    if amount == 0:
        return 0
    if ask is None:
        return None
    of, price, unit = ask
    return amount * price // unit if unit else valued(state, of, amount, price)


def cost(instrument: Instrument, order: Order, quote: Quote) -> int:
    """What a buy takes of the quote asset at most, as far as prices say: at its limit, or at what it meets first."""
    return quote_amount(instrument, max(order.price, quote.ask), order.size)


def valued(state: RiskState, instrument: Instrument, amount: int, price: int) -> int | None:
    """An amount of base at a price, in the account's quote asset; None while that has no price."""
    value = abs(amount) * price // 10**instrument.price_decimals
    return state.shown.worth(value, instrument.quote, state.rules.quote)


def within(state: RiskState, limit: str, of: str, found: int | None, most: int) -> str:
    """A worth against its limit."""
    if found is None:
        return f"price unknown: the {limit} of {of} needs a price of it in {state.rules.quote}"
    if found <= most:
        return ""
    return f"{limit}: {of} would be {text(found, state.rules.quote)}, {text(most, state.rules.quote)} allowed"
