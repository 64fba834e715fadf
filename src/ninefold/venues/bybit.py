"""Bybit, spot and perpetuals (linear, inverse): trades, order book, best bid and ask, funding, liquidations.

After bybit-exchange.github.io/docs/v5, "Websocket Stream, Public" (trade, orderbook, ticker, all liquidation), "Connect"
and "Market" (instruments info, recent public trades, server time), as of 2026-11. Recordings of 2019 to 2022 speak an older
protocol, which is read too. Spot, linear and inverse have a websocket each, whose messages call a pair and a perpetual alike.
Book rule: a snapshot, then changes whose ids (u) follow each other; after a hole the book is subscribed anew. The venue
may send a new snapshot at any time. Books of the older protocol carry nothing to check them by.
Trade ids (UUIDs; numbers in spot) do not count. After a lost connection the latest 1000 trades, in spot 60, are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

import msgspec

from ninefold.journal.inputs import Answer, ConnectionChange
from ninefold.journal.recordings import Recorded
from ninefold.market.arrays import ASK, BID, BUY, SELL
from ninefold.market.instruments import Instrument
from ninefold.market.numbers import INT64_MAX, to_units
from ninefold.market.time import UNKNOWN_NS
from ninefold.venues import bybit_wire as wire
from ninefold.venues import told
from ninefold.venues.adapter import BadFrame, Line, Question
from ninefold.venues.asked import asked, purpose_of
from ninefold.venues.bybit_wire import INVERSE, LINEAR, SPOT
from ninefold.venues.entry import Proof, VenueEntry
from ninefold.venues.lines import numbered, parts
from ninefold.venues.market_adapter import NOTHING, Heard, MarketAdapter, Numbers
from ninefold.venues.told import MICROSECOND_NS, MILLISECOND_NS, Best, Change, Deal, Due, Forced, Levels, Told, number

STREAMS = ("publicTrade", "orderbook.200", "orderbook.1", "tickers", "allLiquidation")
SPOT_STREAMS = ("publicTrade", "orderbook.200", "orderbook.1")  # spot has no others
PING, PING_S = b'{"op":"ping"}', 5.0  # quiet instruments pause longer than a connection may be silent
MOST_ARGUMENTS = 10  # in one message
MOST_CHARACTERS = 21_000  # of the arguments of one connection ("Connect", "Public channel - Args limits")
PAGE = {SPOT: 60, LINEAR: 1000, INVERSE: 1000}
RATE_DECIMALS = 18
DEPTHS = frozenset({"50", "200", "500", "1000"})
NOT_WANTED = frozenset(
    {"kline", "liquidation", "insurance"}
    | {"instrument_info", "orderBook_200", "klineV2", "candle"}  # of the older protocol
)
SIDES = {"Buy": BUY, "Sell": SELL}


class _Own(msgspec.Struct):
    """best: the best bid and ask of a symbol with their sizes; funding: (rate, due in ms, mark) as told last; of both a frame
    may hold but what has changed. prefix: of what the line calls a symbol, for spot and linear call theirs alike; None: the
    line has not said what comes over it.
    """

    best: dict[str, tuple[str, str, str, str]] = {}
    funding: dict[str, tuple[str, str, str]] = {}
    prefix: str | None = None


class Paid(Due):
    """marks: what the frame says of the funding, with what was known before."""

    marks: tuple[str, str, str]


def lines(symbols: list[str], streams: tuple[str, ...] = STREAMS) -> tuple[Line, ...]:
    """Websockets of spot, linear and inverse, of which all is asked for by messages."""
    found = []
    for kind in sorted({wire.category(symbol) for symbol in symbols}) or [LINEAR]:
        of_kind = [symbol for symbol in symbols if wire.category(symbol) == kind]
        for part in parts(
            of_kind, lambda symbol: sum(len(one) + 3 for one in _topics([symbol], streams)), MOST_CHARACTERS
        ):
            topics = _topics(part, streams)
            said = (topics[at : at + MOST_ARGUMENTS] for at in range(0, len(topics), MOST_ARGUMENTS))
            say = tuple(_operation("subscribe", one) for one in said)
            trades = "publicTrade" in streams
            found.append(Line(f"/v5/public/{kind}", part, streams, say, PING, PING_S, trades))
    return numbered(found)


def _topics(symbols: Sequence[str], streams: tuple[str, ...]) -> list[str]:
    return [f"{stream}.{_theirs(symbol)}" for symbol in symbols for stream in _streams_of(symbol, streams)]


def read_clock(body: bytes) -> float:
    """The venue's time, in seconds, from its answer. raises: msgspec.DecodeError."""
    return wire.answered_decoder.decode(body).time / 1000


class Bybit(MarketAdapter):
    """wanted: the venue symbols that were subscribed ("BTCUSDT", "spot:BTCUSDT"); None takes whatever a recording holds,
    as of contracts. streams: the kinds that were subscribed for each."""

    venue = wire.VENUE
    default_streams = STREAMS
    weights: ClassVar[dict[str, int]] = {"instruments-info": 1, "recent-trade": 1, "symbols": 1}
    page_purpose = "recent-trade"

    def begin(self) -> None:
        super().begin()
        self._own = _Own()
        self._of_all = _prefix(self._wanted or ())

    def start_questions(self) -> list[Question]:
        """What to ask once before the first stream: the rules of each wanted symbol."""
        asked = "/v5/market/instruments-info?category={}&symbol={}"
        return [
            Question("instruments-info", asked.format(wire.category(symbol), _theirs(symbol)))
            for symbol in sorted(self._wanted or ())
        ]

    def unlisted(self, symbol: str) -> Instrument:
        return wire.unlisted(symbol)

    def streams_of(self, symbol: str) -> Sequence[str]:
        return _streams_of(symbol, self._streams)

    def connection(self, change: ConnectionChange, number: int, seq: int, receive_ns: int) -> None:
        """As for all; a line is of one category."""
        if change.symbols:
            self._own.prefix = _prefix(change.symbols)
        super().connection(change, number, seq, receive_ns)

    def opened(self, receive_ns: int) -> None:
        self._own.best.clear()

    @property
    def _ours(self) -> str:
        return self._of_all if self._own.prefix is None else self._own.prefix

    def mark(self) -> bytes:
        return msgspec.msgpack.encode(self._own, order="deterministic")

    def unmark(self, own: bytes) -> None:
        self._own = msgspec.msgpack.decode(own, type=_Own)

    # frames

    def read(self, payload: bytes) -> Heard:
        frame = wire.frame_decoder.decode(payload)
        kind, _, rest = frame.topic.partition(".")
        match kind:
            case "publicTrade":
                return Heard([self._deal_of(one) for one in wire.trades_decoder.decode(frame.data)], kind, _sent(frame))
            case "orderbook":
                return self._book(frame, rest.partition(".")[0])
            case "tickers":
                return Heard(self._funding(wire.ticker_decoder.decode(frame.data), frame), kind, _sent(frame))
            case "allLiquidation":
                return Heard([self._forced(one) for one in wire.forced_decoder.decode(frame.data)], kind, _sent(frame))
            case "trade":
                return Heard([_old_deal(one) for one in wire.old_trades_decoder.decode(frame.data)], "publicTrade")
            case "orderBookL2_25":
                return _old_book(frame, rest)
        if frame.topic and kind not in NOT_WANTED:
            raise BadFrame(f"topic {frame.topic!r} is none of {', '.join(STREAMS)}")
        if not frame.success:
            raise BadFrame(f"the venue refuses {frame.op or 'a message'}: {frame.ret_msg or 'without a reason'}")
        if not (frame.topic or frame.op or frame.ret_msg or b'"success"' in payload):
            raise BadFrame("a frame without a topic that is no answer either")
        return NOTHING

    def _deal_of(self, one: wire.Trade) -> Deal:
        return Deal(self._ours + one.s, told.named(one.i), one.p, one.v, SIDES[one.S], one.T * MILLISECOND_NS)

    def _book(self, frame: wire.Frame, depth: str) -> Heard:
        book = wire.book_decoder.decode(frame.data)
        symbol, at_ns = self._ours + book.s, frame.cts * MILLISECOND_NS or _sent(frame)
        if frame.type not in ("snapshot", "delta"):
            raise BadFrame(f"a book of type {frame.type!r}; known are snapshot and delta")
        snapshot = frame.type == "snapshot"
        if depth == "1":
            known = ("0",) * 4 if snapshot else self._own.best.get(symbol, ("0",) * 4)
            best = Best(symbol, *_newest(book.b, known[:2]), *_newest(book.a, known[2:]), at_ns, book.u)
            return Heard([best], "orderbook.1", _sent(frame))
        if depth not in DEPTHS:
            raise BadFrame(f"a book of depth {depth!r}; known are 1, {', '.join(sorted(DEPTHS))}")
        levels: Levels = [(side, *level) for side, levels in ((BID, book.b), (ASK, book.a)) for level in levels]
        change = Change(symbol, snapshot, levels, at_ns, 0 if snapshot else book.u, book.u)
        return Heard([change], f"orderbook.{depth}", _sent(frame))

    def _funding(self, one: wire.Ticker, frame: wire.Frame) -> list[Told]:
        """A ticker holds what has changed; funding is told when its rate or time has. What is delivered has none."""
        known = self._own.funding.get(one.symbol, ("", "", "0"))
        new = (one.fundingRate, one.nextFundingTime, one.markPrice)
        rate, due_ms, mark = (text or before for text, before in zip(new, known, strict=True))
        if self._ours or not rate or not due_ms.isdecimal() or due_ms == "0" or (rate, due_ms) == known[:2]:
            return []
        to_units(rate, RATE_DECIMALS)
        made = Paid(one.symbol, rate, _time(due_ms, MILLISECOND_NS), _sent(frame), mark)
        made.marks = (rate, due_ms, mark)
        return [made]

    def _forced(self, one: wire.Forced) -> Forced:
        """The venue tells the side of the position: what closed it did the other."""
        return Forced(one.s, -SIDES[one.S], one.p, one.v, one.T * MILLISECOND_NS)

    # answers

    def read_answer(self, answer: Answer) -> Sequence[Told]:
        if answer.purpose == "symbols":
            return [wire.old_listing(one) for one in wire.old_listed_decoder.decode(answer.body).result]
        answered = wire.answered_decoder.decode(answer.body)
        if answered.retCode:
            raise BadFrame(f"the venue says {answered.retCode}: {answered.retMsg}")
        kind = asked(answer.url, "category")
        if answer.purpose == "instruments-info":
            found = [wire.listing(one, kind) for one in wire.listed_decoder.decode(answered.result).rows]
            if not found:
                raise BadFrame(f"the venue lists no {asked(answer.url, 'symbol')!r} in {kind}")
            return found
        past = wire.past_decoder.decode(answered.result).rows
        prefix = "spot:" if kind == SPOT else ""
        return [
            Deal(
                prefix + one.symbol,
                told.named(one.execId),
                one.price,
                one.size,
                SIDES[one.side],
                _time(one.time, MILLISECOND_NS),
            )
            for one in reversed(past)
        ]

    def page(self, answer: Answer, told: Sequence[Told], receive_ns: int) -> tuple[str, int | None]:
        kind, symbol = asked(answer.url, "category"), asked(answer.url, "symbol")
        return ("spot:" if kind == SPOT else "") + symbol, None

    # parts

    def ask_book(self, symbol: str, not_before_ns: int) -> None:
        topics = [f"{stream}.{_theirs(symbol)}" for stream in self._streams if stream.partition(".")[2] in DEPTHS]
        self.say += (_operation(op, topics) for op in ("unsubscribe", "subscribe"))

    def ask_trades(self, symbol: str, from_id: int | None) -> None:
        kind = wire.category(symbol)
        path = f"/v5/market/recent-trade?category={kind}&symbol={_theirs(symbol)}&limit={PAGE[kind]}"
        self.questions.append(Question("recent-trade", path))

    def _take(self, one: Told, numbers: Numbers, seq: int, receive_ns: int, *, live: bool = True) -> None:
        super()._take(one, numbers, seq, receive_ns, live=live)
        if isinstance(one, Best):
            self._own.best[one.symbol] = one[1:5]
        elif isinstance(one, Paid):
            self._own.funding[one.symbol] = one.marks


def _old_deal(one: wire.OldTrade) -> Deal:
    at_ns = _time(number(one.trade_time_ms), MILLISECOND_NS) or told.time_ns(one.timestamp)
    return Deal(one.symbol, told.named(one.trade_id), number(one.price), number(one.size), SIDES[one.side], at_ns)


def _old_book(frame: wire.Frame, symbol: str) -> Heard:
    """Deleted levels first: a level may be among the inserted ones too."""
    at_ns = _time(number(frame.timestamp_e6), MICROSECOND_NS)
    if frame.type == "snapshot":
        book = wire.old_book_decoder.decode(frame.data)
        found = book if isinstance(book, list) else book.order_book
    else:
        change = wire.old_change_decoder.decode(frame.data)
        found = [*change.delete, *change.update, *change.insert]
    levels = [(BID if one.side == "Buy" else ASK, one.price, number(one.size)) for one in found]
    return Heard([Change(symbol, frame.type == "snapshot", levels, at_ns)], "orderbook.200", at_ns)


def _newest(levels: list[tuple[str, str]], known: tuple[str, ...]) -> tuple[str, str]:
    """The level that is there now: the one that is not gone, or the one that is known."""
    there = [level for level in levels if level[1].strip("-0.")]
    return there[0] if there else ("0", "0") if levels else (known[0], known[1])


def _sent(frame: wire.Frame) -> int:
    return frame.ts * MILLISECOND_NS or UNKNOWN_NS


def _time(text: str, unit_ns: int) -> int:
    """In nanoseconds. raises: BadFrame."""
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= INT64_MAX // unit_ns):
        raise BadFrame(f"{text[:40]!r} is no time")
    return int(text) * unit_ns


def _streams_of(symbol: str, streams: Sequence[str]) -> Sequence[str]:
    return [one for one in streams if one in SPOT_STREAMS] if wire.category(symbol) == SPOT else streams


def _prefix(symbols: Iterable[str]) -> str:
    return "spot:" if any(wire.category(symbol) == SPOT for symbol in symbols) else ""


def _theirs(symbol: str) -> str:
    """As the venue's messages call it: 'spot:BTCUSDT' is BTCUSDT there."""
    return symbol.removeprefix("spot:")


def _operation(op: str, topics: list[str]) -> bytes:
    return msgspec.json.encode({"op": op, "args": topics})


ENTRY = VenueEntry(
    adapter=Bybit,
    streams=STREAMS,
    lines=lines,
    venue_symbol=wire.venue_symbol,
    rest_url="https://api.bybit.com",
    stream_url="wss://stream.bybit.com",
    ws_api_url="",
    weight_per_minute=600,
    clock=("/v5/market/time", read_clock),
    recorded=(("bybit", "BYBIT"), Recorded(wire.VENUE, purpose_of)),
    proof=Proof(
        trades="cannot tell while connected: ids do not count; a lost connection is healed from the last 1000 (spot 60)",
        books="contiguous numbers, a new snapshot by subscribing again",
        documented="2026-11-22",
        sessions=("raw/cryptofeed/BYBIT_2021-04-17_first_half.jsonl.gz",),
        unproven="v5 as a session (the session speaks v2, whose books carry no numbers), spot, funding, liquidations",
    ),
)
