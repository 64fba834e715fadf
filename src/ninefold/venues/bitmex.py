"""BitMEX, perpetuals, futures and spot: trades, order book, best bid and ask, funding, liquidations.

After www.bitmex.com/app/wsAPI (trade, orderBookL2, quote, funding, liquidation, "ping") and www.bitmex.com/api/explorer
(instrument/active, trade), as of 2026-11. Recordings of 2021 and older tell neither times nor, in updates and deletes, prices of
levels: these are known by the level's id.
Book rule: a partial, then inserts, updates and deletes by id. They carry no numbers: only an update of a level that is not
there shows that something was missed. What comes before the partial is dropped.
Trade ids are UUIDs, so none can be counted; after a lost connection the trades since then are asked for.
Sizes are contracts: `contract_size` says of how much of the base, of inverse ones of the quote; of quantos it is 1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import ClassVar, Literal, NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec

from ninefold.journal.inputs import Answer
from ninefold.market.arrays import ASK, BID, BUY, SELL, UNKNOWN_SIDE
from ninefold.market.instruments import Instrument
from ninefold.market.numbers import to_units
from ninefold.market.time import DAY_NS, UNKNOWN_NS
from ninefold.venues.adapter import BadFrame, Line, Question
from ninefold.venues.listing import contract, of_contract, ruled
from ninefold.venues.market_adapter import NOTHING, Heard, MarketAdapter
from ninefold.venues.told import (
    MILLISECOND_NS,
    Best,
    Change,
    Count,
    Deal,
    Due,
    Forced,
    Levels,
    Milliseconds,
    Missed,
    Told,
    named,
    number,
    number_or_none,
    short,
    time_ns,
)

VENUE = "bitmex"
STREAMS = ("trade", "orderBookL2", "quote", "funding", "liquidation")
REST_URL = "https://www.bitmex.com"
STREAM_URL = "wss://ws.bitmex.com"
PING, PING_S = b"ping", 5.0
PAGE = 1000
SIDES = {"Buy": BUY, "Sell": SELL, "": UNKNOWN_SIDE}
LEVEL_SIDES = {"Buy": BID, "Sell": ASK}
MONTHS = "FGHJKMNQUVXZ"
FUTURE = re.compile(rf"([A-Z0-9]+?)(USDT|USD|)([{MONTHS}])([0-9]{{2}})", re.ASCII)
PAIR = re.compile(r"([A-Z0-9]+?)_?(USDT|USDC|USD|EUR|XBT)", re.ASCII)
KINDS = {"FFWCSX": "swap", "FFWCSF": "swap", "IFXXXP": "spot", "FFCCSX": "future", "FFICSX": "future"}
NULL = msgspec.Raw(b"null")


class _Filter(msgspec.Struct, frozen=True, gc=False):
    symbol: str = ""


class _Frame(msgspec.Struct, gc=False):
    table: str = ""
    action: Literal["partial", "insert", "update", "delete", ""] = ""
    data: msgspec.Raw = msgspec.Raw(b"[]")
    filter: _Filter = _Filter()
    error: str = ""


class _Trade(msgspec.Struct, gc=False):
    timestamp: str
    symbol: str
    side: Literal["Buy", "Sell", ""]
    size: msgspec.Raw
    price: msgspec.Raw
    trdMatchID: str


class _Level(msgspec.Struct, gc=False):
    symbol: str
    id: Count
    side: Literal["Buy", "Sell"]
    size: msgspec.Raw = NULL
    price: msgspec.Raw = NULL
    timestamp: str = ""


class _Quote(msgspec.Struct, gc=False):
    timestamp: str
    symbol: str
    bidSize: msgspec.Raw = NULL
    bidPrice: msgspec.Raw = NULL
    askPrice: msgspec.Raw = NULL
    askSize: msgspec.Raw = NULL


class _Funding(msgspec.Struct, gc=False):
    timestamp: str
    symbol: str
    fundingRate: msgspec.Raw


class _Liquidation(msgspec.Struct, gc=False):
    symbol: str
    side: Literal["Buy", "Sell"]
    price: msgspec.Raw
    leavesQty: msgspec.Raw


class _Instrument(msgspec.Struct, gc=False):
    symbol: str
    typ: str
    underlying: str
    quoteCurrency: str
    tickSize: msgspec.Raw
    lotSize: msgspec.Raw
    settlCurrency: str = ""
    expiry: str | None = None
    isInverse: bool = False
    isQuanto: bool = False
    underlyingToPositionMultiplier: Count | None = None


class _Time(msgspec.Struct, gc=False):
    timestamp: Milliseconds


class _Levels(NamedTuple):
    """Of one frame: whose levels are all new, and levels by id with their prices ("" if gone)."""

    cleared: Sequence[str]
    prices: Sequence[tuple[str, int, str]]


_frame_decoder = msgspec.json.Decoder(_Frame)
_trades_decoder = msgspec.json.Decoder(list[_Trade])
_levels_decoder = msgspec.json.Decoder(list[_Level])
_quotes_decoder = msgspec.json.Decoder(list[_Quote])
_fundings_decoder = msgspec.json.Decoder(list[_Funding])
_liquidations_decoder = msgspec.json.Decoder(list[_Liquidation])
_instruments_decoder = msgspec.json.Decoder(list[_Instrument])
_time_decoder = msgspec.json.Decoder(_Time)
_prices_decoder = msgspec.msgpack.Decoder(dict[str, dict[int, str]])


def line(symbols: list[str], streams: tuple[str, ...] = STREAMS) -> Line:
    """One websocket, one message for all ("XBTUSD"); the venue wants to be pinged with a bare word."""
    return Line("/realtime", (_operation("subscribe", streams, symbols),), PING, PING_S)


def purpose(url: str) -> str:
    """What a recorded REST question was for."""
    return urlsplit(url).path.rpartition("/")[2]


def read_clock(body: bytes) -> float:
    """The venue's time, in seconds, from its answer. raises: msgspec.DecodeError."""
    return _time_decoder.decode(body).timestamp / 1000


def venue_symbol(symbol: str) -> str:
    """As the venue writes ccxt's symbols.

    >>> [venue_symbol(one) for one in ("BTC/USD:BTC", "ETH/USDT:USDT", "BTC/USDT", "BTC/USD:BTC-261225", "XRP/BTC:BTC-210924")]
    ['XBTUSD', 'ETHUSDT', 'XBT_USDT', 'XBTZ26', 'XRPU21']
    """
    pair, _, rest = symbol.partition(":")
    base, quote = (_old_name(name) for name in pair.split("/"))
    settle, _, day = rest.partition("-")
    if not settle:
        return f"{base}_{quote}"
    if not day:
        return base + quote
    quote = "" if quote == "XBT" or _old_name(settle) == base else quote
    return f"{base}{quote}{MONTHS[int(day[2:4]) - 1]}{day[:2]}"


class Bitmex(MarketAdapter):
    venue = VENUE
    default_streams = STREAMS
    weights: ClassVar[dict[str, int]] = {"active": 1, "trade": 1}
    page_purpose = "trade"

    def __init__(self, *wanted_streams_registry: object) -> None:
        super().__init__(*wanted_streams_registry)  # type: ignore[arg-type]
        self._prices: dict[str, dict[int, str]] = {}  # of the levels of each book, by id

    def start_questions(self) -> list[Question]:
        return [Question("active", "/api/v1/instrument/active")]

    # frames

    def read(self, payload: bytes) -> Heard:
        if payload == b"pong":
            return NOTHING
        frame = _frame_decoder.decode(payload)
        if frame.error:
            raise BadFrame(f"the venue says: {frame.error}")
        told: list[Told]
        match frame.table:
            case "":  # welcome, and what is subscribed
                return NOTHING
            case "orderBookL2":
                return self._book(frame)
            case "trade":  # a partial tells trades from before the subscription
                told = [] if frame.action == "partial" else list(map(_deal, _trades_decoder.decode(frame.data)))
            case "quote":
                told = list(map(_best, _quotes_decoder.decode(frame.data)))
            case "funding":
                told = list(map(_due, _fundings_decoder.decode(frame.data)))
            case "liquidation":
                orders = _liquidations_decoder.decode(frame.data) if frame.action == "insert" else []
                told = list(map(_forced, orders))
            case _:
                raise BadFrame(f"table {frame.table!r} is none of {', '.join(STREAMS)}")
        newest = max((one.time_ns for one in told if isinstance(one, Deal | Best)), default=UNKNOWN_NS)
        return Heard(told, frame.table, newest)

    def _book(self, frame: _Frame) -> Heard:
        whole = frame.action == "partial"
        levels = _levels_decoder.decode(frame.data)
        told: list[Told] = []
        prices: list[tuple[str, int, str]] = []
        by_symbol = groupby(sorted(levels, key=lambda level: level.symbol), key=lambda level: level.symbol)
        for symbol, of_symbol in by_symbol:
            changed: Levels = []
            at_ns = UNKNOWN_NS
            for level in of_symbol:
                known = self._prices.get(symbol, {}).get(level.id, "") if not whole else ""
                price = known if bytes(level.price) == b"null" else number(level.price)
                if not price:
                    if frame.action == "update":
                        told.append(Missed(symbol))
                    continue
                gone = frame.action == "delete"
                changed.append((LEVEL_SIDES[level.side], price, "0" if gone else number(level.size)))
                prices.append((symbol, level.id, "" if gone else price))
                at_ns = max(at_ns, time_ns(level.timestamp)) if level.timestamp else at_ns
            told.append(Change(symbol, whole, changed, at_ns))
        if whole and not told and frame.filter.symbol:
            told.append(Change(frame.filter.symbol, True, []))
        told = [one for one in told if not isinstance(one, Missed) or self._is_known(one.symbol)]
        newest = max((one.time_ns for one in told if isinstance(one, Change)), default=UNKNOWN_NS)
        cleared = [one.symbol for one in told if isinstance(one, Change)] if whole else []
        return Heard(told, frame.table, newest, _Levels(cleared, prices))

    def _is_known(self, symbol: str) -> bool:
        book = self._books.get(symbol)
        return book is not None and book.last_id > 0

    def noted(self, note: object, seq: int, receive_ns: int) -> None:
        assert isinstance(note, _Levels)
        for symbol in note.cleared:
            self._prices[symbol] = {}
        for symbol, id, price in note.prices:
            if price:
                self._prices.setdefault(symbol, {})[id] = price
            else:
                self._prices.get(symbol, {}).pop(id, None)

    # answers, and what is asked

    def read_answer(self, answer: Answer) -> Sequence[Told]:
        if answer.purpose == "active":
            found = [one for one in _instruments_decoder.decode(answer.body) if self.is_wanted(one.symbol)]
            return [_listing(one) for one in found if one.typ in KINDS]
        return [_deal(one) for one in reversed(_trades_decoder.decode(answer.body))]

    def page(self, answer: Answer, told: Sequence[Told], receive_ns: int) -> tuple[str, int | None]:
        query = parse_qs(urlsplit(answer.url).query)
        start = query.get("startTime", [""])[0]
        return query.get("symbol", [""])[0], time_ns(start) if start and len(told) < PAGE else None

    def ask_trades(self, symbol: str, from_id: int | None) -> None:
        start = _iso(self.since_ns(symbol))
        path = f"/api/v1/trade?symbol={symbol}&count={PAGE}&reverse=true&startTime={start}"
        self.questions.append(Question("trade", path))

    def ask_book(self, symbol: str, not_before_ns: int) -> None:
        self.say += (_operation(op, ("orderBookL2",), [symbol]) for op in ("unsubscribe", "subscribe"))

    def streams_of(self, symbol: str) -> Sequence[str]:
        """Those that tell something now and then whatever happens; the others are silent for hours."""
        return [stream for stream in self._streams if stream not in ("funding", "liquidation")]

    def unlisted(self, symbol: str) -> Instrument:
        """What its name says; quarterly futures end on the last Friday of their month."""
        future = FUTURE.fullmatch(symbol)
        if future is not None:
            base, quote = future[1], future[2] or ("USD" if future[1] == "XBT" else "XBT")
            return contract(_named(symbol, base, quote), "future", "BTC", _last_friday(future[3], future[4]))
        pair = PAIR.fullmatch(symbol)
        if pair is None:
            raise BadFrame(f"instrument {symbol!r} is no spot pair, perpetual or future by its name")
        of = _named(symbol, pair[1], pair[2])
        return of if "_" in symbol else contract(of, "swap", "BTC" if of.quote == "USD" else of.quote)

    def opened(self, receive_ns: int) -> None:
        self._prices.clear()

    def mark(self) -> bytes:
        return msgspec.msgpack.encode(self._prices)

    def unmark(self, own: bytes) -> None:
        self._prices = _prices_decoder.decode(own)


def _deal(trade: _Trade) -> Deal:
    price, size = number(trade.price), number(trade.size)
    return Deal(trade.symbol, named(trade.trdMatchID), price, size, SIDES[trade.side], time_ns(trade.timestamp))


def _best(quote: _Quote) -> Best:
    bid, ask = number_or_none(quote.bidPrice), number_or_none(quote.askPrice)
    sizes = number_or_none(quote.bidSize), number_or_none(quote.askSize)
    return Best(quote.symbol, bid, sizes[0], ask, sizes[1], time_ns(quote.timestamp))


def _due(funding: _Funding) -> Due:
    """Told when it is paid."""
    rate, at_ns = number(funding.fundingRate), time_ns(funding.timestamp)
    to_units(rate, 18)
    return Due(funding.symbol, rate, at_ns, at_ns)


def _forced(order: _Liquidation) -> Forced:
    """The venue tells no time."""
    return Forced(order.symbol, SIDES[order.side], number(order.price), number(order.leavesQty), UNKNOWN_NS)


def _listing(found: _Instrument) -> Instrument:
    lot = short(number(found.lotSize))
    of = _named(found.symbol, found.underlying, found.quoteCurrency, short(number(found.tickSize)), lot)
    parts = found.underlyingToPositionMultiplier
    if parts and not (found.isInverse or found.isQuanto):
        of = of_contract(of, format(1 / Decimal(parts), "f"))
    if KINDS[found.typ] == "spot":
        return of
    end = _day(time_ns(found.expiry)) if found.expiry else ""
    return contract(of, KINDS[found.typ], _new_name(found.settlCurrency.upper()), end)


def _named(symbol: str, base: str, quote: str, tick: str = "", lot: str = "") -> Instrument:
    return ruled(VENUE, symbol, _new_name(base), _new_name(quote), tick=tick, lot=lot, least=lot)


def _new_name(name: str) -> str:
    return "BTC" if name == "XBT" else name


def _old_name(name: str) -> str:
    return "XBT" if name == "BTC" else name


def _day(at_ns: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=at_ns // DAY_NS)).strftime("%y%m%d")


def _last_friday(month: str, year: str) -> str:
    number_of = MONTHS.index(month) + 1
    last = date(2000 + int(year) + number_of // 12, number_of % 12 + 1, 1) - timedelta(days=1)
    return (last - timedelta(days=(last.weekday() - 4) % 7)).strftime("%y%m%d")


def _iso(at_ns: int) -> str:
    seconds, milliseconds = divmod(at_ns // MILLISECOND_NS, 1000)
    day = date(1970, 1, 1) + timedelta(days=seconds // 86400)
    return f"{day}T{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{milliseconds:03}Z"


def _operation(op: str, streams: Sequence[str], symbols: Sequence[str]) -> bytes:
    return msgspec.json.encode({"op": op, "args": [f"{one}:{symbol}" for symbol in symbols for one in streams]})
