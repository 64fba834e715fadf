"""The simulated venue: fills approved market orders against the quotes that come after them.

In:  approved orders with the tick that decided them; chunks of the market.
Out: Order, Fill and Balance records, as a venue would send them. They hang on the quote that filled, never on where
     chunks are cut.

An order fills no earlier than the first quote after its decision that was received `latency` later; at the price shown;
never more than the size shown; the rest waits for later quotes, and expires when its patience is over.
Not modelled: our own effect on the market, levels behind the best one, limit orders and queues, orders the venue
refuses for reasons other than money, outages, the other traders' reaction. What was taken from a standing price is
forgotten at a restart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec
import numpy as np

from ninefold.backtest.models import FeeModel, LatencyModel, SizeModel
from ninefold.execution.money import ONE, base_amount, quote_amount
from ninefold.execution.orders import TERMINAL
from ninefold.execution.risk import Approved
from ninefold.execution.rules import AccountRules
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.records import AnyRecord, Balance, Fill, Order, Started, Tick


class SimulatedVenue(Protocol):
    """Who stands for the venue where orders do not leave the machine: `PaperVenue`, or `RecordedVenue`."""

    def restore(self, events: Iterable[AnyRecord]) -> None: ...

    def accept(self, approved: Sequence[Approved]) -> None: ...

    def step(self, chunk: Chunk) -> list[AnyRecord]: ...


@dataclass(slots=True)
class _Waiting:
    """order: as it stands. from_ns: when it reaches the market."""

    order: Order
    decided_seq: int
    from_ns: int
    fills: int = 0


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
        if order.status in ("intended", "sent") and waiting is None:
            self._wait(order)
        elif waiting is not None and order.status == "partly_filled":
            waiting.order = order
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
            price, size = (ask, ask_size) if order.side > 0 else (bid, bid_size)
            if price > 0:
                available = self._sizes.available(instrument, order.side, price, size)
                said += self._fill(waiting, price, available, receive_ns, seq)
        return said

    def _fill(self, waiting: _Waiting, price: int, available: int, receive_ns: int, seq: int) -> list[AnyRecord]:
        order = waiting.order
        instrument = self._registry[order.instrument]
        wanted = order.size - order.filled
        affordable = self._affordable(instrument, order.side, price, min(wanted, available))
        size = affordable // instrument.lot_size * instrument.lot_size
        said: list[AnyRecord] = []
        if size > 0:
            self._sizes.take(order.instrument, order.side, price, size)
            said += self._settle(waiting, instrument, price, size, receive_ns, seq)
        elif available > 0 and affordable < min(wanted, available):
            said.append(self._over(waiting, "insufficient balance for the rest at the price shown", receive_ns, seq))
        return said

    def _settle(
        self, waiting: _Waiting, instrument: Instrument, price: int, size: int, receive_ns: int, seq: int
    ) -> list[AnyRecord]:
        base, quote = base_amount(instrument, size), quote_amount(instrument, price, size)
        buys = waiting.order.side > 0
        received, given = (instrument.base, instrument.quote) if buys else (instrument.quote, instrument.base)
        fee = self._fees.fee(base if buys else quote)
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
        )
        return [waiting.order, fill, self._balance(received, seq, receive_ns), self._balance(given, seq, receive_ns)]

    def _affordable(self, instrument: Instrument, side: int, price: int, size: int) -> int:
        """The part of a size that the balance pays for."""
        if side < 0:
            return min(size, self.balances.get(instrument.base, 0) // base_amount(instrument, 1))
        free = self.balances.get(instrument.quote, 0)
        if quote_amount(instrument, price, size) <= free:
            return size
        decimals = instrument.price_decimals + instrument.size_decimals
        return int(free * 10**decimals // (price * ONE))

    def _expire(self, tick: Tick) -> list[AnyRecord]:
        late = [
            waiting for waiting in self._waiting.values() if tick.known_ns > waiting.from_ns + self._latency.patience_ns
        ]
        reason = "the market showed no more size in time"
        return [self._over(waiting, reason, tick.known_ns, tick.seq) for waiting in late]

    def _over(self, waiting: _Waiting, reason: str, known_ns: int, seq: int) -> Order:
        del self._waiting[waiting.order.client_order_id]
        return msgspec.structs.replace(waiting.order, status="expired", reason=reason, seq=seq, known_ns=known_ns)

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
        return Balance(seq=seq, known_ns=known_ns, asset=asset, free=self.balances[asset], locked=0)
