"""What the messages of Kraken Futures hold: their fields, the rules of a product, and the names of things.

After docs.kraken.com, "Futures WebSocket API" and "Futures REST", as of 2026-11. Field names are the venue's.
Whatever does not have these fields in these forms and ranges is refused by the decoders.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from ninefold.market.instruments import Instrument
from ninefold.market.numbers import decimals_of
from ninefold.venues.adapter import BadFrame
from ninefold.venues.listing import MOST_DECIMALS, contract, of_contract, ruled
from ninefold.venues.told import Count, Milliseconds, number, step_of

VENUE = "krakenfutures"
SIZE_DECIMALS = 8  # that amounts are held with
FINER = (1, 0)  # decimals beyond the steps, for books from before a step became coarser
NAMES = {"XBT": "BTC"}
PRODUCT = re.compile(r"(P|F)(I|F|V)_([A-Z0-9]+?)(USDT|USDC|USD|EUR|GBP|XBT)(?:_(\d{6}))?")
UNIFIED = re.compile(r"([A-Z0-9]+)/([A-Z0-9]+):([A-Z0-9]+)(?:-(\d{6}))?")
Raw = msgspec.Raw


class Frame(msgspec.Struct, gc=False):
    feed: str = ""
    event: str = ""
    message: str = ""
    time: Milliseconds = 0


class Trade(msgspec.Struct, gc=False):
    product_id: str
    uid: str
    side: Literal["buy", "sell"]
    seq: Count
    time: Milliseconds
    qty: Raw
    price: Raw
    type: str = "fill"


class Trades(msgspec.Struct, gc=False):
    product_id: str
    trades: list[Trade]


class Level(msgspec.Struct, gc=False):
    price: Raw
    qty: Raw


class Book(msgspec.Struct, gc=False):
    product_id: str
    seq: Count
    timestamp: Milliseconds
    bids: list[Level]
    asks: list[Level]


class Changed(msgspec.Struct, gc=False):
    product_id: str
    seq: Count
    timestamp: Milliseconds
    side: Literal["buy", "sell"]
    price: Raw
    qty: Raw


class Ticker(msgspec.Struct, gc=False):
    product_id: str
    time: Milliseconds = 0
    bid: Raw = Raw(b"0")
    ask: Raw = Raw(b"0")
    bid_size: Raw = Raw(b"0")
    ask_size: Raw = Raw(b"0")
    relative_funding_rate: Raw = Raw(b"0")
    next_funding_rate_time: Milliseconds = 0
    markPrice: Raw = Raw(b"0")


class Product(msgspec.Struct, gc=False):
    symbol: str
    type: str
    tickSize: Raw = Raw(b"0")
    contractSize: Raw = Raw(b"1")
    contractValueTradePrecision: int = 0
    base: str = ""
    quote: str = ""
    lastTradingTime: str = ""


class Products(msgspec.Struct, gc=False):
    instruments: list[Product]


class Time(msgspec.Struct, gc=False):
    serverTime: str


def venue_symbol(symbol: str) -> str:
    """'BTC/USD:USD' to 'PF_XBTUSD', 'BTC/USD:BTC' to 'PI_XBTUSD', with a day to 'FF_' or 'FI_'. raises: ValueError."""
    parts = UNIFIED.fullmatch(symbol)
    if parts is None or parts[3] not in (parts[1], parts[2]):
        raise ValueError(
            f"{symbol!r} is no contract of krakenfutures; they are written 'BTC/USD:USD', settled in their base "
            "'BTC/USD:BTC', with a day of delivery 'BTC/USD:USD-270326'"
        )
    base, quote, settle, day = parts.groups()
    names = {ours: theirs for theirs, ours in NAMES.items()}
    kind = ("F" if day else "P") + ("I" if settle == base else "F")
    return f"{kind}_{names.get(base, base)}{names.get(quote, quote)}" + (f"_{day}" if day else "")


def is_held(product: Product) -> bool:
    """Indices are no products; steps finer than all that is held cannot be."""
    tick, lot = decimals_of(number(product.tickSize)), product.contractValueTradePrecision
    named = PRODUCT.fullmatch(product.symbol.upper()) is not None
    return named and tick <= MOST_DECIMALS and lot <= SIZE_DECIMALS


def unlisted(symbol: str) -> Instrument:
    """What a symbol alone says of a product. raises: BadFrame."""
    base, quote, settle, day = parts_of(symbol)
    return contract(ruled(VENUE, symbol, base, quote), "future" if day else "swap", settle, day)


def listing(symbol: str, product: Product) -> Instrument:
    """raises: BadFrame, NotExact."""
    base, quote, _, day = parts_of(symbol)
    base, quote = product.base or base, product.quote or quote
    lot = step_of(product.contractValueTradePrecision)
    made = ruled(VENUE, symbol, base, quote, tick=number(product.tickSize), lot=lot, least=lot, finer=FINER)
    kind = "future" if day or product.lastTradingTime else "swap"
    settled = contract(made, kind, base if product.type == "futures_inverse" else quote, day)
    return of_contract(settled, number(product.contractSize))


def parts_of(symbol: str) -> tuple[str, str, str, str]:
    """Base, quote, what it is settled in, and the day of delivery of 'PF_XBTUSD' or 'FI_XBTUSD_210924'."""
    parts = PRODUCT.fullmatch(symbol)
    if parts is None:
        raise BadFrame(f"product {symbol!r} is not written as 'PF_XBTUSD' or 'FI_XBTUSD_210924'")
    base, quote = NAMES.get(parts[3], parts[3]), NAMES.get(parts[4], parts[4])
    return base, quote, base if parts[2] == "I" else quote, parts[5] or ""


frame_decoder = msgspec.json.Decoder(Frame)
trade_decoder = msgspec.json.Decoder(Trade)
trades_decoder = msgspec.json.Decoder(Trades)
book_decoder = msgspec.json.Decoder(Book)
change_decoder = msgspec.json.Decoder(Changed)
ticker_decoder = msgspec.json.Decoder(Ticker)
products_decoder = msgspec.json.Decoder(Products)
