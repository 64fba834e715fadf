"""Two accounts that decide on the same market: one with the venue's own fills, one with the simulated market's.

In:  at each tick how either stood to each instrument that was decided on, and what it decided; the fills of either.
Out: a `Difference` for each decision and each order's fills that are not the same, with its cause. Market and targets are the
     same for both, so a decision differs only because the account does: acknowledgements or an order under way longer
     (latency), a position or a balance that came of other fills. What no difference of an order accounts for is
     UNEXPLAINED.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

import msgspec

from ninefold.execution.core import ExecutionCore
from ninefold.execution.money import text
from ninefold.execution.orders import TERMINAL
from ninefold.execution.reasons import FILL, UNEXPLAINED, Difference
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.records import Fill, Order, Tick

NOTHING = "no order"
SHARED = ("order rate", "insufficient balance", "balance unknown", "position limit", "price unknown")
SIDES = ("in the run", "in the simulated market")


class Standing(NamedTuple):
    """order: intended or refused at this tick, or None. under_way: the order that was before it, "" if none."""

    order: Order | None
    position: int
    under_way: str
    awaited: tuple[str, ...]

    @property
    def decided(self) -> tuple[object, ...]:
        """What is compared: of a refusal the rule, not its numbers."""
        if self.order is None:
            return (NOTHING,)
        return self.order.status, self.order.side, self.order.size, self.rule

    @property
    def rule(self) -> str:
        return self.order.reason.partition(":")[0] if self.order is not None else ""


def standings(core: ExecutionCore, chunk: Chunk) -> dict[int, Standing]:
    """By instrument, of those for which a chunk with a tick brought targets; call it after the core's step."""
    tick = next((record for record in reversed(chunk.records) if isinstance(record, Tick)), None)
    instruments = set(chunk.rows("targets")["instrument"].tolist())
    if tick is None or not instruments:
        return {}
    made = {
        record.instrument: record
        for record in chunk.records
        if isinstance(record, Order) and record.seq == tick.seq and record.status in ("intended", "refused")
    }
    under_way = {
        order.instrument: order.client_order_id
        for order in core.unsettled()
        if not (order.instrument in made and order.client_order_id == made[order.instrument].client_order_id)
    }
    return {
        instrument: Standing(
            made.get(instrument),
            core.account.positions.get(instrument, 0),
            under_way.get(instrument, ""),
            core.awaited,
        )
        for instrument in sorted(instruments)
    }


@dataclass(slots=True)
class _Traded:
    """One order in both accounts. intended: by side. fills: by side, by trade. ends: by side, how it was over."""

    order: Order
    intended: list[bool] = field(default_factory=lambda: [False, False])
    fills: tuple[dict[str, Fill], dict[str, Fill]] = field(default_factory=lambda: ({}, {}))
    ends: list[str] = field(default_factory=lambda: ["", ""])

    def effect(self, side: int) -> tuple[int, dict[str, int]]:
        """What it did to the position: size, and fees by asset."""
        return sum(fill.size for fill in self.fills[side].values()), _fees(self.fills[side].values())


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
        self._orders: dict[str, _Traded] = {}
        self._of: dict[int, list[str]] = {}  # orders by instrument that are not the same on both sides, oldest first
        self._found: list[tuple[Difference, str]] = []
        self._first = ""

    def decide(self, seq: int, known_ns: int, run: Mapping[int, Standing], again: Mapping[int, Standing]) -> None:
        """What both decided at one tick. Call it before `hear` for the same chunk."""
        for instrument in sorted(run.keys() & again.keys()):
            pair = (run[instrument], again[instrument])
            for side, standing in enumerate(pair):
                if standing.order is not None and standing.order.status == "intended":
                    self._intend(side, standing.order)
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
        return len(both), sum(not _aspects(one) for one in both)

    def differences(self) -> list[Difference]:
        """All of them, oldest first; what follows from an order that is the same on both sides is not explained."""
        made = [one for one in map(self._of_fills, self._orders.values()) if one is not None]
        known = {one.what for one in made} | {found.what for found, _ in self._found}
        for found, order in self._found:
            if order and order not in known:
                found = _unexplained(found, f"order {order} is the same on both sides")
            made.append(found)
        return sorted(made, key=lambda one: (one.seq, one.kind))

    def _intend(self, side: int, order: Order) -> None:
        traded = self._orders.get(order.client_order_id)
        if traded is None:
            traded = self._orders[order.client_order_id] = _Traded(order)
            self._of.setdefault(order.instrument, []).append(order.client_order_id)
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
        shared = run.rule in SHARED or again.rule in SHARED
        first = self._first or next((one for of in self._of for one in [self._unlike(of)] if one), "")
        if shared and first:
            return _Cause(FILL, f"the account differs since order {first}", first)
        return _Cause(UNEXPLAINED, "position, orders under way and what is awaited are the same")

    def _unlike(self, instrument: int) -> str:
        """The first order of an instrument that did not do the same to both positions, "" if there is none."""
        orders = self._of.get(instrument, [])
        for order in orders:
            traded = self._orders[order]
            if traded.effect(0) != traded.effect(1):
                return order
        return ""

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

    def _of_fills(self, traded: _Traded) -> Difference | None:
        order = traded.order
        aspects = _aspects(traded) if all(traded.intended) else []
        if not aspects:
            return None
        known = [fill for fills in traded.fills for fill in fills.values()]
        of = self._registry[order.instrument]
        return Difference(
            seq=min((fill.seq for fill in known), default=order.seq),
            known_ns=min((fill.known_ns for fill in known), default=order.known_ns),
            kind="fill",
            instrument=of.name,
            strategy=",".join(order.strategies),
            what=order.client_order_id,
            run=_told(traded, 0, of),
            again=_told(traded, 1, of),
            reason=FILL,
            why=", ".join(aspects),
        )


def _aspects(traded: _Traded) -> list[str]:
    """In which ways the fills of one order differ."""
    run, again = ([*_sums(fills.values()), end] for fills, end in zip(traded.fills, traded.ends, strict=True))
    names = ("size", "price", "fee", "latency", "end")
    return [name for name, mine, other in zip(names, run, again, strict=True) if mine != other]


def _sums(fills: Iterable[Fill]) -> list[object]:
    """Size, prices, fees, and when the last one was known."""
    told = list(fills)
    return [
        sum(fill.size for fill in told),
        _average(told),
        sorted(_fees(told).items()),
        max((fill.known_ns for fill in told), default=0),
    ]


def _average(fills: Sequence[Fill]) -> Fraction:
    size = sum(fill.size for fill in fills)
    return Fraction(sum(fill.price * fill.size for fill in fills), size) if size else Fraction(0)


def _fees(fills: Iterable[Fill]) -> dict[str, int]:
    fees: dict[str, int] = {}
    for fill in fills:
        fees[fill.fee_asset] = fees.get(fill.fee_asset, 0) + fill.fee
    return fees


def _told(traded: _Traded, side: int, of: Instrument) -> str:
    fills = list(traded.fills[side].values())
    if not fills:
        return f"no fill, {traded.ends[side] or 'not over'}"
    size = of.size_text(sum(fill.size for fill in fills))
    price = of.price_text(round(_average(fills)))
    fee = ", ".join(f"{text(fee, asset)}" for asset, fee in sorted(_fees(fills).items()))
    after_ms = (max(fill.known_ns for fill in fills) - traded.order.known_ns) / 1e6
    return f"{size} {of.base} at {price} {of.quote}, fee {fee}, known {after_ms:.1f} ms after the decision"


def _unexplained(found: Difference, why: str) -> Difference:
    return msgspec.structs.replace(found, reason=UNEXPLAINED, why=why)
