"""What the messages of Binance spot hold: their fields, the rules of a symbol, and the names of things.

After developers.binance.com, "WebSocket Streams for Binance SPOT" and "Market Data endpoints", as of 2026-11. Field names are the venue's.
Whatever does not have these fields in these forms and ranges is refused by the decoders.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from ninefold.market.instruments import Instrument, listed
from ninefold.market.numbers import NotExact, to_units
from ninefold.venues.adapter import BadFrame

VENUE = "binance"
STREAMS = ("trade", "depth@100ms", "bookTicker")
MILLISECOND_NS = 1_000_000
FINER = (2, 3)  # decimals of prices and sizes beyond the steps: books hold orders from before a step became coarser
QUOTES = (  # longest names first where one ends in another
    *("USDT", "USDC", "FDUSD", "TUSD", "BUSD", "USDP", "DAI", "PAX", "USDS", "BTC", "ETH", "BNB", "XRP", "TRX", "DOGE"),
    *("EUR", "GBP", "AUD", "BRL", "TRY", "RUB", "UAH", "NGN", "ZAR", "IDRT", "BIDR", "BKRW", "VAI", "PLN", "RON"),
    *("ARS", "JPY", "MXN", "CZK", "COP", "USD"),
)

KEEPS = {
    "STOP_LOSS": "stop", "STOP_LOSS_LIMIT": "stop_limit",
    "TAKE_PROFIT": "take_profit", "TAKE_PROFIT_LIMIT": "take_profit_limit",
}  # fmt: skip

Id = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=(2**63 - 1) // MILLISECOND_NS)]


class Wrapper(msgspec.Struct, gc=False):
    stream: str
    data: msgspec.Raw


class Trade(msgspec.Struct, gc=False):
    E: Milliseconds
    s: str
    t: Id
    p: str
    q: str
    T: Milliseconds
    m: bool


class AggregateTrade(msgspec.Struct, gc=False):
    E: Milliseconds
    s: str
    a: Id
    p: str
    q: str
    T: Milliseconds
    m: bool


class Depth(msgspec.Struct, gc=False):
    E: Milliseconds
    s: str
    U: Id
    u: Id
    b: list[tuple[str, str]]
    a: list[tuple[str, str]]


class BookTicker(msgspec.Struct, gc=False):
    u: Id
    s: str
    b: str
    B: str
    a: str
    A: str


class Snapshot(msgspec.Struct, gc=False):
    lastUpdateId: Id
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]


class PastTrade(msgspec.Struct, gc=False):
    id: Id
    price: str
    qty: str
    time: Milliseconds
    isBuyerMaker: bool


class Symbol(msgspec.Struct, gc=False):
    symbol: str
    baseAsset: str
    quoteAsset: str
    filters: list[dict[str, object]]
    orderTypes: list[str] = []


class ExchangeInfo(msgspec.Struct, gc=False):
    symbols: list[Symbol]


class Time(msgspec.Struct, gc=False):
    serverTime: Milliseconds


wrapper_decoder = msgspec.json.Decoder(Wrapper)
trade_decoder = msgspec.json.Decoder(Trade)
aggregate_trade_decoder = msgspec.json.Decoder(AggregateTrade)
depth_decoder = msgspec.json.Decoder(Depth)
ticker_decoder = msgspec.json.Decoder(BookTicker)
snapshot_decoder = msgspec.json.Decoder(Snapshot)
past_trades_decoder = msgspec.json.Decoder(list[PastTrade])
exchange_info_decoder = msgspec.json.Decoder(ExchangeInfo)
time_decoder = msgspec.json.Decoder(Time)


def read_clock(body: bytes) -> float:
    """The venue's time, in seconds, from its answer. raises: msgspec.DecodeError."""
    return time_decoder.decode(body).serverTime / 1000


def listing(symbol: Symbol) -> Instrument:
    filters = {str(one.get("filterType")): one for one in symbol.filters}
    try:
        tick = str(filters["PRICE_FILTER"]["tickSize"])
        lot = str(filters["LOT_SIZE"]["stepSize"])
        min_size = str(filters["LOT_SIZE"]["minQty"])
    except KeyError as error:
        raise BadFrame(f"exchangeInfo of {symbol.symbol} lacks {error}") from None
    notional = filters.get("NOTIONAL") or filters.get("MIN_NOTIONAL") or {}
    made = listed(VENUE, symbol.symbol, symbol.baseAsset, symbol.quoteAsset, tick=tick, lot=lot, finer=FINER)
    return msgspec.structs.replace(
        made,
        min_size=to_units(min_size, made.size_decimals),
        min_notional=str(notional.get("minNotional", "0")),
        price_band=_band(symbol.symbol, filters),
        keeps=tuple(KEEPS[kind] for kind in symbol.orderTypes if kind in KEEPS),
    )


def _band(symbol: str, filters: dict[str, dict[str, object]]) -> tuple[str, str, str, str] | None:
    """Factors of the venue's average price: lowest and highest of a buy, then of a sell; None where it tells none.
    source: developers.binance.com/docs/binance-spot-api-docs/filters, PERCENT_PRICE and PERCENT_PRICE_BY_SIDE.
    """
    by_side, same = filters.get("PERCENT_PRICE_BY_SIDE"), filters.get("PERCENT_PRICE")
    try:
        if by_side is not None:
            found = [str(by_side[f"{side}Multiplier{end}"]) for side in ("bid", "ask") for end in ("Down", "Up")]
        elif same is not None:
            found = 2 * [str(same["multiplierDown"]), str(same["multiplierUp"])]
        else:
            return None
        for factor in found:
            to_units(factor, 8)
    except (KeyError, NotExact) as error:
        raise BadFrame(f"exchangeInfo of {symbol} has a price band that cannot be read: {error}") from None
    return found[0], found[1], found[2], found[3]


def split(symbol: str) -> tuple[str, str]:
    """Base and quote of a symbol whose rules are not known."""
    for quote in QUOTES:
        if symbol.endswith(quote) and len(symbol) > len(quote):
            return symbol[: -len(quote)], quote
    raise BadFrame(f"symbol {symbol!r} ends in no quote currency that is known without exchangeInfo")


def is_reply(payload: bytes) -> bool:
    """Answers to SUBSCRIBE on the stream: {"result":null,"id":1}."""
    return payload.startswith(b'{"result":null')
