"""Rows and records as JSON: times as text of nanoseconds, prices and sizes as exact decimal text.

In:  rows of the array layouts (as tuples in field order) or records, and the instrument they belong to.
Out: dicts and columns as the API answers them. What is not known is null.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from ninefold.execution.held import is_held
from ninefold.market.arrays import BARS, ID_NONE, ID_TEXT, ID_UUID
from ninefold.market.instruments import Instrument
from ninefold.market.numbers import shown_decimals, to_text
from ninefold.market.records import Fill, Order
from ninefold.market.time import TIMEFRAME_OF, UNKNOWN_NS

Json = dict[str, Any]
SIDES = {1: "buy", -1: "sell"}
BAR_STATES = ("ok", "flat", "unknown")
BAR_COLUMNS = ("open_ns", "close_ns", "open", "high", "low", "close", "volume", "state", "revision")
MONEY_DECIMALS = 8  # fees, balances and equity are kept in units of 10**-8
_CELL = {name: position for position, name in enumerate(BARS.names or ())}


def ns_text(nanoseconds: int) -> str | None:
    return None if nanoseconds == UNKNOWN_NS else str(nanoseconds)


def money_text(units: int) -> str:
    """Units of 10**-8 as text with at least two decimals.

    >>> money_text(10_000_012_000_000), money_text(-150)
    ('100000.12', '-0.0000015')
    """
    whole, _, fraction = to_text(units, MONEY_DECIMALS).partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"


def finite(value: float) -> float | None:
    """JSON has no NaN: what cannot be told is null."""
    return value if math.isfinite(value) else None


def trade_id_text(kind: int, high: int, low: int) -> str | None:
    """The venue's trade id. Ids that are text are kept as two words; they are shown in hexadecimal."""
    if kind == ID_NONE:
        return None
    whole = (high << 64) | low
    if kind == ID_UUID:
        return str(uuid.UUID(int=whole))
    return f"{whole:032x}" if kind == ID_TEXT else str(whole)


def instrument_row(instrument: Instrument) -> Json:
    return {
        "id": instrument.id,
        "name": instrument.name,
        "venue": instrument.venue,
        "symbol": instrument.symbol,
        "base": instrument.base,
        "quote": instrument.quote,
        "price_decimals": shown_decimals(instrument.price_decimals, instrument.tick_size),
        "size_decimals": shown_decimals(instrument.size_decimals, instrument.lot_size),
    }


def bar_row(row: Sequence[int], instrument: Instrument) -> Json:
    """One bar from a tuple in the order of BARS. An unknown bar has no prices and no volume."""
    state = row[_CELL["state"]]
    known = BAR_STATES[state] != "unknown"
    cells: Json = {
        "open_ns": str(row[_CELL["open_ns"]]),
        "close_ns": str(row[_CELL["close_ns"]]),
    }
    for name in ("open", "high", "low", "close"):
        cells[name] = instrument.price_text(row[_CELL[name]]) if known else None
    cells["volume"] = instrument.size_text(row[_CELL["volume"]]) if known else None
    cells["state"] = BAR_STATES[state]
    cells["revision"] = row[_CELL["revision"]]
    return cells


def bar_columns(rows: Iterable[Sequence[int]], instrument: Instrument) -> dict[str, list[Any]]:
    """Bars as columns, in the order given."""
    cells = [bar_row(row, instrument) for row in rows]
    return {name: [cell[name] for cell in cells] for name in BAR_COLUMNS}


def trade_row(row: Sequence[int], instrument: Instrument) -> Json:
    """One trade from a tuple in the order of TRADES."""
    _, exchange_ns, receive_ns, _, kind, high, low, price, size, side = row
    return {
        "instrument": instrument.name,
        "exchange_ns": ns_text(exchange_ns),
        "receive_ns": ns_text(receive_ns),
        "trade_id": trade_id_text(kind, high, low),
        "price": instrument.price_text(price),
        "size": instrument.size_text(size),
        "taker_side": SIDES.get(side, "unknown"),
    }


def quote_row(row: Sequence[int], instrument: Instrument) -> Json:
    """The best bid and ask from a tuple in the order of QUOTES."""
    _, exchange_ns, receive_ns, _, _, bid, bid_size, ask, ask_size = row
    return {
        "instrument": instrument.name,
        "exchange_ns": ns_text(exchange_ns),
        "receive_ns": ns_text(receive_ns),
        "bid": instrument.price_text(bid),
        "bid_size": instrument.size_text(bid_size),
        "ask": instrument.price_text(ask),
        "ask_size": instrument.size_text(ask_size),
    }


def forecast_row(row: Sequence[Any], instrument: Instrument) -> Json:
    """One forecast from a tuple in the order of FORECASTS; quantiles and mean are log returns."""
    _, width_ns, close_ns, horizon, mean, q05, q25, q50, q75, q95, model, _, _ = row
    quantiles = {"0.05": q05, "0.25": q25, "0.5": q50, "0.75": q75, "0.95": q95}
    return {
        "instrument": instrument.name,
        "timeframe": TIMEFRAME_OF[width_ns],
        "close_ns": str(close_ns),
        "horizon_bars": horizon,
        "quantiles": {name: finite(value) for name, value in quantiles.items()},
        "mean": finite(mean),
        "model": model.decode(),
    }


def target_row(row: Sequence[Any], instrument: Instrument) -> Json:
    """One target from a tuple in the order of TARGETS; null: the strategy cannot tell."""
    _, strategy, width_ns, close_ns, target, known_ns, _ = row
    return {
        "strategy": strategy.decode(),
        "instrument": instrument.name,
        "timeframe": TIMEFRAME_OF[width_ns],
        "close_ns": str(close_ns),
        "known_ns": str(known_ns),
        "target": finite(target),
    }


def order_row(order: Order, instrument: Instrument, created_ns: int) -> Json:
    return {
        "client_order_id": order.client_order_id,
        "instrument": instrument.name,
        "side": SIDES[order.side],
        "type": order.order_type,
        "size": instrument.size_text(order.size),
        "price": instrument.price_text(order.price) if order.price else None,
        "trigger": instrument.price_text(order.trigger) if order.trigger and order.order_type != "slice" else None,
        "reduce_only": order.reduce_only,
        "parent": order.parent or None,
        "held": is_held(order),
        "filled": instrument.size_text(order.filled),
        "status": order.status,
        "created_ns": str(created_ns),
        "reason": order.reason,
        "strategies": list(order.strategies),
        "may_id": order.may_id or None,
    }


def fill_row(fill: Fill, instrument: Instrument) -> Json:
    return {
        "client_order_id": fill.client_order_id,
        "instrument": instrument.name,
        "side": SIDES[fill.side],
        "price": instrument.price_text(fill.price),
        "size": instrument.size_text(fill.size),
        "fee": money_text(fill.fee),
        "fee_asset": fill.fee_asset,
        "exchange_ns": str(fill.exchange_ns),
    }
