"""Texts about own orders and the account as Kraken writes them.

In:  own orders, fills, events of the account. Out: JSON objects of the private REST, frames of the executions channel.
Fields: docs.kraken.com, "Spot REST": Query Orders Info, Get Open Orders, Get Closed Orders, Get Trades History; "Spot
WebSocket API v2": Executions, read 2026-11-30. A cancellation on the line names neither pair nor size.
"""

import re
import uuid
from collections.abc import Sequence
from typing import Any

import msgspec

from ninefold.simulator import kraken_frames as frames
from ninefold.simulator.accounts import OF_KRAKEN, OwnFill, OwnOrder
from ninefold.simulator.engine import BUY
from ninefold.simulator.faces import iso
from ninefold.simulator.instruments import Instrument
from ninefold.simulator.texts import text_of

STATUSES = {
    "NEW": "open",
    "PARTIALLY_FILLED": "open",
    "FILLED": "closed",
    "CANCELED": "canceled",
    "EXPIRED": "canceled",
}
TOLD = {"NEW": "new", "PARTIALLY_FILLED": "partially_filled", "FILLED": "filled", "CANCELED": "canceled"}
ORDINARY = {
    "LIMIT": "limit", "LIMIT_MAKER": "limit", "MARKET": "market", "STOP_LOSS": "stop-loss",
    "STOP_LOSS_LIMIT": "stop-loss-limit", "TAKE_PROFIT": "take-profit", "TAKE_PROFIT_LIMIT": "take-profit-limit",
}  # fmt: skip
ASSETS = {"BTC": "XXBT", "ETH": "XETH", "DOGE": "XXDG"}  # older names of some
FEES = "fciq"
UUID = re.compile("[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")


def number(order_id: int) -> str:
    """The exchange's number of an order.

    >>> number(12)
    'O00000-00000-000012'
    """
    digits = f"{order_id:015d}"
    return f"O{digits[:5]}-{digits[5:10]}-0{digits[10:]}"


def order_id(number: str) -> int | None:
    """The order of a number; None for what is none."""
    digits = number.removeprefix("O").replace("-", "")
    return int(digits) if number.startswith("O") and digits.isascii() and digits.isdigit() else None


def trade_number(trade_id: int, is_buyer: bool) -> str:
    """Both sides of a trade may be ours, and are then two trades."""
    digits = f"{2 * trade_id + is_buyer:015d}"
    return f"T{digits[:5]}-{digits[5:10]}-0{digits[10:]}"


def kept_id(sent: str) -> str:
    """A client id as the desk keeps it, which takes 36 characters.

    >>> kept_id("6e66d5a3-4549-461c-a3d9-92b9b2566fd4"), kept_id("mine")
    ('kr:6e66d5a34549461ca3d992b9b2566fd4', 'kr:mine')
    """
    return OF_KRAKEN + (sent.replace("-", "") if UUID.fullmatch(sent) else sent)


def client_id(kept: str) -> str:
    """As it was sent.

    >>> client_id("kr:6e66d5a34549461ca3d992b9b2566fd4"), client_id("kr:mine")
    ('6e66d5a3-4549-461c-a3d9-92b9b2566fd4', 'mine')
    """
    sent = kept.removeprefix(OF_KRAKEN)
    return str(uuid.UUID(sent)) if re.fullmatch("[0-9a-f]{32}", sent) else sent


def order_row(instrument: Instrument, order: OwnOrder) -> dict[str, Any]:
    side = "buy" if order.side == BUY else "sell"
    kind, price = ORDINARY[order.type], frames.price(instrument, order.price_ticks)
    at = f"{kind} {price}" if order.price_ticks else kind
    row: dict[str, Any] = {
        "refid": None,
        "userref": None,
        "cl_ord_id": client_id(order.client_id),
        "status": STATUSES[order.status],
        "opentm": seconds(order.time_ms),
        "starttm": 0,
        "expiretm": 0,
        "descr": {
            "pair": "".join(frames.rest_names(instrument)),
            "type": side,
            "ordertype": kind,
            "price": price if order.price_ticks else "0",
            "price2": "0",
            "leverage": "none",
            "order": f"{side} {instrument.size(order.lots)} @ {at}",
            "close": "",
        },
        "vol": instrument.size(order.lots),
        "vol_exec": instrument.size(order.filled_lots),
        "cost": text_of(order.filled_value_e8),
        "misc": "",
        "oflags": f"post,{FEES}" if order.type == "LIMIT_MAKER" else FEES,
    }
    return row if order.open else {**row, "reason": None, "closetm": seconds(order.update_ms)}


def trade_row(instrument: Instrument, order_type: str, fill: OwnFill) -> dict[str, Any]:
    base, quote = frames.rest_names(instrument)
    return {
        "ordertxid": number(fill.order_id),
        "pair": f"{base}{quote}",
        "aclass": "forex",
        "time": seconds(fill.time_ms),
        "type": "buy" if fill.is_buyer else "sell",
        "ordertype": ORDINARY[order_type],
        "price": frames.price(instrument, fill.price_ticks),
        "cost": text_of(fill.value_e8),
        "fee": text_of(fill.fee_e8),
        "vol": instrument.size(fill.lots),
        "margin": "0.00000",
        "misc": "",
        "trade_id": fill.trade_id,
        "maker": fill.is_maker,
    }


def balance_row(free_e8: int, locked_e8: int) -> dict[str, str]:
    return {"balance": text_of(free_e8 + locked_e8), "hold_trade": text_of(locked_e8)}


def asset_name(asset: str) -> str:
    return ASSETS.get(asset, asset)


def executions(rows: Sequence[dict[str, Any]], sequence: int, kind: str) -> bytes:
    return msgspec.json.encode({"channel": "executions", "type": kind, "data": rows, "sequence": sequence})


def open_execution(instrument: Instrument, order: OwnOrder) -> dict[str, Any]:
    """Of a snapshot."""
    return {
        "order_id": number(order.order_id),
        "cl_ord_id": client_id(order.client_id),
        "symbol": frames.symbol_of(instrument),
        "side": "buy" if order.side == BUY else "sell",
        "order_type": ORDINARY[order.type],
        "order_qty": raw(instrument.size(order.lots)),
        "cum_qty": raw(instrument.size(order.filled_lots)),
        "exec_type": "new",
        "order_status": TOLD[order.status],
        "timestamp": iso(order.update_ms * 1000),
    }


def execution(instrument: Instrument, event: dict[str, Any]) -> dict[str, Any]:
    """What the account's event of an order (events.execution_report) says, as a row of an update."""
    status = TOLD.get(event["X"], "canceled")
    ours = {"order_id": number(event["i"]), "cl_ord_id": client_id(event["C"] or event["c"])}
    row: dict[str, Any] = {**ours, "order_status": status, "timestamp": iso(event["T"] * 1000)}
    if event["x"] not in ("NEW", "TRADE"):
        return {**row, "exec_type": "canceled", "cum_qty": raw(event["z"]), "reason": "User requested"}
    row |= {
        "symbol": frames.symbol_of(instrument),
        "side": event["S"].lower(),
        "order_type": ORDINARY[event["o"]],
        "order_qty": raw(event["q"]),
        "cum_qty": raw(event["z"]),
        "fee_ccy_pref": FEES,
    }
    if event["x"] == "NEW":
        return {**row, "exec_type": "new"}
    return {
        **row,
        "exec_type": "trade",
        "exec_id": trade_number(event["t"], event["S"] == "BUY"),
        "trade_id": event["t"],
        "last_qty": raw(event["l"]),
        "last_price": raw(event["L"]),
        "liquidity_ind": "m" if event["m"] else "t",
        "fees": [{"asset": event["N"], "qty": raw(event["n"])}],
    }


def raw(text: str) -> msgspec.Raw:
    """A decimal text as a JSON number with all its digits."""
    return msgspec.Raw(text.encode())


def seconds(ms: int) -> msgspec.Raw:
    return raw(f"{ms // 1000}.{ms % 1000:03d}")
