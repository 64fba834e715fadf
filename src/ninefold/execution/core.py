"""The execution core: folds the stream into orders and account, and turns wishes into orders that passed the risk gate.

In:  chunks; at a tick the desired positions and the MAYs that are open.
Out: approved orders, orders to be cancelled, and records appended to the chunk: Order (refused; intended and sent; and the state after each
     venue update that does not show all of it), Has, and Equity once a second of exchange time.

"sent" is written together with "intended", before anything leaves: from that record on the order may have reached the
venue, and after a crash only the venue can tell. What is intended and not sent when the pipeline starts again expires.
One order of strategies per instrument is under way at a time, until it is over and all its fills are known. What people
asked for and what we hold (desk.py) is judged first at every tick. No result depends on
where chunks are cut: records are folded by seq, and decisions are made at ticks, of which a chunk holds one at most.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from ninefold.execution.account import Account
from ninefold.execution.adopted import PROTECTIVE, adopted
from ninefold.execution.canary import Canary
from ninefold.execution.desk import Desk
from ninefold.execution.done import tell
from ninefold.execution.followed import Followed
from ninefold.execution.guards import ExitRule, Guards
from ninefold.execution.halts import Halts
from ninefold.execution.ids import is_ours
from ninefold.execution.legs import Legs
from ninefold.execution.legs_allowed import legs_allowed
from ninefold.execution.legs_rule import NO_LEGS, LegsRule
from ninefold.execution.legs_seen import LegsSeen
from ninefold.execution.orders import Cancel, Contradiction, Tracked, begin, follow, never_sent
from ninefold.execution.quotes import NO_QUOTES, Quotes
from ninefold.execution.rejections import Rejections
from ninefold.execution.returns import Returns
from ninefold.execution.risk import Approved, RiskState, check
from ninefold.execution.rules import AccountRules
from ninefold.execution.selling_out import SellingOut
from ninefold.execution.shown import Shown
from ninefold.execution.under_way import busy_of, pending, pending_parts
from ninefold.execution.wishes import Shares, Wanted, Wishes, shared
from ninefold.execution.worth import Worth, worth_of
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry
from ninefold.market.records import (
    AnyRecord,
    Asked,
    Balance,
    CancelAsked,
    Crossed,
    Equity,
    Fill,
    Flatten,
    Flattened,
    Halted,
    Listed,
    May,
    Order,
    Resumed,
    Shared,
    Started,
    Tick,
)
from ninefold.market.strategy_records import Guard, LegsMoved
from ninefold.market.time import SECOND_NS

NO_EXITS: Mapping[str, ExitRule] = {}


class ExecutionCore:
    """One account. widths: of bars whose returns somebody asks for beside the rules. exits, legs: of strategies. quotes: of those that
    quote, the most that they may hold. `contradictions`: updates that could not be true, newest last."""

    def __init__(
        self,
        rules: AccountRules,
        registry: Registry,
        widths: frozenset[int] = frozenset(),
        exits: Mapping[str, ExitRule] = NO_EXITS,
        legs: Mapping[str, LegsRule] = NO_LEGS,
        quotes: Mapping[str, float] = NO_QUOTES,
    ) -> None:
        self.rules = rules
        self.account = Account()
        self.shown = Shown(registry, rules.venue)
        self.rejections = Rejections()
        self._followed = Followed(self.account.attribution, self.rejections)
        self.orders = self._followed.orders
        self.contradictions: deque[Contradiction] = deque(maxlen=1000)
        self._registry = registry
        self.worth = Worth()
        self.halts = Halts(self.worth, rules.max_drawdown_ppm)
        self.canary = Canary(rules)
        self.returns = Returns(widths | ({rules.tail_width_ns} if rules.max_var or rules.max_cvar else set()))
        self._selling_out = SellingOut()
        self.desk = Desk(rules, registry, self.orders, self.account, self.shown)
        self.guards = Guards(exits, registry, self.account.attribution)
        self.legs = Legs(LegsSeen(legs, registry, self.account.attribution, self.orders, self.shown))
        self.quotes = Quotes(quotes, rules.account, registry, self.account, self.shown, self._selling_out)
        self._wishes = Wishes(
            *(rules.account, registry, self.account, self.shown, self._selling_out, self.guards, self.legs, self.quotes)
        )
        self._to_cancel: list[Cancel] = []
        self._awaited: dict[str, None] = {"its balances": None}
        self._equity_second = -1

    @classmethod
    def restore(
        cls,
        rules: AccountRules,
        registry: Registry,
        events: Iterable[AnyRecord],
        widths: frozenset[int] = frozenset(),
        exits: Mapping[str, ExitRule] = NO_EXITS,
        legs: Mapping[str, LegsRule] = NO_LEGS,
        quotes: Mapping[str, float] = NO_QUOTES,
    ) -> ExecutionCore:
        """The core as it stood after the ledger's events, oldest first. The venue is asked again before it trades."""
        core = cls(rules, registry, widths, exits, legs, quotes)
        for event in events:
            if not isinstance(event, Started):
                core._fold(event)
        core._awaited = {"its balances": None}
        return core

    @property
    def flattened(self) -> Mapping[str, Flatten]:
        """What somebody wants sold out, by instrument name, "" for all."""
        return self._selling_out.asked

    @property
    def awaited(self) -> tuple[str, ...]:
        """What the venue has not told since the start; nothing may be sent until it has."""
        return tuple(self._awaited)

    def unsettled(self) -> list[Order]:
        """Orders that are not over, or whose fills are not all known; those that protect a position first, oldest first."""
        found = [each.order for each in self._followed.all_under_way()]
        return sorted(found, key=lambda order: order.order_type not in PROTECTIVE)

    def take_cancels(self) -> list[Cancel]:
        """What is to be cancelled at the venue, decided since the last call; it may leave as approved orders may."""
        cancels, self._to_cancel = self._to_cancel, []
        return cancels

    def equity(self) -> int | None:
        """Worth of the account in its quote asset; None while a price or every balance is unknown."""
        return worth_of(self.account, self.shown, self.rules.quote)

    def step(
        self,
        chunk: Chunk,
        desired: Mapping[int, int] | Callable[[], Mapping[int, int]] | None = None,
        open_mays: Sequence[May] = (),
        wants: Mapping[int, Mapping[str, int]] | None = None,
        decide: Callable[[], object] = tuple,
    ) -> list[Approved]:
        """Fold one chunk and append to its records; return what may be sent once the chunk is written.

        desired:   instrument id to size units wanted, or what gives it once the chunk's prices are seen: sized by those
                   of the chunk before, a size would depend on where chunks are cut. Only used if the chunk holds a tick.
        open_mays: MAYs whose time has not run out.
        wants:     by instrument and strategy, the amounts of base that make up what is desired.
        decide:    at a tick, adds the targets of strategies that read what they hold to the chunk.
        """
        self.shown.fold(chunk)
        self.returns.fold(chunk.rows("bars"))
        self.legs.seen.watch(chunk.rows("quotes"))
        self.desk.watch(chunk.rows("trades"))
        self.guards.watch(chunk.rows("trades"), self._followed.under_way.values())
        made: list[AnyRecord] = []
        approved: list[Approved] = []
        tick: Tick | None = None
        for record in sorted(chunk.records, key=lambda record: record.seq):
            if isinstance(record, Tick):
                tick = record
            else:
                made += self._fold(record)
        if tick is not None:
            made += self._worth(tick)
            decide()
            made += self.guards.look(chunk, tick, busy_of(self._followed.all_under_way()) if self._may_leave else None)
            wanted = (desired() if callable(desired) else desired) or {}
            approved = self._decide(chunk, tick, Wanted(wanted, wants or {}, open_mays), made)
        chunk.records.extend(made)
        return approved

    def _fold(self, record: AnyRecord) -> list[AnyRecord]:
        match record:
            case Order():
                return self._update(record)
            case Fill():
                return self._fill(record)
            case Balance():
                self.account.show(record)
                self._awaited.pop("its balances", None)
            case Halted():
                self.halts.halt(record)
            case Resumed():
                self.halts.resume()
                self._selling_out.fold(record)
            case Equity():
                self._see(record)
            case Asked():
                self.desk.ask(record)
            case CancelAsked():
                return self.desk.cancel(record)
            case Flatten():
                self._selling_out.fold(record)
                return self.desk.flatten(record)
            case Flattened():
                self._selling_out.fold(record)
            case Shared():
                self.account.attribution.share(record)
            case Crossed():
                self.account.attribution.cross(record, self._registry[record.instrument])
            case Guard():
                self.guards.fold(record)
            case LegsMoved():
                self.legs.fold(record)
            case Listed():
                self.account.relist_to(record.instrument, self._registry)
                self.guards.relist_to(record.instrument)
                self.legs.relist_to(record.instrument)
                self._followed.relist(record.instrument, self._registry)
                return self.desk.relist_to(record)
            case Started():
                return self._start(record)
        return []

    def _see(self, equity: Equity) -> None:
        self.worth.see(equity)
        self.canary.look(bool(busy_of(self._followed.all_under_way())), not self.account.differences())

    def _update(self, update: Order) -> list[AnyRecord]:
        if not is_ours(update.client_order_id) or self.desk.take(update):
            return []
        known = self.orders.get(update.client_order_id)
        if known is None:
            unknown = begin(update)
            self._keep(unknown)
            is_to_follow = not unknown.settled and bool(update.venue_order_id)
            return [adopted(update, self._registry[update.instrument])] if is_to_follow else []
        self._awaited.pop(update.client_order_id, None)
        after = follow(known, update)
        if isinstance(after, Contradiction):
            self.contradictions.append(after)
            after = known
        self._keep(after)
        told = msgspec.structs.replace(after.order, seq=update.seq, known_ns=update.known_ns)
        if told != update:
            self._followed.rewritten.add(update.client_order_id)
        shown: list[AnyRecord] = [told] if update.client_order_id in self._followed.rewritten else []
        return shown + self._tell(known, after, update)

    def _fill(self, fill: Fill) -> list[AnyRecord]:
        if not is_ours(fill.client_order_id):
            return []
        self.account.book(fill, self._registry[fill.instrument])
        self._awaited.pop(fill.client_order_id, None)
        known = self.orders.get(fill.client_order_id)
        if known is None:
            reason = f"trade {fill.trade_id} fills order {fill.client_order_id}, which is not in our books"
            self.contradictions.append(Contradiction(fill.client_order_id, reason))
            return []
        after = follow(known, fill)
        if isinstance(after, Contradiction):
            self.contradictions.append(after)
            return []
        self._keep(after)
        changed = (after.order.status, after.order.filled) != (known.order.status, known.order.filled)
        shown: list[AnyRecord] = [after.order] if changed else []
        return shown + self._tell(known, after, fill)

    def _tell(self, before: Tracked, after: Tracked, by: Order | Fill) -> list[AnyRecord]:
        if before.complete or not after.complete:
            return []
        self.canary.filled(after.order.client_order_id)
        words = self.legs.seen.words(after.order)
        return [tell(after, self._registry[after.order.instrument], by.seq, by.known_ns, words)]

    def _start(self, started: Started) -> list[AnyRecord]:
        """What was intended only will not be sent; what may have been sent is asked for."""
        expired: list[AnyRecord] = []
        for order in self.unsettled():
            if order.status == "intended":
                over = never_sent(order, started)
                self._keep(over)
                expired.append(over.order)
        self._awaited = {"its balances": None, **dict.fromkeys(self._followed.under_way)}
        self.desk.started()
        self.quotes.started()
        return expired

    def _worth(self, tick: Tick) -> list[AnyRecord]:
        second = tick.exchange_ns // SECOND_NS
        if second <= self._equity_second:
            return []
        self._equity_second = second
        equity = Equity(seq=tick.seq, known_ns=tick.known_ns, quote=self.rules.quote, value=self.equity())
        self._see(equity)
        return [equity, *self.halts.look(tick)]

    def _decide(self, chunk: Chunk, tick: Tick, wanted: Wanted, made: list[AnyRecord]) -> list[Approved]:
        under_way = self._followed.all_under_way()
        leaving, changed = self.desk.due(tick, under_way, not self._awaited, self._may_leave)
        made += changed
        intents = leaving
        shares: Shares = {}
        if wanted.desired or self._selling_out.asked or self.legs.rules:
            reducing = frozenset(order.instrument for order in leaving if order.reduce_only)
            busy = reducing | busy_of(under_way)  # what reduces may sell what strategies hold
            if self.legs.rules or self.quotes.most:
                free = busy if self._may_leave else None

                def refused_of(orders: list[Order], shares: Shares) -> list[Order]:
                    return check(self._risk_state(tick, shares), leaving + orders)[1]

                wanted, moved = legs_allowed(self.legs, self._wishes, chunk, tick, wanted, free, refused_of)
                made += moved
            wished, shares = self._wishes.orders(chunk, tick, wanted, busy, under_way, self.halts.now, made)
            intents = leaving + wished
        quoted, cancels = self.quotes.look(tick, under_way, not self._awaited, self._may_leave)
        intents = intents + quoted
        self._to_cancel += map(Cancel, cancels)
        approved: list[Approved] = []
        if intents:
            approved, refused = check(self._risk_state(tick, shares), intents)
            for order in refused:
                made += self.desk.refused(order)
            for each in approved:
                self._approved(each.order, shares.get(each.order.client_order_id, {}), made)
                made += self.desk.sent(each.order)
        made += self.legs.sent([each.order for each in approved if each.order.client_order_id in shares], tick)
        if not self._awaited:
            self._to_cancel += map(Cancel, self.desk.cancels())
        return approved

    def _approved(self, order: Order, shares: dict[str, int], made: list[AnyRecord]) -> None:
        sent = msgspec.structs.replace(order, status="sent")
        made += [order, sent]
        self._keep(begin(order))
        self._keep(begin(sent))
        if shares:
            wanted = shared(order, shares)
            self.account.attribution.share(wanted)
            made.append(wanted)

    @property
    def _may_leave(self) -> bool:
        return self.halts.now is None and not self._awaited

    def _risk_state(self, tick: Tick, shares: Mapping[str, Mapping[str, int]]) -> RiskState:
        under_way = self._followed.all_under_way()
        return RiskState(
            known_ns=tick.known_ns,
            rules=self.rules,
            registry=self._registry,
            shown=self.shown,
            account=self.account,
            halted=self.halts.now,
            sent_ns=self._followed.sent_ns(tick.known_ns),
            awaited=list(self._awaited),
            pending=pending(under_way, self._registry),
            canary=self.canary,
            rejections=self.rejections,
            pending_parts=pending_parts(under_way, self._registry, self.account.attribution),
            skew_ns=tick.known_ns - tick.exchange_ns,
            worth=self.worth,
            returns=self.returns,
            wanted=shares,
            flattened=self._selling_out.asked,
        )

    def _keep(self, tracked: Tracked) -> None:
        self.quotes.see(tracked.order)
        if oldest := self._followed.keep(tracked):
            self._followed.forget(oldest, self.desk.families.needs(oldest))
