"""Exported orders and fills: the account as the ledger has it.

In:  what is wanted of a data dir.
Out: one Arrow table, by instrument name, then time, then the order in which the ledger got them. Amounts are exact
     decimal text.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from ninefold.market.instruments import Instrument
from ninefold.market.numbers import to_text
from ninefold.market.records import Fill, Order
from ninefold.store.forms import Form, Wanted
from ninefold.store.ledger import LedgerReader

FEE_DECIMALS = 8
_ORDERS = pa.schema(
    [
        *(
            (name, pa.string())
            for name in ("client_order_id", "instrument", "side", "type", "price", "size", "filled", "status")
        ),
        ("created_ns", pa.int64()),
        ("updated_ns", pa.int64()),
        *((name, pa.string()) for name in ("reason", "strategies", "may_id")),
    ]
)
_FILLS = pa.schema(
    [
        *(
            (name, pa.string())
            for name in ("client_order_id", "instrument", "side", "price", "size", "fee", "fee_asset", "trade_id")
        ),
        ("exchange_ns", pa.int64()),
        ("maker", pa.bool_()),
    ]
)


def _orders(wanted: Wanted) -> Iterator[pa.Table]:
    instruments = _instruments(wanted)
    ledger = LedgerReader(wanted.path)
    orders = ledger.orders(wanted.as_of_ns)
    created = ledger.created_ns(
        wanted.as_of_ns
    )  # after the orders: the ledger may be growing, and every order must be in it
    chosen = [
        order for order in orders if order.instrument in instruments and _within(created[order.client_order_id], wanted)
    ]
    chosen.sort(key=lambda order: (instruments[order.instrument].name, created[order.client_order_id]))
    rows = [_order_row(order, instruments[order.instrument], created[order.client_order_id]) for order in chosen]
    yield pa.Table.from_pylist(rows, schema=_ORDERS)


def _fills(wanted: Wanted) -> Iterator[pa.Table]:
    instruments = _instruments(wanted)
    ledger = LedgerReader(wanted.path)
    fills = ledger.fills(wanted.as_of_ns)
    chosen = [fill for fill in fills if fill.instrument in instruments and _within(fill.exchange_ns, wanted)]
    chosen.sort(key=lambda fill: (instruments[fill.instrument].name, fill.exchange_ns))
    yield pa.Table.from_pylist([_fill_row(fill, instruments[fill.instrument]) for fill in chosen], schema=_FILLS)


ORDERS = Form(_ORDERS, _orders)
FILLS = Form(_FILLS, _fills)


def _instruments(wanted: Wanted) -> dict[int, Instrument]:
    return {instrument.id: instrument for versions in wanted.instruments.values() for instrument in versions}


def _within(time_ns: int, wanted: Wanted) -> bool:
    return (wanted.start_ns is None or time_ns >= wanted.start_ns) and (
        wanted.end_ns is None or time_ns < wanted.end_ns
    )


def _order_row(order: Order, instrument: Instrument, created_ns: int) -> dict[str, object]:
    return {
        "client_order_id": order.client_order_id,
        "instrument": instrument.name,
        "side": _side(order.side),
        "type": order.order_type,
        "price": instrument.price_text(order.price) if order.price else None,
        "size": instrument.size_text(order.size),
        "filled": instrument.size_text(order.filled),
        "status": order.status,
        "created_ns": created_ns,
        "updated_ns": order.known_ns,
        "reason": order.reason,
        "strategies": ";".join(order.strategies),
        "may_id": order.may_id,
    }


def _fill_row(fill: Fill, instrument: Instrument) -> dict[str, object]:
    return {
        "client_order_id": fill.client_order_id,
        "instrument": instrument.name,
        "side": _side(fill.side),
        "price": instrument.price_text(fill.price),
        "size": instrument.size_text(fill.size),
        "fee": to_text(fill.fee, FEE_DECIMALS),
        "fee_asset": fill.fee_asset,
        "trade_id": fill.trade_id,
        "exchange_ns": fill.exchange_ns,
        "maker": fill.maker,
    }


def _side(side: int) -> str:
    return "buy" if side > 0 else "sell"
