"""What the messages of HTX hold: their fields, the rules of a symbol, and the names of things.

After www.htx.com/en-us/opend, "Websocket Market Data", "Reference Data" and "Market Data", as of 2026-11. Field names are the venue's.
Whatever does not have these fields in these forms and ranges is refused by the decoders.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from ninefold.market.instruments import Instrument
from ninefold.venues.adapter import BadFrame
from ninefold.venues.listing import ruled
from ninefold.venues.told import Count, Milliseconds, number, short, step_of

VENUE = "htx"
QUOTES = ("usdt", "usdc", "usdd", "husd", "btc", "eth", "ht", "htx", "trx", "eur", "brl", "try")
Decimals = Annotated[int, msgspec.Meta(ge=0, le=13)]


class Frame(msgspec.Struct, gc=False):
    """ch: of a stream; rep: of what was asked for; subbed, ping: of the talk about it."""

    ch: str = ""
    tick: msgspec.Raw = msgspec.Raw(b"{}")
    rep: str = ""
    data: msgspec.Raw = msgspec.Raw(b"{}")
    update: bool = False
    ping: int | None = None
    status: str = "ok"
    err_msg: str = msgspec.field(default="", name="err-msg")


class Trade(msgspec.Struct, gc=False):
    tradeId: Count
    ts: Milliseconds
    amount: msgspec.Raw
    price: msgspec.Raw
    direction: Literal["buy", "sell"]


class Trades(msgspec.Struct, gc=False):
    data: list[Trade]


class Level(msgspec.Struct, array_like=True, gc=False):
    price: msgspec.Raw
    size: msgspec.Raw


class Depth(msgspec.Struct, gc=False):
    ts: Milliseconds
    bids: list[Level] = []
    asks: list[Level] = []
    version: Count = 0


class Change(msgspec.Struct, gc=False):
    """Of mbp; a side without a change may be missing, and prevSeqNum is of changes."""

    seqNum: Count
    prevSeqNum: Count = 0
    bids: list[Level] = []
    asks: list[Level] = []


class Bbo(msgspec.Struct, gc=False):
    symbol: str
    quoteTime: Milliseconds
    bid: msgspec.Raw
    bidSize: msgspec.Raw
    ask: msgspec.Raw
    askSize: msgspec.Raw
    seqId: Count = 0


class PastTrade(msgspec.Struct, gc=False, rename={"trade_id": "trade-id"}):
    trade_id: Count
    ts: Milliseconds
    amount: msgspec.Raw
    price: msgspec.Raw
    direction: Literal["buy", "sell"]


class Batch(msgspec.Struct, gc=False):
    data: list[PastTrade]


class Symbol(msgspec.Struct, gc=False):
    """Of market-symbols: precisions of price and amount, least amount and value."""

    symbol: str
    bc: str
    qc: str
    pp: Decimals
    ap: Decimals
    minoa: msgspec.Raw = msgspec.Raw(b"0")
    minov: msgspec.Raw = msgspec.Raw(b"0")


class OldSymbol(msgspec.Struct, gc=False, rename="kebab"):
    """The same of common/symbols."""

    symbol: str
    base_currency: str
    quote_currency: str
    price_precision: Decimals
    amount_precision: Decimals
    min_order_amt: msgspec.Raw = msgspec.Raw(b"0")
    min_order_value: msgspec.Raw = msgspec.Raw(b"0")


class Answer(msgspec.Struct, gc=False):
    status: str
    data: msgspec.Raw = msgspec.Raw(b"[]")
    err_msg: str = msgspec.field(default="", name="err-msg")


frame_decoder = msgspec.json.Decoder(Frame)
trades_decoder = msgspec.json.Decoder(Trades)
depth_decoder = msgspec.json.Decoder(Depth)
change_decoder = msgspec.json.Decoder(Change)
bbo_decoder = msgspec.json.Decoder(Bbo)
answer_decoder = msgspec.json.Decoder(Answer)
past_decoder = msgspec.json.Decoder(list[Batch])
symbols_decoder = msgspec.json.Decoder(list[Symbol])
old_symbols_decoder = msgspec.json.Decoder(list[OldSymbol])
time_decoder = msgspec.json.Decoder(Milliseconds)


def listing(one: Symbol) -> Instrument:
    """Sizes are held with ten decimals, those of coins that cost next to nothing with six. raises: BadFrame."""
    finer = (2, max((10 if one.pp <= 8 else 6) - one.ap, 0))
    steps = {"tick": step_of(one.pp), "lot": step_of(one.ap), "least": short(number(one.minoa))}
    of = ruled(VENUE, one.symbol, one.bc.upper(), one.qc.upper(), finer=finer, **steps)
    return msgspec.structs.replace(of, min_notional=short(number(one.minov)))


def unlisted(symbol: str) -> Instrument:
    """What its name says. raises: BadFrame."""
    for quote in QUOTES:
        if symbol.endswith(quote) and len(symbol) > len(quote):
            return ruled(VENUE, symbol, symbol.removesuffix(quote).upper(), quote.upper())
    raise BadFrame(f"symbol {symbol!r} ends in no quote currency that is known without the list of symbols")
