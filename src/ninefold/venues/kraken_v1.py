"""Kraken's websocket v1: arrays, as older recordings hold them. Today's collector never asks for it.

In:  a frame that is a JSON array: [channel id, one or two bodies, channel name, pair].
Out: the same values as today's frames give: deals, a book's change, or best bid and ask.

After docs.kraken.com, "Spot WebSocket API v1" (trade, book, ticker, spread, "Book checksum (WebSocket v1)"), as of
2026-11. Prices and sizes are texts, trades have no ids, snapshots no checksum, names are XBT and XDG, and a level
carries the time when it changed. The checksum is over the digits exactly as sent.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from ninefold.market.arrays import ASK, BID
from ninefold.market.numbers import to_units
from ninefold.market.time import UNKNOWN_NS
from ninefold.venues.adapter import BadFrame
from ninefold.venues.kraken_wire import SIDES, Best, Change, Deal, new_name

Digits = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,10}\Z")]


class _Deal(msgspec.Struct, array_like=True, gc=False):
    price: str
    size: str
    time: str
    side: Literal["b", "s"]


class _Level(msgspec.Struct, array_like=True, gc=False):
    """A fourth element "r" (told again, because it came back into the depth) changes nothing."""

    price: str
    size: str
    time: str


class _Book(msgspec.Struct, gc=False):
    """as, bs: all asks and bids of a snapshot; a, b: changed ones; c: the checksum after them."""

    all_asks: list[_Level] | None = msgspec.field(default=None, name="as")
    all_bids: list[_Level] | None = msgspec.field(default=None, name="bs")
    a: list[_Level] = []
    b: list[_Level] = []
    c: Digits = ""


class _Ticker(msgspec.Struct, gc=False):
    """Price, whole lots, size."""

    a: tuple[str, msgspec.Raw, str]
    b: tuple[str, msgspec.Raw, str]


class _Spread(msgspec.Struct, array_like=True, gc=False):
    bid: str
    ask: str
    time: str
    bid_size: str
    ask_size: str


_frame_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_text_decoder = msgspec.json.Decoder(str)
_deals_decoder = msgspec.json.Decoder(list[_Deal])
_book_decoder = msgspec.json.Decoder(_Book)
_ticker_decoder = msgspec.json.Decoder(_Ticker)
_spread_decoder = msgspec.json.Decoder(_Spread)


def read(payload: bytes) -> list[Deal] | Change | Best | None:
    """What the frame tells; None for candles, which are not wanted.

    raises: BadFrame, msgspec.DecodeError, NotExact.
    """
    parts = _frame_decoder.decode(payload)
    if not 4 <= len(parts) <= 5:
        raise BadFrame(f"an array of {len(parts)} is no frame of websocket v1; those have 4 or 5 elements")
    bodies, name, symbol = parts[1:-2], _text_decoder.decode(parts[-2]), new_name(_text_decoder.decode(parts[-1]))
    channel, _, depth = name.partition("-")
    if channel == "book" and depth.isascii() and depth.isdigit() and len(depth) <= 4:
        return _change(symbol, int(depth), [_book_decoder.decode(body) for body in bodies])
    if len(bodies) != 1:
        raise BadFrame(f"channel {name!r} came with {len(bodies)} bodies; only books may have two")
    if name == "trade":
        return [
            Deal(symbol, None, one.price, one.size, SIDES[one.side], _time_ns(one.time))
            for one in _deals_decoder.decode(bodies[0])
        ]
    if name == "ticker":
        ticker = _ticker_decoder.decode(bodies[0])
        return Best(symbol, ticker.b[0], ticker.b[2], ticker.a[0], ticker.a[2], UNKNOWN_NS)
    if name == "spread":
        best = _spread_decoder.decode(bodies[0])
        return Best(symbol, best.bid, best.bid_size, best.ask, best.ask_size, _time_ns(best.time))
    if channel == "ohlc":
        return None
    raise BadFrame(f"channel {name!r} is none of book-DEPTH, trade, ticker, spread, ohlc")


def _change(symbol: str, depth: int, bodies: list[_Book]) -> Change:
    """A snapshot's levels get no time: theirs say when they last changed, which may be days ago."""
    levels = []
    for body in bodies:
        if body.all_asks is not None or body.all_bids is not None:
            sides = ((ASK, body.all_asks or []), (BID, body.all_bids or []))
            levels = [(side, one.price, one.size, UNKNOWN_NS) for side, all_levels in sides for one in all_levels]
            return Change(symbol, True, levels, None, UNKNOWN_NS, depth, shortened=False)
        for side, changed in ((ASK, body.a), (BID, body.b)):
            levels.extend((side, one.price, one.size, _time_ns(one.time)) for one in changed)
    at_ns = max((level[3] for level in levels), default=UNKNOWN_NS)
    checksum = next((int(body.c) for body in bodies if body.c), None)
    return Change(symbol, False, levels, checksum, at_ns, depth, shortened=False)


def _time_ns(text: str) -> int:
    """'1582905487.439814' in nanoseconds."""
    found = to_units(text, 9)
    if found < 0:
        raise BadFrame(f"{text!r} is before 1970")
    return found
