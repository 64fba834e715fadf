"""Orders through ccxt: what its calls gave, as it is journalled, to records.

In:  the unified structures that ccxt gives, with numbers as texts; the name of the error where a call gave none.
Out: Order, Fill and Balance records (account_answers.py). A call counts as refused only by an error that says so surely.

After docs.ccxt.com ("Order structure", "Trade structure", "Balance structure", "Exceptions"), read 2026-11-30.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ninefold.market.records import AnyRecord, Order
from ninefold.venues.account_answers import (
    ABSENT,
    NO_ANSWER,
    REFUSED,
    TAKEN,
    UNSURE,
    Reading,
    Reply,
    Verdict,
    asked_order,
    by_http,
)
from ninefold.venues.key_rights import NotTold, Rights
from ninefold.venues.order_records import Records, subtracted
from ninefold.venues.told import MILLISECOND_NS
from ninefold.venues.venue_ids import same_back

GAVE, ERROR = 200, 400  # in place of an http status: the call gave something; it raised an error of ccxt's
SURE = frozenset(  # the order is not in the market; what is a kind of these is named too, for ccxt names the narrowest
    {
        *("InsufficientFunds", "InvalidOrder", "OrderImmediatelyFillable", "OrderNotFillable", "ContractUnavailable"),
        *("BadSymbol", "BadRequest", "ArgumentsRequired", "NotSupported", "OperationRejected", "MarketClosed"),
        *("AuthenticationError", "PermissionDenied", "AccountNotEnabled", "AccountSuspended", "InvalidNonce"),
        *("RateLimitExceeded", "DDoSProtection", "RestrictedLocation"),
    }
)
GONE = "OrderNotFound"
UNFINISHED = frozenset(
    {"PENDING_CANCEL", "PARTIAL_FILL", "PARTIALLY_FILLED"}
)  # of the exchange; ccxt calls some of them over
STATUSES = {
    "open": "working",
    "closed": "filled",
    "canceled": "cancelled",
    "canceling": "working",
    "expired": "expired",
    "rejected": "rejected",
}


def judge(http_status: int, body: str) -> Verdict:
    """body: of an error its name, a colon, its text."""
    if http_status == NO_ANSWER:
        return Verdict(UNSURE, body[:200])
    if http_status == GAVE:
        return Verdict(TAKEN)
    name = body.partition(":")[0]
    if name == GONE:
        return Verdict(ABSENT, body[:200])
    if name in SURE:
        return Verdict(REFUSED, body[:200])
    return by_http(http_status, body) or Verdict(UNSURE, body[:200])


def _placed(records: Records, reply: Reply) -> list[AnyRecord]:
    """Exchanges tell more or less of what became of a new order; its number is all that is believed."""
    made = msgspec.json.decode(reply.body, type=_Made)
    return [records.again(asked_order(reply), "sent", venue_order_id=made.id)]


def _status(records: Records, reply: Reply) -> list[AnyRecord]:
    asked = asked_order(reply)
    row = msgspec.json.decode(reply.body, type=_Order)
    ours = row.id == asked.venue_order_id if asked.venue_order_id else row.clientOrderId == asked.client_order_id
    return [_order(records, row, asked.client_order_id)] if ours else []


def _open_orders(records: Records, reply: Reply) -> list[AnyRecord]:
    rows = msgspec.json.decode(reply.body, type=list[_Order])
    return [_order(records, row, ours) for row in rows if (ours := same_back(row.clientOrderId or "")) is not None]


def _order(records: Records, row: _Order, ours: str) -> Order:
    """One that is over before all of it was filled was cancelled; one that is open and has fills is partly filled. What the
    exchange itself calls unfinished is not over, whatever ccxt makes of it."""
    said = row.info.get("status") if isinstance(row.info, dict) else None
    unfinished = isinstance(said, str) and said.upper() in UNFINISHED
    status, left = STATUSES["open" if unfinished else row.status], subtracted(row.amount, row.filled).strip("0.")
    if status == "filled" and left:
        status = "cancelled"
    if status == "working" and row.filled.strip("0."):
        status = "partly_filled"
    return records.order(ours, row.symbol, row.side, row.amount, row.filled, status, row.id)


def _fills(records: Records, reply: Reply) -> list[AnyRecord]:
    asked = asked_order(reply)
    rows = msgspec.json.decode(reply.body, type=list[_Trade])
    return [_fill(records, row, asked) for row in rows if row.order == asked.venue_order_id]


def _fill(records: Records, row: _Trade, asked: Order) -> AnyRecord:
    """A rebate is told as a fee below nothing. raises: KeyError for a trade of which no fee is told."""
    fees = row.fees or ([row.fee] if row.fee is not None else [])
    if len(fees) != 1 or fees[0].cost is None or not fees[0].currency:
        raise KeyError(f"trade {row.id} has {len(fees)} fees, one with its cost and asset is expected")
    [fee] = fees
    cost, maker, at_ns = fee.cost or "0", row.takerOrMaker == "maker", row.timestamp * MILLISECOND_NS
    ours, asset = asked.client_order_id, fee.currency or ""
    return records.fill(ours, row.symbol, row.side, row.price, row.amount, cost, asset, row.id, at_ns, maker)


def _balances(records: Records, reply: Reply) -> list[AnyRecord]:
    told = msgspec.json.decode(reply.body, type=_Balance)
    held = (
        records.balance(asset, told.free.get(asset) or "0", told.used.get(asset) or "0")
        for asset in {**told.free, **told.used}
    )
    return list(records.shown(held))


def _event(records: Records, payload: bytes) -> list[AnyRecord]:
    """There is no line."""
    return []


def _rights(body: str) -> Rights:
    raise NotTold("ccxt has no call that tells it")


def reading(venue: str) -> Reading:
    """venue: 'ccxt.mexc'."""
    return Reading(venue, judge, _placed, _status, _fills, _open_orders, _balances, _event, _rights)


class _Made(msgspec.Struct):
    id: str


class _Order(msgspec.Struct):
    id: str
    symbol: str
    side: str
    status: str
    amount: str
    filled: str
    clientOrderId: str | None = None
    info: Any = None


class _Fee(msgspec.Struct):
    cost: str | None = None
    currency: str | None = None


class _Trade(msgspec.Struct):
    id: str
    order: str
    symbol: str
    side: str
    price: str
    amount: str
    timestamp: int
    takerOrMaker: str | None = None
    fee: _Fee | None = None
    fees: list[_Fee] = []


class _Balance(msgspec.Struct):
    free: dict[str, str | None] = {}
    used: dict[str, str | None] = {}
