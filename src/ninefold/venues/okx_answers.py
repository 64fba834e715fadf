"""OKX v5: what the venue says about our orders and our account.

In:  raw answers and frames of the private lines. Out: Order, Fill and Balance records (account_answers.py).

After www.okx.com/docs-v5/en, read 2026-11-30: "Place order", "Order details", "Order List", "Transaction details", "Algo order
details", "Algo order List", "Get balance", "Order channel", "Algo orders channel", "Account channel", "Error Code". Fees
are told as what the balance gained: less than nothing where they were paid.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from ninefold.market.records import AnyRecord, Balance, Fill, Order
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
from ninefold.venues.key_rights import Rights
from ninefold.venues.order_records import Records, negated
from ninefold.venues.told import MILLISECOND_NS
from ninefold.venues.venue_ids import letters_back

STATUSES = {
    "live": "working",
    "partially_filled": "partly_filled",
    "filled": "filled",
    "canceled": "cancelled",
    "mmp_canceled": "cancelled",
}
ALGO_STATUSES = {  # once in effect an order stands for it, whose own state counts
    "live": "working",
    "pause": "working",
    "effective": "working",
    "partially_effective": "working",
    "canceled": "cancelled",
    "order_failed": "cancelled",
    "partially_failed": "cancelled",
}
UNKNOWN_CODES = {
    50001: "service temporarily unavailable",
    50004: "endpoint request timeout, which indicates neither success nor failure",
    50005: "API is offline or unavailable",
    50013: "systems are busy",
    50026: "system error",
    51016: "duplicated client order ID: an order with our id is there, this one arrived before",
    51054: "request timed out",
    51065: "duplicated algoClOrdId: likewise",
    51149: "order timed out",
}
ABSENT_CODES = {51603: "order does not exist"}
REFUSALS = ((50000, 50199), (51000, 51999), (54000, 54999), (59000, 59999))
FAILED = (1, 2)  # what failed is told of each order


def judge(http_status: int, body: str) -> Verdict:
    """A code that no page names settles nothing."""
    settled = by_http(http_status, body)
    if settled is not None:
        return settled
    try:
        told = msgspec.json.decode(body, type=_Coded, strict=False)
        of_order = [msgspec.json.decode(row, type=_Failed, strict=False) for row in told.data if told.code in FAILED]
    except msgspec.DecodeError:
        return unreadable(http_status, body)
    code, message = next(((row.sCode, row.sMsg) for row in of_order if row.sCode), (told.code, told.msg))
    reason = f"code {code}: {message}"
    if code == 0:
        return Verdict(TAKEN) if http_status < 300 else Verdict(UNSURE, f"http {http_status}, {reason}")
    if code in UNKNOWN_CODES:
        return Verdict(UNSURE, reason)
    if code in ABSENT_CODES:
        return Verdict(ABSENT, reason)
    named = any(first <= code <= last for first, last in REFUSALS)
    return Verdict(REFUSED if named else UNSURE, reason)


def _placed(records: Records, reply: Reply) -> list[AnyRecord]:
    """The request was taken: sent, until the line or a question tells what became of the order."""
    [told] = msgspec.json.decode(reply.body, type=_Acknowledged).data
    if not (told.ordId or told.algoId):
        raise KeyError("the answer gives the order no number")
    return [records.again(asked_order(reply), "sent", venue_order_id=told.ordId)]


def _status(records: Records, reply: Reply) -> list[AnyRecord]:
    """Orders of many instruments may be in an answer; a triggered one's own order bears its number, not our id."""
    asked = asked_order(reply)
    rows = msgspec.json.decode(reply.body, type=_Listed).data
    ours = [row for row in rows if _is(row, asked)]
    return [_order(records, row, asked.client_order_id) for row in ours]


def _open_orders(records: Records, reply: Reply) -> list[AnyRecord]:
    rows = msgspec.json.decode(reply.body, type=_Listed).data
    return [_order(records, row, ours) for row in rows if (ours := _named(row)) is not None]


def _fills(records: Records, reply: Reply) -> list[AnyRecord]:
    asked = asked_order(reply)
    rows = msgspec.json.decode(reply.body, type=_Filled).data
    return [
        records.fill(
            asked.client_order_id,
            row.instId,
            row.side,
            row.fillPx,
            row.fillSz,
            negated(row.fee),
            row.feeCcy,
            row.tradeId,
            int(row.ts) * MILLISECOND_NS,
            row.execType == "M",
        )
        for row in rows
        if letters_back(row.clOrdId) == asked.client_order_id or row.ordId == asked.venue_order_id
    ]


def _balances(records: Records, reply: Reply) -> list[AnyRecord]:
    return _accounts(records, msgspec.json.decode(reply.body, type=_Held).data)


def _event(records: Records, payload: bytes) -> list[AnyRecord]:
    if payload == b"pong":
        return []
    frame = msgspec.json.decode(payload, type=_Frame)
    if frame.arg is None or not frame.data:
        return []
    if frame.arg.channel == "account":
        return _accounts(records, msgspec.json.decode(frame.data, type=list[_Account]))
    if frame.arg.channel not in ("orders", "orders-algo"):
        return []
    made: list[AnyRecord] = []
    for row in msgspec.json.decode(frame.data, type=list[_Order]):
        ours = _named(row)
        if ours is not None:
            made.append(_order(records, row, ours))
            made.extend(_last_fill(records, row, ours))
    return made


def _named(row: _Order) -> str | None:
    """Our id of a row: its own, or that of the algo order for which it stands."""
    return letters_back(row.clOrdId or row.algoClOrdId)


def _is(row: _Order, asked: Order) -> bool:
    by_number = bool(row.ordId) and row.ordId == asked.venue_order_id
    return by_number or _named(row) == asked.client_order_id


def _order(records: Records, row: _Order, ours: str) -> Order:
    algo = bool(row.algoId) and not row.accFillSz  # only an order itself tells how much of it is filled
    status = (ALGO_STATUSES if algo else STATUSES)[row.state]
    reason = row.cancelSourceReason or (f"failCode {row.failCode}" if row.failCode not in ("", "0") else "")
    return records.order(ours, row.instId, row.side, row.sz, row.accFillSz, status, row.ordId, reason)


def _last_fill(records: Records, row: _Order, ours: str) -> list[Fill]:
    if not row.tradeId:
        return []
    time_ns = int(row.fillTime) * MILLISECOND_NS
    fee, maker = negated(row.fillFee), row.execType == "M"
    return [
        records.fill(
            ours, row.instId, row.side, row.fillPx, row.fillSz, fee, row.fillFeeCcy, row.tradeId, time_ns, maker
        )
    ]


def _accounts(records: Records, accounts: list[_Account]) -> list[AnyRecord]:
    details = [detail for account in accounts for detail in account.details]
    return list(records.shown(_balance(records, detail) for detail in details))


def _balance(records: Records, detail: _Detail) -> Balance:
    """Accounts of some modes tell what is available as equity alone."""
    return records.balance(detail.ccy, detail.availBal or detail.availEq, detail.frozenBal)


def _rights(body: str) -> Rights:
    [told] = msgspec.json.decode(body, type=_Configured).data
    may = told.perm.split(",")
    return Rights("trade" in may, "withdraw" in may)


class _Coded(msgspec.Struct):
    code: int
    msg: str = ""
    data: list[msgspec.Raw] = []


class _Failed(msgspec.Struct):
    sCode: int = 0
    sMsg: str = ""


class _Numbered(msgspec.Struct):
    ordId: str = ""
    algoId: str = ""


class _Acknowledged(msgspec.Struct):
    data: list[_Numbered]


class _Order(msgspec.Struct):
    """Of an order and of an algo order; the fields of a fill are those of the last one, on the order channel alone."""

    instId: str
    side: str
    sz: str
    state: str
    ordId: str = ""
    clOrdId: str = ""
    algoId: str = ""
    algoClOrdId: str = ""
    accFillSz: str = ""
    cancelSourceReason: str = ""
    failCode: str = ""
    tradeId: str = ""
    fillPx: str = ""
    fillSz: str = ""
    fillFee: str = ""
    fillFeeCcy: str = ""
    fillTime: str = ""
    execType: str = ""


class _Listed(msgspec.Struct):
    data: list[_Order]


class _Fill(msgspec.Struct):
    instId: str
    tradeId: str
    ordId: str
    clOrdId: str
    fillPx: str
    fillSz: str
    side: str
    execType: str
    feeCcy: str
    fee: str
    ts: str


class _Filled(msgspec.Struct):
    data: list[_Fill]


class _Detail(msgspec.Struct):
    ccy: str
    availBal: str = ""
    availEq: str = ""
    frozenBal: str = ""


class _Account(msgspec.Struct):
    details: list[_Detail]


class _Held(msgspec.Struct):
    data: list[_Account]


class _Channel(msgspec.Struct):
    channel: str = ""


class _Frame(msgspec.Struct):
    arg: _Channel | None = None
    data: msgspec.Raw = msgspec.Raw(b"")


class _Config(msgspec.Struct):
    perm: str


class _Configured(msgspec.Struct):
    data: Annotated[list[_Config], msgspec.Meta(min_length=1, max_length=1)]


READING = Reading("okx", judge, _placed, _status, _fills, _open_orders, _balances, _event, _rights)
