"""Binance spot: trades, order book, best bid and ask.

After developers.binance.com, "WebSocket Streams for Binance SPOT" and "Market Data endpoints", as of 2026-11:
combined streams
`<symbol>@trade`, `<symbol>@depth@100ms`, `<symbol>@bookTicker`; REST depth, exchangeInfo, historicalTrades.
Book rule: drop changes with u <= lastUpdateId of the snapshot; the first applied has U <= lastUpdateId+1 <= u; then
each U is at most the last u + 1.
Trade ids are contiguous per symbol; a hole is asked for by REST. Best bid and ask carry no time of the venue.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import msgspec

from ninefold.journal.inputs import Answer, ConnectionChange
from ninefold.market.arrays import ASK, BID, BUY, CLEAR_BOOK, ID_AGGREGATE, ID_INTEGER, SELL, SET_LEVEL
from ninefold.market.instruments import Instrument, Registry, listed
from ninefold.market.records import Connection, Gap, Listed
from ninefold.market.time import SECOND_NS, UNKNOWN_NS
from ninefold.venues.adapter import BadFrame, Gathered, Line, Question, malformed
from ninefold.venues.binance_wire import (
    MILLISECOND_NS,
    VENUE,
    Snapshot,
    aggregate_trade_decoder,
    depth_decoder,
    exchange_info_decoder,
    is_reply,
    listing,
    past_trades_decoder,
    snapshot_decoder,
    split,
    ticker_decoder,
    time_decoder,
    trade_decoder,
    wrapper_decoder,
)
from ninefold.venues.form import form
from ninefold.venues.sequence import BookSync
from ninefold.venues.told import units
from ninefold.venues.trade_series import TradeSeries

if TYPE_CHECKING:
    from ninefold.venues.quick import Quick

STREAMS = ("trade", "depth@100ms", "bookTicker")
REST_URL = "https://api.binance.com"
STREAM_URL = "wss://stream.binance.com:9443"
WS_API_URL = "wss://ws-api.binance.com:443/ws-api/v3"
PURPOSES = {"historicalTrades": "trades"}  # others are called as in the path
HEAL_LIMIT = 1000
SNAPSHOT_LIMIT = 1000
REFUSED_NS = 10 * SECOND_NS  # a question that was refused is asked again after this
AGGREGATE = " aggregate"  # the series of aggregate trades, beside the trades of a symbol
FORM = form(
    '{"stream":"<lower>@trade","data":{"e":"trade","E":<stamp>,"s":"<symbol>","t":<id>,"p":"<price>","q":"<size>",'
    '"T":<time>,"m":<side>,"M":<flag>}}',
    buyer=b"false",
    seller=b"true",
)
WEIGHTS = {"exchangeInfo": 20, "depth": 50, "trades": 25}


class _State(msgspec.Struct):
    instruments: list[Instrument]
    trades: TradeSeries
    last_ns: dict[str, int]
    books: dict[str, BookSync]
    best_ids: dict[str, int]
    rules: dict[str, Instrument]
    seen: dict[str, int]


def line(symbols: list[str], streams: tuple[str, ...] = STREAMS) -> Line:
    """A combined stream of all symbols ("BTCUSDT"), all in its path; the venue pings by itself."""
    names = (f"{symbol.lower()}@{stream}" for symbol in symbols for stream in streams)
    return Line("/stream?streams=" + "/".join(names))


def purpose(url: str) -> str:
    """What a recorded REST question was for."""
    last = url.partition("?")[0].rpartition("/")[2]
    return PURPOSES.get(last, last)


def read_clock(body: bytes) -> float:
    """The venue's time, in seconds, from its answer. raises: msgspec.DecodeError."""
    return time_decoder.decode(body).serverTime / 1000


def venue_symbol(symbol: str) -> str:
    """'BTC/USDT' to 'BTCUSDT'."""
    return symbol.replace("/", "")


class BinanceSpot:
    """wanted: the venue symbols that were subscribed ("BTCUSDT"); None takes whatever a recording holds.
    streams: the kinds that were subscribed for each."""

    venue = VENUE
    form = FORM

    def __init__(
        self,
        wanted: frozenset[str] | None = None,
        streams: tuple[str, ...] = STREAMS,
        registry: Registry | None = None,
    ) -> None:
        self._registry = Registry() if registry is None else registry
        self._wanted = wanted
        self._streams = streams
        self.seen: dict[str, int] = {}
        self._rules: dict[str, Instrument] = {}
        self._instruments: dict[str, Instrument] = {}
        self._trades = TradeSeries()
        self._last_ns: dict[str, int] = {}
        self._books: dict[str, BookSync] = {}
        self._best_ids: dict[str, int] = {}
        self.gathered = Gathered()
        self.questions: list[Question] = []
        self.say: list[bytes] = []  # all that is wanted is in the path of the line
        self.quick: Quick | None = None

    @property
    def registry(self) -> Registry:
        return self._registry

    def start_questions(self) -> list[Question]:
        """What to ask once before the first stream: the rules of the wanted symbols."""
        names = json.dumps(sorted(self._wanted or ()), separators=(",", ":"))
        return [Question("exchangeInfo", f"/api/v3/exchangeInfo?symbols={names}", WEIGHTS["exchangeInfo"])]

    def frame(self, connection: int, seq: int, receive_ns: int, payload: bytes) -> None:
        """Parse one frame of a combined stream; what cannot be parsed becomes a Malformed record."""
        self._trades.pass_time(receive_ns)
        try:
            wrapper = wrapper_decoder.decode(payload)
            _, _, kind = wrapper.stream.partition("@")
            handler = _HANDLERS.get(kind)
            if handler is None:
                raise BadFrame(f"stream {wrapper.stream!r} is none of {', '.join(_HANDLERS)}")
            handler(self, connection, seq, receive_ns, wrapper.data)
            self.seen[wrapper.stream] = receive_ns
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            if not is_reply(payload):
                self._malformed(seq, receive_ns, str(error), payload)
        self._tell(seq, receive_ns)

    def answer(self, answer: Answer, seq: int, receive_ns: int) -> None:
        """Parse a REST answer. A refused or missing one is asked again later."""
        self._trades.pass_time(receive_ns)
        if answer.status != 200:
            if answer.purpose in _ANSWERS:
                self._ask_again(answer, receive_ns + (REFUSED_NS if 400 <= answer.status < 500 else SECOND_NS))
        else:
            self._read(answer, seq, receive_ns)
        self._tell(seq, receive_ns)

    def _read(self, answer: Answer, seq: int, receive_ns: int) -> None:
        handler = _ANSWERS.get(answer.purpose)
        try:
            if handler is None:
                raise BadFrame(f"no answer is expected for {answer.purpose!r}")
            handler(self, answer, seq, receive_ns)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            self._malformed(seq, receive_ns, f"{answer.purpose}: {error}", answer.body)
            self._trades.forget_questions()

    def connection(self, change: ConnectionChange, number: int, seq: int, receive_ns: int) -> None:
        """A lost connection makes books unknown; after a new one the rules' missed trades are asked for."""
        self.gathered.records.append(
            Connection(
                seq=seq, known_ns=receive_ns, venue=VENUE, name=change.name, state=change.state, reason=change.reason
            )
        )
        if change.name != "market":
            return
        if self.quick is not None:
            self.quick.forget_all()
        for symbol in self._books:
            self._books[symbol].reset()
        if change.state == "open":
            wanted = sorted(self._wanted or ())
            for symbol in wanted:
                self.seen.update({f"{symbol.lower()}@{stream}": receive_ns for stream in self._streams})
                if any(stream.startswith("depth") for stream in self._streams):
                    self._ask_depth(symbol)
            self._trades.opened(receive_ns, wanted)
        else:
            self._trades.lost(receive_ns)
        self._tell(seq, receive_ns)

    def save(self) -> bytes:
        return msgspec.msgpack.encode(
            _State(
                list(self._registry),
                self._trades,
                self._last_ns,
                self._books,
                self._best_ids,
                self._rules,
                self.seen,
            ),
            order="deterministic",
        )

    def quick_until_ns(self) -> int:
        return self._trades.due_ns()

    def settled(self, symbol: str, next_id: int, last_ns: int, seen_ns: int) -> None:
        self._trades.ids[symbol].next_id = next_id
        self._last_ns[symbol] = last_ns
        self.seen[f"{symbol.lower()}@trade"] = seen_ns

    def load(self, state: bytes) -> None:
        saved = msgspec.msgpack.decode(state, type=_State)
        self._instruments = self._registry.learn_all(saved.instruments, VENUE)
        self._trades, self._last_ns = saved.trades, saved.last_ns
        self._books, self._best_ids = saved.books, saved.best_ids
        self._rules, self.seen = saved.rules, saved.seen

    # frames

    def _trade(self, connection: int, seq: int, receive_ns: int, data: msgspec.Raw) -> None:
        trade = trade_decoder.decode(data)
        self._add_trade(trade.s, seq, receive_ns, ID_INTEGER, trade.t, trade.T, trade.p, trade.q, trade.m)
        self.gathered.stamps.append((connection, trade.E * MILLISECOND_NS, receive_ns))

    def _aggregate(self, connection: int, seq: int, receive_ns: int, data: msgspec.Raw) -> None:
        trade = aggregate_trade_decoder.decode(data)
        self._add_trade(trade.s, seq, receive_ns, ID_AGGREGATE, trade.a, trade.T, trade.p, trade.q, trade.m)
        self.gathered.stamps.append((connection, trade.E * MILLISECOND_NS, receive_ns))

    def _depth(self, connection: int, seq: int, receive_ns: int, data: msgspec.Raw) -> None:
        depth = depth_decoder.decode(data)
        instrument = self._instrument(depth.s)
        changes = self._levels(instrument, depth.E * MILLISECOND_NS, receive_ns, seq, depth.u, depth.b, depth.a)
        self._make_known(instrument, seq, receive_ns)
        self.gathered.stamps.append((connection, depth.E * MILLISECOND_NS, receive_ns))
        book = self._book(depth.s)
        before = book.last_id
        verdict = book.change(depth.U, depth.u, changes)
        if verdict == "apply":
            self.gathered.books.extend(changes)
        elif verdict == "gap":
            self._gap(instrument, "books", before + 1, depth.U - 1, seq, receive_ns)
            self._ask_depth(depth.s)

    def _best(self, connection: int, seq: int, receive_ns: int, data: msgspec.Raw) -> None:
        best = ticker_decoder.decode(data)
        of = self._instrument(best.s)
        bid, ask = units(best.b, of.price_decimals), units(best.a, of.price_decimals)
        bid_size, ask_size = units(best.B, of.size_decimals), units(best.A, of.size_decimals)
        self._make_known(of, seq, receive_ns)
        self._best_ids[best.s] = best.u
        self.gathered.quotes.append((of.id, UNKNOWN_NS, receive_ns, seq, best.u, bid, bid_size, ask, ask_size))

    # answers

    def _take_info(self, answer: Answer, seq: int, receive_ns: int) -> None:
        for symbol in exchange_info_decoder.decode(answer.body).symbols:
            self._rules[symbol.symbol] = listing(symbol)
            if symbol.symbol in self._instruments or symbol.symbol in (self._wanted or ()):
                self._list(symbol.symbol, seq, receive_ns)

    def _take_snapshot(self, answer: Answer, seq: int, receive_ns: int) -> None:
        symbol = parse_qs(urlsplit(answer.url).query).get("symbol", [""])[0]
        instrument = self._instrument(symbol)
        snapshot = snapshot_decoder.decode(answer.body)
        levels = self._levels(
            instrument, UNKNOWN_NS, receive_ns, seq, snapshot.lastUpdateId, snapshot.bids, snapshot.asks
        )
        self._make_known(instrument, seq, receive_ns)
        book = self._book(symbol)
        changes = book.snapshot(snapshot.lastUpdateId)
        if changes is None:
            self._ask_depth(symbol, not_before_ns=receive_ns + SECOND_NS // 4)
            return
        first = (instrument.id, UNKNOWN_NS, receive_ns, seq, snapshot.lastUpdateId, CLEAR_BOOK, BID, 0, 0)
        self.gathered.books.append(first)
        self.gathered.books.extend(levels)
        self._best_of_snapshot(instrument, snapshot, seq, receive_ns)
        for waited in changes:
            self.gathered.books.extend((*row[:3], seq, *row[4:]) for row in waited)  # type: ignore[attr-defined]
        if not book.last_id:  # a change was missing among those that waited
            self._ask_depth(symbol)

    def _best_of_snapshot(self, of: Instrument, snapshot: Snapshot, seq: int, receive_ns: int) -> None:
        """Best bid and ask come only when they change: until then the snapshot's are known."""
        if not (snapshot.bids and snapshot.asks) or snapshot.lastUpdateId <= self._best_ids.get(of.venue_symbol, 0):
            return
        (bid, bid_size), (ask, ask_size) = snapshot.bids[0], snapshot.asks[0]
        best = (
            units(bid, of.price_decimals),
            units(bid_size, of.size_decimals),
            units(ask, of.price_decimals),
            units(ask_size, of.size_decimals),
        )
        self.gathered.quotes.append((of.id, UNKNOWN_NS, receive_ns, seq, snapshot.lastUpdateId, *best))

    def _take_trades(self, answer: Answer, seq: int, receive_ns: int) -> None:
        query = parse_qs(urlsplit(answer.url).query)
        symbol, from_id = query.get("symbol", [""])[0], int(query.get("fromId", ["0"])[0])
        trades = past_trades_decoder.decode(answer.body)
        for trade in trades:
            self._add_trade(
                symbol,
                seq,
                receive_ns,
                ID_INTEGER,
                trade.id,
                trade.time,
                trade.price,
                trade.qty,
                trade.isBuyerMaker,
                live=False,
            )
        last = trades[-1].id if trades else from_id - 1
        self._trades.answered(symbol, from_id, last, more=len(trades) >= HEAL_LIMIT)

    # parts

    def _add_trade(
        self,
        symbol: str,
        seq: int,
        receive_ns: int,
        id_kind: int,
        id: int,
        time_ms: int,
        price: str,
        size: str,
        buyer_is_maker: bool,
        *,
        live: bool = True,
    ) -> None:
        of = self._instrument(symbol)
        price_units, size_units = units(price, of.price_decimals), units(size, of.size_decimals)
        self._make_known(of, seq, receive_ns)
        exchange_ns = time_ms * MILLISECOND_NS
        series = symbol
        if id_kind == ID_AGGREGATE:  # counts its own trades
            series += AGGREGATE
            self._trades.told_only.add(series)
        last_ns = self._last_ns.get(symbol, exchange_ns)
        if not self._trades.arrive(series, id, receive_ns, last_ns, exchange_ns, live=live):
            self.gathered.duplicates += 1
            return
        last_ns = self._last_ns[symbol] = max(exchange_ns, self._last_ns.get(symbol, 0))
        if self.quick is not None:
            self.quick.teach(symbol, of, self._trades.certain_id(symbol), last_ns)
        side = SELL if buyer_is_maker else BUY
        self.gathered.trades.append(
            (of.id, exchange_ns, receive_ns, seq, id_kind, 0, id, price_units, size_units, side)
        )

    def _tell(self, seq: int, now_ns: int) -> None:
        """What the trades' numbers have shown, as records and questions."""
        for span in self._trades.told:
            of = self._instruments[span.series.removesuffix(AGGREGATE)]
            times = {"from_ns": span.from_ns, "to_ns": span.to_ns}
            self._gap(of, "trades", span.first, span.last, seq, now_ns, **times, healed=span.healed)
        for symbol, from_id in self._trades.to_ask:
            path = f"/api/v3/historicalTrades?symbol={symbol}&fromId={from_id}&limit={HEAL_LIMIT}"
            self.questions.append(Question("trades", path, WEIGHTS["trades"]))
        self._trades.told.clear()
        self._trades.to_ask.clear()

    def _levels(
        self,
        of: Instrument,
        exchange_ns: int,
        receive_ns: int,
        seq: int,
        update_id: int,
        bids: list[tuple[str, str]],
        asks: list[tuple[str, str]],
    ) -> list[tuple[int, ...]]:
        return [
            (
                of.id,
                exchange_ns,
                receive_ns,
                seq,
                update_id,
                SET_LEVEL,
                side,
                units(price, of.price_decimals),
                units(size, of.size_decimals),
            )
            for side, levels in ((BID, bids), (ASK, asks))
            for price, size in levels
        ]

    def _instrument(self, symbol: str) -> Instrument:
        """What is known of a symbol. If that is not in the registry yet it has the id that it will get there."""
        known = self._instruments.get(symbol)
        if known is not None:
            return known
        if self._wanted is not None and symbol not in self._wanted:
            raise BadFrame(f"symbol {symbol!r} was not subscribed; subscribed are {', '.join(sorted(self._wanted))}")
        return msgspec.structs.replace(self._listing(symbol), id=len(self._registry) + 1)

    def _make_known(self, of: Instrument, seq: int, known_ns: int) -> None:
        """List a symbol with the first of its messages that could be read whole."""
        if of.venue_symbol not in self._instruments:
            self._list(of.venue_symbol, seq, known_ns)

    def _listing(self, symbol: str) -> Instrument:
        return self._rules.get(symbol) or listed(VENUE, symbol, *split(symbol))

    def _list(self, symbol: str, seq: int, known_ns: int) -> Instrument:
        count = len(self._registry)
        instrument = self._registry.add(self._listing(symbol))
        if len(self._registry) > count:
            self.gathered.records.append(Listed(seq=seq, known_ns=known_ns, instrument=instrument))
            if symbol in self._books:
                self._books[symbol].reset()
                self._ask_depth(symbol)
        self._instruments[symbol] = instrument
        if self.quick is not None:
            self.quick.forget(symbol)
        return instrument

    def _book(self, symbol: str) -> BookSync:
        return self._books.setdefault(symbol, BookSync())

    def _gap(
        self,
        of: Instrument,
        stream: str,
        from_id: int,
        to_id: int,
        seq: int,
        known_ns: int,
        *,
        from_ns: int | None = None,
        to_ns: int | None = None,
        healed: bool = False,
    ) -> None:
        last_ns = self._last_ns.get(of.venue_symbol, known_ns)
        self.gathered.records.append(
            Gap(
                seq=seq,
                known_ns=known_ns,
                instrument=of.id,
                stream=stream,
                from_id=from_id,
                to_id=to_id,
                from_ns=last_ns if from_ns is None else from_ns,
                to_ns=last_ns if to_ns is None else to_ns,
                healed=healed,
            )
        )

    def _ask_depth(self, symbol: str, not_before_ns: int = 0) -> None:
        path = f"/api/v3/depth?symbol={symbol}&limit={SNAPSHOT_LIMIT}"
        self.questions.append(Question("depth", path, WEIGHTS["depth"], not_before_ns))

    def _ask_again(self, answer: Answer, not_before_ns: int) -> None:
        self.questions.append(Question(answer.purpose, answer.url, WEIGHTS[answer.purpose], not_before_ns))

    def _malformed(self, seq: int, known_ns: int, reason: str, payload: bytes) -> None:
        self.gathered.records.append(malformed(VENUE, seq, known_ns, reason, payload))


_HANDLERS = {
    "trade": BinanceSpot._trade,
    "aggTrade": BinanceSpot._aggregate,
    "depth": BinanceSpot._depth,
    "depth@100ms": BinanceSpot._depth,
    "bookTicker": BinanceSpot._best,
}
_ANSWERS = {
    "exchangeInfo": BinanceSpot._take_info,
    "depth": BinanceSpot._take_snapshot,
    "trades": BinanceSpot._take_trades,
}
