"""Binance spot: what the venue says about our orders and our account.

In:  raw answers and user-data events, as the gateway handed them on.
Out: Order, Fill and Balance records. A time-out, a 5xx, -1006, -1007 and whatever else does not surely say "no" leaves
     an order unknown, never rejected.

After developers.binance.com/docs/binance-spot-api-docs, read 2026-11: "Trading endpoints", "Account endpoints", "User
Data Streams" (events come as {"subscriptionId", "event"}), and "Errors" (of 2025-01-09).
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ninefold.execution.ids import is_ours
from ninefold.execution.orders import WITHHELD
from ninefold.market.arrays import BUY, SELL
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.numbers import NotExact, to_units
from ninefold.market.records import AnyRecord, Balance, Fill, Found, Malformed, Order
from ninefold.venues import binance_orders_wire as wire
from ninefold.venues.binance_requests import KEPT

VENUE = "binance"
MILLISECOND_NS = 1_000_000
UNSURE_CODES = frozenset({-1000, -1001, -1006, -1007})  # "execution status unknown", and errors inside the venue
SURE_STATUSES = frozenset({400, 401, 403, 418, 429})  # the request was turned away before it reached the market
NO_SUCH_ORDER = -2013
NOT_SENT = -1  # in place of an http status: the order never left us
STATUSES = {
    "NEW": "working",
    "PENDING_NEW": "working",
    "PENDING_CANCEL": "working",
    "PARTIALLY_FILLED": "partly_filled",
    "FILLED": "filled",
    "CANCELED": "cancelled",
    "REJECTED": "rejected",
    "EXPIRED": "expired",
    "EXPIRED_IN_MATCH": "expired",
}


class Envelope(msgspec.Struct, frozen=True):
    """A REST answer as the gateway hands it on. http_status is 0 if none came, NOT_SENT if nothing was asked; body then
    says why."""

    client_order_id: str
    symbol: str
    side: str
    quantity: str
    http_status: int
    body: str


def parse_account(kind: str, payload: bytes, registry: Registry, seq: int, known_ns: int) -> list[AnyRecord]:
    """Records of one payload about our account; what cannot be read is a Malformed record.

    kind:    order_answer, cancel_answer, order_status, my_trades, account, open_orders, recent_orders or user_event.
    payload: an Envelope as JSON; of a user_event the raw frame.
    """
    reader = _Reader(registry, seq, known_ns)
    try:
        if kind == "user_event":
            return reader.event(msgspec.json.decode(payload, type=wire.Frame).event)
        return _ANSWERS[kind](reader, msgspec.json.decode(payload, type=Envelope))
    except (msgspec.DecodeError, NotExact, KeyError) as error:
        excerpt = payload[:200].decode(errors="replace")
        return [Malformed(seq=seq, known_ns=known_ns, venue=VENUE, reason=f"{kind}: {error}", excerpt=excerpt)]


def is_unsure(envelope: Envelope) -> bool:
    """Whether an answer to a new order leaves open what became of it, so that the venue must be asked."""
    if envelope.http_status == NOT_SENT or 200 <= envelope.http_status < 300:
        return False
    code, message = error_of(envelope)
    if "duplicate order" in message.lower():  # an order with our id is there: this one, arrived before
        return True
    if envelope.http_status == 400 and code is None:
        return True
    return envelope.http_status not in SURE_STATUSES or code in UNSURE_CODES


def error_of(envelope: Envelope) -> tuple[int | None, str]:
    """Code and message of a failed answer; None and what there was if the venue sent none."""
    try:
        error = msgspec.json.decode(envelope.body, type=wire.Error)
    except msgspec.DecodeError:
        return None, envelope.body[:200]
    return error.code, error.msg


class _Reader:
    def __init__(self, registry: Registry, seq: int, known_ns: int) -> None:
        self._registry = registry
        self._seq = seq
        self._known_ns = known_ns

    def order_answer(self, envelope: Envelope) -> list[AnyRecord]:
        """The answer to a new order. The fills of a full answer follow it."""
        if 200 <= envelope.http_status < 300:
            try:
                return self._placed(msgspec.json.decode(envelope.body, type=wire.Placed))
            except (msgspec.DecodeError, NotExact, KeyError) as error:
                return [self._stated(envelope, "unknown", f"the answer could not be read: {error}")]
        if envelope.http_status == NOT_SENT:
            return [self._stated(envelope, "rejected", f"{WITHHELD}{envelope.body}")]
        code, message = error_of(envelope)
        status = "unknown" if is_unsure(envelope) else "rejected"
        return [self._stated(envelope, status, f"http {envelope.http_status}, code {code}: {message}")]

    def cancel_answer(self, envelope: Envelope) -> list[AnyRecord]:
        """The answer to a cancel. Only success says something; after any other one the gateway asks for the order: it may
        be filled, not there yet, or cancelled with the answer lost."""
        if not 200 <= envelope.http_status < 300:
            return []
        return self._placed(msgspec.json.decode(envelope.body, type=wire.Placed))

    def order_status(self, envelope: Envelope) -> list[AnyRecord]:
        """The answer to a question about one order. "No such order" is final: the gateway hands it on only when the
        order's time to reach the venue has run out."""
        if envelope.http_status == 200:
            return self._placed(msgspec.json.decode(envelope.body, type=wire.Placed))
        code, message = error_of(envelope)
        if code == NO_SUCH_ORDER:
            return [self._stated(envelope, "rejected", f"it never reached the venue (code {code}: {message})")]
        return []

    def my_trades(self, envelope: Envelope) -> list[AnyRecord]:
        if envelope.http_status != 200:
            return []
        trades = msgspec.json.decode(envelope.body, type=list[wire.MyTrade])
        return [
            self._fill(
                self._instrument(trade.symbol),
                envelope.client_order_id,
                BUY if trade.isBuyer else SELL,
                trade.price,
                trade.qty,
                trade.commission,
                trade.commissionAsset,
                trade.id,
                trade.time,
                trade.isMaker,
            )
            for trade in trades
        ]

    def open_orders(self, envelope: Envelope) -> list[AnyRecord]:
        if envelope.http_status != 200:
            return []
        placed = msgspec.json.decode(envelope.body, type=list[wire.Placed])
        made: list[AnyRecord] = []
        for order in placed:
            made += self._placed(order) if is_ours(order.clientOrderId) else [self._foreign(order)]
        return made

    def recent_orders(self, envelope: Envelope) -> list[AnyRecord]:
        """Of ours, also those that are over: what the ledger may have lost."""
        if envelope.http_status != 200:
            return []
        placed = msgspec.json.decode(envelope.body, type=list[wire.Placed])
        return [record for order in placed if is_ours(order.clientOrderId) for record in self._placed(order)]

    def _foreign(self, placed: wire.Placed) -> Found:
        """Somebody trades on the same account: that is told, and left alone."""
        words = f"{placed.side.lower()} {placed.origQty} {placed.symbol}, {placed.executedQty} of it filled"
        return Found(
            seq=self._seq,
            known_ns=self._known_ns,
            client_order_id=placed.clientOrderId,
            venue=VENUE,
            symbol=placed.symbol,
            side=_side(placed.side),
            ours=False,
            text=f"an open order that is not ours: {words}; it is left alone",
        )

    def account(self, envelope: Envelope) -> list[AnyRecord]:
        """Balances that are not zero, and of every asset that is traded here."""
        if envelope.http_status != 200:
            return []
        traded = {asset for each in self._registry.current() for asset in (each.base, each.quote)}
        shown = (self._balance(each.asset, each.free, each.locked) for each in _accounts(envelope.body))
        return [balance for balance in shown if balance.free or balance.locked or balance.asset in traded]

    def event(self, raw: msgspec.Raw) -> list[AnyRecord]:
        """User-data events. balanceUpdate gives a difference only; outboundAccountPosition says what there is then."""
        kind = msgspec.json.decode(raw, type=wire.Kind).e
        if kind == "outboundAccountPosition":
            held = msgspec.json.decode(raw, type=wire.Position).B
            return [self._balance(each.a, each.f, each.l) for each in held]
        if kind == "executionReport":
            return self._report(msgspec.json.decode(raw, type=wire.Report))
        return []

    def _report(self, report: wire.Report) -> list[AnyRecord]:
        client_order_id = report.C if report.x == "CANCELED" and report.C else report.c
        if not is_ours(client_order_id):
            return []
        instrument = self._instrument(report.s)
        side = _side(report.S)
        reason = "" if report.r == "NONE" else report.r
        made: list[AnyRecord] = [
            self._order(instrument, client_order_id, side, report.q, report.z, report.X, report.i, reason)
        ]
        if report.x == "TRADE":
            made.append(
                self._fill(
                    instrument,
                    client_order_id,
                    side,
                    report.L,
                    report.l,
                    report.n,
                    report.N or "",
                    report.t,
                    report.T,
                    report.m,
                )
            )
        return made

    def _placed(self, placed: wire.Placed) -> list[AnyRecord]:
        client_order_id = placed.origClientOrderId or placed.clientOrderId
        instrument = self._instrument(placed.symbol)
        side = _side(placed.side)
        order = self._order(
            instrument, client_order_id, side, placed.origQty, placed.executedQty, placed.status, placed.orderId, ""
        )
        if kept := next((name for name, kinds in KEPT.items() if placed.type in kinds), ""):
            trigger = to_units(placed.stopPrice, instrument.price_decimals)
            order = msgspec.structs.replace(order, order_type=kept, trigger=trigger)
        fills = [
            self._fill(
                instrument,
                client_order_id,
                side,
                fill.price,
                fill.qty,
                fill.commission,
                fill.commissionAsset,
                fill.tradeId,
                placed.transactTime,
                False,
            )
            for fill in placed.fills
        ]
        return [order, *fills]

    def _stated(self, envelope: Envelope, status: str, reason: str) -> Order:
        instrument = self._instrument(envelope.symbol)
        return Order(
            seq=self._seq,
            known_ns=self._known_ns,
            client_order_id=envelope.client_order_id,
            instrument=instrument.id,
            side=_side(envelope.side),
            size=to_units(envelope.quantity, instrument.size_decimals),
            status=status,
            reason=reason,
        )

    def _order(
        self,
        instrument: Instrument,
        client_order_id: str,
        side: int,
        size: str,
        filled: str,
        status: str,
        venue_order_id: int,
        reason: str,
    ) -> Order:
        return Order(
            seq=self._seq,
            known_ns=self._known_ns,
            client_order_id=client_order_id,
            instrument=instrument.id,
            side=side,
            size=to_units(size, instrument.size_decimals),
            filled=to_units(filled, instrument.size_decimals),
            status=STATUSES[status],
            venue_order_id=str(venue_order_id),
            reason=reason,
        )

    def _fill(
        self,
        instrument: Instrument,
        client_order_id: str,
        side: int,
        price: str,
        size: str,
        fee: str,
        fee_asset: str,
        trade_id: int,
        time_ms: int,
        maker: bool,
    ) -> Fill:
        return Fill(
            seq=self._seq,
            known_ns=self._known_ns,
            client_order_id=client_order_id,
            instrument=instrument.id,
            side=side,
            price=to_units(price, instrument.price_decimals),
            size=to_units(size, instrument.size_decimals),
            fee=to_units(fee, 8),
            fee_asset=fee_asset,
            trade_id=str(trade_id),
            exchange_ns=time_ms * MILLISECOND_NS,
            maker=maker,
        )

    def _balance(self, asset: str, free: str, locked: str) -> Balance:
        return Balance(
            seq=self._seq, known_ns=self._known_ns, asset=asset, free=to_units(free, 8), locked=to_units(locked, 8)
        )

    def _instrument(self, symbol: str) -> Instrument:
        found = self._registry.find(VENUE, symbol)
        if found is None:
            raise KeyError(f"no instrument {symbol!r} is listed here")
        return found


_ANSWERS: dict[str, Callable[[_Reader, Envelope], list[AnyRecord]]] = {
    "order_answer": _Reader.order_answer,
    "cancel_answer": _Reader.cancel_answer,
    "order_status": _Reader.order_status,
    "my_trades": _Reader.my_trades,
    "open_orders": _Reader.open_orders,
    "recent_orders": _Reader.recent_orders,
    "account": _Reader.account,
}


def _accounts(body: str) -> list[wire.Asset]:
    return msgspec.json.decode(body, type=wire.Account).balances


def _side(text: str) -> int:
    return {"BUY": BUY, "SELL": SELL}[text]
