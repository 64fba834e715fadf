"""What the messages of Hyperliquid hold: their fields, the rules of a coin, and the names of things.

After hyperliquid.gitbook.io/hyperliquid-docs, "Websocket", "Info endpoint" and "Tick and lot size", as of 2026-11.
Field names are the venue's.
Whatever does not have these fields in these forms and ranges is refused by the decoders.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from ninefold.market.instruments import Instrument
from ninefold.venues.adapter import BadFrame
from ninefold.venues.listing import contract, ruled
from ninefold.venues.told import Count, Milliseconds, step_of

VENUE = "hyperliquid"
PRICE_DECIMALS, SPOT_PRICE_DECIMALS = 6, 8  # together with those of sizes
COLLATERAL = "USDC"
Decimals = Annotated[int, msgspec.Meta(ge=0, le=8)]


class Frame(msgspec.Struct, gc=False):
    channel: str
    data: msgspec.Raw = msgspec.Raw(b"{}")


class Trade(msgspec.Struct, gc=False):
    coin: str
    side: Literal["A", "B"]
    px: str
    sz: str
    time: Milliseconds
    tid: Count


class Level(msgspec.Struct, gc=False):
    px: str
    sz: str


class Book(msgspec.Struct, gc=False):
    coin: str
    time: Milliseconds
    levels: tuple[list[Level], list[Level]]


class Bbo(msgspec.Struct, gc=False):
    coin: str
    time: Milliseconds
    bbo: tuple[Level | None, Level | None]


class Context(msgspec.Struct, gc=False):
    """funding is of perpetuals."""

    markPx: str
    funding: str = ""


class ActiveContext(msgspec.Struct, gc=False):
    coin: str
    ctx: Context


class Perpetual(msgspec.Struct, gc=False):
    name: str
    szDecimals: Decimals


class Token(msgspec.Struct, gc=False):
    name: str
    szDecimals: int
    index: int


class Pair(msgspec.Struct, gc=False):
    name: str
    tokens: tuple[int, int]


class Meta(msgspec.Struct, gc=False):
    universe: list[Perpetual]


class SpotMeta(msgspec.Struct, gc=False):
    universe: list[Pair]
    tokens: list[Token]


class Payload(msgspec.Struct, gc=False):
    type: str
    data: msgspec.Raw = msgspec.Raw(b"{}")


class Response(msgspec.Struct, gc=False):
    type: str
    payload: msgspec.Raw


class Post(msgspec.Struct, gc=False):
    response: Response


frame_decoder = msgspec.json.Decoder(Frame)
trades_decoder = msgspec.json.Decoder(list[Trade])
book_decoder = msgspec.json.Decoder(Book)
bbo_decoder = msgspec.json.Decoder(Bbo)
context_decoder = msgspec.json.Decoder(ActiveContext)
post_decoder = msgspec.json.Decoder(Post)
payload_decoder = msgspec.json.Decoder(Payload)
meta_decoder = msgspec.json.Decoder(Meta)
spot_decoder = msgspec.json.Decoder(SpotMeta)


def listing(name: str, size_decimals: int | None = None) -> Instrument:
    """A perpetual; without decimals of sizes what its name says.

    Prices have five significant digits and no more decimals than six without those of sizes.
    """
    dex, _, coin = name.rpartition(":")
    base = f"{dex.upper()}-{coin}" if dex else coin.upper()
    if size_decimals is None:
        return contract(ruled(VENUE, name, base, COLLATERAL), "swap", COLLATERAL)
    tick, lot = step_of(max(PRICE_DECIMALS - size_decimals, 0)), step_of(size_decimals)
    return contract(ruled(VENUE, name, base, COLLATERAL, tick=tick, lot=lot, least=lot), "swap", COLLATERAL)


def spot_listing(pair: Pair, tokens: dict[int, Token]) -> Instrument:
    """A spot pair of tokens by index. raises: BadFrame if a token of it is not listed."""
    base, quote = (tokens.get(index) for index in pair.tokens)
    if base is None or quote is None:
        raise BadFrame(f"pair {pair.name!r} is of tokens that are not listed")
    tick, lot = step_of(max(SPOT_PRICE_DECIMALS - base.szDecimals, 0)), step_of(base.szDecimals)
    return ruled(VENUE, pair.name, base.name, quote.name, tick=tick, lot=lot, least=lot)


def is_spot(symbol: str) -> bool:
    """Whether it is a spot pair, "@107" or "PURR/USDC"."""
    return symbol.startswith("@") or "/" in symbol


def unlisted(symbol: str) -> Instrument:
    """What its name says."""
    if not is_spot(symbol):
        return listing(symbol)
    base, _, quote = symbol.partition("/")
    return ruled(VENUE, symbol, base, quote or COLLATERAL)
