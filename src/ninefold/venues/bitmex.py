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

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import ClassVar, NamedTuple

import msgspec

from ninefold.journal.inputs import Answer
from ninefold.journal.recordings import Recorded
from ninefold.market.arrays import ASK, BID, BUY, SELL, UNKNOWN_SIDE
from ninefold.market.instruments import Instrument
from ninefold.market.numbers import to_units
from ninefold.market.time import UNKNOWN_NS
from ninefold.venues import bitmex_wire as wire
from ninefold.venues.adapter import BadFrame, Line, Question
from ninefold.venues.asked import asked, purpose_of
from ninefold.venues.entry import Proof, VenueEntry
from ninefold.venues.market_adapter import NOTHING, Heard, MarketAdapter
from ninefold.venues.told import (
    MILLISECOND_NS,
    Best,
    Change,
    Deal,
    Due,
    Forced,
    Levels,
    Missed,
    Told,
    named,
    number,
    number_or_none,
    time_ns,
)

STREAMS = ("trade", "orderBookL2", "quote", "funding", "liquidation")
PING, PING_S = b"ping", 5.0
PAGE = 1000
SIDES = {"Buy": BUY, "Sell": SELL, "": UNKNOWN_SIDE}
LEVEL_SIDES = {"Buy": BID, "Sell": ASK}


class _Levels(NamedTuple):
    """Of one frame: whose levels are all new, and levels by id with their prices ("" if gone)."""

    cleared: Sequence[str]
    prices: Sequence[tuple[str, int, str]]


_prices_decoder = msgspec.msgpack.Decoder(dict[str, dict[int, str]])


def lines(symbols: list[str], streams: tuple[str, ...] = STREAMS) -> tuple[Line, ...]:
    """One websocket, one message for all ("XBTUSD"); the venue wants to be pinged with a bare word."""
    say = (_operation("subscribe", streams, symbols),)
    return (Line("/realtime", tuple(symbols), streams, say, PING, PING_S),)


def read_clock(body: bytes) -> float:
    """The venue's time, in seconds, from its answer. raises: msgspec.DecodeError."""
    return wire.time_decoder.decode(body).timestamp / 1000


def venue_symbol(symbol: str) -> str:
    """As the venue writes ccxt's symbols.

    >>> [venue_symbol(one) for one in ("BTC/USD:BTC", "ETH/USDT:USDT", "BTC/USDT", "BTC/USD:BTC-261225", "XRP/BTC:BTC-210924")]
    ['XBTUSD', 'ETHUSDT', 'XBT_USDT', 'XBTZ26', 'XRPU21']
    """
    pair, _, rest = symbol.partition(":")
    base, quote = (wire.old_name(name) for name in pair.split("/"))
    settle, _, day = rest.partition("-")
    if not settle:
        return f"{base}_{quote}"
    if not day:
        return base + quote
    quote = "" if quote == "XBT" or wire.old_name(settle) == base else quote
    return f"{base}{quote}{wire.MONTHS[int(day[2:4]) - 1]}{day[:2]}"


class Bitmex(MarketAdapter):
    venue = wire.VENUE
    default_streams = STREAMS
    weights: ClassVar[dict[str, int]] = {"active": 1, "trade": 1}
    page_purpose = "trade"

    def begin(self) -> None:
        super().begin()
        self._prices: dict[str, dict[int, str]] = {}  # of the levels of each book, by id

    def start_questions(self) -> list[Question]:
        return [Question("active", "/api/v1/instrument/active")]

    # frames

    def read(self, payload: bytes) -> Heard:
        if payload == b"pong":
            return NOTHING
        frame = wire.frame_decoder.decode(payload)
        if frame.error:
            raise BadFrame(f"the venue says: {frame.error}")
        told: list[Told]
        match frame.table:
            case "":  # welcome, and what is subscribed
                return NOTHING
            case "orderBookL2":
                return self._book(frame)
            case "trade":  # a partial tells trades from before the subscription
                told = [] if frame.action == "partial" else list(map(_deal, wire.trades_decoder.decode(frame.data)))
            case "quote":
                told = list(map(_best, wire.quotes_decoder.decode(frame.data)))
            case "funding":
                told = list(map(_due, wire.fundings_decoder.decode(frame.data)))
            case "liquidation":
                orders = wire.liquidations_decoder.decode(frame.data) if frame.action == "insert" else []
                told = list(map(_forced, orders))
            case _:
                raise BadFrame(f"table {frame.table!r} is none of {', '.join(STREAMS)}")
        newest = max((one.time_ns for one in told if isinstance(one, Deal | Best)), default=UNKNOWN_NS)
        return Heard(told, frame.table, newest)

    def _book(self, frame: wire.Frame) -> Heard:
        whole = frame.action == "partial"
        levels = wire.levels_decoder.decode(frame.data)
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
            found = [one for one in wire.instruments_decoder.decode(answer.body) if self.is_wanted(one.symbol)]
            return [wire.listing(one) for one in found if one.typ in wire.KINDS]
        return [_deal(one) for one in reversed(wire.trades_decoder.decode(answer.body))]

    def page(self, answer: Answer, told: Sequence[Told], receive_ns: int) -> tuple[str, int | None]:
        start = asked(answer.url, "startTime")
        return asked(answer.url, "symbol"), time_ns(start) if start and len(told) < PAGE else None

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
        return wire.unlisted(symbol)

    def opened(self, receive_ns: int) -> None:
        self._prices.clear()

    def mark(self) -> bytes:
        return msgspec.msgpack.encode(self._prices)

    def unmark(self, own: bytes) -> None:
        self._prices = _prices_decoder.decode(own)


def _deal(trade: wire.Trade) -> Deal:
    price, size = number(trade.price), number(trade.size)
    return Deal(trade.symbol, named(trade.trdMatchID), price, size, SIDES[trade.side], time_ns(trade.timestamp))


def _best(quote: wire.Quote) -> Best:
    bid, ask = number_or_none(quote.bidPrice), number_or_none(quote.askPrice)
    sizes = number_or_none(quote.bidSize), number_or_none(quote.askSize)
    return Best(quote.symbol, bid, sizes[0], ask, sizes[1], time_ns(quote.timestamp))


def _due(funding: wire.Funding) -> Due:
    """Told when it is paid."""
    rate, at_ns = number(funding.fundingRate), time_ns(funding.timestamp)
    to_units(rate, 18)
    return Due(funding.symbol, rate, at_ns, at_ns)


def _forced(order: wire.Liquidation) -> Forced:
    """The venue tells no time."""
    return Forced(order.symbol, SIDES[order.side], number(order.price), number(order.leavesQty), UNKNOWN_NS)


def _iso(at_ns: int) -> str:
    seconds, milliseconds = divmod(at_ns // MILLISECOND_NS, 1000)
    day = date(1970, 1, 1) + timedelta(days=seconds // 86400)
    return f"{day}T{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{milliseconds:03}Z"


def _operation(op: str, streams: Sequence[str], symbols: Sequence[str]) -> bytes:
    return msgspec.json.encode({"op": op, "args": [f"{one}:{symbol}" for symbol in symbols for one in streams]})


ENTRY = VenueEntry(
    adapter=Bitmex,
    streams=STREAMS,
    lines=lines,
    venue_symbol=venue_symbol,
    rest_url="https://www.bitmex.com",
    stream_url="wss://ws.bitmex.com",
    ws_api_url="",
    weight_per_minute=30,
    clock=("/api/v1", read_clock),
    recorded=(("bitmex", "BITMEX"), Recorded(wire.VENUE, purpose_of)),
    proof=Proof(
        trades="cannot tell while connected: ids are UUIDs; a lost connection is healed by REST from then on",
        books="cannot tell: changes carry no numbers; an update of a level that is not there shows a missing one",
        documented="2026-11-22",
        sessions=("raw/cryptofeed/BITMEX_2021-07-22.jsonl.gz",),
        unproven="times and prices in updates and deletes, funding, liquidation, spot",
    ),
)
