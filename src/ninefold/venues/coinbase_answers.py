"""Coinbase Advanced Trade, spot: what the venue says about our orders and our account.

In:  raw answers and frames of the user channel. Out: Order, Fill and Balance records (account_answers.py).

After docs.cdp.coinbase.com, read 2026-11-30: "Create Order", "Get Order", "List Orders", "List Fills", "List Accounts", the user
channel of Advanced Trade WebSocket. A refused order is an answer with success false. The channel tells what is filled and
what is left of an order, neither fills nor its size: what was cancelled or has failed is asked for then, and so are fills.
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
from ninefold.venues.key_rights import Rights
from ninefold.venues.order_records import Records, added
from ninefold.venues.told import time_ns
from ninefold.venues.venue_ids import same_back

STATUSES = {
    "PENDING": "working",
    "QUEUED": "working",
    "OPEN": "working",
    "EDIT_QUEUED": "working",
    "CANCEL_QUEUED": "working",
    "FILLED": "filled",
    "CANCELLED": "cancelled",
    "EXPIRED": "expired",
    "FAILED": "rejected",
}
UNKNOWN_REASONS = {"": "no reason given", "UNKNOWN_FAILURE_REASON": "", "INTERNAL": "", "UNKNOWN": ""}
NO_REASON = ("", "REJECT_REASON_UNSPECIFIED", "UNKNOWN_REJECT_REASON")
WHOLE = frozenset({"OPEN", "FILLED"})  # what is filled and what is left are all of the order


def judge(http_status: int, body: str) -> Verdict:
    settled = by_http(http_status, body)
    if settled is not None:
        return settled
    try:
        told = msgspec.json.decode(body, type=_Told)
    except msgspec.DecodeError:
        return unreadable(http_status, body)
    if http_status < 300 and told.success is not False:
        return Verdict(TAKEN)
    failed = told.error_response or _Failed(told.error or told.failure_reason, told.message)
    reason = ", ".join(filter(None, (f"http {http_status}", failed.error, failed.message, failed.error_details)))
    if failed.error in UNKNOWN_REASONS:
        return Verdict(UNSURE, reason)
    return Verdict(ABSENT if http_status == 404 else REFUSED, reason)


def _placed(records: Records, reply: Reply) -> list[AnyRecord]:
    """The request was taken: sent, until the line or a question tells what became of the order."""
    told = msgspec.json.decode(reply.body, type=_Created).success_response
    if told.client_order_id != asked_order(reply).client_order_id:
        raise KeyError(f"the answer is about order {told.client_order_id!r}")
    return [records.again(asked_order(reply), "sent", venue_order_id=told.order_id)]


def _status(records: Records, reply: Reply) -> list[AnyRecord]:
    told = msgspec.json.decode(reply.body, type=_Listed)
    wanted = asked_order(reply).client_order_id
    rows = [told.order] if told.order is not None else told.orders
    return [_order(records, row) for row in rows if row.client_order_id == wanted]


def _open_orders(records: Records, reply: Reply) -> list[AnyRecord]:
    rows = msgspec.json.decode(reply.body, type=_Listed).orders
    return [_order(records, row) for row in rows if same_back(row.client_order_id)]


def _order(records: Records, row: _Order) -> Order:
    sizes = [each.base_size for each in row.order_configuration.values() if each.base_size]
    if len(sizes) != 1:
        raise KeyError(f"order {row.order_id} has {len(sizes)} sizes in the base asset, one is expected")
    reason = "" if row.reject_reason in NO_REASON else row.reject_reason
    reason = row.cancel_message or row.reject_message or reason
    return records.order(
        row.client_order_id,
        row.product_id,
        row.side,
        sizes[0],
        row.filled_size,
        STATUSES[row.status],
        row.order_id,
        reason,
    )


def _fills(records: Records, reply: Reply) -> list[AnyRecord]:
    """The fee is in the quote asset. Corrections of the venue's (trade_type other than FILL) are no fills."""
    asked = asked_order(reply)
    quote = records.registry[asked.instrument].quote
    rows = msgspec.json.decode(reply.body, type=_Filled).fills
    ours = [row for row in rows if row.order_id == asked.venue_order_id and row.trade_type == "FILL"]
    if any(row.size_in_quote for row in ours):
        raise KeyError("a fill is counted in the quote asset, though the order was not")
    return [
        records.fill(
            asked.client_order_id,
            row.product_id,
            row.side,
            row.price,
            row.size,
            row.commission,
            quote,
            row.trade_id,
            time_ns(row.trade_time),
            row.liquidity_indicator == "MAKER",
        )
        for row in ours
    ]


def _balances(records: Records, reply: Reply) -> list[AnyRecord]:
    accounts = msgspec.json.decode(reply.body, type=_Held).accounts
    return list(records.shown(_balance(records, account) for account in accounts))


def _balance(records: Records, account: _Account) -> Balance:
    return records.balance(account.currency, account.available_balance.value, account.hold.value)


def _event(records: Records, payload: bytes) -> list[AnyRecord]:
    frame = msgspec.json.decode(payload, type=_Frame)
    if frame.channel != "user":
        return []
    rows = [row for event in msgspec.json.decode(frame.events, type=list[_Event]) for row in event.orders]
    return [_told(records, row) for row in rows if row.status in WHOLE and same_back(row.client_order_id)]


def _told(records: Records, row: _UserOrder) -> Order:
    size = added(row.cumulative_quantity, row.leaves_quantity)
    return records.order(
        row.client_order_id,
        row.product_id,
        row.order_side,
        size,
        row.cumulative_quantity,
        STATUSES[row.status],
        row.order_id,
    )


def _rights(body: str) -> Rights:
    told = msgspec.json.decode(body, type=_Key)
    return Rights(told.can_trade, told.can_transfer)


class _Failed(msgspec.Struct):
    error: str = ""
    message: str = ""
    error_details: str = ""


class _Told(msgspec.Struct):
    success: bool | None = None
    failure_reason: str = ""
    error: str = ""
    message: str = ""
    error_response: _Failed | None = None


class _Numbered(msgspec.Struct):
    order_id: str
    client_order_id: str


class _Created(msgspec.Struct):
    success_response: _Numbered


class _Size(msgspec.Struct):
    base_size: str = ""


class _Order(msgspec.Struct):
    order_id: str
    client_order_id: str
    product_id: str
    side: str
    status: str
    filled_size: str
    order_configuration: dict[str, _Size]
    reject_reason: str = ""
    reject_message: str = ""
    cancel_message: str = ""


class _Listed(msgspec.Struct):
    order: _Order | None = None
    orders: list[_Order] = []


class _Fill(msgspec.Struct):
    trade_id: str
    order_id: str
    trade_time: str
    trade_type: str
    price: str
    size: str
    commission: str
    product_id: str
    side: str
    liquidity_indicator: str
    size_in_quote: bool = False


class _Filled(msgspec.Struct):
    fills: list[_Fill]


class _Amount(msgspec.Struct):
    value: str


class _Account(msgspec.Struct):
    currency: str
    available_balance: _Amount
    hold: _Amount


class _Held(msgspec.Struct):
    accounts: list[_Account]


class _Frame(msgspec.Struct):
    channel: str = ""
    events: msgspec.Raw = msgspec.Raw(b"[]")


class _UserOrder(msgspec.Struct):
    order_id: str
    client_order_id: str
    product_id: str
    order_side: str
    status: str
    cumulative_quantity: str
    leaves_quantity: str


class _Event(msgspec.Struct):
    orders: list[_UserOrder] = []


class _Key(msgspec.Struct):
    can_trade: bool
    can_transfer: bool


READING = Reading("coinbase", judge, _placed, _status, _fills, _open_orders, _balances, _event, _rights)
