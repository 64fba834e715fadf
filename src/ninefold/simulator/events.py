"""Texts of user data events: executionReport, outboundAccountPosition, balanceUpdate.

In:  own orders, fills, balances. Out: the `event` object; the subscription wraps it ({"subscriptionId", "event"}).
Fields: developers.binance.com, "User Data Streams" (binance-spot-api-docs, user-data-stream.md), read 2026-11-22.
"""

from typing import Any

from ninefold.simulator.accounts import Account, OwnFill, OwnOrder
from ninefold.simulator.engine import BUY
from ninefold.simulator.instruments import Instrument
from ninefold.simulator.texts import text_of

ZERO = "0.00000000"


def side_name(side: int) -> str:
    return "BUY" if side == BUY else "SELL"


def execution_report(
    instrument: Instrument,
    order: OwnOrder,
    execution: str,
    event_ms: int,
    fill: OwnFill | None = None,
    cancel_id: str | None = None,
) -> dict[str, Any]:
    """execution: NEW (of a stop order once more when it reaches the book), TRADE, CANCELED or EXPIRED. cancel_id: client id of
    the cancel, which then stands in "c"."""
    report = {
        "e": "executionReport",
        "E": event_ms,
        "s": order.symbol,
        "c": order.client_id if cancel_id is None else cancel_id,
        "S": side_name(order.side),
        "o": order.type,
        "f": order.tif,
        "q": instrument.size(order.lots),
        "p": instrument.price(order.price_ticks),
        "P": instrument.price(order.stop_ticks),
        "F": ZERO,
        "g": -1,
        "C": "" if cancel_id is None else order.client_id,
        "x": execution,
        "X": "NEW" if execution == "NEW" else order.status,
        "r": "NONE",
        "i": order.order_id,
        "l": instrument.size(fill.lots) if fill else ZERO,
        "z": instrument.size(order.filled_lots),
        "L": instrument.price(fill.price_ticks) if fill else ZERO,
        "n": text_of(fill.fee_e8) if fill else "0",
        "N": fill.fee_asset if fill else None,
        "T": order.update_ms,
        "t": fill.trade_id if fill else -1,
        "I": order.order_id * 2,
        "w": order.open and not order.waits and order.type != "MARKET",
        "m": fill.is_maker if fill else False,
        "M": False,
        "O": order.time_ms,
        "Z": text_of(order.filled_value_e8),
        "Y": text_of(fill.value_e8) if fill else ZERO,
        "Q": ZERO,
        "V": "NONE",
    }
    return report if order.waits else {**report, "W": order.working_ms}


def account_position(account: Account, assets: list[str], event_ms: int) -> dict[str, Any]:
    return {
        "e": "outboundAccountPosition",
        "E": event_ms,
        "u": event_ms,
        "B": [
            {"a": asset, "f": text_of(account.of(asset).free_e8), "l": text_of(account.of(asset).locked_e8)}
            for asset in assets
        ],
    }


def balance_update(asset: str, delta_e8: int, event_ms: int) -> dict[str, Any]:
    """Sent when an asset is credited from outside (the opening balance of a new symbol's assets)."""
    return {"e": "balanceUpdate", "E": event_ms, "a": asset, "d": text_of(delta_e8), "T": event_ms}
