"""Texts of Kraken's websocket v2 and names of its pairs.

In:  values in ticks and lots. Out: JSON as the venue writes it: prices and sizes are numbers with all their digits.
Fields: docs.kraken.com, "Spot WebSocket API v2" (trade, book, ticker, instrument, status) and "Book checksum (WebSocket
v2)", read 2026-11-22. Assets have two names each: BTC and DOGE on websocket v2, XBT and XDG in REST.
"""

import zlib
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import msgspec

from ninefold.simulator.engine import BUY, Book, BookSide
from ninefold.simulator.faces import Best, Day, decimal, iso, places_of
from ninefold.simulator.instruments import Instrument
from ninefold.simulator.store import TradeRow
from ninefold.simulator.texts import E8, text_of

REST_NAMES = {"BTC": "XBT", "DOGE": "XDG"}
CHECKED_LEVELS = 10
QTY_DECIMALS = 8

Rows = Iterable[tuple[int, int]]


def symbol_of(instrument: Instrument) -> str:
    return f"{instrument.base}/{instrument.quote}"


def rest_names(instrument: Instrument) -> tuple[str, str]:
    """Base and quote as REST names them."""
    return REST_NAMES.get(instrument.base, instrument.base), REST_NAMES.get(instrument.quote, instrument.quote)


def trades(instrument: Instrument, rows: list[TradeRow], kind: str = "update") -> bytes:
    """side: of the taker."""
    name = symbol_of(instrument)
    told = ",".join(
        f'{{"symbol":"{name}","side":"{taker_side(row)}","price":{price(instrument, row.price_ticks)},'
        f'"qty":{instrument.size(row.lots)},"ord_type":"market","trade_id":{row.trade_id},'
        f'"timestamp":"{iso(row.time_ms * 1000)}"}}'
        for row in rows
    )
    return f'{{"channel":"trade","type":"{kind}","data":[{told}]}}'.encode()


def snapshot(instrument: Instrument, book: Book, depth: int) -> bytes:
    """The best levels of both sides; it carries no time."""
    sides = (("bids", book.bids), ("asks", book.asks))
    told = ",".join(f'"{name}":[{levels(instrument, islice(side.rows(), depth))}]' for name, side in sides)
    checked = f'"checksum":{checksum(instrument, book)}'
    return (
        f'{{"channel":"book","type":"snapshot","data":[{{"symbol":"{symbol_of(instrument)}",{told},{checked}}}]}}'
    ).encode()


def update(instrument: Instrument, book: Book, rows: list[tuple[int, int, int]], us: int) -> bytes:
    """rows: (side, price in ticks, size in lots now); the checksum is that of the book after them."""
    bids = levels(instrument, ((ticks, lots) for side, ticks, lots in rows if side == BUY))
    asks = levels(instrument, ((ticks, lots) for side, ticks, lots in rows if side != BUY))
    return (
        f'{{"channel":"book","type":"update","data":[{{"symbol":"{symbol_of(instrument)}","bids":[{bids}],'
        f'"asks":[{asks}],"checksum":{checksum(instrument, book)},"timestamp":"{iso(us)}"}}]}}'
    ).encode()


def checksum(instrument: Instrument, book: Book) -> int:
    """CRC-32 of the ten best asks, rising, then the ten best bids, falling: their digits without leading zeros."""
    text = "".join(_digits(instrument, side) for side in (book.asks, book.bids))
    return zlib.crc32(text.encode())


def ticker(instrument: Instrument, best: Best, last_ticks: int, day: Day, us: int, kind: str = "update") -> bytes:
    worth_e8 = day.value_e8 * E8 // (day.lots * instrument.lot_e8) if day.lots else last_ticks * instrument.tick_e8
    places = places_of(instrument.tick_e8)
    rise = last_ticks - day.open
    fields = {
        "bid": price(instrument, best.bid),
        "bid_qty": instrument.size(best.bid_lots),
        "ask": price(instrument, best.ask),
        "ask_qty": instrument.size(best.ask_lots),
        "last": price(instrument, last_ticks),
        "volume": instrument.size(day.lots),
        "vwap": decimal(worth_e8, places),
        "low": price(instrument, day.low),
        "high": price(instrument, day.high),
        "change": decimal(rise * instrument.tick_e8, places),
        "change_pct": f"{100 * rise / day.open if day.open else 0:.2f}",
    }
    told = ",".join(f'"{name}":{value}' for name, value in fields.items())
    return (
        f'{{"channel":"ticker","type":"{kind}","data":[{{"symbol":"{symbol_of(instrument)}",{told},'
        f'"timestamp":"{iso(us)}"}}]}}'
    ).encode()


def instruments(all_of: list[Instrument]) -> bytes:
    assets = dict.fromkeys(asset for each in all_of for asset in (each.base, each.quote))
    data = {"assets": [_asset(asset) for asset in assets], "pairs": [_pair(each) for each in all_of]}
    return msgspec.json.encode({"channel": "instrument", "type": "snapshot", "data": data})


def status(connection_id: int) -> bytes:
    system = {"version": "2.0.10", "system": "online", "api_version": "v2", "connection_id": connection_id}
    return msgspec.json.encode({"channel": "status", "type": "update", "data": [system]})


def price(instrument: Instrument, ticks: int) -> str:
    return decimal(ticks * instrument.tick_e8, places_of(instrument.tick_e8))


def taker_side(row: TradeRow) -> str:
    return "sell" if row.buyer_is_maker else "buy"


def levels(instrument: Instrument, rows: Rows) -> str:
    return ",".join(f'{{"price":{price(instrument, ticks)},"qty":{instrument.size(lots)}}}' for ticks, lots in rows)


def _digits(instrument: Instrument, side: BookSide) -> str:
    return "".join(_checked(instrument, islice(side.rows(), CHECKED_LEVELS)))


def _checked(instrument: Instrument, rows: Rows) -> Iterator[str]:
    for ticks, lots in rows:
        for text in (price(instrument, ticks), instrument.size(lots)):
            yield text.replace(".", "").lstrip("0")


def _asset(asset: str) -> dict[str, Any]:
    return {"id": asset, "status": "enabled", "precision": 10, "precision_display": 5, "borrowable": False}


def _pair(instrument: Instrument) -> dict[str, Any]:
    places = places_of(instrument.tick_e8)
    step = msgspec.Raw(decimal(instrument.tick_e8, places).encode())
    return {
        "symbol": symbol_of(instrument),
        "base": instrument.base,
        "quote": instrument.quote,
        "status": "online",
        "qty_precision": places_of(instrument.size_step_e8),  # of what own orders must obey
        "qty_increment": msgspec.Raw(text_of(instrument.size_step_e8).encode()),
        "price_precision": places,
        "cost_precision": QTY_DECIMALS,
        "marginable": False,
        "has_index": False,
        "cost_min": msgspec.Raw(text_of(instrument.min_notional_e8).encode()),
        "tick_size": step,
        "price_increment": step,
        "qty_min": msgspec.Raw(text_of(instrument.lot_e8).encode()),
    }
