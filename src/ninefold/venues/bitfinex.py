"""Bitfinex, spot and perpetuals: trades, order book, best bid and ask, funding, liquidations.

After docs.bitfinex.com, "WebSocket General" (conf flags), "WebSocket Checksum", "Books", "Trades", "Ticker", "Status" and REST
"Trades" and "Configs", as of 2026-11. Recordings of 2021 speak the same protocol with fewer flags.
Every frame of a connection has the next number: after one that is missing, no book is known and no trade is certain.
Book rule: a snapshot, then levels with their count of orders (0: gone); now and then a checksum of the 25 best of each side.
Trade ids are shared by all pairs, so none can be counted; after a loss the trades since then are asked for.
A ticker's sizes are sums over the 25 best levels, so of the best bid and ask only the prices are taken. Prices have five
significant digits and at most eight decimals: there is no step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple
from urllib.parse import urlsplit

import msgspec

from ninefold.journal.inputs import Answer
from ninefold.journal.recordings import Recorded
from ninefold.market.arrays import ASK, BID, BUY, SELL
from ninefold.market.instruments import Instrument
from ninefold.market.numbers import to_units
from ninefold.market.time import UNKNOWN_NS
from ninefold.venues import bitfinex_wire as wire
from ninefold.venues.adapter import BadFrame, Line, Question
from ninefold.venues.asked import asked
from ninefold.venues.checked_levels import CheckedAdapter
from ninefold.venues.entry import Proof, VenueEntry
from ninefold.venues.lines import numbered, parts
from ninefold.venues.market_adapter import NOTHING, Heard
from ninefold.venues.told import (
    MILLISECOND_NS,
    Best,
    Change,
    Checksum,
    Deal,
    Due,
    Forced,
    Told,
    number,
    number_or_none,
    sparse,
    unsigned,
)

STREAMS = ("trades", "book", "ticker", "status")
SINGLE_ORDERS = "raw book"  # of precision R0: an order's id stands where ours have the price
FLAGS = 32768 + 65536 + 131072  # times, numbers, checksums
LENGTH = "250"  # levels a side; the most there are
PAGE = 10_000
LIQUIDATIONS = "liq:global"
CHANNELS_MOST = 25  # on one connection; 20 connections may be opened in a minute ("Public Channels")
QUIET_S = 40.0  # a channel of which nothing comes is told to be there every 15 s
TELL_NOTHING = frozenset({"info", "conf", "pong"})


class _Note(NamedTuple):
    """number: of the frame; opened: (id, kind, symbol) of a new channel; closed: the id of one that ended."""

    number: int = 0
    opened: tuple[int, str, str] | None = None
    closed: int = 0


_channels_decoder = msgspec.msgpack.Decoder(tuple[dict[int, tuple[str, str]], int, bytes])


def lines(symbols: list[str], streams: tuple[str, ...] = STREAMS) -> tuple[Line, ...]:
    """As many websockets as the channels of all pairs ("tBTCUSD") need, with a message for each channel. All liquidations come
    over one channel, on the first line.
    """
    forced = [LIQUIDATIONS] if "status" in streams and any(map(wire.is_swap, symbols)) else []
    of_all = CHANNELS_MOST - len(forced)
    made: list[Line] = []
    for part in parts(symbols, lambda symbol: len(_streams_of(symbol, streams)), of_all):
        wanted: list[dict[str, object]] = [{"event": "conf", "flags": FLAGS}]
        wanted += [_subscription(stream, symbol) for symbol in part for stream in _streams_of(symbol, streams)]
        wanted += [{"event": "subscribe", "channel": "status", "key": key} for key in forced if not made]
        say = tuple(map(msgspec.json.encode, wanted))
        made.append(Line("/ws/2", part, streams, say, trades="trades" in streams, quiet_s=QUIET_S))
    return numbered(made)


def _streams_of(symbol: str, streams: Sequence[str]) -> list[str]:
    """Only perpetuals have funding."""
    return [stream for stream in streams if stream != "status" or wire.is_swap(symbol)]


def _purpose(url: str) -> str:
    """What a recorded REST question was for."""
    path = urlsplit(url).path
    return "trades" if "/trades/" in path else "pairs" if "pub:info:pair" in path else "names"


def read_clock(body: bytes) -> float:
    """The time of the newest trade of a busy pair, in seconds; the venue tells no other. raises: DecodeError, BadFrame."""
    found = wire.trades_decoder.decode(body)
    if not found:
        raise BadFrame("the answer holds no trade to take the time from")
    return found[0].time / 1000


def venue_symbol(symbol: str) -> str:
    """'BTC/USDT' to 'tBTCUST', 'AVAX/USD' to 'tAVAX:USD', 'BTC/USDT:USDT' to 'tBTCF0:USTF0'."""
    pair, _, settle = symbol.partition(":")
    parts = [wire.OLD_NAMES.get(name, name) + (wire.PERPETUAL if settle else "") for name in pair.split("/")]
    return "t" + (":" if max(map(len, parts)) > 3 else "").join(parts)


class Bitfinex(CheckedAdapter):
    venue = wire.VENUE
    default_streams = STREAMS
    weights: ClassVar[dict[str, int]] = {"pairs": 1, "trades": 1, "names": 1}
    page_purpose = "trades"

    def begin(self) -> None:
        super().begin()
        self._channels: dict[int, tuple[str, str]] = {}  # id to kind and symbol or key
        self._number = 0  # of the last frame

    def start_questions(self) -> list[Question]:
        return [Question("pairs", "/v2/conf/pub:info:pair,pub:info:pair:futures")]

    # frames

    def read(self, payload: bytes) -> Heard:
        if payload.lstrip()[:1] == b"{":
            return self._event(wire.event_decoder.decode(payload))
        parts = wire.parts_decoder.decode(payload)
        if len(parts) < 2:
            raise BadFrame(f"an array of {len(parts)} is no frame; those have a channel and more")
        kind = wire.text_decoder.decode(parts[1]) if bytes(parts[1])[:1] == b'"' else ""
        extra = parts[3:] if kind in ("te", "tu", "fte", "ftu", "cs") else parts[2:]
        numbers = [wire.whole_decoder.decode(one) for one in extra[:2]]
        number = numbers[0] if numbers and numbers[0] < 10**12 else 0  # a lone large one is a time
        at_ns = numbers[-1] * MILLISECOND_NS if numbers and 10**12 <= numbers[-1] < 9 * 10**12 else UNKNOWN_NS
        if kind in ("hb", "tu", "fte", "ftu"):  # "te" told what "tu" repeats
            return Heard(time_ns=at_ns, note=_Note(number))
        stream, symbol = self._channel(parts, extra)
        told = self._read(stream, symbol, kind, parts[1:], at_ns)
        return Heard(told, stream, at_ns, _Note(number))

    def _event(self, event: wire.Event) -> Heard:
        if event.event == "subscribed":
            of = event.key if event.channel == "status" else event.symbol
            single = event.channel == "book" and event.prec.startswith("R")
            return Heard(note=_Note(opened=(event.chanId, SINGLE_ORDERS if single else event.channel, of)))
        if event.event == "unsubscribed":
            return Heard(note=_Note(closed=event.chanId))
        if event.event not in TELL_NOTHING:
            raise BadFrame(f"the venue says {event.event} {event.channel} {event.symbol}: {event.msg}")
        return NOTHING

    def _channel(self, parts: list[msgspec.Raw], extra: list[msgspec.Raw]) -> tuple[str, str]:
        """Of what was subscribed; some recorders write it behind each frame."""
        id = wire.whole_decoder.decode(parts[0])
        known = self._channels.get(id)
        if known is not None:
            return known
        if len(extra) == 4:
            name = wire.text_decoder.decode(extra[3])
            return wire.text_decoder.decode(extra[2]), ("t" if len(name) >= 6 else "f") + name  # a pair or a currency
        raise BadFrame(f"channel {id} was not subscribed; subscribed are {len(self._channels)} others")

    def _read(self, stream: str, symbol: str, kind: str, parts: list[msgspec.Raw], at_ns: int) -> list[Told]:
        if stream == "status":
            return self._status(symbol, parts[0])
        if stream == SINGLE_ORDERS or not symbol.startswith("t"):  # funding is no trade
            return []
        match stream, kind:
            case "trades", "te":
                return [_deal(symbol, wire.trade_decoder.decode(parts[1]))]
            case "trades", "":  # trades from before the subscription
                return []
            case "book", "cs":
                return [Checksum(symbol, wire.signed_decoder.decode(parts[1]), at_ns)]
            case "book", "":
                snapshot = bytes(parts[0]).replace(b" ", b"")[:2] in (b"[[", b"[]")
                levels = wire.levels_decoder.decode(parts[0]) if snapshot else [wire.level_decoder.decode(parts[0])]
                return [_change(symbol, snapshot, levels, at_ns)]
            case "ticker", "":
                ticker = wire.ticker_decoder.decode(parts[0])
                return [Best(symbol, number_or_none(ticker.bid), "0", number_or_none(ticker.ask), "0", at_ns)]
        raise BadFrame(f"{stream} {kind!r} is no kind of frame that is known; known are {', '.join(STREAMS)}")

    def _status(self, key: str, data: msgspec.Raw) -> list[Told]:
        if key.startswith("deriv:"):
            found = wire.derivative_decoder.decode(data)
            if found.next_funding is None or bytes(found.current_funding) == b"null":
                return []
            symbol, rate, mark = (
                key.removeprefix("deriv:"),
                number(found.current_funding),
                number_or_none(found.mark_price),
            )
            to_units(rate, 18)
            return [Due(symbol, rate, found.next_funding * MILLISECOND_NS, found.time * MILLISECOND_NS, mark)]
        told: list[Told] = []
        for one in wire.liquidations_decoder.decode(data):
            if one.is_match == 1 and (self._wanted is None or one.symbol in self._wanted):
                sign, size = unsigned(number(one.amount))
                price = number(one.base_price if bytes(one.price) == b"null" else one.price)
                told.append(Forced(one.symbol, SELL if sign > 0 else BUY, price, size, one.time * MILLISECOND_NS))
        return told

    def noted(self, note: object, seq: int, receive_ns: int) -> None:
        assert isinstance(note, _Note)
        if note.opened is not None:
            id, stream, of = note.opened
            self._channels[id] = (stream, of)
        self._channels.pop(note.closed, None)
        if note.number > self._number + 1 > 1:
            self._lose_all(seq, receive_ns)
        self._number = max(self._number, note.number)

    def _lose_all(self, seq: int, receive_ns: int) -> None:
        for symbol, book in sorted(self._books.items()):
            if book.last_id:
                self.lose_book(self._instruments[symbol], 0, 0, UNKNOWN_NS, seq, receive_ns)
        self._overlap.lost()
        self._overlap.opened(sorted(self._overlap.series))

    # answers

    def read_answer(self, answer: Answer) -> Sequence[Told]:
        if answer.purpose == "trades":
            return [_deal(_symbol_of(answer.url), one) for one in reversed(wire.trades_decoder.decode(answer.body))]
        if answer.purpose == "pairs":
            found = [pair for pairs in wire.pairs_decoder.decode(answer.body) for pair in pairs]
            return [wire.listing(*pair) for pair in found if self.is_wanted("t" + pair[0])]
        return []

    def page(self, answer: Answer, told: Sequence[Told], receive_ns: int) -> tuple[str, int | None]:
        start = int(asked(answer.url, "start") or 0) * MILLISECOND_NS
        return _symbol_of(answer.url), start if len(told) < PAGE else None

    # what is asked, and the rest

    def ask_book(self, symbol: str, not_before_ns: int) -> None:
        for id in [id for id, known in self._channels.items() if known == ("book", symbol)]:
            self.say.append(msgspec.json.encode({"event": "unsubscribe", "chanId": id}))
        self.say.append(msgspec.json.encode(_subscription("book", symbol)))

    def ask_trades(self, symbol: str, from_id: int | None) -> None:
        start = self.since_ns(symbol) // MILLISECOND_NS
        self.questions.append(Question("trades", f"/v2/trades/{symbol}/hist?limit={PAGE}&sort=-1&start={start}"))

    def streams_of(self, symbol: str) -> Sequence[str]:
        return _streams_of(symbol, self._streams)

    def unlisted(self, symbol: str) -> Instrument:
        return wire.listing(symbol.removeprefix("t"), [])

    def opened(self, receive_ns: int) -> None:
        super().opened(receive_ns)
        self._channels.clear()
        self._number = 0

    def mark(self) -> bytes:
        return msgspec.msgpack.encode((self._channels, self._number, super().mark()))

    def unmark(self, own: bytes) -> None:
        self._channels, self._number, levels = _channels_decoder.decode(own)
        super().unmark(levels)


def _symbol_of(url: str) -> str:
    """Of which symbol a page of trades was asked for."""
    return urlsplit(url).path.split("/")[3]


def _deal(symbol: str, trade: wire.Trade) -> Deal:
    """The amount is positive if the taker bought."""
    sign, size = unsigned(number(trade.amount))
    side = BUY if sign > 0 else SELL
    return Deal(symbol, sparse(trade.id), number(trade.price), size, side, trade.time * MILLISECOND_NS)


def _change(symbol: str, snapshot: bool, found: list[wire.Level], at_ns: int) -> Change:
    """Bids have positive amounts, asks negative ones. The checksum is over numbers just as they were sent."""
    levels, texts = [], []
    for one in found:
        sign, size = unsigned(number(one.amount))
        levels.append((BID if sign > 0 else ASK, number(one.price), size if one.count else "0"))
        texts.append(f"{bytes(one.price).decode()}:{bytes(one.amount).decode()}")
    return Change(symbol, snapshot, levels, at_ns, texts=texts)


def _subscription(stream: str, symbol: str) -> dict[str, object]:
    if stream == "status":
        return {"event": "subscribe", "channel": "status", "key": f"deriv:{symbol}"}
    wanted: dict[str, object] = {"event": "subscribe", "channel": stream, "symbol": symbol}
    return {**wanted, "prec": "P0", "freq": "F0", "len": LENGTH} if stream == "book" else wanted


ENTRY = VenueEntry(
    adapter=Bitfinex,
    streams=STREAMS,
    lines=lines,
    venue_symbol=venue_symbol,
    rest_url="https://api-pub.bitfinex.com",
    stream_url="wss://api-pub.bitfinex.com",
    ws_api_url="",
    weight_per_minute=15,
    clock=("/v2/trades/tBTCUSD/hist?limit=1", read_clock),
    recorded=(("bitfinex", "BITFINEX"), Recorded(wire.VENUE, _purpose)),
    proof=Proof(
        trades="numbers of all frames of a connection; ids do not count; a loss is healed by REST from then on",
        books="numbers of all frames, and a checksum of the 25 best levels; a new snapshot by subscribing again",
        documented="2026-11-22",
        sessions=("raw/cryptofeed/BITFINEX_2021-04-17.jsonl.gz",),
        unproven="te, checksums, status (the session has none), perpetuals",
    ),
    opens=20,
)
