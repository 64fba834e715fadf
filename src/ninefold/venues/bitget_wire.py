"""What the messages of Bitget hold: their fields, the rules of a symbol, and the names of things.

After www.bitget.com/api-doc, websocket v2 and REST v2, as of 2026-11; what only v1 has is said.
Field names are the venue's.
Whatever does not have these fields in these forms and ranges is refused by the decoders.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from ninefold.market.instruments import Instrument
from ninefold.venues.adapter import BadFrame
from ninefold.venues.listing import contract, ruled
from ninefold.venues.told import Count, step_of, whole

VENUE = "bitget"
COIN = "COIN-FUTURES"
QUOTES = ("USDT", "USDC", "USD", "BTC", "ETH", "EUR", "BRL", "TRY", "BGB")


class Arg(msgspec.Struct, frozen=True, gc=False):
    instType: str = ""
    channel: str = ""
    instId: str = ""


class Frame(msgspec.Struct, gc=False):
    event: str = ""
    arg: Arg = Arg()
    action: Literal["snapshot", "update", ""] = ""
    data: msgspec.Raw = msgspec.Raw(b"[]")
    msg: str = ""


class Trade(msgspec.Struct, gc=False):
    ts: str
    price: str
    size: str
    side: str
    tradeId: str


class OldTrade(msgspec.Struct, array_like=True, gc=False):
    ts: str
    price: str
    size: str
    side: str


class Book(msgspec.Struct, gc=False):
    ts: str
    asks: list[tuple[str, str]]
    bids: list[tuple[str, str]]
    checksum: int = 0
    seq: Count = 0
    pseq: Count | None = None


class Ticker(msgspec.Struct, gc=False):
    """bestBid and bestAsk are of v1; funding is of contracts."""

    ts: str | int
    bestBid: str = ""
    bestAsk: str = ""
    fundingRate: str = ""
    nextFundingTime: str = ""
    markPrice: str = ""


class Symbol(msgspec.Struct, gc=False):
    """Of v2; the last four of v1."""

    symbol: str
    baseCoin: str
    quoteCoin: str
    pricePrecision: str = ""
    quantityPrecision: str = ""
    minTradeUSDT: str = "0"
    symbolName: str = ""
    priceScale: str = ""
    quantityScale: str = ""
    minTradeAmount: str = "0"


class Contract(msgspec.Struct, gc=False):
    symbol: str
    baseCoin: str
    quoteCoin: str
    pricePlace: str
    priceEndStep: str
    sizeMultiplier: str
    minTradeNum: str
    symbolType: str = "perpetual"
    minTradeUSDT: str = "0"


class Answer(msgspec.Struct, gc=False):
    code: str
    data: msgspec.Raw
    msg: str = ""


class Time(msgspec.Struct, gc=False):
    serverTime: str


frame_decoder = msgspec.json.Decoder(Frame)
rows_decoder = msgspec.json.Decoder(list[msgspec.Raw])
trade_decoder = msgspec.json.Decoder(Trade)
old_trade_decoder = msgspec.json.Decoder(OldTrade)
book_decoder = msgspec.json.Decoder(Book)
ticker_decoder = msgspec.json.Decoder(Ticker)
answer_decoder = msgspec.json.Decoder(Answer)
trades_decoder = msgspec.json.Decoder(list[Trade])
symbols_decoder = msgspec.json.Decoder(list[Symbol])
contracts_decoder = msgspec.json.Decoder(list[Contract])
time_decoder = msgspec.json.Decoder(Time)


def listing(one: Symbol) -> Instrument:
    """A spot pair of v2 or v1. raises: BadFrame."""
    tick = step_of(whole(one.pricePrecision or one.priceScale, 2))
    lot = step_of(whole(one.quantityPrecision or one.quantityScale, 2))
    of = ruled(
        VENUE, one.symbolName or one.symbol, one.baseCoin, one.quoteCoin, tick=tick, lot=lot, least=one.minTradeAmount
    )
    return msgspec.structs.replace(of, min_notional=one.minTradeUSDT)


def contract_listing(product: str, one: Contract) -> Instrument:
    """A perpetual. Prices go in steps of so many of the last place. raises: BadFrame."""
    tick = format(Decimal(whole(one.priceEndStep, 9)).scaleb(-whole(one.pricePlace, 2)), "f")
    name, lot, least = f"{product}:{one.symbol}", one.sizeMultiplier, one.minTradeNum
    of = ruled(VENUE, name, one.baseCoin, one.quoteCoin, tick=tick, lot=lot, least=least)
    of = msgspec.structs.replace(of, min_notional=one.minTradeUSDT)
    return contract(of, "swap", one.baseCoin if product == COIN else one.quoteCoin)


def unlisted(symbol: str) -> Instrument:
    """What its name says. raises: BadFrame."""
    product, _, name = symbol.rpartition(":")
    if product == "USDC-FUTURES" and name.endswith("PERP"):
        return contract(ruled(VENUE, symbol, name.removesuffix("PERP"), "USDC"), "swap", "USDC")
    for quote in QUOTES:
        if name.endswith(quote) and len(name) > len(quote):
            base = name.removesuffix(quote)
            of = ruled(VENUE, symbol, base, quote)
            return contract(of, "swap", base if product == COIN else quote) if product else of
    raise BadFrame(f"symbol {symbol!r} ends in no quote currency that is known without the list of symbols")
