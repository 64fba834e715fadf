"""Bybit v5: what the venue says about our orders and our account.

In:  raw answers and frames of the private line. Out: Order, Fill and Balance records (account_answers.py).

After bybit-exchange.github.io/docs/v5, read 2026-11-30: "Place Order" (an answer says that the request was taken, not what
became of the order), "Get Open & Closed Orders", "Get Trade History", "Get Wallet Balance", the private streams "Order",
"Execution" and "Wallet", "Enums Definitions" (orderStatus, rejectReason, Spot Fee Currency Instruction), "Error Codes".
"""

from __future__ import annotations

import msgspec

from ninefold.market.instruments import Instrument
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
from ninefold.venues.bybit_wire import SPOT
from ninefold.venues.key_rights import Rights
from ninefold.venues.order_records import Records, subtracted
from ninefold.venues.told import MILLISECOND_NS
from ninefold.venues.venue_ids import same_back

STATUSES = {
    "Created": "working",
    "New": "working",
    "Untriggered": "working",
    "Triggered": "working",
    "Active": "working",
    "PartiallyFilled": "partly_filled",
    "Filled": "filled",
    "PartiallyFilledCanceled": "cancelled",
    "Cancelled": "cancelled",
    "Deactivated": "cancelled",
    "Rejected": "rejected",
}
UNKNOWN_CODES = {
    10000: "server timeout",
    10014: "invalid duplicate request",
    10016: "internal system error",
    10019: "the service is restarting",
    110030: "duplicate orderId: an order with our id is there, this one arrived before",
    110072: "duplicate orderLinkId: likewise",
    170001: "internal error",
    170007: "timeout waiting for response from backend server",
    170032: "network error",
    170141: "duplicate clientOrderId: likewise",
    170146: "order creation timeout",
}
ABSENT_CODES = {110001: "order does not exist", 170213: "order does not exist"}
REFUSALS = ((10001, 10099), (100028, 100028), (110000, 110999), (130000, 130999), (170000, 170999))
NOT_A_REASON = ("", "EC_NoError", "UNKNOWN")


def judge(http_status: int, body: str) -> Verdict:
    """A code that no page names settles nothing."""
    settled = by_http(http_status, body)
    if settled is not None:
        return settled
    try:
        told = msgspec.json.decode(body, type=_Coded)
    except msgspec.DecodeError:
        return unreadable(http_status, body)
    reason = f"code {told.retCode}: {told.retMsg}"
    if told.retCode == 0:
        return Verdict(TAKEN) if http_status < 300 else Verdict(UNSURE, f"http {http_status}, {reason}")
    if told.retCode in UNKNOWN_CODES:
        return Verdict(UNSURE, reason)
    if told.retCode in ABSENT_CODES:
        return Verdict(ABSENT, reason)
    named = any(first <= told.retCode <= last for first, last in REFUSALS)
    return Verdict(REFUSED if named else UNSURE, reason)


def _placed(records: Records, reply: Reply) -> list[AnyRecord]:
    """The request was taken: sent, until the line or a question tells what became of the order."""
    told = msgspec.json.decode(reply.body, type=_Acknowledged).result
    return [records.again(asked_order(reply), "sent", venue_order_id=told.orderId)]


def _status(records: Records, reply: Reply) -> list[AnyRecord]:
    wanted = asked_order(reply).client_order_id
    return [order for order in _orders(records, reply.body) if order.client_order_id == wanted]


def _open_orders(records: Records, reply: Reply) -> list[AnyRecord]:
    return list(_orders(records, reply.body))


def _orders(records: Records, body: str) -> list[Order]:
    told = msgspec.json.decode(body, type=_Listed).result
    rows = msgspec.json.decode(told.rows, type=list[_Order])
    return [order for row in rows if (order := _order(records, row, row.category or told.category)) is not None]


def _order(records: Records, row: _Order, kind: str) -> Order | None:
    ours = same_back(row.orderLinkId)
    if ours is None:
        return None
    reason = next((text for text in (row.rejectReason, row.cancelType) if text not in NOT_A_REASON), "")
    status = STATUSES[row.orderStatus]
    symbol = _symbol(row.symbol, kind)
    return records.order(ours, symbol, row.side, row.qty, row.cumExecQty, status, row.orderId, reason)


def _fills(records: Records, reply: Reply) -> list[AnyRecord]:
    told = msgspec.json.decode(reply.body, type=_Listed).result
    rows = msgspec.json.decode(told.rows, type=list[_Execution])
    return [fill for row in rows if (fill := _fill(records, row, row.category or told.category)) is not None]


def _fill(records: Records, row: _Execution, kind: str) -> Fill | None:
    """Funding and settlement are executions too, of no order of ours."""
    ours = same_back(row.orderLinkId)
    if ours is None or row.execType != "Trade":
        return None
    symbol = _symbol(row.symbol, kind)
    asset = row.feeCurrency or row.feeCoin or _fee_asset(records.instrument(symbol), row)
    time_ns = int(row.execTime) * MILLISECOND_NS
    return records.fill(
        ours, symbol, row.side, row.execPrice, row.execQty, row.execFee, asset, row.execId, time_ns, row.isMaker
    )


def _fee_asset(instrument: Instrument, row: _Execution) -> str:
    """As the venue's page says where the row does not: of spot what is received; a maker's rebate the other one."""
    if instrument.settle:
        return instrument.settle
    received_base = (row.side == "Buy") != (row.isMaker and row.execFee.startswith("-"))
    return instrument.base if received_base else instrument.quote


def _balances(records: Records, reply: Reply) -> list[AnyRecord]:
    return _wallets(records, msgspec.json.decode(reply.body, type=_Listed).result.rows)


def _wallets(records: Records, rows: msgspec.Raw) -> list[AnyRecord]:
    """Of the unified account. locked: by open orders of spot and by orders and positions of contracts."""
    wallets = msgspec.json.decode(rows, type=list[_Wallet])
    coins = [coin for wallet in wallets if wallet.accountType == "UNIFIED" for coin in wallet.coin]
    return list(records.shown(_balance(records, coin) for coin in coins))


def _balance(records: Records, coin: _Coin) -> Balance:
    free = coin.walletBalance
    for part in (coin.locked, coin.totalOrderIM, coin.totalPositionIM):
        free = subtracted(free, part)
    return records.balance(coin.coin, free, subtracted(coin.walletBalance, free))


def _event(records: Records, payload: bytes) -> list[AnyRecord]:
    frame = msgspec.json.decode(payload, type=_Frame)
    if frame.topic == "order":
        rows = msgspec.json.decode(frame.data, type=list[_Order])
        return [order for row in rows if (order := _order(records, row, row.category)) is not None]
    if frame.topic == "execution":
        done = msgspec.json.decode(frame.data, type=list[_Execution])
        return [fill for row in done if (fill := _fill(records, row, row.category)) is not None]
    return _wallets(records, frame.data) if frame.topic == "wallet" else []


def _symbol(symbol: str, kind: str) -> str:
    return f"spot:{symbol}" if kind == SPOT else symbol


def _rights(body: str) -> Rights:
    told = msgspec.json.decode(body, type=_Keyed).result
    return Rights(told.readOnly == 0 and "SpotTrade" in told.permissions.Spot, "Withdraw" in told.permissions.Wallet)


class _Coded(msgspec.Struct):
    retCode: int
    retMsg: str = ""


class _Created(msgspec.Struct):
    orderId: str


class _Acknowledged(msgspec.Struct):
    result: _Created


class _Rows(msgspec.Struct):
    rows: msgspec.Raw = msgspec.field(name="list")
    category: str = ""


class _Listed(msgspec.Struct):
    result: _Rows


class _Frame(msgspec.Struct):
    topic: str = ""
    data: msgspec.Raw = msgspec.Raw(b"[]")


class _Order(msgspec.Struct):
    symbol: str
    orderId: str
    orderLinkId: str
    side: str
    qty: str
    cumExecQty: str
    orderStatus: str
    rejectReason: str = ""
    cancelType: str = ""
    category: str = ""


class _Execution(msgspec.Struct):
    symbol: str
    orderLinkId: str
    side: str
    execId: str
    execPrice: str
    execQty: str
    execFee: str
    execTime: str
    isMaker: bool
    execType: str
    feeCurrency: str = ""
    feeCoin: str = ""
    category: str = ""


class _Coin(msgspec.Struct):
    coin: str
    walletBalance: str
    locked: str = "0"
    totalOrderIM: str = "0"
    totalPositionIM: str = "0"


class _Wallet(msgspec.Struct):
    accountType: str
    coin: list[_Coin]


class _Permissions(msgspec.Struct):
    Spot: list[str]
    Wallet: list[str]


class _Key(msgspec.Struct):
    readOnly: int
    permissions: _Permissions


class _Keyed(msgspec.Struct):
    result: _Key


READING = Reading("bybit", judge, _placed, _status, _fills, _open_orders, _balances, _event, _rights)
