"""Quotes of strategies: post-only orders on both sides that rest at the venue until another price or size is wanted.

In:  what strategies want at their bars' closes; at a tick, the orders under way, whether anything may leave.
Out: orders to be judged by the gate, and orders to be cancelled.

A quote that stays at its price and size keeps its place; else it is cancelled, and when the venue has said that it is over, what is
left of it is known and the new one leaves. One that was filled is quoted anew at the next close, and so is one that the gate or the
venue refused. What leaves late, behind the old one, is cut once more to what may be held by then.

All quotes are cancelled at a halt, when an instrument's data is stale or unknown, when it is to be sold out, and at the first tick
behind a start at which the venue has told of them: nobody has watched them. They come again at the next close.
What strategies that quote hold is theirs: it is no part of what the targets of others are netted to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ninefold.execution.account import Account
from ninefold.execution.ids import client_order_id
from ninefold.execution.money import ONE, is_orderable, size_of
from ninefold.execution.orders import TERMINAL, Tracked
from ninefold.execution.rules import STALE_NS
from ninefold.execution.selling_out import SellingOut
from ninefold.execution.shown import Shown
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.quoted import Quoted
from ninefold.market.records import Order, Tick

QUOTE = "post_only"
SIDES = (1, -1)
NO_QUOTES: Mapping[str, float] = {}
Key = tuple[str, int, int]  # strategy, instrument, side


class Quotes:
    """most: by strategy that quotes, the largest position, in base."""

    def __init__(
        self,
        most: Mapping[str, float],
        account_name: str,
        registry: Registry,
        account: Account,
        shown: Shown,
        selling_out: SellingOut,
    ) -> None:
        self.most = {name: int(base * ONE) for name, base in most.items()}
        self._name = account_name
        self._registry = registry
        self._attribution = account.attribution
        self._shown = shown
        self._selling_out = selling_out
        self._newest: dict[Key, Order] = {}  # as they were when they left
        self._wanted: dict[Key, tuple[int, int]] = {}  # price and size, until it has left or is there
        self._cancelled: set[str] = set()  # ids that the venue was told of since the start
        self._unwatched = False

    def want(self, quoted: Iterable[Quoted]) -> None:
        """What is wanted from now on."""
        for one in quoted:
            for side in SIDES:
                self._wanted[one.strategy, one.instrument, side] = one.of(side)

    def pass_by(self, quoted: Iterable[Quoted]) -> None:
        """What was wanted at an input that the ledger has already: what has left for it is not wanted any more."""
        for one in quoted:
            for side in SIDES:
                key = one.strategy, one.instrument, side
                left = self._newest.get(key)
                self._wanted.pop(key, None)
                if left is None or not (left.seq >= one.seq or (left.price, left.size) == one.of(side)):
                    self._wanted[key] = one.of(side)

    def see(self, order: Order) -> None:
        """An order, as it stands."""
        if order.status == "intended" and self.is_quote(order):
            self._newest[order.strategies[0], order.instrument, order.side] = order

    def started(self) -> None:
        self._wanted.clear()
        self._cancelled.clear()
        self._unwatched = True

    def held(self, instrument: int) -> dict[str, int]:
        """What strategies that quote hold of an instrument."""
        found = {name: self._attribution.held(name, instrument) for name in self.most}
        return {name: amount for name, amount in found.items() if amount}

    def resting(self, under_way: Iterable[Tracked]) -> dict[Key, Order]:
        """The quotes among the orders under way."""
        orders = [each.order for each in under_way if self.is_quote(each.order)]
        return {(order.strategies[0], order.instrument, order.side): order for order in orders}

    def is_quote(self, order: Order) -> bool:
        return order.order_type == QUOTE and len(order.strategies) == 1 and order.strategies[0] in self.most

    def look(
        self, tick: Tick, under_way: Sequence[Tracked], told: bool, may_leave: bool
    ) -> tuple[list[Order], list[Order]]:
        """Quotes to be judged, and those to be cancelled. told: the venue has told of everything since the start. may_leave: and nobody
        has halted."""
        if not self.most:
            return [], []
        resting = self.resting(under_way)
        stopped = {of for _, of, _ in [*resting, *self._wanted] if not may_leave or self._is_stopped(of, tick)}
        cancels = [order for key, order in resting.items() if self._unwatched or key[1] in stopped]
        leaving = []
        for key, (price, size) in list(self._wanted.items()):
            if key[1] in stopped:
                del self._wanted[key]
                continue
            there = resting.get(key)
            if there is not None and (there.price, there.size) != (price, size):
                cancels.append(there)
                continue  # until it is over
            del self._wanted[key]
            if there is None and (cut := self._cut(key, price, size)):
                leaving.append(self._order(key, price, cut, tick))
        if told:
            self._unwatched = False
        self._cancelled &= {order.client_order_id for order in resting.values()}
        fresh = [one for one in cancels if one.status not in TERMINAL and one.client_order_id not in self._cancelled]
        fresh = fresh if told else []
        self._cancelled.update(one.client_order_id for one in fresh)
        return leaving, list({one.client_order_id: one for one in fresh}.values())

    def _is_stopped(self, of: int, tick: Tick) -> bool:
        """Whether what is shown of it cannot be trusted, or it is to be sold."""
        instrument, seen_ns = self._registry[of], self._shown.seen_ns.get(of)
        return (
            seen_ns is None
            or tick.known_ns - seen_ns > STALE_NS
            or bool(self._shown.behind_ns.get(instrument.venue, 0))
            or self._shown.bar_is_unknown(of)
            or self._selling_out.wants(instrument)
        )

    def _cut(self, key: Key, price: int, size: int) -> int:
        """To what may come to be held, or is held; 0 if the venue takes no such order."""
        name, of, side = key
        instrument, held = self._registry[of], self._attribution.held(name, of)
        room = max(0, self.most[name] - held if side > 0 else held)
        lots = min(size, size_of(instrument, room)) // instrument.lot_size * instrument.lot_size
        return lots if is_orderable(instrument, lots, price) else 0

    def _order(self, key: Key, price: int, size: int, tick: Tick) -> Order:
        name, of, side = key
        instrument: Instrument = self._registry[of]
        which = "bid" if side > 0 else "ask"
        return Order(
            seq=tick.seq,
            known_ns=tick.known_ns,
            client_order_id=client_order_id(self._name, instrument.name, tick.seq, tick.known_ns, (name, which)),
            instrument=of,
            side=side,
            size=size,
            status="intended",
            order_type=QUOTE,
            price=price,
            reason=f"the {which} of {name}",
            strategies=(name,),
        )
