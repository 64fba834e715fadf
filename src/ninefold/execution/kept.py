"""Stops that the venue keeps: beside one that we hold lies an order at the venue, which goes off there also while we do not run.

In:  families, the orders that left; what each instrument's venue keeps; at a tick, the account.
Out: at a tick orders to be sent, which pass the risk gate as any other; ids of those to be cancelled at the venue; what of that
     is to be written of the held ones.

The rules. What we hold stays held and is the one that is meant; the order at the venue stands for it, under an id that derives
from its, and there is one of a family at a time. It sells what was bought by hand and nothing that strategies hold. While it may
still sell, nothing else of the family leaves: it is cancelled first, and when the venue has said what became of it, what is left
is sold. So a cancel that crosses with its fill sells nothing twice. Once trades have passed a trigger, the venue's order has
`GRACE_NS` to go off; then it is cancelled, and what it left is sold by us. Where the venue ended one otherwise, ours is the only
one for `RETRY_NS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from ninefold.execution.account import Account
from ninefold.execution.asked import HAND
from ninefold.execution.bands import band_of
from ninefold.execution.families import AGAIN_NS, Families, Family, root_of
from ninefold.execution.held import KEPT, gone_off
from ninefold.execution.ids import child_id
from ninefold.execution.money import base_amount
from ninefold.execution.orders import Tracked
from ninefold.execution.reduce import reduced
from ninefold.execution.shown import Quote, Shown
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.records import Order, Tick
from ninefold.market.time import MINUTE_NS, SECOND_NS

GRACE_NS = 2 * SECOND_NS
RETRY_NS = MINUTE_NS
REFUSED_NS = 5 * SECOND_NS  # after the risk gate refused one
GROW_NS = 10 * SECOND_NS  # one is replaced by a greater one so often at most, while its entry fills
WAY_NS = 2 * SECOND_NS  # so long nothing is kept of an instrument after a sale needed what was kept
LIMIT_PART = 20  # where the venue keeps none without a limit, the limit lies a twentieth below the trigger


class Kept:
    """wanted: whether the venue is to keep anything; if not, what it keeps from before is cancelled. cancel: takes the id of an order
    that the venue is to cancel."""

    def __init__(
        self,
        wanted: bool,
        registry: Registry,
        orders: Mapping[str, Tracked],
        families: Families,
        account: Account,
        shown: Shown,
        cancel: Callable[[str], None],
    ) -> None:
        self._wanted = wanted
        self._registry = registry
        self._orders = orders
        self._families = families
        self._account = account
        self._shown = shown
        self._cancel_it = cancel
        self._cancelled: set[str] = set()  # by us: another one may follow soon
        self._not_before: dict[str, int] = {}  # by root of the family that the gate refused one
        self._way_until: dict[int, int] = {}  # by instrument

    def at_venue(self, family: Family) -> Tracked | None:
        """The one that may still sell."""
        return next((known for known in self._families.kept(family) if not known.settled), None)

    def went_off(self, family: Family) -> bool:
        return any(known.fills for known in self._families.kept(family))

    def due(self, tick: Tick, under_way: Iterable[Tracked], leaving: Iterable[Order], may_leave: bool) -> list[Order]:
        """Orders to be sent now, none unless they may leave. leaving: what else leaves at this tick."""
        sales = [each for each in under_way if each.order.side < 0]
        busy = {each.order.instrument for each in sales if each.order.order_type not in RESTING}
        busy |= {order.instrument for order in leaving}
        placed: list[Order] = []
        for family in self._families.of.values():
            free = self._of_hand(family, sales, placed)
            if (known := self.at_venue(family)) is not None:
                self._look_after(known, family, free, tick)
                for late in self._families.kept(family):
                    if late is not known and late.open:  # one that was given up for lost arrived after all
                        self._cancel(late)
            elif self._wanted and may_leave and family.instrument not in busy and self._may(family, tick):
                placed += self._place(family, free, tick)
        return placed

    def blocks(self, order: Order, family: Family, tick: Tick) -> bool:
        """Whether one that has gone off must wait for what is at the venue, which is cancelled unless it is to go off itself."""
        known = self.at_venue(family)
        if known is None:
            return False
        if not stands_for(known.order, order) or tick.known_ns - order.known_ns >= GRACE_NS:
            self._cancel(known)
        return True

    def in_the_way(self, order: Order, tick: Tick) -> bool:
        """Whether a sale needs what is kept for stops: they are cancelled, and it waits until that is free."""
        base = self._registry[order.instrument].base
        needed = base_amount(self._registry[order.instrument], order.size)
        if order.side > 0 or needed <= self._account.free.get(base, 0):
            return False
        kept = [known for family in self._families.of.values() if (known := self.at_venue(family)) is not None]
        kept = [known for known in kept if self._registry[known.order.instrument].base == base]
        for known in kept:
            self._cancel(known)
            self._way_until[known.order.instrument] = tick.known_ns + WAY_NS
        return bool(kept) or tick.known_ns < self._way_until.get(order.instrument, 0)

    def refused(self, order: Order) -> None:
        """The risk gate refused one."""
        self._not_before[root_of(order)] = order.known_ns + REFUSED_NS

    def sold(self, tick: Tick) -> list[Order]:
        """Held orders of families whose order at the venue went off: over if it left nothing, else gone off as well."""
        changed: list[Order] = []
        for family in self._families.of.values():
            if not self.went_off(family):
                continue
            [*_, last] = [known.order for known in self._families.kept(family) if known.fills]
            entry, quote = self._families.entry(family), self._shown.quote(family.instrument)
            over = self.at_venue(family) is None and (entry is None or entry.settled)
            for held in self._families.held(family):
                after = held
                if over and not self._size(family, held, self._families.left(family), quote):
                    reason = f"order {last.client_order_id} sold it at the venue"
                    after = msgspec.structs.replace(held, status="cancelled", reason=reason)
                elif stands_for(last, held) and not gone_off(held):
                    after = msgspec.structs.replace(held, price=held.trigger)
                if after is not held:
                    changed.append(msgspec.structs.replace(after, seq=tick.seq, known_ns=tick.known_ns))
        return changed

    def _look_after(self, known: Tracked, family: Family, free: int, tick: Tick) -> None:
        """One at the venue ends with what it stands for, and where its size is not the right one any more."""
        held = next((one for one in self._families.held(family) if stands_for(known.order, one)), None)
        if held is None or not self._wanted:
            self._cancel(known)
        elif not known.order.filled and not gone_off(held):
            wanted = self._size(family, held, free)
            late = tick.known_ns - known.order.known_ns >= GROW_NS
            if wanted < known.order.size or (wanted > known.order.size and late):
                self._cancel(known)

    def _may(self, family: Family, tick: Tick) -> bool:
        since_ns = max(self._not_before.get(family.root, 0), self._way_until.get(family.instrument, 0))
        for known in self._families.kept(family)[-1:]:
            ours = known.order.client_order_id in self._cancelled
            since_ns = max(since_ns, known.order.known_ns + (AGAIN_NS if ours else RETRY_NS))
        return tick.known_ns >= since_ns

    def _of_hand(self, family: Family, sales: Iterable[Tracked], placed: Iterable[Order]) -> int:
        """Amount of base that is of people, less what other orders of theirs may sell."""
        instrument = self._registry[family.instrument]
        held = self._account.attribution.held(HAND, instrument.id)
        for each in sales:
            order = each.order
            if order.instrument == instrument.id and order.strategies == (HAND,):
                held -= 0 if order.client_order_id in family.kept else base_amount(instrument, remaining(each))
        held -= sum(base_amount(instrument, one.size) for one in placed if one.instrument == instrument.id)
        return min(held, self._account.positions.get(instrument.id, 0))

    def _size(self, family: Family, held: Order, free: int, quote: Quote | None = None) -> int:
        """What is to be kept: no more than is left to be sold, and than is free. quote: to look at the venue's least value."""
        amount = min(free, self._families.left(family))
        cut = reduced(msgspec.structs.replace(held, size=family.size), self._registry[held.instrument], amount, quote)
        return 0 if isinstance(cut, str) else cut.size

    def _place(self, family: Family, free: int, tick: Tick) -> list[Order]:
        instrument, quote = self._registry[family.instrument], self._shown.quote(family.instrument)
        mine = [one for one in self._families.held(family) if one.side < 0 and not gone_off(one)]
        mine.sort(key=lambda one: one.order_type != "stop")
        for held in mine:
            size, price = self._size(family, held, free, quote), limit_of(held, instrument, quote)
            if size and price is not None:
                order = msgspec.structs.replace(
                    held,
                    client_order_id=child_id(held.client_order_id, f"kept {len(family.kept)}"),
                    order_type=f"kept_{held.order_type}",
                    size=size,
                    price=price,
                    parent=family.root,
                    reason=f"stands at the venue for {held.client_order_id}",
                    seq=tick.seq,
                    known_ns=tick.known_ns,
                )
                return [order]
        return []

    def _cancel(self, known: Tracked) -> None:
        self._cancelled.add(known.order.client_order_id)
        self._cancel_it(known.order.client_order_id)


RESTING = KEPT | {"limit", "post_only"}


def stands_for(kept: Order, held: Order) -> bool:
    return (kept.order_type, kept.trigger) == (f"kept_{held.order_type}", held.trigger)


def limit_of(held: Order, instrument: Instrument, quote: Quote | None) -> int | None:
    """The limit with which the venue is to keep a sale; 0: none is needed; None: it does not keep it, or not now.

    Where one is needed it lies a twentieth below the trigger, but not below the venue's lowest price of a sale: in a deeper fall
    the order rests, and is cancelled and sold at the market by us.
    """
    if held.order_type in instrument.keeps:
        return 0
    if f"{held.order_type}_limit" not in instrument.keeps or quote is None:
        return None
    band = band_of(instrument, -1, quote)
    lowest = max(held.trigger - held.trigger // LIMIT_PART, band[0] if band else 0)
    limit = -(-lowest // instrument.tick_size) * instrument.tick_size
    return limit if limit <= held.trigger else None


def remaining(known: Tracked) -> int:
    """Size that may still be filled, or is and was not told yet."""
    order = known.order
    return (order.size if known.open else order.filled) - sum(fill.size for fill in known.fills.values())
