"""Binance USD-M: what the venue says about our orders and our account.

In:  raw answers and user-data events. Out: Order, Fill and Balance records (account_answers.py).

After developers.binance.com/docs/derivatives/usds-margined-futures, read 2026-11-30: "New Order", "Query Order", "Account
Trade List", "Futures Account Balance V3", "New Algo Order", "Query Algo Order", "Event: Order Update", "Event: Algo Order
Update", "Event: Balance and Position Update" (it tells wallets, not what of them is free: balances are asked for), "Error
Codes", "General Info" (http return codes).
"""

from __future__ import annotations

import msgspec

from ninefold.market.records import AnyRecord, Balance, Order
from ninefold.venues.account_answers import (
    ABSENT,
    REFUSED,
    TAKEN,
    UNSURE,
    Reading,
    Reply,
    Verdict,
    asked_order,
    by_http,
    unreadable,
)
from ninefold.venues.key_rights import NotTold, Rights
from ninefold.venues.order_records import Records, subtracted
from ninefold.venues.told import MILLISECOND_NS
from ninefold.venues.venue_ids import same_back

STATUSES = {
    "NEW": "working",
    "PARTIALLY_FILLED": "partly_filled",
    "FILLED": "filled",
    "CANCELED": "cancelled",
    "REJECTED": "rejected",
    "EXPIRED": "expired",
    "EXPIRED_IN_MATCH": "expired",
}
ALGO_STATUSES = {  # once triggered an order stands for it, whose own state counts
    "NEW": "working",
    "TRIGGERING": "working",
    "TRIGGERED": "working",
    "FINISHED": "working",
    "CANCELED": "cancelled",
    "EXPIRED": "expired",
    "REJECTED": "expired",  # when it was set off: it had been taken before
}
UNKNOWN_CODES = {
    -1000: "an unknown error occurred while processing the request",
    -1001: "internal error; unable to process your request",
    -1006: "unexpected response from the message bus; execution status unknown",
    -1007: "timeout waiting for response from backend server; execution status unknown",
    -4116: "ClientOrderId is duplicated: an order with our id is there, this one arrived before",
}
ABSENT_CODES = {-2013: "order does not exist"}


def judge(http_status: int, body: str) -> Verdict:
    """A code below nothing in an answer with status 4xx refuses, unless its page says that it tells nothing."""
    settled = by_http(http_status, body)
    if settled is not None:
        return settled
    if http_status < 300:
        return Verdict(TAKEN)
    try:
        told = msgspec.json.decode(body, type=_Error)
    except msgspec.DecodeError:
        return unreadable(http_status, body)
    reason = f"code {told.code}: {told.msg}"
    if told.code in UNKNOWN_CODES or told.code >= 0 or "duplicate" in told.msg.lower():
        return Verdict(UNSURE, reason)
    return Verdict(ABSENT if told.code in ABSENT_CODES else REFUSED, reason)


def _placed(records: Records, reply: Reply) -> list[AnyRecord]:
    told = msgspec.json.decode(reply.body, type=_Either)
    if told.clientAlgoId:
        return [_algo(records, msgspec.json.decode(reply.body, type=_Algo), told.clientAlgoId)]
    return [_order(records, msgspec.json.decode(reply.body, type=_Order), told.clientOrderId)]


def _status(records: Records, reply: Reply) -> list[AnyRecord]:
    """What was asked for by its number may bear another id: it stands for an algo order of ours."""
    asked = asked_order(reply).client_order_id
    if msgspec.json.decode(reply.body, type=_Either).clientAlgoId:
        return [_algo(records, msgspec.json.decode(reply.body, type=_Algo), asked)]
    return [_order(records, msgspec.json.decode(reply.body, type=_Order), asked)]


def _open_orders(records: Records, reply: Reply) -> list[AnyRecord]:
    made: list[AnyRecord] = []
    for row in msgspec.json.decode(reply.body, type=list[msgspec.Raw]):
        told = msgspec.json.decode(row, type=_Either)
        if told.clientAlgoId and same_back(told.clientAlgoId):
            made.append(_algo(records, msgspec.json.decode(row, type=_Algo), told.clientAlgoId))
        elif same_back(told.clientOrderId):
            made.append(_order(records, msgspec.json.decode(row, type=_Order), told.clientOrderId))
    return made


def _order(records: Records, row: _Order, ours: str) -> Order:
    status = STATUSES[row.status]
    return records.order(ours, row.symbol, row.side, row.origQty, row.executedQty, status, str(row.orderId))


def _algo(records: Records, row: _Algo, ours: str) -> Order:
    """Its number is that of the order that it set off."""
    return records.order(
        ours, row.symbol, row.side, row.quantity, "", ALGO_STATUSES[row.algoStatus], row.actualOrderId or ""
    )


def _fills(records: Records, reply: Reply) -> list[AnyRecord]:
    asked = asked_order(reply)
    return [
        records.fill(
            asked.client_order_id,
            row.symbol,
            row.side,
            row.price,
            row.qty,
            row.commission,
            row.commissionAsset,
            str(row.id),
            row.time * MILLISECOND_NS,
            row.maker,
        )
        for row in msgspec.json.decode(reply.body, type=list[_Trade])
        if str(row.orderId) == asked.venue_order_id
    ]


def _balances(records: Records, reply: Reply) -> list[AnyRecord]:
    """locked: what orders and positions hold of the wallet."""
    rows = msgspec.json.decode(reply.body, type=list[_Asset])
    return list(records.shown(_balance(records, row) for row in rows))


def _balance(records: Records, row: _Asset) -> Balance:
    return records.balance(row.asset, row.availableBalance, subtracted(row.balance, row.availableBalance))


def _event(records: Records, payload: bytes) -> list[AnyRecord]:
    frame = msgspec.json.decode(payload, type=_Frame)
    if frame.e == "ORDER_TRADE_UPDATE":
        return _report(records, msgspec.json.decode(frame.o, type=_Report))
    if frame.e != "ALGO_UPDATE":
        return []
    row = msgspec.json.decode(frame.o, type=_AlgoReport)
    if not same_back(row.caid):
        return []
    return [_algo_told(records, row)]


def _report(records: Records, row: _Report) -> list[AnyRecord]:
    if not same_back(row.c):
        return []
    made: list[AnyRecord] = [records.order(row.c, row.s, row.S, row.q, row.z, STATUSES[row.X], str(row.i))]
    if row.x == "TRADE":
        time_ns = row.T * MILLISECOND_NS
        made.append(records.fill(row.c, row.s, row.S, row.L, row.l, row.n, row.N, str(row.t), time_ns, row.m))
    return made


def _algo_told(records: Records, row: _AlgoReport) -> Order:
    """Once finished, how much was executed tells whether the order that it set off was filled."""
    status, filled = ALGO_STATUSES[row.X], row.aq
    if row.X == "FINISHED":
        status = "filled" if subtracted(row.q, filled).strip("0.") == "" else "cancelled"
    return records.order(row.caid, row.s, row.S, row.q, filled, status, row.ai, row.rm)


def _rights(body: str) -> Rights:
    raise NotTold("of its contracts no question tells it here")


class _Error(msgspec.Struct):
    code: int
    msg: str = ""


class _Either(msgspec.Struct):
    clientOrderId: str = ""
    clientAlgoId: str = ""


class _Order(msgspec.Struct):
    symbol: str
    orderId: int
    side: str
    origQty: str
    executedQty: str
    status: str


class _Algo(msgspec.Struct):
    symbol: str
    side: str
    quantity: str
    algoStatus: str
    actualOrderId: str | None = ""


class _Trade(msgspec.Struct):
    symbol: str
    id: int
    orderId: int
    side: str
    price: str
    qty: str
    commission: str
    commissionAsset: str
    time: int
    maker: bool


class _Asset(msgspec.Struct):
    asset: str
    balance: str
    availableBalance: str


class _Frame(msgspec.Struct):
    e: str = ""
    o: msgspec.Raw = msgspec.Raw(b"{}")


class _Report(msgspec.Struct):
    """As executionReport of spot (binance_orders_wire.py); n, N are left out where there was no fee."""

    s: str
    c: str
    S: str
    q: str
    x: str
    X: str
    i: int
    l: str  # noqa: E741
    z: str
    L: str
    T: int
    t: int
    m: bool
    n: str = "0"
    N: str = ""


class _AlgoReport(msgspec.Struct):
    """caid: our id; ai: number of the order that it set off; aq: how much of that was executed; rm: why it failed."""

    caid: str
    s: str
    S: str
    q: str
    X: str
    ai: str = ""
    aq: str = "0"
    rm: str = ""


READING = Reading("binanceusdm", judge, _placed, _status, _fills, _open_orders, _balances, _event, _rights)
