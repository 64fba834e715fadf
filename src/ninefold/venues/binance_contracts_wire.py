"""What the messages of Binance's futures hold: their fields, the rules of a contract, and the names of things.

After developers.binance.com, "Derivatives Trading USD-M Futures" and "COIN-M Futures" (WebSocket streams; REST market
data), as of 2026-11. Field names are the venue's; both markets have the same but for a few that are not needed.
Whatever does not have these fields in these forms and ranges is refused by the decoders.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from ninefold.market.instruments import Instrument, listed
from ninefold.market.numbers import to_units
from ninefold.venues import binance_wire
from ninefold.venues.adapter import BadFrame
from ninefold.venues.binance_wire import FINER, Id, Milliseconds

MARKET_TRADE = ("", "MARKET")  # X of a trade of the book; early recordings lack it, others are no trades of the market
ENDLESS_MS = 4133404800000  # the day of delivery of what is never delivered
_UNIFIED = re.compile(r"([A-Z0-9]+)/([A-Z0-9]+):([A-Z0-9]+)(?:-(\d{6}))?")


@dataclass(frozen=True)
class Market:
    """One of the two futures markets. api: before every path of REST; coin: contracts are settled in their base."""

    venue: str
    api: str
    coin: bool = False


USDM = Market("binanceusdm", "/fapi/v1")
COINM = Market("binancecoinm", "/dapi/v1", coin=True)


class Trade(binance_wire.Trade, gc=False):
    X: str = ""


class Depth(msgspec.Struct, gc=False):
    E: Milliseconds
    T: Milliseconds
    s: str
    U: Id
    u: Id
    pu: Id
    b: list[tuple[str, str]]
    a: list[tuple[str, str]]


class BookTicker(binance_wire.BookTicker, gc=False):
    T: Milliseconds
    E: Milliseconds


class MarkPrice(msgspec.Struct, gc=False):
    E: Milliseconds
    s: str
    p: str
    r: str = ""
    T: Milliseconds = 0


class Forced(msgspec.Struct, gc=False):
    s: str
    S: Literal["BUY", "SELL"]
    q: str
    p: str
    T: Milliseconds


class ForceOrder(msgspec.Struct, gc=False):
    E: Milliseconds
    o: Forced


class Snapshot(binance_wire.Snapshot, gc=False):
    T: Milliseconds = 0


class PastAggregate(msgspec.Struct, gc=False):
    a: Id
    p: str
    q: str
    T: Milliseconds
    m: bool


class Premium(msgspec.Struct, gc=False):
    symbol: str
    markPrice: str
    lastFundingRate: str
    nextFundingTime: Milliseconds
    time: Milliseconds


class Contract(msgspec.Struct, gc=False):
    symbol: str
    baseAsset: str
    quoteAsset: str
    filters: list[dict[str, object]]
    marginAsset: str = ""
    contractType: str = ""
    deliveryDate: int = ENDLESS_MS
    contractSize: int = 1


class ExchangeInfo(msgspec.Struct, gc=False):
    symbols: list[Contract]


trade_decoder = msgspec.json.Decoder(Trade)
depth_decoder = msgspec.json.Decoder(Depth)
ticker_decoder = msgspec.json.Decoder(BookTicker)
mark_decoder = msgspec.json.Decoder(MarkPrice)
force_decoder = msgspec.json.Decoder(ForceOrder)
snapshot_decoder = msgspec.json.Decoder(Snapshot)
past_aggregates_decoder = msgspec.json.Decoder(list[PastAggregate])
premium_decoder = msgspec.json.Decoder(Premium)
exchange_info_decoder = msgspec.json.Decoder(ExchangeInfo)


def listing(market: Market, of: Contract) -> Instrument:
    """A contract's rules. raises: BadFrame, NotExact."""
    filters = {str(one.get("filterType")): one for one in of.filters}
    try:
        tick, lot = str(filters["PRICE_FILTER"]["tickSize"]), str(filters["LOT_SIZE"]["stepSize"])
        least = str(filters["LOT_SIZE"]["minQty"])
    except KeyError as error:
        raise BadFrame(f"exchangeInfo of {of.symbol} lacks {error}") from None
    settle = of.marginAsset or (of.baseAsset if market.coin else of.quoteAsset)
    swap = of.contractType == "PERPETUAL" or of.deliveryDate == ENDLESS_MS
    day = "" if swap else datetime.fromtimestamp(of.deliveryDate / 1000, UTC).strftime("%y%m%d")
    kind: dict[str, Any] = {
        "settle": settle,
        "kind": "swap" if swap else "future",
        "contract_size": str(of.contractSize),
    }
    symbol = unified(of.baseAsset, of.quoteAsset, settle, day)
    made = listed(
        market.venue, of.symbol, of.baseAsset, of.quoteAsset, tick=tick, lot=lot, finer=FINER, symbol=symbol, **kind
    )
    worth = filters.get("MIN_NOTIONAL", {}).get("notional", "0")
    return msgspec.structs.replace(made, min_size=to_units(least, made.size_decimals), min_notional=str(worth))


def guessed(market: Market, symbol: str) -> Instrument:
    """What a symbol alone says of a contract: 'BTCUSDT', 'BTCUSDT_260327', 'BTCUSD_PERP'. raises: BadFrame."""
    pair, _, day = symbol.partition("_")
    base, quote = binance_wire.split(pair)
    settle, day = base if market.coin else quote, "" if day == "PERP" else day
    kind: dict[str, Any] = {"settle": settle, "kind": "future" if day else "swap"}
    return listed(market.venue, symbol, base, quote, symbol=unified(base, quote, settle, day), **kind)


def unified(base: str, quote: str, settle: str, day: str) -> str:
    """As ccxt writes it: 'BTC/USDT:USDT', or with its day of delivery 'BTC/USD:BTC-260327'."""
    return f"{base}/{quote}:{settle}" + (f"-{day}" if day else "")


def venue_symbol(market: Market, symbol: str) -> str:
    """'BTC/USDT:USDT' to 'BTCUSDT', 'BTC/USD:BTC' to 'BTCUSD_PERP'. raises: ValueError."""
    parts = _UNIFIED.fullmatch(symbol)
    if parts is None or parts[3] != parts[1 if market.coin else 2]:
        like = "BTC/USD:BTC" if market.coin else "BTC/USDT:USDT"
        raise ValueError(
            f"{symbol!r} is no contract of {market.venue}; they are written {like!r} or {like + '-260327'!r}"
        )
    day = parts[4] or ("PERP" if market.coin else "")
    return parts[1] + parts[2] + (f"_{day}" if day else "")
