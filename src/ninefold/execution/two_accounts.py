"""Two accounts that decide on the same market: one with the venue's own fills, one with the simulated market's.

In:  at each tick how either stood to each instrument that was decided on, and what it decided; the fills of either.
Out: a `Difference` for each decision and each order's fills that are not the same, with its cause. Market and targets are the
     same for both, so a decision differs only because the account does: acknowledgements or an order under way longer
     (latency), a position or a balance that came of other fills. What no difference of an order accounts for is
     UNEXPLAINED.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from ninefold.execution.core import ExecutionCore
from ninefold.execution.guards import Levels
from ninefold.execution.orders import TERMINAL
from ninefold.execution.reasons import FILL, UNEXPLAINED, Difference
from ninefold.execution.shown import Quote
from ninefold.execution.traded import Traded, aspects, is_over, never_shown, told
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry
from ninefold.market.records import Fill, Order, Started, Tick

NOTHING = "no order"
SHARED = (
    *("order rate", "insufficient balance", "balance unknown", "position limit", "price unknown"),
    *("exposure per instrument", "exposure per venue", "total exposure", "strategy capital", "canary"),
    *("daily loss", "drawdown", "kill switch", "VaR", "CVaR", "rejected"),
)
SIDES = ("in the run", "in the simulated market")


class Standing(NamedTuple):
    """order: intended or refused at this tick, or None. position: less what people bought by hand, and what quotes brought. under_way:
    the order that was before it, "" if none. quote: what the feed showed. exits: by strategy, where they stand, or the one by
    which it left. legs: of strategies with a leg here, where these stand. Quotes are no part of it: whether and when one is met
    hangs on a place in a queue that the simulated market does not have.
    """

    order: Order | None
    position: int
    under_way: str
    awaited: tuple[str, ...]
    quote: Quote | None = None
    exits: Mapping[str, Levels | str] = {}
    legs: Mapping[str, str] = {}

    @property
    def decided(self) -> tuple[object, ...]:
        """What is compared: of a refusal the rule, not its numbers."""
        if self.order is None:
            return (NOTHING,)
        return self.order.status, self.order.side, self.order.size, self.rule

    @property
    def rule(self) -> str:
        return self.order.reason.partition(":")[0] if self.order is not None else ""


def concerned(core: ExecutionCore, chunk: Chunk) -> set[int]:
    """Instruments of which something may have been decided at a chunk's tick, for targets, for exits or for who flattens."""
    tick = _tick_of(chunk)
    if tick is None:
        return set()
    made = _made_at(tick, chunk, core)
    return {*chunk.rows("targets")["instrument"].tolist(), *core.guards.instruments, *made}


def standings(core: ExecutionCore, chunk: Chunk, instruments: set[int]) -> dict[int, Standing]:
    """By instrument, at a chunk's tick; call it after the core's step."""
    tick = _tick_of(chunk)
    if tick is None or not instruments:
        return {}
    made = _made_at(tick, chunk, core)
    under_way = {
        order.instrument: order.client_order_id
        for order in core.unsettled()
        if not core.quotes.is_quote(order)
        and not (order.instrument in made and order.client_order_id == made[order.instrument].client_order_id)
    }
    return {
        instrument: Standing(
            made.get(instrument),
            core.account.of_strategies(instrument) - sum(core.quotes.held(instrument).values()),
            under_way.get(instrument, ""),
            core.awaited,
            core.shown.quote(instrument),
            core.guards.standing(instrument),
            core.legs.standing(instrument),
        )
        for instrument in sorted(instruments)
    }


def _tick_of(chunk: Chunk) -> Tick | None:
    return next((record for record in reversed(chunk.records) if isinstance(record, Tick)), None)


def _made_at(tick: Tick, chunk: Chunk, core: ExecutionCore) -> dict[int, Order]:
    """Orders that were intended or refused at a tick, by instrument, without quotes."""
    return {
        record.instrument: record
        for record in chunk.records
        if isinstance(record, Order)
        and record.seq == tick.seq
        and record.status in ("intended", "refused")
        and not core.quotes.is_quote(record)
    }


class _Cause(NamedTuple):
    """order: the one whose difference this follows from, "" if it follows from none."""

    reason: str
    why: str
    order: str = ""


class TwoAccounts:
    """Side 0 is the run, side 1 the simulated market. decisions: how many were compared, and how many were the same."""

    def __init__(self, registry: Registry) -> None:
        self.decisions = 0
        self.decisions_same = 0
        self._registry = registry
        self._orders: dict[str, Traded] = {}
        self._of: dict[int, deque[str]] = {}  # orders by instrument, oldest first, but for those that ended alike
        self._found: list[tuple[Difference, str]] = []
        self._first = ""
        self._watched: list[Traded] = []

    def show(self, chunk: Chunk) -> None:
        """What the feed shows while orders are under way, and a little longer: it may be later than the venue's word. Call
        it before `decide` for the same chunk."""
        if any(isinstance(record, Started) for record in chunk.records):
            for traded in self._watched:
                traded.best = None
        rows = chunk.rows("quotes")
        for traded in self._watched:
            side = "ask" if traded.order.side > 0 else "bid"
            prices = rows[side][(rows["instrument"] == traded.order.instrument) & (rows[side] > 0)].tolist()
            for price in prices:
                if traded.best is not None and traded.is_better(price, traded.best):
                    traded.best = price
        self._watched = [traded for traded in self._watched if not is_over(traded, chunk.known_ns)]

    def decide(
        self,
        seq: int,
        known_ns: int,
        run: Mapping[int, Standing],
        again: Mapping[int, Standing],
        chunks: Sequence[Chunk] = (),
    ) -> None:
        """What both decided at one tick. chunks: what either was told with it, which is in its standings already."""
        pairs = [(instrument, (run[instrument], again[instrument])) for instrument in sorted(run.keys() & again.keys())]
        for side, standing in ((side, one) for _, pair in pairs for side, one in enumerate(pair)):
            if standing.order is not None and standing.order.status == "intended":
                self._intend(side, standing.order, standing.quote)
        for side, chunk in enumerate(chunks):
            self.hear(side, chunk)
        for instrument, pair in pairs:
            if pair[0].order is None and pair[1].order is None:
                continue
            self.decisions += 1
            if pair[0].decided == pair[1].decided:
                self.decisions_same += 1
                continue
            cause = self._cause(instrument, *pair)
            one = pair[0].order or pair[1].order
            assert one is not None
            self._found.append((self._difference(one, seq, known_ns, pair, cause), cause.order))
            self._first = self._first or one.client_order_id

    def hear(self, side: int, chunk: Chunk) -> None:
        """What one of the accounts was told of its orders."""
        for record in chunk.records:
            traded = self._orders.get(record.client_order_id) if isinstance(record, Fill | Order) else None
            if traded is not None and isinstance(record, Fill):
                traded.fills[side].setdefault(record.trade_id, record)
            elif traded is not None and isinstance(record, Order) and record.status in TERMINAL:
                traded.ends[side] = record.status

    def fills(self) -> tuple[int, int]:
        """How many orders were filled on both sides, and how many of them alike."""
        both = [one for one in self._orders.values() if all(one.fills)]
        return len(both), sum(not aspects(one) for one in both)

    def differences(self) -> list[Difference]:
        """All of them, oldest first; what follows from an order that is the same on both sides is not explained."""
        made = [one for one in map(self._of_fills, self._orders.values()) if one is not None]
        known = {one.what for one in made} | {found.what for found, _ in self._found}
        for found, order in self._found:
            if order and order not in known:
                found = _unexplained(found, f"order {order} is the same on both sides")
            made.append(found)
        return sorted(made, key=lambda one: (one.seq, one.kind))

    def _intend(self, side: int, order: Order, quote: Quote | None) -> None:
        traded = self._orders.get(order.client_order_id)
        if traded is None:
            traded = self._orders[order.client_order_id] = Traded(order)
            traded.best = quote.price(order.side) if quote is not None else None
            self._watched.append(traded)
            self._of.setdefault(order.instrument, deque()).append(order.client_order_id)
        traded.intended[side] = True

    def _cause(self, instrument: int, run: Standing, again: Standing) -> _Cause:
        if run.awaited != again.awaited:
            side = 0 if run.awaited else 1
            words = ", ".join((run.awaited or again.awaited)[:3])
            return _Cause(FILL, f"acknowledgements: {SIDES[side]} the venue had not yet told of {words}")
        if run.under_way != again.under_way:
            order = run.under_way or again.under_way
            side = 0 if run.under_way else 1
            return _Cause(FILL, f"latency: order {order} was still under way {SIDES[side]}", order)
        order = self._unlike(instrument)
        if run.position != again.position:
            if not order:
                return _Cause(UNEXPLAINED, "the position differs, and no order accounts for it")
            return _Cause(FILL, f"the position differs since order {order}", order)
        if run.exits != again.exits and (order := self._priced(instrument)):
            return _Cause(FILL, f"exits stand at other prices since order {order}", order)
        shared = run.rule in SHARED or again.rule in SHARED or run.legs != again.legs
        first = self._first or next((one for of in self._of for one in [self._unlike(of)] if one), "")
        if shared and first:
            return _Cause(FILL, f"the account differs since order {first}", first)
        return _Cause(UNEXPLAINED, "position, orders under way and what is awaited are the same")

    def _unlike(self, instrument: int) -> str:
        """The first order of an instrument that did not do the same to both positions, "" if there is none."""
        orders = self._of.get(instrument, deque())
        while orders and self._orders[orders[0]].is_alike:
            orders.popleft()  # for good: nothing more is told of it
        return next((order for order in orders if not self._orders[order].does_alike), "")

    def _priced(self, instrument: int) -> str:
        """The last order of an instrument whose fills are not the same, "" if there is none: exits follow from its prices."""
        mine = (one for one in reversed(self._orders.values()) if one.order.instrument == instrument and aspects(one))
        return next((one.order.client_order_id for one in mine), "")

    def _difference(self, one: Order, seq: int, known_ns: int, pair: Sequence[Standing], cause: _Cause) -> Difference:
        return Difference(
            seq=seq,
            known_ns=known_ns,
            kind="order",
            instrument=self._registry[one.instrument].name,
            strategy=",".join(one.strategies),
            what=one.client_order_id,
            run=self._words(pair[0]),
            again=self._words(pair[1]),
            reason=cause.reason,
            why=cause.why,
        )

    def _words(self, standing: Standing) -> str:
        order = standing.order
        if order is None:
            return NOTHING
        instrument = self._registry[order.instrument]
        text = f"{'buy' if order.side > 0 else 'sell'} {instrument.size_text(order.size)} {instrument.base}"
        return f"refused to {text}: {order.reason}" if order.status == "refused" else text

    def _of_fills(self, traded: Traded) -> Difference | None:
        order = traded.order
        unlike = aspects(traded) if all(traded.intended) else []
        if not unlike:
            return None
        known = [fill for fills in traded.fills for fill in fills.values()]
        of = self._registry[order.instrument]
        unseen = never_shown(traded, of)
        return Difference(
            seq=min((fill.seq for fill in known), default=order.seq),
            known_ns=min((fill.known_ns for fill in known), default=order.known_ns),
            kind="fill",
            instrument=of.name,
            strategy=",".join(order.strategies),
            what=order.client_order_id,
            run=told(traded, 0, of),
            again=told(traded, 1, of),
            reason=UNEXPLAINED if unseen else FILL,
            why=unseen or ", ".join(unlike),
        )


def _unexplained(found: Difference, why: str) -> Difference:
    return msgspec.structs.replace(found, reason=UNEXPLAINED, why=why)
