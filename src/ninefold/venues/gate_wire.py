"""What the messages of Gate hold: their fields, the rules of a pair, and the names of things.

After www.gate.com/docs/developers/apiv4, websocket and spot, as of 2026-11. Field names are the venue's.
Whatever does not have these fields in these forms and ranges is refused by the decoders.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from ninefold.market.instruments import Instrument
from ninefold.venues.listing import ruled
from ninefold.venues.told import Count, Milliseconds, step_of

VENUE = "gate"
Decimals = Annotated[int, msgspec.Meta(ge=0, le=13)]


class Error(msgspec.Struct, gc=False):
    message: str
    code: int = 0


class Frame(msgspec.Struct, gc=False):
    channel: str
    event: str = ""
    error: Error | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")


class Trade(msgspec.Struct, gc=False):
    id: Count
    create_time_ms: str
    side: Literal["buy", "sell"]
    currency_pair: str
    amount: str
    price: str
    id_market: Count = 0


class Change(msgspec.Struct, gc=False):
    """Of both books. s: a pair, or "ob.PAIR.LEVELS"; full: all levels there are."""

    t: Milliseconds
    s: str
    u: Count
    U: Count = 0
    b: list[tuple[str, str]] | None = None
    a: list[tuple[str, str]] | None = None
    full: bool = False


class BookTicker(msgspec.Struct, gc=False):
    t: Milliseconds
    u: Count
    s: str
    b: str
    B: str
    a: str
    A: str


class Book(msgspec.Struct, gc=False):
    id: Count
    asks: list[tuple[str, str]]
    bids: list[tuple[str, str]]


class PastTrade(msgspec.Struct, gc=False):
    id: str
    create_time_ms: str
    side: Literal["buy", "sell"]
    amount: str
    price: str
    sequence_id: str = ""


class Pair(msgspec.Struct, gc=False):
    id: str
    base: str
    quote: str
    precision: Decimals
    amount_precision: Decimals
    min_base_amount: str | None = None
    min_quote_amount: str | None = None


class Time(msgspec.Struct, gc=False):
    server_time: Milliseconds


frame_decoder = msgspec.json.Decoder(Frame)
trade_decoder = msgspec.json.Decoder(Trade)
change_decoder = msgspec.json.Decoder(Change)
ticker_decoder = msgspec.json.Decoder(BookTicker)
book_decoder = msgspec.json.Decoder(Book)
past_decoder = msgspec.json.Decoder(list[PastTrade])
pairs_decoder = msgspec.json.Decoder(list[Pair])
pair_decoder = msgspec.json.Decoder(Pair)
time_decoder = msgspec.json.Decoder(Time)


def listing(pair: Pair) -> Instrument:
    """Books hold sizes of up to ten decimals, where few suffice for large sizes fewer."""
    places = pair.amount_precision
    finer = (2, max((10 if places >= 2 else 6) - places, 2))
    steps = {"tick": step_of(pair.precision), "lot": step_of(places), "least": pair.min_base_amount or ""}
    of = ruled(VENUE, pair.id, pair.base, pair.quote, finer=finer, **steps)
    return msgspec.structs.replace(of, min_notional=pair.min_quote_amount or "0")


def unlisted(symbol: str) -> Instrument:
    """What its name says."""
    base, _, quote = symbol.partition("_")
    return ruled(VENUE, symbol, base, quote)
