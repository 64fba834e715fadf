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

import msgspec

from ninefold.journal.inputs import Answer, ConnectionChange
from ninefold.journal.recordings import Recorded
from ninefold.market.arrays import BID, CLEAR_BOOK, ID_AGGREGATE, ID_INTEGER
from ninefold.market.instruments import Instrument
from ninefold.market.time import SECOND_NS, UNKNOWN_NS
from ninefold.venues.adapter import BadFrame, Line, Question
from ninefold.venues.asked import asked, purpose_of
from ninefold.venues.binance_paths import asked_for
from ninefold.venues.binance_rows import HEAL_LIMIT, WEIGHTS, BinanceRows
from ninefold.venues.binance_wire import (
    MILLISECOND_NS,
    STREAMS,
    VENUE,
    aggregate_trade_decoder,
    depth_decoder,
    exchange_info_decoder,
    is_reply,
    listing,
    past_trades_decoder,
    read_clock,
    snapshot_decoder,
    ticker_decoder,
    trade_decoder,
    wrapper_decoder,
)
from ninefold.venues.entry import Proof, VenueEntry
from ninefold.venues.form import form
from ninefold.venues.lines import numbered
from ninefold.venues.rows import pause_after
from ninefold.venues.sequence import BookSync
from ninefold.venues.told import units
from ninefold.venues.trade_series import TradeSeries

PURPOSES = {"historicalTrades": "trades"}  # others are called as in the path
FORM = form(
    '{"stream":"<lower>@trade","data":{"e":"trade","E":<stamp>,"s":"<symbol>","t":<id>,"p":"<price>","q":"<size>",'
    '"T":<time>,"m":<side>,"M":<flag>}}',
    buyer=b"false",
    seller=b"true",
)
BEST_FORM = form(
    '{"stream":"<lower>@bookTicker","data":{"u":<id>,"s":"<symbol>","b":"<price>","B":"<size>","a":"<ask>","A":"<ask_size>"}}'
)


class _State(msgspec.Struct):
    instruments: list[Instrument]
    trades: TradeSeries
    last_ns: dict[str, int]
    books: dict[str, BookSync]
    best_ids: dict[str, int]
    rules: dict[str, Instrument]
    seen: dict[str, int]


def lines(symbols: list[str], streams: tuple[str, ...] = STREAMS) -> tuple[Line, ...]:
    """Combined streams of all symbols ("BTCUSDT"); the venue pings by itself."""
    trades = any(stream in ("trade", "aggTrade") for stream in streams)
    return numbered(Line(path, part, streams, say, trades=trades) for part, path, say in asked_for(symbols, streams))


def _purpose(url: str) -> str:
    """What a recorded REST question was for."""
    last = purpose_of(url)
    return PURPOSES.get(last, last)


def _venue_symbol(symbol: str) -> str:
    """'BTC/USDT' to 'BTCUSDT'."""
    return symbol.replace("/", "")


class BinanceSpot(BinanceRows):
    """The Adapter; its arguments are those of Rows."""

    form, best_form = FORM, BEST_FORM

    def start_questions(self) -> list[Question]:
        """What to ask once before the first stream: the rules of the wanted symbols."""
        names = json.dumps(sorted(self._wanted or ()), separators=(",", ":"))
        return [Question("exchangeInfo", f"/api/v3/exchangeInfo?symbols={names}", WEIGHTS["exchangeInfo"])]

    def frame(self, connection: int, seq: int, receive_ns: int, payload: bytes) -> None:
        """Parse one frame of a combined stream; what cannot be parsed becomes a Malformed record."""
        self._trades.pass_time(receive_ns)
        try:
            wrapper = wrapper_decoder.decode(payload)
            name, _, kind = wrapper.stream.partition("@")
            handler = _HANDLERS.get(kind)
            if handler is None:
                raise BadFrame(f"stream {wrapper.stream!r} is none of {', '.join(_HANDLERS)}")
            handler(self, connection, seq, receive_ns, wrapper.data)
            self._settle(name.upper())
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
                self._ask_again(answer, receive_ns + pause_after(answer.status))
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
        self._tell_connection(change, seq, receive_ns)
        if not change.is_market:
            return
        if self.quick is not None:
            self.quick.forget_all()
        for symbol in self._books:
            self._books[symbol].reset()
        if change.state == "open":
            wanted = self._subscribed(change)
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

    def settled_best(self, symbol: str, best_id: int, seen_ns: int) -> None:
        self._best_ids[symbol] = best_id
        self.seen[f"{symbol.lower()}@bookTicker"] = seen_ns

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
        instrument = self._numbered(depth.s)
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
        of = self._numbered(best.s)
        bid, ask = units(best.b, of.price_decimals), units(best.a, of.price_decimals)
        bid_size, ask_size = units(best.B, of.size_decimals), units(best.A, of.size_decimals)
        self._settle(best.s)
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
        symbol = asked(answer.url, "symbol")
        instrument = self._numbered(symbol)
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

    def _take_trades(self, answer: Answer, seq: int, receive_ns: int) -> None:
        symbol, from_id = asked(answer.url, "symbol"), int(asked(answer.url, "fromId") or 0)
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

ENTRY = VenueEntry(
    adapter=BinanceSpot,
    streams=STREAMS,
    lines=lines,
    venue_symbol=_venue_symbol,
    rest_url="https://api.binance.com",
    stream_url="wss://stream.binance.com:9443",
    ws_api_url="wss://ws-api.binance.com:443/ws-api/v3",
    weight_per_minute=6000,
    clock=("/api/v3/time", read_clock),
    recorded=(("binance-spot", "BINANCE"), Recorded(VENUE, _purpose, "/api/v3/depth?symbol={}")),
    proof=Proof(
        trades="contiguous ids, fetched by REST",
        books="contiguous numbers, a new snapshot by REST",
        documented="2026-11-22",
        sessions=(
            "raw/cryptofeed/BINANCE_2021-04-05.jsonl.gz",
            "orderbook/binance_spot_btcusdt_20240808.jsonl.gz",
            "orderbook/binance_spot_ethusdt_20240808.jsonl.gz",
        ),
    ),
    ids_count=True,
)
