"""What the messages of the Coinbase Exchange feed hold: their fields, the rules of a product, the rows they become.

After docs.cdp.coinbase.com, "Exchange WebSocket Channels" and the products pages of the Exchange REST API, as of 2026-11.
Field names are the venue's. Recordings of 2019 to 2021 speak the same messages with fewer fields, which are optional
here: tickers without sizes, snapshots and changes without a time, products with `base_min_size`.
Whatever does not have these fields in these forms and ranges is refused by the decoders.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Literal

import msgspec

from ninefold.market.arrays import ASK, BID, BUY, CLEAR_BOOK, ID_INTEGER, SELL, SET_LEVEL
from ninefold.market.instruments import Instrument, listed
from ninefold.market.numbers import INT64_MAX, to_units
from ninefold.market.time import SECOND_NS, UNKNOWN_NS
from ninefold.venues.adapter import BadFrame
from ninefold.venues.told import units

VENUE = "coinbase"
STREAMS = ("matches", "level2_batch", "ticker", "heartbeat")
FINER = (2, 3)  # decimals of prices and sizes beyond the steps: books hold orders from before a step became coarser
NO_TIME = "0001-01-01T00:00:00"  # the zero time of the venue's language, seen in changes of a book
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Id = Annotated[int, msgspec.Meta(ge=0, le=INT64_MAX - 1)]
Side = Literal["buy", "sell"]
_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z", re.ASCII)
_BELOW_ZERO = re.compile(r"0\.-\d+", re.ASCII)


class Deal(msgspec.Struct, gc=False):
    """A trade, as REST gives it. side: of the MAKER's order, so a "buy" was a seller's taking."""

    trade_id: Id
    side: Side
    price: str
    size: str
    time: str


class Match(Deal, gc=False, tag_field="type", tag="match"):
    product_id: str


class LastMatch(msgspec.Struct, gc=False, tag_field="type", tag="last_match"):
    """The trade before the subscription, told once after it."""

    product_id: str
    trade_id: Id
    time: str


class Snapshot(msgspec.Struct, gc=False, tag_field="type", tag="snapshot"):
    product_id: str
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]
    time: str | None = None


class Changes(msgspec.Struct, gc=False, tag_field="type", tag="l2update"):
    product_id: str
    changes: list[tuple[Side, str, str]]
    time: str | None = None


class Ticker(msgspec.Struct, gc=False, tag_field="type", tag="ticker"):
    """Best bid and ask as of a trade. Sizes are told since 2022; "0" stands for none known."""

    product_id: str
    sequence: Id
    best_bid: str
    best_ask: str
    best_bid_size: str = "0"
    best_ask_size: str = "0"
    time: str | None = None


class Heartbeat(msgspec.Struct, gc=False, tag_field="type", tag="heartbeat"):
    product_id: str
    last_trade_id: Id
    time: str


class Subscriptions(msgspec.Struct, gc=False, tag_field="type", tag="subscriptions"):
    """The answer to a subscription."""


class Refusal(msgspec.Struct, gc=False, tag_field="type", tag="error"):
    message: str = ""
    reason: str = ""


class Product(msgspec.Struct, gc=False):
    id: str
    base_currency: str
    quote_currency: str
    base_increment: str
    quote_increment: str
    min_market_funds: str = "0"
    base_min_size: str = ""


class Time(msgspec.Struct, gc=False):
    iso: str


Message = Match | LastMatch | Snapshot | Changes | Ticker | Heartbeat
message_decoder = msgspec.json.Decoder(Message | Subscriptions | Refusal)
deals_decoder = msgspec.json.Decoder(list[Deal])
products_decoder = msgspec.json.Decoder(list[Product])
time_decoder = msgspec.json.Decoder(Time)


def rows(of: Instrument, seq: int, receive_ns: int, message: Message) -> tuple[int, list[tuple[int, ...]]]:
    """The venue's time of a message, UNKNOWN_NS if it tells none, and the rows of trades, books or quotes that it is.

    raises: BadFrame, ValueError.
    """
    match message:
        case Changes():
            at_ns = moment(message.time)
            return at_ns, [
                _level(of, at_ns, receive_ns, seq, BID if side == "buy" else ASK, price, size)
                for side, price, size in message.changes
            ]
        case Match():
            row = trade_row(of, seq, receive_ns, message)
            return row[1], [row]
        case Ticker():
            at_ns = moment(message.time)
            return at_ns, [(of.id, at_ns, receive_ns, seq, message.sequence, *_best(of, message))]
        case Snapshot():
            at_ns = moment(message.time)
            levels = [
                _level(of, at_ns, receive_ns, seq, side, price, size)
                for side, told in ((BID, message.bids), (ASK, message.asks))
                for price, size in told
            ]
            clear = (of.id, at_ns, receive_ns, seq, 0, CLEAR_BOOK, BID, 0, 0)
            return at_ns, [clear, *(row for row in levels if row[-1])]
        case Heartbeat() | LastMatch():
            return nanoseconds(message.time), []


def trade_row(of: Instrument, seq: int, receive_ns: int, deal: Deal) -> tuple[int, ...]:
    price, size = units(deal.price, of.price_decimals), units(deal.size, of.size_decimals)
    taker = SELL if deal.side == "buy" else BUY
    return (of.id, nanoseconds(deal.time), receive_ns, seq, ID_INTEGER, 0, deal.trade_id, price, size, taker)


def listing(product: Product) -> Instrument:
    """The rules of a product. Without a least size of its own (gone since 2022) an order needs one step."""
    made = listed(
        VENUE,
        product.id,
        product.base_currency,
        product.quote_currency,
        tick=product.quote_increment,
        lot=product.base_increment,
        finer=FINER,
    )
    least = product.base_min_size or product.base_increment
    return msgspec.structs.replace(
        made, min_size=to_units(least, made.size_decimals), min_notional=product.min_market_funds
    )


def split(product_id: str) -> tuple[str, str]:
    """Base and quote of 'BTC-USD'."""
    base, dash, quote = product_id.partition("-")
    if not (base and dash and quote) or "-" in quote:
        raise BadFrame(f"product {product_id!r} is not of the form BASE-QUOTE, for example 'BTC-USD'")
    return base, quote


def nanoseconds(text: str) -> int:
    """A venue's time in ns since 1970, every digit kept.

    raises: BadFrame, ValueError.

    >>> nanoseconds("1970-01-01T00:00:01.000002Z")
    1000002000
    """
    found = _STAMP.fullmatch(text)
    if found is None:
        raise BadFrame(f"{text!r} is no time such as '2026-11-22T09:30:00.123456Z'")
    made = _seconds(found[1]) * SECOND_NS + int((found[2] or "0").ljust(9, "0"))
    if not 0 <= made <= INT64_MAX:
        raise BadFrame(f"{text!r} lies outside the years 1970 to 2262")
    return made


def moment(text: str | None) -> int:
    """The same, UNKNOWN_NS where the venue gives no time."""
    return UNKNOWN_NS if text is None or text.startswith(NO_TIME) else nanoseconds(text)


def level_size(text: str, decimals: int) -> int:
    """The size of a level. Some fell below zero at the venue and were written '0.-10000': nothing rests there."""
    return 0 if ".-" in text and _BELOW_ZERO.fullmatch(text) else units(text, decimals)


def _level(of: Instrument, at_ns: int, receive_ns: int, seq: int, side: int, price: str, size: str) -> tuple[int, ...]:
    price_units, size_units = units(price, of.price_decimals), level_size(size, of.size_decimals)
    return (of.id, at_ns, receive_ns, seq, 0, SET_LEVEL, side, price_units, size_units)


def _best(of: Instrument, best: Ticker) -> tuple[int, int, int, int]:
    bid, bid_size = units(best.best_bid, of.price_decimals), units(best.best_bid_size, of.size_decimals)
    ask, ask_size = units(best.best_ask, of.price_decimals), units(best.best_ask_size, of.size_decimals)
    return bid, bid_size, ask, ask_size


@lru_cache(maxsize=4096)
def _seconds(text: str) -> int:
    """Whole seconds since 1970; many messages share one."""
    return (datetime.fromisoformat(text + "+00:00") - EPOCH) // timedelta(seconds=1)
