"""What the messages of Bybit hold: their fields, the rules of a symbol, and the names of things.

After bybit-exchange.github.io/docs/v5, "Websocket Stream, Public" and "Market", as of 2026-11. Field names are the venue's.
Whatever does not have these fields in these forms and ranges is refused by the decoders.
The venue calls the spot pair and the perpetual BTCUSDT alike; here the spot pair is spot:BTCUSDT.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec

from ninefold.market.instruments import Instrument, listed
from ninefold.market.numbers import decimals_of
from ninefold.venues.adapter import BadFrame
from ninefold.venues.listing import FINER, ruled
from ninefold.venues.told import Milliseconds, number

VENUE = "bybit"
SPOT, LINEAR, INVERSE = "spot", "linear", "inverse"
SIZE_DECIMALS = 8  # that amounts are held with
_SPOT = re.compile(r"spot:([A-Z0-9]+?)(USDT|USDC|USDE|USDQ|USDR|EUR|BRL|BRZ|TRY|PLN|BTC|ETH|SOL|DAI)")
_CONTRACT = re.compile(r"([A-Z0-9]+?)(USDT|USD|PERP)")
_UNIFIED = re.compile(r"([A-Z0-9]+)/([A-Z0-9]+)(?::([A-Z0-9]+))?")
Raw = msgspec.Raw
Side = Literal["Buy", "Sell"]
Positive = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]


class Frame(msgspec.Struct, gc=False):
    topic: str = ""
    type: str = ""
    ts: Milliseconds = 0
    cts: Milliseconds = 0
    data: Raw = Raw(b"null")
    success: bool = True
    ret_msg: str = ""
    op: str = ""
    timestamp_e6: Raw = Raw(b"0")


class Trade(msgspec.Struct, gc=False):
    T: Milliseconds
    s: str
    S: Side
    v: str
    p: str
    i: str


class Book(msgspec.Struct, gc=False):
    s: str
    b: list[tuple[str, str]]
    a: list[tuple[str, str]]
    u: Positive


class Ticker(msgspec.Struct, gc=False):
    symbol: str
    fundingRate: str = ""
    nextFundingTime: str = ""
    markPrice: str = ""


class Forced(msgspec.Struct, gc=False):
    T: Milliseconds
    s: str
    S: Side
    v: str
    p: str


class PastTrade(msgspec.Struct, gc=False):
    execId: str
    symbol: str
    price: str
    size: str
    side: Side
    time: str


class PastTrades(msgspec.Struct, gc=False):
    rows: list[PastTrade] = msgspec.field(name="list")


class Prices(msgspec.Struct, gc=False):
    tickSize: str


class Lots(msgspec.Struct, gc=False):
    minOrderQty: str
    qtyStep: str = ""
    basePrecision: str = ""
    minNotionalValue: str = ""
    minOrderAmt: str = ""


class Listed(msgspec.Struct, gc=False):
    symbol: str
    baseCoin: str
    quoteCoin: str
    priceFilter: Prices
    lotSizeFilter: Lots
    settleCoin: str = ""
    contractType: str = ""


class AllListed(msgspec.Struct, gc=False):
    rows: list[Listed] = msgspec.field(name="list")


class Answered(msgspec.Struct, gc=False):
    retCode: int
    retMsg: str = ""
    result: Raw = Raw(b"null")
    time: Milliseconds = 0


class OldTrade(msgspec.Struct, gc=False):
    """Of 2019 to 2022. trade_time_ms is missing in the oldest."""

    symbol: str
    side: Side
    size: Raw
    price: Raw
    trade_id: str
    timestamp: str
    trade_time_ms: Raw = Raw(b"0")


class OldLevel(msgspec.Struct, gc=False):
    price: str
    symbol: str
    side: Side
    size: Raw = Raw(b"0")


class OldChange(msgspec.Struct, gc=False):
    delete: list[OldLevel] = []
    update: list[OldLevel] = []
    insert: list[OldLevel] = []


class OldBook(msgspec.Struct, gc=False):
    order_book: list[OldLevel]


class OldPrices(msgspec.Struct, gc=False):
    tick_size: str


class OldLots(msgspec.Struct, gc=False):
    qty_step: Raw
    min_trading_qty: Raw


class OldListed(msgspec.Struct, gc=False):
    name: str
    base_currency: str
    quote_currency: str
    price_filter: OldPrices
    lot_size_filter: OldLots


class OldAnswered(msgspec.Struct, gc=False):
    result: list[OldListed]


def category(symbol: str) -> str:
    """'spot:BTCUSDT' is spot, 'BTCUSDT' and 'BTCPERP' are linear, 'BTCUSD' is inverse. raises: BadFrame."""
    return SPOT if symbol.startswith("spot:") else INVERSE if _contract(symbol)[1] == "USD" else LINEAR


def venue_symbol(symbol: str) -> str:
    """'BTC/USDT' to 'spot:BTCUSDT', 'BTC/USDT:USDT' to 'BTCUSDT', 'BTC/USDC:USDC' to 'BTCPERP', 'BTC/USD:BTC' to
    'BTCUSD'. raises: ValueError.
    """
    parts = _UNIFIED.fullmatch(symbol)
    if parts is not None:
        base, quote, settle = parts.groups()
        if settle is None:
            return f"spot:{base}{quote}"
        if (quote, settle) in (("USDT", "USDT"), ("USD", base)):
            return base + quote
        if (quote, settle) == ("USDC", "USDC"):
            return f"{base}PERP"
    raise ValueError(
        f"{symbol!r} is nothing that bybit trades; pairs are written 'BTC/USDT', perpetuals 'BTC/USDT:USDT', "
        "'BTC/USDC:USDC' or 'BTC/USD:BTC'"
    )


def listing(of: Listed, kind: str) -> Instrument:
    """raises: BadFrame, NotExact."""
    symbol = of.symbol if kind != SPOT else f"spot:{of.symbol}"
    if kind != SPOT and "Perpetual" not in of.contractType:
        raise BadFrame(f"{of.symbol!r} is no perpetual but {of.contractType!r}")
    lots = of.lotSizeFilter
    tick, lot, least = of.priceFilter.tickSize, lots.qtyStep or lots.basePrecision, lots.minOrderQty
    finer = (FINER[0], min(FINER[1], max(0, SIZE_DECIMALS - decimals_of(lot))))
    rules = _rules(of.baseCoin, of.quoteCoin, "" if kind == SPOT else of.settleCoin)
    made = ruled(VENUE, symbol, of.baseCoin, of.quoteCoin, tick=tick, lot=lot, least=least, finer=finer, **rules)
    return msgspec.structs.replace(made, min_notional=lots.minNotionalValue or lots.minOrderAmt or "0")


def old_listing(of: OldListed) -> Instrument:
    """Sizes of then went through a float of 32 bits: all decimals that can be held are needed."""
    base, quote = of.base_currency, of.quote_currency
    lot, finest = number(of.lot_size_filter.qty_step), (FINER[0], SIZE_DECIMALS)
    rules = _rules(base, quote, base if quote == "USD" else quote)
    return listed(VENUE, of.name, base, quote, tick=of.price_filter.tick_size, lot=lot, finer=finest, **rules)


def unlisted(symbol: str) -> Instrument:
    """What a symbol alone says. raises: BadFrame."""
    parts = _SPOT.fullmatch(symbol)
    if parts is not None:
        return ruled(VENUE, symbol, parts[1], parts[2], **_rules(parts[1], parts[2], ""))
    base, quote = _contract(symbol)
    quote = {"PERP": "USDC"}.get(quote, quote)
    return ruled(VENUE, symbol, base, quote, **_rules(base, quote, base if quote == "USD" else quote))


def _contract(symbol: str) -> tuple[str, str]:
    parts = _CONTRACT.fullmatch(symbol)
    if parts is None:
        raise BadFrame(f"symbol {symbol!r} is not written as 'BTCUSDT', 'BTCPERP' or 'BTCUSD'")
    return parts[1], parts[2]


def _rules(base: str, quote: str, settle: str) -> dict[str, Any]:
    if not settle:
        return {"symbol": f"{base}/{quote}"}
    return {"symbol": f"{base}/{quote}:{settle}", "settle": settle, "kind": "swap"}


frame_decoder = msgspec.json.Decoder(Frame)
trades_decoder = msgspec.json.Decoder(list[Trade])
book_decoder = msgspec.json.Decoder(Book)
ticker_decoder = msgspec.json.Decoder(Ticker)
forced_decoder = msgspec.json.Decoder(list[Forced])
answered_decoder = msgspec.json.Decoder(Answered)
past_decoder = msgspec.json.Decoder(PastTrades)
listed_decoder = msgspec.json.Decoder(AllListed)
old_trades_decoder = msgspec.json.Decoder(list[OldTrade])
old_change_decoder = msgspec.json.Decoder(OldChange)
old_book_decoder = msgspec.json.Decoder(OldBook | list[OldLevel])
old_listed_decoder = msgspec.json.Decoder(OldAnswered)
