"""What the messages of BitMEX hold: their fields, the rules of an instrument, and the names of things.

After www.bitmex.com/app/wsAPI and www.bitmex.com/api/explorer, as of 2026-11. Field names are the venue's.
Whatever does not have these fields in these forms and ranges is refused by the decoders.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

import msgspec

from ninefold.market.instruments import Instrument
from ninefold.market.time import DAY_NS
from ninefold.venues.adapter import BadFrame
from ninefold.venues.listing import contract, of_contract, ruled
from ninefold.venues.told import Count, Milliseconds, number, short, time_ns

VENUE = "bitmex"
MONTHS = "FGHJKMNQUVXZ"
FUTURE = re.compile(rf"([A-Z0-9]+?)(USDT|USD|)([{MONTHS}])([0-9]{{2}})", re.ASCII)
PAIR = re.compile(r"([A-Z0-9]+?)_?(USDT|USDC|USD|EUR|XBT)", re.ASCII)
KINDS = {"FFWCSX": "swap", "FFWCSF": "swap", "IFXXXP": "spot", "FFCCSX": "future", "FFICSX": "future"}
NULL = msgspec.Raw(b"null")


class Filter(msgspec.Struct, frozen=True, gc=False):
    symbol: str = ""


class Frame(msgspec.Struct, gc=False):
    table: str = ""
    action: Literal["partial", "insert", "update", "delete", ""] = ""
    data: msgspec.Raw = msgspec.Raw(b"[]")
    filter: Filter = Filter()
    error: str = ""


class Trade(msgspec.Struct, gc=False):
    timestamp: str
    symbol: str
    side: Literal["Buy", "Sell", ""]
    size: msgspec.Raw
    price: msgspec.Raw
    trdMatchID: str


class Level(msgspec.Struct, gc=False):
    symbol: str
    id: Count
    side: Literal["Buy", "Sell"]
    size: msgspec.Raw = NULL
    price: msgspec.Raw = NULL
    timestamp: str = ""


class Quote(msgspec.Struct, gc=False):
    timestamp: str
    symbol: str
    bidSize: msgspec.Raw = NULL
    bidPrice: msgspec.Raw = NULL
    askPrice: msgspec.Raw = NULL
    askSize: msgspec.Raw = NULL


class Funding(msgspec.Struct, gc=False):
    timestamp: str
    symbol: str
    fundingRate: msgspec.Raw


class Liquidation(msgspec.Struct, gc=False):
    symbol: str
    side: Literal["Buy", "Sell"]
    price: msgspec.Raw
    leavesQty: msgspec.Raw


class Listed(msgspec.Struct, gc=False):
    symbol: str
    typ: str
    underlying: str
    quoteCurrency: str
    tickSize: msgspec.Raw
    lotSize: msgspec.Raw
    settlCurrency: str = ""
    expiry: str | None = None
    isInverse: bool = False
    isQuanto: bool = False
    underlyingToPositionMultiplier: Count | None = None


class Time(msgspec.Struct, gc=False):
    timestamp: Milliseconds


frame_decoder = msgspec.json.Decoder(Frame)
trades_decoder = msgspec.json.Decoder(list[Trade])
levels_decoder = msgspec.json.Decoder(list[Level])
quotes_decoder = msgspec.json.Decoder(list[Quote])
fundings_decoder = msgspec.json.Decoder(list[Funding])
liquidations_decoder = msgspec.json.Decoder(list[Liquidation])
instruments_decoder = msgspec.json.Decoder(list[Listed])
time_decoder = msgspec.json.Decoder(Time)


def listing(found: Listed) -> Instrument:
    """Of a kind among KINDS. raises: BadFrame."""
    lot = short(number(found.lotSize))
    of = _named(found.symbol, found.underlying, found.quoteCurrency, short(number(found.tickSize)), lot)
    parts = found.underlyingToPositionMultiplier
    if parts and not (found.isInverse or found.isQuanto):
        of = of_contract(of, format(1 / Decimal(parts), "f"))
    if KINDS[found.typ] == "spot":
        return of
    end = _day(time_ns(found.expiry)) if found.expiry else ""
    return contract(of, KINDS[found.typ], _new_name(found.settlCurrency.upper()), end)


def unlisted(symbol: str) -> Instrument:
    """What its name says; quarterly futures end on the last Friday of their month. raises: BadFrame."""
    future = FUTURE.fullmatch(symbol)
    if future is not None:
        base, quote = future[1], future[2] or ("USD" if future[1] == "XBT" else "XBT")
        return contract(_named(symbol, base, quote), "future", "BTC", _last_friday(future[3], future[4]))
    pair = PAIR.fullmatch(symbol)
    if pair is None:
        raise BadFrame(f"instrument {symbol!r} is no spot pair, perpetual or future by its name")
    of = _named(symbol, pair[1], pair[2])
    return of if "_" in symbol else contract(of, "swap", "BTC" if of.quote == "USD" else of.quote)


def old_name(name: str) -> str:
    """Of a currency, as the venue writes it."""
    return "XBT" if name == "BTC" else name


def _named(symbol: str, base: str, quote: str, tick: str = "", lot: str = "") -> Instrument:
    return ruled(VENUE, symbol, _new_name(base), _new_name(quote), tick=tick, lot=lot, least=lot)


def _new_name(name: str) -> str:
    return "BTC" if name == "XBT" else name


def _day(at_ns: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=at_ns // DAY_NS)).strftime("%y%m%d")


def _last_friday(month: str, year: str) -> str:
    number_of = MONTHS.index(month) + 1
    last = date(2000 + int(year) + number_of // 12, number_of % 12 + 1, 1) - timedelta(days=1)
    return (last - timedelta(days=(last.weekday() - 4) % 7)).strftime("%y%m%d")
