"""What the messages of OKX hold: their fields, the rules of an instrument, and the names of things.

After www.okx.com/docs-v5, "Order Book Trading, Market Data" and "Public Data", as of 2026-11. Field names are the venue's.
Whatever does not have these fields in these forms and ranges is refused by the decoders.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from ninefold.market.instruments import Instrument
from ninefold.market.numbers import INT64_MAX, decimals_of
from ninefold.venues.adapter import BadFrame
from ninefold.venues.listing import FINER, contract, of_contract, ruled
from ninefold.venues.told import MILLISECOND_NS

VENUE = "okx"
SPOT, SWAP, FUTURES, OPTION = "SPOT", "SWAP", "FUTURES", "OPTION"
KINDS = {SWAP: "swap", FUTURES: "future", OPTION: "option"}
SIZE_DECIMALS = 8  # that amounts are held with; books of old have them all where a lot is part of a coin
_NAME = re.compile(r"([A-Z0-9]+)-([A-Z0-9_]+)(?:-(SWAP|\d{6})(-[0-9.]+-[CP])?)?")
_UNIFIED = re.compile(r"([A-Z0-9]+)/([A-Z0-9]+)(?::([A-Z0-9]+)(?:-(\d{6}))?)?")
_PLAIN = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?")
Raw = msgspec.Raw
Levels = list[tuple[str, str, str, str]]
Sequence = Annotated[int, msgspec.Meta(ge=-1, le=INT64_MAX - 1)]


class Argument(msgspec.Struct, gc=False):
    channel: str = ""
    instId: str = ""


class Frame(msgspec.Struct, gc=False):
    event: str = ""
    msg: str = ""
    arg: Argument = msgspec.field(default_factory=Argument)
    action: str = ""
    data: Raw = Raw(b"[]")


class Trade(msgspec.Struct, gc=False):
    instId: str
    tradeId: str
    px: str
    sz: str
    side: Literal["buy", "sell"]
    ts: str
    count: str = "1"


class Book(msgspec.Struct, gc=False):
    asks: Levels
    bids: Levels
    ts: str
    checksum: int = 0
    seqId: Sequence = 0
    prevSeqId: Sequence = -1


class Ticker(msgspec.Struct, gc=False):
    instId: str
    askPx: str
    askSz: str
    bidPx: str
    bidSz: str
    ts: str


class FundingRate(msgspec.Struct, gc=False):
    instId: str
    fundingTime: str
    fundingRate: str = ""
    ts: str = ""


class ForcedOrder(msgspec.Struct, gc=False):
    side: Literal["buy", "sell"]
    bkPx: str
    sz: str
    ts: str


class ForcedOrders(msgspec.Struct, gc=False):
    instId: str
    details: list[ForcedOrder]


class Listed(msgspec.Struct, gc=False):
    instId: str
    instType: str
    tickSz: str
    lotSz: str
    minSz: str
    settleCcy: str = ""
    ctVal: str = ""
    ctMult: str = ""


class Answered(msgspec.Struct, gc=False):
    code: str
    msg: str = ""
    data: Raw = Raw(b"[]")


class Time(msgspec.Struct, gc=False):
    ts: str


def type_of(symbol: str) -> str:
    """Of 'BTC-USDT' SPOT, of 'BTC-USDT-SWAP' SWAP, of 'BTC-USD-270326' FUTURES. raises: BadFrame."""
    _, _, end, option = _parts(symbol)
    return OPTION if option else SWAP if end == "SWAP" else FUTURES if end else SPOT


def venue_symbol(symbol: str) -> str:
    """'BTC/USDT' to 'BTC-USDT', 'BTC/USDT:USDT' to 'BTC-USDT-SWAP', 'BTC/USD:BTC-270326' to 'BTC-USD-270326'.

    raises: ValueError.
    """
    parts = _UNIFIED.fullmatch(symbol)
    if parts is None or parts[3] not in (None, parts[1], parts[2]):
        raise ValueError(
            f"{symbol!r} is nothing that okx trades; pairs are written 'BTC/USDT', perpetuals 'BTC/USDT:USDT', futures "
            "'BTC/USD:BTC-270326'"
        )
    base, quote, settle, day = parts.groups()
    return f"{base}-{quote}" + (f"-{day or 'SWAP'}" if settle else "")


def listing(of: Listed) -> Instrument:
    """raises: BadFrame, NotExact."""
    base, quote, end, option = _parts(of.instId)
    held = max(0, SIZE_DECIMALS - decimals_of(of.lotSz))
    coins = of.instType == SPOT and decimals_of(of.lotSz)
    finer = (FINER[0], held if coins else min(FINER[1], held))
    made = ruled(VENUE, of.instId, base, quote, tick=of.tickSz, lot=of.lotSz, least=of.minSz, finer=finer)
    if of.instType == SPOT:
        return made
    if of.instType not in KINDS or not end:
        raise BadFrame(f"{of.instId!r} is of no kind that is known: {of.instType!r}")
    for text in (of.ctVal, of.ctMult or "1"):
        if _PLAIN.fullmatch(text) is None:
            raise BadFrame(f"a contract of {of.instId} has a value of {text[:40]!r}")
    size = format(Decimal(of.ctVal) * Decimal(of.ctMult or "1"), "f")
    return of_contract(contract(made, KINDS[of.instType], of.settleCcy, _end(end, option)), size)


def unlisted(symbol: str) -> Instrument:
    """What a symbol alone says: what is quoted in dollars is settled in its base. raises: BadFrame."""
    base, quote, end, option = _parts(symbol)
    made = ruled(VENUE, symbol, base, quote)
    if not end:
        return made
    return contract(made, KINDS[type_of(symbol)], base if quote == "USD" else quote, _end(end, option))


def _end(end: str, option: str) -> str:
    return "" if end == "SWAP" else end + option


def _parts(symbol: str) -> tuple[str, str, str, str]:
    parts = _NAME.fullmatch(symbol)
    if parts is None:
        raise BadFrame(f"instrument {symbol!r} is not written as 'BTC-USDT', 'BTC-USDT-SWAP' or 'BTC-USD-270326'")
    return parts[1], parts[2], parts[3] or "", parts[4] or ""


def whole(text: str, most: int = INT64_MAX) -> int:
    """Not below 0. raises: BadFrame."""
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= most):
        raise BadFrame(f"{text[:40]!r} is no whole number up to {most}")
    return int(text)


def time_ns(text: str) -> int:
    return whole(text, INT64_MAX // MILLISECOND_NS) * MILLISECOND_NS


frame_decoder = msgspec.json.Decoder(Frame)
trades_decoder = msgspec.json.Decoder(list[Trade])
books_decoder = msgspec.json.Decoder(list[Book])
tickers_decoder = msgspec.json.Decoder(list[Ticker])
funding_decoder = msgspec.json.Decoder(list[FundingRate])
forced_decoder = msgspec.json.Decoder(list[ForcedOrders])
answered_decoder = msgspec.json.Decoder(Answered)
listed_decoder = msgspec.json.Decoder(list[Listed])
times_decoder = msgspec.json.Decoder(list[Time])
