"""The simulated venue: fills approved orders against the quotes that come after them.

In:  approved orders with the tick that decided them; chunks of the market.
Out: Order, Fill and Balance records, as a venue would send them. They hang on the quote that filled, never on where
     chunks are cut.

An order meets the market no earlier than at the first quote after its decision that was received `latency` later; it fills
never at a better price than shown, never more than the size shown, never twice from one size.
Market: the rest waits for later quotes, and expires when its patience is over. IOC: the first quote, the rest expires. FOK:
all at the first quote, or nothing. Post-only: rejected if the first quote is at its limit. Limit and post-only rest then, with
their money locked, at the end of the queue: they fill at their own limit when the other side is quoted there or through it.
A stop or take-profit that the venue keeps waits, with what it sells locked, until the bid has reached its trigger, and is a market
order from then on, of its limit where it has one. A cancel takes as long as an order; what fills before it arrives is filled.
Not modelled: our own effect on the market, levels behind the best one, fills within a queue, orders the venue refuses for
reasons other than money, outages, the other traders' reaction. What was taken from a standing price is forgotten at a
restart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec
import numpy as np

from ninefold.backtest.models import FeeModel, LatencyModel, SizeModel
from ninefold.execution.held import KEPT
from ninefold.execution.money import ONE, base_amount, quote_amount
from ninefold.execution.orders import TERMINAL, Cancel
from ninefold.execution.risk import Approved
from ninefold.execution.rules import AccountRules
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.records import AnyRecord, Balance, Fill, Order, Started, Tick

RESTING = frozenset({"limit", "post_only"})
PRICED = RESTING | {"ioc", "fok"}


class SimulatedVenue(Protocol):
    """Who stands for the venue where orders do not leave the machine: `PaperVenue`, or `RecordedVenue`."""

    def restore(self, events: Iterable[AnyRecord]) -> None: ...

    def accept(self, approved: Sequence[Approved]) -> None: ...

    def cancel(self, cancels: Sequence[Cancel], known_ns: int) -> None: ...

    def step(self, chunk: Chunk) -> list[AnyRecord]: ...


@dataclass(slots=True)
class _Waiting:
    """order: as it stands. from_ns: when it reaches the market. met: whether it has. cancel_ns: when its cancel does. off: whether
    one that the venue keeps has gone off."""

    order: Order
    decided_seq: int
    from_ns: int
    fills: int = 0
    met: bool = False
    cancel_ns: int | None = None
    off: bool = False

    @property
    def rests(self) -> bool:
        """Whether it waits with its money locked, in the book or for a price."""
        waits = self.order.order_type in KEPT and (not self.off or self.order.price > 0)
        return self.met and (self.order.order_type in RESTING or waits)


class PaperVenue:
    """One paper account. `balances` are amounts of 10**-8, asset to what is owned."""

    def __init__(
        self,
        rules: AccountRules,
        registry: Registry,
        fees: FeeModel | None = None,
        latency: LatencyModel | None = None,
    ) -> None:
        self.balances = dict(rules.balances)
        self._registry = registry
        self._fees = fees or FeeModel()
        self._latency = latency or LatencyModel()
        self._sizes = SizeModel()
        self._waiting: dict[str, _Waiting] = {}
        self._told = False

    def restore(self, events: Iterable[AnyRecord]) -> None:
        """Go on from the ledger's events, oldest first: its last balances, and orders that were not over."""
        for event in events:
            if isinstance(event, Balance):
                self.balances[event.asset] = event.free + event.locked
            elif isinstance(event, Order):
                self._restore_order(event)
            elif isinstance(event, Fill) and event.client_order_id in self._waiting:
                self._waiting[event.client_order_id].fills += 1

    def accept(self, approved: Sequence[Approved]) -> None:
        """Take orders just decided; they are filled by later chunks."""
        for each in approved:
            self._wait(each.order)

    def cancel(self, cancels: Sequence[Cancel], known_ns: int) -> None:
        """Cancel orders, as decided at `known_ns`; those that are over by then stay as they are."""
        for cancel in cancels:
            waiting = self._waiting.get(cancel.order.client_order_id)
            if waiting is not None and waiting.cancel_ns is None:
                waiting.cancel_ns = known_ns + self._latency.order_ns

    def step(self, chunk: Chunk) -> list[AnyRecord]:
        """Play one chunk; returns what the venue says about it, oldest first. Call it before the core's step."""
        said: list[AnyRecord] = []
        for row in self._rows_that_matter(chunk.rows("quotes")).tolist():
            said += self._quote(*row)
        for record in sorted(chunk.records, key=lambda record: record.seq):
            if isinstance(record, Started) or (isinstance(record, Tick) and not self._told):
                said += self._tell_all(record)
            if isinstance(record, Tick):
                said += self._expire(record)
        return said

    def _restore_order(self, order: Order) -> None:
        waiting = self._waiting.get(order.client_order_id)
        if order.status == "sent" and waiting is None:
            self._wait(order)
        elif waiting is not None and order.status in ("working", "partly_filled"):
            waiting.order, waiting.met, waiting.off = order, True, order.filled > 0
        elif order.status in TERMINAL:
            self._waiting.pop(order.client_order_id, None)

    def _wait(self, order: Order) -> None:
        self._waiting[order.client_order_id] = _Waiting(order, order.seq, order.known_ns + self._latency.order_ns)

    def _rows_that_matter(self, quotes: np.ndarray) -> np.ndarray:
        wanted = {waiting.order.instrument for waiting in self._waiting.values()} | self._sizes.instruments
        columns = ["instrument", "receive_ns", "seq", "bid", "bid_size", "ask", "ask_size"]
        return quotes[np.isin(quotes["instrument"], list(wanted))][columns]

    def _quote(
        self, instrument: int, receive_ns: int, seq: int, bid: int, bid_size: int, ask: int, ask_size: int
    ) -> list[AnyRecord]:
        self._sizes.show(instrument, 1, ask)
        self._sizes.show(instrument, -1, bid)
        said: list[AnyRecord] = []
        for waiting in list(self._waiting.values()):
            order = waiting.order
            if order.instrument != instrument or seq <= waiting.decided_seq or receive_ns < waiting.from_ns:
                continue
            if waiting.cancel_ns is not None and receive_ns >= waiting.cancel_ns:
                said += self._over(waiting, "cancelled", "", receive_ns, seq)
                continue
            if order.order_type in KEPT and not waiting.off:
                said += self._keep(waiting, bid, receive_ns, seq)
                continue
            price, size = (ask, ask_size) if order.side > 0 else (bid, bid_size)
            available = self._sizes.available(instrument, order.side, price, size) if price > 0 else 0
            if order.order_type in PRICED:
                said += self._limited(waiting, price, available, receive_ns, seq)
            elif price > 0 and not (order.order_type in KEPT and price < order.price):
                said += self._fill(waiting, price, price, available, receive_ns, seq)
        return said

    def _keep(self, waiting: _Waiting, bid: int, receive_ns: int, seq: int) -> list[AnyRecord]:
        """A quote is seen by a sale that waits for a price: one that is there already, or that nothing is there for, is refused."""
        order = waiting.order
        reached = 0 < bid <= order.trigger if order.order_type == "kept_stop" else bid >= order.trigger
        if waiting.met:
            waiting.off, waiting.from_ns = reached, receive_ns
            return []
        if reached:
            return self._over(waiting, "rejected", "it would go off at once", receive_ns, seq)
        if self._affordable(self._registry[order.instrument], order, order.trigger, order.size) < order.size:
            return self._over(waiting, "rejected", "insufficient balance", receive_ns, seq)
        waiting.met = True
        waiting.order = msgspec.structs.replace(order, status="working", seq=seq, known_ns=receive_ns)
        return [waiting.order, self._balance(self._given(order), seq, receive_ns)]

    def _limited(self, waiting: _Waiting, price: int, available: int, receive_ns: int, seq: int) -> list[AnyRecord]:
        """A quote meets an order with a limit. price: of the other side, 0 if that is empty."""
        order, first = waiting.order, not waiting.met
        reached = price > 0 and (price - order.price) * order.side <= 0
        if first and (refusal := self._refusal(order, reached, price, available)):
            status, reason = refusal
            return self._over(waiting, status, reason, receive_ns, seq)
        waiting.met = True
        said: list[AnyRecord] = []
        if reached:
            said += self._fill(waiting, price, price if first else order.price, available, receive_ns, seq)
        if order.client_order_id not in self._waiting:
            return said
        if order.order_type not in RESTING:
            return said + self._over(waiting, "expired", "the rest was not there at once", receive_ns, seq)
        if first:
            if not waiting.order.filled:
                waiting.order = msgspec.structs.replace(order, status="working", seq=seq, known_ns=receive_ns)
                said.append(waiting.order)
            said.append(self._balance(self._given(order), seq, receive_ns))
        return said

    def _refusal(self, order: Order, reached: bool, price: int, available: int) -> tuple[str, str] | None:
        """Why an order with a limit is over when it meets its first quote, as status and reason."""
        instrument = self._registry[order.instrument]
        if order.order_type == "post_only" and reached:
            return "rejected", "it would have taken at once, and is to rest only"
        at = price if reached and order.order_type not in RESTING else order.price
        affordable = self._affordable(instrument, order, at, order.size)
        if order.order_type == "fok" and (not reached or min(available, affordable) < order.size):
            return "expired", "the whole size was not there at once"
        if affordable < order.size and order.order_type in RESTING:
            return "rejected", "insufficient balance"
        return None

    def _fill(
        self, waiting: _Waiting, shown: int, price: int, available: int, receive_ns: int, seq: int
    ) -> list[AnyRecord]:
        """shown: the price from which is taken. price: what is paid; another one where our own limit was met."""
        order = waiting.order
        instrument = self._registry[order.instrument]
        wanted = order.size - order.filled
        affordable = self._affordable(instrument, order, price, min(wanted, available))
        size = affordable // instrument.lot_size * instrument.lot_size
        if size > 0:
            self._sizes.take(order.instrument, order.side, shown, size)
            return self._settle(waiting, instrument, price, size, receive_ns, seq)
        if available > 0 and affordable < min(wanted, available):
            reason = "insufficient balance for the rest at the price shown"
            return self._over(waiting, "expired", reason, receive_ns, seq)
        return []

    def _settle(
        self, waiting: _Waiting, instrument: Instrument, price: int, size: int, receive_ns: int, seq: int
    ) -> list[AnyRecord]:
        base, quote = base_amount(instrument, size), quote_amount(instrument, price, size)
        buys = waiting.order.side > 0
        received, given = (instrument.base, instrument.quote) if buys else (instrument.quote, instrument.base)
        fee = self._fees.fee(base if buys else quote)
        maker = waiting.rests and waiting.order.status in ("working", "partly_filled")
        self._add(received, (base if buys else quote) - fee)
        self._add(given, -(quote if buys else base))
        filled = waiting.order.filled + size
        status = "filled" if filled == waiting.order.size else "partly_filled"
        waiting.fills += 1
        waiting.order = msgspec.structs.replace(
            waiting.order, status=status, filled=filled, seq=seq, known_ns=receive_ns
        )
        if status == "filled":
            del self._waiting[waiting.order.client_order_id]
        fill = Fill(
            seq=seq,
            known_ns=receive_ns,
            client_order_id=waiting.order.client_order_id,
            instrument=instrument.id,
            side=waiting.order.side,
            price=price,
            size=size,
            fee=fee,
            fee_asset=received,
            trade_id=f"{waiting.order.client_order_id}/{waiting.fills}",
            exchange_ns=receive_ns,
            maker=maker,
        )
        return [waiting.order, fill, self._balance(received, seq, receive_ns), self._balance(given, seq, receive_ns)]

    def _affordable(self, instrument: Instrument, order: Order, price: int, size: int) -> int:
        """The part of a size that the balance pays for, less what is locked for other orders."""
        asset = self._given(order)
        free = self.balances.get(asset, 0) - self._locked(asset, besides=order.client_order_id)
        if order.side < 0:
            return min(size, free // base_amount(instrument, 1))
        if quote_amount(instrument, price, size) <= free:
            return size
        decimals = instrument.price_decimals + instrument.size_decimals
        return int(free * 10**decimals // (price * ONE))

    def _expire(self, tick: Tick) -> list[AnyRecord]:
        said: list[AnyRecord] = []
        for waiting in list(self._waiting.values()):
            if waiting.cancel_ns is not None and tick.known_ns >= waiting.cancel_ns:
                said += self._over(waiting, "cancelled", "", tick.known_ns, tick.seq)
            elif not waiting.rests and tick.known_ns > waiting.from_ns + self._latency.patience_ns:
                reason = "the market showed no more size in time"
                said += self._over(waiting, "expired", reason, tick.known_ns, tick.seq)
        return said

    def _over(self, waiting: _Waiting, status: str, reason: str, known_ns: int, seq: int) -> list[AnyRecord]:
        del self._waiting[waiting.order.client_order_id]
        over = msgspec.structs.replace(waiting.order, status=status, reason=reason, seq=seq, known_ns=known_ns)
        return [over, self._balance(self._given(over), seq, known_ns)] if waiting.rests else [over]

    def _given(self, order: Order) -> str:
        """The asset that an order gives away."""
        instrument = self._registry[order.instrument]
        return instrument.quote if order.side > 0 else instrument.base

    def _locked(self, asset: str, besides: str = "") -> int:
        """What resting orders may yet take of an asset."""
        locked = 0
        for waiting in self._waiting.values():
            order = waiting.order
            if waiting.rests and order.client_order_id != besides and self._given(order) == asset:
                instrument, left = self._registry[order.instrument], order.size - order.filled
                buys = order.side > 0
                locked += quote_amount(instrument, order.price, left) if buys else base_amount(instrument, left)
        return locked

    def _tell_all(self, record: Started | Tick) -> list[AnyRecord]:
        """All balances and open orders: what a real venue answers when it is asked at the start."""
        self._told = True
        said: list[AnyRecord] = [self._balance(asset, record.seq, record.known_ns) for asset in sorted(self.balances)]
        for waiting in self._waiting.values():
            status = "partly_filled" if waiting.order.filled else "working"
            said.append(msgspec.structs.replace(waiting.order, status=status, seq=record.seq, known_ns=record.known_ns))
        return said

    def _add(self, asset: str, amount: int) -> None:
        self.balances[asset] = self.balances.get(asset, 0) + amount

    def _balance(self, asset: str, seq: int, known_ns: int) -> Balance:
        locked = self._locked(asset)
        free = self.balances.get(asset, 0) - locked
        return Balance(seq=seq, known_ns=known_ns, asset=asset, free=free, locked=locked)
