"""Kraken spot: what the venue says about our orders and our account.

In:  raw answers and frames of the executions channel. Out: Order, Fill and Balance records (account_answers.py).

After docs.kraken.com, read 2026-11-30: "Add Order", "Query Orders Info", "Get Open Orders", "Get Closed Orders", "Get Trades
History", "Get Extended Balance", websocket v2 "Executions", "Error messages". Every answer has http status 200 and an
array of errors. A cancellation on the line names neither instrument nor size: what became of the order is then asked.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from ninefold.market.records import AnyRecord, Balance, Fill, Order
from ninefold.market.time import SECOND_NS
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
from ninefold.venues.kraken_wire import rest_name
from ninefold.venues.order_records import Records, plain, subtracted
from ninefold.venues.told import time_ns
from ninefold.venues.venue_ids import uuid_back

STATUSES = {
    "pending": "working",
    "open": "working",
    "closed": "filled",
    "canceled": "cancelled",
    "expired": "expired",
}
TOLD_STATUSES = {
    "pending_new": "working",
    "new": "working",
    "triggered": "working",
    "partially_filled": "partly_filled",
    "filled": "filled",
    "canceled": "cancelled",
    "expired": "expired",
}
UNKNOWN_ERRORS = {
    "EService:Unavailable": "the matching engine or API is offline",
    "EService:Busy": "",
    "EService:Timeout": "",
    "EService:Deadline elapsed": "the request timed out",
    "EGeneral:Internal error": "",
}
ABSENT_ERRORS = ("EOrder:Unknown order", "EQuery:Unknown order")
REFUSALS = ("EAPI:", "EAuth:", "EAccount:", "EGeneral:", "EOrder:", "EQuery:", "ETrade:", "EBM:", "EService:Market in ")
ASSETS = {  # names from before 2014; all others are called as they are
    **{f"X{name}": name for name in ("ETH", "LTC", "XRP", "XLM", "XMR", "ZEC", "ETC", "REP", "MLN")},
    **{f"Z{name}": name for name in ("USD", "EUR", "GBP", "CAD", "JPY", "AUD")},
    **{"XXBT": "BTC", "XBT": "BTC", "XXDG": "DOGE", "XDG": "DOGE"},
}


def judge(http_status: int, body: str) -> Verdict:
    """An error that no page names settles nothing. What begins with W warns, and fails nothing."""
    settled = by_http(http_status, body)
    if settled is not None:
        return settled
    try:
        errors = [each for each in msgspec.json.decode(body, type=_Failed).error if not each.startswith("W")]
    except msgspec.DecodeError:
        return unreadable(http_status, body)
    if not errors:
        return Verdict(TAKEN) if http_status < 300 else Verdict(UNSURE, f"http {http_status}")
    reason = ", ".join(errors)
    if any(each.startswith(tuple(UNKNOWN_ERRORS)) or "cl_ord_id" in each or "uplicate" in each for each in errors):
        return Verdict(UNSURE, reason)  # the id is there already: this order, arrived before
    if any(each.startswith(ABSENT_ERRORS) for each in errors):
        return Verdict(ABSENT, reason)
    return Verdict(REFUSED if all(each.startswith(REFUSALS) for each in errors) else UNSURE, reason)


def _placed(records: Records, reply: Reply) -> list[AnyRecord]:
    """The request was taken: sent, until the line or a question tells what became of the order."""
    [number] = msgspec.json.decode(reply.body, type=_Added).result.txid
    return [records.again(asked_order(reply), "sent", venue_order_id=number)]


def _status(records: Records, reply: Reply) -> list[AnyRecord]:
    """QueryOrders gives orders by number, the others "open" or "closed" ones."""
    asked = asked_order(reply)
    rows = _rows(reply.body)
    ours = [
        (number, row)
        for number, row in rows.items()
        if number == asked.venue_order_id or _named(row) == asked.client_order_id
    ]
    return [_order(records, number, row, asked.client_order_id) for number, row in ours]


def _open_orders(records: Records, reply: Reply) -> list[AnyRecord]:
    rows = _rows(reply.body).items()
    return [_order(records, number, row, ours) for number, row in rows if (ours := _named(row)) is not None]


def _rows(body: str) -> dict[str, _Order]:
    result = msgspec.json.decode(body, type=_Listed).result
    for name in ("open", "closed"):
        if name in result:
            return msgspec.json.decode(result[name], type=dict[str, _Order])
    return {number: msgspec.json.decode(row, type=_Order) for number, row in result.items()}


def _named(row: _Order) -> str | None:
    return uuid_back(row.cl_ord_id or "")


def _order(records: Records, number: str, row: _Order, ours: str) -> Order:
    """One that was closed before all of it was filled was cancelled."""
    status = STATUSES[row.status]
    if status == "filled" and subtracted(row.vol, row.vol_exec).strip("0."):
        status = "cancelled"
    symbol = _symbol(records, row.descr.pair)
    return records.order(ours, symbol, row.descr.type, row.vol, row.vol_exec, status, number, row.reason or "")


def _symbol(records: Records, pair: str) -> str:
    """'XBTUSD', as orders name a pair, as the instrument is called here. raises: KeyError."""
    for each in records.registry.current():
        if each.venue == records.venue and rest_name(each.venue_symbol) == pair:
            return each.venue_symbol
    raise KeyError(f"no instrument {pair!r} of {records.venue} is listed here")


def _fills(records: Records, reply: Reply) -> list[AnyRecord]:
    """Trades of all pairs, by their ids. The fee is in the quote asset."""
    asked = asked_order(reply)
    instrument = records.registry[asked.instrument]
    trades = msgspec.json.decode(reply.body, type=_Traded).result.trades
    return [
        records.fill(
            asked.client_order_id,
            instrument.venue_symbol,
            row.type,
            row.price,
            row.vol,
            row.fee,
            instrument.quote,
            trade_id,
            int(row.time * SECOND_NS),
            row.maker,
        )
        for trade_id, row in trades.items()
        if row.ordertxid == asked.venue_order_id
    ]


def _balances(records: Records, reply: Reply) -> list[AnyRecord]:
    """Without what is staked or lent, whose names have a point: it cannot be traded."""
    held = msgspec.json.decode(reply.body, type=_Held).result
    plainly = [(ASSETS.get(name, name), each) for name, each in held.items() if "." not in name]
    return list(records.shown(_balance(records, name, each) for name, each in plainly))


def _balance(records: Records, asset: str, held: _Asset) -> Balance:
    whole, locked = plain(held.balance), plain(held.hold_trade)
    return records.balance(asset, subtracted(whole, locked), locked)


def _event(records: Records, payload: bytes) -> list[AnyRecord]:
    frame = msgspec.json.decode(payload, type=_Frame)
    if frame.channel != "executions":
        return []
    made: list[AnyRecord] = []
    for row in msgspec.json.decode(frame.data, type=list[_Execution]):
        ours = uuid_back(row.cl_ord_id)
        if ours is None or not (row.symbol and row.side):
            continue
        made.extend(_told(records, row, ours))
        made.extend(_executed(records, row, ours))
    return made


def _told(records: Records, row: _Execution, ours: str) -> list[Order]:
    if row.order_qty is None:
        return []
    status = TOLD_STATUSES[row.order_status]
    size, filled = plain(row.order_qty), plain(row.cum_qty)
    return [records.order(ours, row.symbol, row.side, size, filled, status, row.order_id, row.reason)]


def _executed(records: Records, row: _Execution, ours: str) -> list[Fill]:
    if row.exec_type != "trade":
        return []
    if len(row.fees) != 1:
        raise KeyError(f"execution {row.exec_id} has fees in {len(row.fees)} assets, one is expected")
    [fee] = row.fees
    price, size, paid = plain(row.last_price), plain(row.last_qty), plain(fee.qty)
    at, maker = time_ns(row.timestamp), row.liquidity_ind == "m"
    return [records.fill(ours, row.symbol, row.side, price, size, paid, fee.asset, row.exec_id, at, maker)]


def _rights(body: str) -> Rights:
    may = msgspec.json.decode(body, type=_Keyed).result.permissions
    return Rights("modify-trades" in may, "withdraw-funds" in may)


class _Failed(msgspec.Struct):
    error: list[str]


class _Number(msgspec.Struct):
    txid: list[str]


class _Added(msgspec.Struct):
    result: _Number


class _Described(msgspec.Struct):
    pair: str
    type: str


class _Order(msgspec.Struct):
    status: str
    descr: _Described
    vol: str
    vol_exec: str
    cl_ord_id: str | None = None
    reason: str | None = None


class _Listed(msgspec.Struct):
    result: dict[str, msgspec.Raw]


class _Trade(msgspec.Struct):
    ordertxid: str
    time: Decimal
    type: str
    price: str
    fee: str
    vol: str
    maker: bool


class _Trades(msgspec.Struct):
    trades: dict[str, _Trade]


class _Traded(msgspec.Struct):
    result: _Trades


class _Asset(msgspec.Struct):
    balance: Decimal
    hold_trade: Decimal = Decimal(0)


class _Held(msgspec.Struct):
    result: dict[str, _Asset]


class _Frame(msgspec.Struct):
    channel: str = ""
    data: msgspec.Raw = msgspec.Raw(b"[]")


class _Fee(msgspec.Struct):
    asset: str
    qty: Decimal


class _Execution(msgspec.Struct):
    """symbol, side, order_qty: missing where the row tells a change of state alone."""

    order_id: str
    exec_type: str
    order_status: str
    timestamp: str
    cl_ord_id: str = ""
    symbol: str = ""
    side: str = ""
    order_qty: Decimal | None = None
    cum_qty: Decimal = Decimal(0)
    exec_id: str = ""
    last_qty: Decimal = Decimal(0)
    last_price: Decimal = Decimal(0)
    fees: list[_Fee] = []
    liquidity_ind: str = ""
    reason: str = ""


class _Key(msgspec.Struct):
    permissions: list[str]


class _Keyed(msgspec.Struct):
    result: _Key


READING = Reading("kraken", judge, _placed, _status, _fills, _open_orders, _balances, _event, _rights)
