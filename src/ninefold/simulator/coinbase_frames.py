"""Texts of the Coinbase Exchange feed and of its products.

In:  values in ticks and lots. Out: JSON as the venue writes it.
Fields: docs.cdp.coinbase.com, "Exchange WebSocket Channels" (heartbeat, status, ticker, level2, matches) and "Get all known
trading pairs", read 2026-11-22. `side` of a match is that of the maker's order.
"""

from typing import Any

from ninefold.simulator.engine import BUY
from ninefold.simulator.faces import Best, Day, decimal, iso, places_of
from ninefold.simulator.instruments import Instrument
from ninefold.simulator.store import TradeRow
from ninefold.simulator.texts import text_of

Rows = list[tuple[int, int]]


def product_id(instrument: Instrument) -> str:
    return f"{instrument.base}-{instrument.quote}"


def match(instrument: Instrument, row: TradeRow, sequence: int, kind: str = "match") -> bytes:
    """kind: match, or last_match for the one before a subscription."""
    orders = f'"maker_order_id":"{_order(row, "4000")}","taker_order_id":"{_order(row, "4001")}"'
    return (
        f'{{"type":"{kind}","trade_id":{row.trade_id},{orders},"side":"{maker_side(row)}",'
        f'"size":"{instrument.size(row.lots)}","price":"{price(instrument, row.price_ticks)}",'
        f'"product_id":"{product_id(instrument)}","sequence":{sequence},"time":"{iso(row.time_ms * 1000)}"}}'
    ).encode()


def ticker(instrument: Instrument, row: TradeRow, sequence: int, best: Best, day: Day) -> bytes:
    """As of a trade. side: of the taker, unlike that of a match."""
    return (
        f'{{"type":"ticker","sequence":{sequence},"product_id":"{product_id(instrument)}",'
        f'"price":"{price(instrument, row.price_ticks)}","open_24h":"{price(instrument, day.open)}",'
        f'"volume_24h":"{instrument.size(day.lots)}","low_24h":"{price(instrument, day.low)}",'
        f'"high_24h":"{price(instrument, day.high)}","volume_30d":"{instrument.size(day.lots)}",'
        f'"best_bid":"{price(instrument, best.bid)}","best_bid_size":"{instrument.size(best.bid_lots)}",'
        f'"best_ask":"{price(instrument, best.ask)}","best_ask_size":"{instrument.size(best.ask_lots)}",'
        f'"side":"{"sell" if row.buyer_is_maker else "buy"}","time":"{iso(row.time_ms * 1000)}",'
        f'"trade_id":{row.trade_id},"last_size":"{instrument.size(row.lots)}"}}'
    ).encode()


def heartbeat(instrument: Instrument, last_trade_id: int, sequence: int, us: int) -> bytes:
    return (
        f'{{"type":"heartbeat","last_trade_id":{last_trade_id},"product_id":"{product_id(instrument)}",'
        f'"sequence":{sequence},"time":"{iso(us)}"}}'
    ).encode()


def snapshot(instrument: Instrument, bids: Rows, asks: Rows, us: int) -> bytes:
    """All levels, best first."""
    sides = ",".join(
        f'"{name}":[{",".join(_level(instrument, *row) for row in rows)}]'
        for name, rows in (("asks", asks), ("bids", bids))
    )
    return f'{{"type":"snapshot","product_id":"{product_id(instrument)}",{sides},"time":"{iso(us)}"}}'.encode()


def changes(instrument: Instrument, rows: list[tuple[int, int, int]], us: int) -> bytes:
    """rows: (side, price in ticks, size in lots now)."""
    told = ",".join(
        f'["{"buy" if side == BUY else "sell"}",{_level(instrument, ticks, lots)[1:]}' for side, ticks, lots in rows
    )
    name = product_id(instrument)
    return f'{{"type":"l2update","product_id":"{name}","changes":[{told}],"time":"{iso(us)}"}}'.encode()


def product(instrument: Instrument) -> dict[str, Any]:
    return {
        "id": product_id(instrument),
        "base_currency": instrument.base,
        "quote_currency": instrument.quote,
        "quote_increment": decimal(instrument.tick_e8, places_of(instrument.tick_e8)),
        "base_increment": decimal(instrument.lot_e8, places_of(instrument.lot_e8)),
        "display_name": f"{instrument.base}-{instrument.quote}",
        "min_market_funds": text_of(instrument.min_notional_e8).rstrip("0").rstrip("."),
        "margin_enabled": False,
        "post_only": False,
        "limit_only": False,
        "cancel_only": False,
        "status": "online",
        "status_message": "",
        "trading_disabled": False,
        "fx_stablecoin": False,
        "max_slippage_percentage": "0.03000000",
        "auction_mode": False,
        "high_bid_limit_percentage": "",
    }


def currency(asset: str) -> dict[str, Any]:
    return {"id": asset, "name": asset, "min_size": "0.00000001", "status": "online", "max_precision": "0.00000001"}


def price(instrument: Instrument, ticks: int) -> str:
    return decimal(ticks * instrument.tick_e8, places_of(instrument.tick_e8))


def maker_side(row: TradeRow) -> str:
    return "buy" if row.buyer_is_maker else "sell"


def _level(instrument: Instrument, ticks: int, lots: int) -> str:
    return f'["{price(instrument, ticks)}","{instrument.size(lots)}"]'


def _order(row: TradeRow, version: str) -> str:
    """An order's id; the real ones say no more."""
    return f"00000000-0000-{version}-8000-{row.trade_id:012x}"
