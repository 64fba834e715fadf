"""The desk: what people asked for, what we hold, and exits that must give back what their entry got.

In:  Asked, CancelAsked and Order records as they come, live or out of the ledger; trades; at a tick, the account.
Out: at a tick: orders whose time has come, to be judged by the risk gate before any other, and records of what changed;
     orders to be cancelled at the venue. All of it follows from the ledger's events, so after a restart the same is held
     before the first input is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np

from ninefold.execution.account import Account
from ninefold.execution.asked import HAND, BadAsk, orders_of
from ninefold.execution.bracket import again
from ninefold.execution.families import AGAIN_NS, Families, Family, root_of
from ninefold.execution.held import EXITS, KEPT, Prices, is_due, is_held, look
from ninefold.execution.kept import Kept, remaining, stands_for
from ninefold.execution.money import base_amount
from ninefold.execution.orders import TERMINAL, Tracked
from ninefold.execution.reduce import reduced
from ninefold.execution.relisted import is_earlier, moved
from ninefold.execution.rules import STALE_NS, AccountRules
from ninefold.execution.shown import Shown
from ninefold.market.instruments import Registry
from ninefold.market.records import AnyRecord, Asked, CancelAsked, Flatten, Listed, Malformed, Order, Tick
from ninefold.market.time import SECOND_NS

RESTS = frozenset({"limit", "post_only"})  # they wait at the venue for somebody else, maybe for long


class Desk:
    """orders: those that left, as they stand, by id. held: those that did not. kept: what the venue keeps for those."""

    def __init__(
        self,
        rules: AccountRules,
        registry: Registry,
        orders: Mapping[str, Tracked],
        account: Account,
        shown: Shown,
    ) -> None:
        self.held: dict[str, Order] = {}
        self.families = Families(registry, orders, self.held)
        self._rules = rules
        self._registry = registry
        self._orders = orders
        self._positions = account.positions
        self._shown = shown
        self._prices = Prices()
        self._asked: dict[str, Asked] = {}  # not yet decided, by ask id
        self._waiting: dict[str, Asked] = {}  # those of them for which something is cancelled at the venue
        self._decided: set[str] = set()  # ids of orders that requests made
        self._exits: dict[str, list[Order]] = {}  # of entries that the risk gate is about to judge
        self._cancelling: dict[str, bool] = {}  # order to whether the venue was told since the start
        self.kept = Kept(rules.stops_at_venue, registry, orders, self.families, account, shown, self._cancel)

    def watch(self, trades: np.ndarray) -> None:
        """See what is traded."""
        if self.held:
            self._prices.fold(trades, (order.instrument for order in self.held.values()))

    def ask(self, asked: Asked) -> None:
        self._asked[asked.ask_id] = asked

    def cancel(self, asked: CancelAsked) -> list[AnyRecord]:
        """What we hold is over at once; what is at the venue is cancelled there at the next tick."""
        wanted = asked.client_order_id
        known = self._orders.get(wanted)
        if known is not None and known.open:
            self._cancelling[wanted] = False
        return [
            self._end(order, "cancelled", f"by {asked.by}", asked)
            for order in list(self.held.values())
            if wanted == order.client_order_id
            or (wanted == order.parent and order.order_type == "slice")
            or (known is not None and is_kept(known.order, order))
        ]

    def flatten(self, flatten: Flatten) -> list[AnyRecord]:
        """What is to be sold out needs no other order: what we hold of it is over, what is at the venue is cancelled."""
        for order_id, known in self._orders.items():
            if known.open and flatten.instrument in ("", self._registry[known.order.instrument].name):
                self._cancelling[order_id] = False
        return [
            self._end(order, "cancelled", f"{flatten.by} wants it sold out", flatten)
            for order in list(self.held.values())
            if flatten.instrument in ("", self._registry[order.instrument].name)
        ]

    def relist_to(self, listed: Listed) -> list[AnyRecord]:
        """An instrument goes on under another number: what we hold of it is watched there."""
        made: list[AnyRecord] = []
        for order in list(self.held.values()):
            old = self._registry[order.instrument]
            after = moved(order, old, listed.instrument) if is_earlier(old, listed.instrument) else None
            if after is not None:
                self.held[order.client_order_id] = after
                made.append(msgspec.structs.replace(after, seq=listed.seq, known_ns=listed.known_ns))
        self.families.relist_to(listed.instrument)
        return made

    def take(self, order: Order) -> bool:
        """A record of an order, our own or the venue's. Whether it is with us only, so that it is nothing to follow yet."""
        if order.strategies == (HAND,):
            self._decided.add(order.client_order_id)
        self.families.take(order)
        if order.client_order_id in self._orders:
            return False
        if is_held(order):
            self.held[order.client_order_id] = order
            return True
        return self.held.pop(order.client_order_id, None) is not None and order.status in TERMINAL

    def started(self) -> None:
        """What may have been told to the venue before a restart is told again: a cancel cannot do harm twice."""
        self._cancelling = dict.fromkeys(self._cancelling, False)

    def due(
        self, tick: Tick, under_way: Sequence[Tracked], told: bool, may_leave: bool
    ) -> tuple[list[Order], list[AnyRecord]]:
        """Orders that should leave now, exits first, and records of what else changed. under_way: orders not settled. told: the venue
        has told of everything since the start. may_leave: and nobody has halted."""
        made: list[AnyRecord] = []
        to_give = self._to_give(under_way)
        self._sold(tick, made)
        self._renew(tick, to_give, made)
        ready = [after for order in list(self.held.values()) if (after := self._looked(order, tick, made)) is not None]
        self._prices.clear()
        ready.sort(key=lambda order: (not order.reduce_only, order.order_type != "stop", -order.trigger))
        leaving: list[Order] = []
        wholes: set[str] = set()
        for order in ready:
            if root_of(order) not in wholes:
                leaving += self._leave(order, tick, to_give, made)
            elif order.order_type == "slice":
                made.append(self._end(order, "expired", "its time passed while nothing could be sent", tick))
            wholes.add(root_of(order))
        leaving += self._asked_now(tick, made)
        if told:
            leaving += self.kept.due(tick, under_way, leaving, may_leave)
        return leaving, made

    def sent(self, order: Order) -> list[AnyRecord]:
        """An order of ours passed the gate: its exits are held from now on, or its siblings are over."""
        self.held.pop(order.client_order_id, None)
        self.families.take(order)
        made: list[AnyRecord] = list(self._exits.pop(order.client_order_id, ()))
        for one in made:
            if isinstance(one, Order):
                self.take(one)
        family = self.families.family_of(order)
        if family is not None:
            family.tried_ns = order.known_ns
            for sibling in self.families.held(family):
                made.append(self._end(sibling, "cancelled", f"order {order.client_order_id} left instead", order))
        return made

    def refused(self, order: Order) -> list[AnyRecord]:
        """The gate refused an order; what is to be written. An exit stays held and is tried again."""
        self._exits.pop(order.client_order_id, None)
        if order.order_type in KEPT:
            self.kept.refused(order)
            return []
        held, family = self.held.get(order.client_order_id), self.families.family_of(order)
        if held is None or family is None:
            self.take(order)
            return [order]
        family.tried_ns = order.known_ns
        reason = f"set off, and not sent: {order.reason}"
        if held.reason == reason:
            return []
        waiting = msgspec.structs.replace(held, reason=reason, seq=order.seq, known_ns=order.known_ns)
        self.held[held.client_order_id] = waiting
        return [waiting]

    def cancels(self) -> list[Order]:
        """Orders to be cancelled at the venue that it has not been told of since the start."""
        told = {
            one: said for one, said in self._cancelling.items() if one in self._orders and not self._orders[one].settled
        }
        self._cancelling = dict.fromkeys(told, True)
        return [self._orders[one].order for one, said in told.items() if not said and self._orders[one].open]

    def _asked_now(self, tick: Tick, made: list[AnyRecord]) -> list[Order]:
        """New requests. What is asked for twice, or was decided before a restart, is one request."""
        leaving: list[Order] = []
        waiting: dict[str, Asked] = {}
        for asked in self._asked.values():
            age_ns = tick.known_ns - asked.known_ns
            try:
                orders = orders_of(asked, self._rules.venue, self._registry, tick)
            except BadAsk as error:
                made += [_unread(asked, tick, str(error))] if age_ns <= STALE_NS else []
                continue
            first, more = orders[0], orders[1:]
            if first.client_order_id in self._decided:
                continue
            if age_ns > STALE_NS:
                reason = f"asked for {age_ns / SECOND_NS:.0f} s ago, {self._late(asked)}; ask again"
                self._decided.add(first.client_order_id)
                made.append(msgspec.structs.replace(first, status="refused", reason=reason))
            elif is_held(first):
                for order in orders:
                    self.take(order)
                made += orders
            elif self.kept.in_the_way(first, tick):
                waiting[asked.ask_id] = asked
            else:
                self._decided.add(first.client_order_id)
                self._exits[first.client_order_id] = more
                leaving.append(first)
        self._asked = self._waiting = waiting
        return leaving

    def _late(self, asked: Asked) -> str:
        """Why it was not decided in time."""
        waited = asked.ask_id in self._waiting
        return "and what stops keep at the venue was not free by now" if waited else "before a restart"

    def _looked(self, order: Order, tick: Tick, made: list[AnyRecord]) -> Order | None:
        """What the trades since the last tick made of an order; the order if it should leave."""
        family, since = self.families.family_of(order), order.seq
        entry = self.families.entry(family) if family is not None else None
        if entry is not None and not entry.fills:
            if entry.settled:
                made.append(self._end(order, "expired", f"its entry {order.parent} got nothing", tick))
            return None
        if entry is not None:
            since = max(since, min(fill.seq for fill in entry.fills.values()))
        after = look(order, self._prices.since(order.instrument, since))
        if after is not order:
            after = msgspec.structs.replace(after, seq=tick.seq, known_ns=tick.known_ns)
            self.held[order.client_order_id] = after
            made.append(after)
        return after if is_due(after, tick.exchange_ns) else None

    def _leave(self, order: Order, tick: Tick, to_give: dict[int, int], made: list[AnyRecord]) -> list[Order]:
        """The market order that a held one becomes; none if there is nothing for it to do, or it was just tried."""
        instrument, family = self._registry[order.instrument], self.families.family_of(order)
        if family is not None and tick.known_ns - family.tried_ns < AGAIN_NS:
            return []
        if family is not None and self.kept.blocks(order, family, tick):
            return []
        reason = "its time has come"
        if order.order_type in EXITS:
            reason = f"set off at {instrument.price_text(order.price)} {instrument.quote}"
        leaving = msgspec.structs.replace(order, price=0, reason=reason, seq=tick.seq, known_ns=tick.known_ns)
        if not order.reduce_only:
            return [] if self.kept.in_the_way(leaving, tick) else [leaving]
        cut = self._cut(leaving, family, to_give)
        if isinstance(cut, str):
            if family is None or not self._more_may_come(family):
                made.append(self._end(order, "expired", cut, tick))
            return []
        if self.kept.in_the_way(cut, tick):
            return []
        to_give[order.instrument] -= base_amount(instrument, cut.size)
        return [cut]

    def _to_give(self, under_way: Iterable[Tracked]) -> dict[int, int]:
        """By instrument, the amount that reduce-only orders may sell: the position, less what is being sold already. What the
        venue keeps for stops is not: it is cancelled before anything else is sold of it."""
        found = dict(self._positions)
        for each in under_way:
            order = each.order
            if order.side < 0 and order.order_type not in RESTS | KEPT:
                amount = base_amount(self._registry[order.instrument], remaining(each))
                found[order.instrument] = found.get(order.instrument, 0) - amount
        return found

    def _cut(self, order: Order, family: Family | None, to_give: Mapping[int, int]) -> Order | str:
        amount = to_give.get(order.instrument, 0)
        if family is not None:
            amount = min(amount, self.families.left(family))
        return reduced(order, self._registry[order.instrument], amount, self._shown.quote(order.instrument))

    def _renew(self, tick: Tick, to_give: Mapping[int, int], made: list[AnyRecord]) -> None:
        """An exit that left ends its entry; one that did not give everything back gets another; who is done is let go."""
        for family in self.families.of.values():
            entry = self.families.entry(family)
            left = self.families.sent(family) or self.kept.went_off(family)
            if entry is not None and entry.open and left:
                self._cancelling.setdefault(family.root, False)
        for family in self.families.quiet():
            sent, entry = self.families.sent(family), self.families.entry(family)
            given_up = bool(sent) and sent[-1].order.client_order_id in self._cancelling
            if sent and not given_up and not isinstance(self._cut(sent[-1].order, family, to_give), str):
                order = again(sent[-1].order, len(family.exits))
                order = msgspec.structs.replace(order, size=family.size, seq=tick.seq, known_ns=tick.known_ns)
                self.take(order)
                made.append(order)
            elif entry is None or entry.settled:
                del self.families.of[family.root]

    def _sold(self, tick: Tick, made: list[AnyRecord]) -> None:
        """What the venue's own orders sold changes those that they stood for."""
        for order in self.kept.sold(tick):
            if order.status in TERMINAL:
                self.held.pop(order.client_order_id, None)
            else:
                self.held[order.client_order_id] = order
            made.append(order)

    def _more_may_come(self, family: Family) -> bool:
        """Whether an entry may still bring what one that went off at the venue is to sell."""
        entry = self.families.entry(family)
        return entry is not None and not entry.settled and self.kept.went_off(family)

    def _cancel(self, order_id: str) -> None:
        self._cancelling.setdefault(order_id, False)

    def _end(self, order: Order, status: str, reason: str, by: AnyRecord) -> Order:
        self.held.pop(order.client_order_id, None)
        return msgspec.structs.replace(order, status=status, reason=reason, seq=by.seq, known_ns=by.known_ns)


def is_kept(at_venue: Order, held: Order) -> bool:
    """Whether an order at the venue stands for a held one."""
    return stands_for(at_venue, held) and root_of(at_venue) == root_of(held)


def _unread(asked: Asked, tick: Tick, reason: str) -> Malformed:
    excerpt = f"{asked.size} {asked.pair} {asked.order_type} by {asked.by}"
    return Malformed(seq=tick.seq, known_ns=tick.known_ns, venue="an order by hand", reason=reason, excerpt=excerpt)
