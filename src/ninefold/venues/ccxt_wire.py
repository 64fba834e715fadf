"""What is journalled of an exchange that speaks to us through ccxt: its answers in ccxt's unified form, as JSON.

In:  frames `{"call", "symbol", "timeframe", "told"}`, as the edge wrote what a call of ccxt gave; the answer to loadMarkets.
Out: trades, best prices, candles and instruments in texts and whole numbers. Nothing here needs ccxt.
After docs.ccxt.com, "Manual" (public trades, order book and OHLCV structure, market structure, precision mode), as of 2026-11.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal, NamedTuple

import msgspec

from ninefold.market.arrays import BUY, SELL, UNKNOWN_SIDE
from ninefold.market.instruments import Instrument
from ninefold.market.numbers import decimals_of
from ninefold.market.time import UNKNOWN_NS
from ninefold.venues.adapter import BadFrame
from ninefold.venues.listing import FINER, contract, of_contract, ruled
from ninefold.venues.told import (
    MILLISECOND_NS,
    NO_ID,
    Best,
    Deal,
    Milliseconds,
    named,
    number,
    short,
    step_of,
    whole,
)

WATCH_TRADES, FETCH_TRADES = "watchTrades", "fetchTrades"  # of a stream: what is new; by REST: a page of the latest
WATCH_CANDLES, FETCH_CANDLES = "watchOHLCV", "fetchOHLCV"
FETCH_TIME = "fetchTime"
FETCH_BOOK = "fetchOrderBook"  # of which the edge keeps the best level of either side
CALLS = (WATCH_TRADES, FETCH_TRADES, WATCH_CANDLES, FETCH_CANDLES, FETCH_TIME, FETCH_BOOK)
MARKETS = "loadMarkets"
DECIMAL_PLACES, TICK_SIZE = 2, 4  # precision modes; in the third one, of significant digits, there is no step
SIDES = {"buy": BUY, "sell": SELL, None: UNKNOWN_SIDE}
MOST_SIZE_DECIMALS = 8  # some exchanges name eight for every asset, and one trade of the cheapest is of billions

MOST_DIGITS = 38


class Frame(msgspec.Struct, gc=False):
    """call: of ccxt. told: what it gave, a list. timeframe: of candles."""

    call: str
    symbol: str
    told: msgspec.Raw
    timeframe: str = ""


class Trade(msgspec.Struct, gc=False):
    """price, amount: texts of decimals. amount is in contracts where there are contracts."""

    timestamp: Milliseconds
    price: msgspec.Raw
    amount: msgspec.Raw
    id: str | int | None = None
    side: Literal["buy", "sell"] | None = None
    symbol: str | None = None


class Candle(NamedTuple):
    """One that is open is told again and again."""

    timestamp: Milliseconds
    open: msgspec.Raw
    high: msgspec.Raw
    low: msgspec.Raw
    close: msgspec.Raw
    volume: msgspec.Raw


class _Book(msgspec.Struct, gc=False):
    """Levels are (price, amount), the best first; some exchanges tell more of each."""

    bids: list[list[msgspec.Raw]]
    asks: list[list[msgspec.Raw]]
    timestamp: Milliseconds | None = None


class _Precision(msgspec.Struct, frozen=True, gc=False):
    price: msgspec.Raw = msgspec.Raw(b"null")
    amount: msgspec.Raw = msgspec.Raw(b"null")


class _Least(msgspec.Struct, frozen=True, gc=False):
    min: msgspec.Raw = msgspec.Raw(b"null")


class _Limits(msgspec.Struct, frozen=True, gc=False):
    amount: _Least = _Least()
    cost: _Least = _Least()


class _Market(msgspec.Struct, gc=False):
    symbol: str
    type: str | None = None
    precision: _Precision = _Precision()
    limits: _Limits = _Limits()
    contractSize: msgspec.Raw = msgspec.Raw(b"null")


class _Markets(msgspec.Struct, gc=False):
    precisionMode: int
    markets: list[_Market]


_frame_decoder = msgspec.json.Decoder(Frame)
_trades_decoder = msgspec.json.Decoder(list[Trade])
_candles_decoder = msgspec.json.Decoder(list[Candle])
_books_decoder = msgspec.json.Decoder(list[_Book])
_time_decoder = msgspec.json.Decoder(list[Milliseconds])
_markets_decoder = msgspec.json.Decoder(_Markets)


def read_frame(payload: bytes) -> Frame:
    """raises: msgspec.DecodeError."""
    return _frame_decoder.decode(payload)


def read_trades(symbol: str, body: msgspec.Raw | bytes, *, page: bool) -> list[Deal]:
    """What a call told of a symbol, in that order.

    page: oldest first, of one millisecond by ids if these are numbers (ccxt sorts them as texts); a trade without an id
          gets one of what it is and of how many such are before it, as the next page tells it again.
    raises: BadFrame, ValueError, msgspec.DecodeError.
    """
    trades = _trades_decoder.decode(body)
    if page:
        counting = all(len(str(trade.id)) <= MOST_DIGITS and str(trade.id).isdecimal() for trade in trades)
        trades.sort(key=lambda trade: (trade.timestamp, int(trade.id or 0) if counting else 0))
    deals: list[Deal] = []
    alike: Counter[str] = Counter()
    for trade in trades:
        price, size = number(trade.price), number(trade.amount)
        id = NO_ID if trade.id in (None, "") else named(str(trade.id))
        if page and id == NO_ID:
            what = f"{trade.timestamp} {trade.side} {price} {size}"
            alike[what] += 1
            id = named(f"{what} {alike[what]}")
        time_ns = trade.timestamp * MILLISECOND_NS
        deals.append(Deal(trade.symbol or symbol, id, price, size, SIDES[trade.side], time_ns))
    return deals


def read_candles(body: msgspec.Raw) -> list[Candle]:
    """raises: msgspec.DecodeError."""
    return _candles_decoder.decode(body)


def read_best(symbol: str, body: msgspec.Raw) -> Best | None:
    """The best prices of a book; None if a side is empty. raises: BadFrame, ValueError, msgspec.DecodeError."""
    told = _books_decoder.decode(body)
    if len(told) != 1:
        raise BadFrame(f"the book of {symbol!r} is told as {len(told)}; it is one")
    [book] = told
    if not (book.bids and book.asks):
        return None
    if any(len(level) < 2 for level in (book.bids[0], book.asks[0])):
        raise BadFrame(f"a level of {symbol!r} is no price and amount")
    bid, bid_size, ask, ask_size = (number(one) for level in (book.bids[0], book.asks[0]) for one in level[:2])
    at_ns = UNKNOWN_NS if book.timestamp is None else book.timestamp * MILLISECOND_NS
    return Best(symbol, bid, bid_size, ask, ask_size, at_ns)


def read_time(body: msgspec.Raw) -> int:
    """The exchange's time in nanoseconds. raises: BadFrame, msgspec.DecodeError."""
    told = _time_decoder.decode(body)
    if len(told) != 1:
        raise BadFrame(f"the time of the exchange is told as {len(told)} numbers; it is one")
    return told[0] * MILLISECOND_NS


def read_markets(venue: str, body: bytes) -> list[Instrument]:
    """raises: BadFrame, ValueError, msgspec.DecodeError."""
    told = _markets_decoder.decode(body)
    return [_instrument(venue, market, told.precisionMode) for market in told.markets]


def instrument(venue: str, symbol: str, kind: str = "", size: str = "1", **rules: Any) -> Instrument:
    """What a unified symbol says: 'BTC/EUR', 'BTC/USDT:USDT', 'BTC/USD:BTC-261225'. size: of one contract.

    raises: BadFrame, NotExact.
    """
    pair, colon, rest = symbol.partition(":")
    base, _, quote = pair.partition("/")
    spot = ruled(venue, symbol, base, quote, **rules)
    if not colon:
        return spot
    settle, _, end = rest.partition("-")
    return of_contract(contract(spot, kind or ("future" if end else "swap"), settle, end), size)


def _instrument(venue: str, market: _Market, mode: int) -> Instrument:
    tick, lot = _step(market.precision.price, mode), _step(market.precision.amount, mode)
    sizes = max(0, min(FINER[1], MOST_SIZE_DECIMALS - decimals_of(lot)))
    least, cost = _text(market.limits.amount.min), _text(market.limits.cost.min)
    return instrument(
        venue,
        market.symbol,
        market.type or "",
        _text(market.contractSize) or "1",
        tick=tick,
        lot=lot,
        least=short(least),
        finer=(FINER[0], sizes),
        min_notional=short(cost) or "0",
    )


def _step(raw: msgspec.Raw, mode: int) -> str:
    """A precision as a step; "" if it is none."""
    text = _text(raw)
    if not text or mode not in (DECIMAL_PLACES, TICK_SIZE):
        return ""
    return step_of(whole(text, 2)) if mode == DECIMAL_PLACES else short(text)


def _text(raw: msgspec.Raw) -> str:
    return "" if bytes(raw) == b"null" else number(raw)
