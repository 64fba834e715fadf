"""Coinbase Exchange: trades, order book, best bid and ask.

After docs.cdp.coinbase.com, "Exchange WebSocket Overview", "Channels", "Authentication", "Rate Limits", REST "Pagination"
and "Products", as of 2026-11: channels matches, level2_batch, ticker, heartbeat, none of which needs a key (level2, level3
and full do since 2023); REST products, trades, time. This feed and not that of Advanced Trade, because here trade ids are
contiguous per product and every trade is one message: what is missing can be named, fetched and proven.

What is proven: trades. A hole in the ids is told and asked for by REST. The heartbeat names the last trade each second; the
venue may drop messages of `matches`, so a trade named by one heartbeat and not here by the next was missed (the first
may run ahead of it). `last_match`, told after a subscription, names the last trade before it and is no trade of ours.
What is not: books. A snapshot and its changes carry no numbers, so a lost change cannot be noticed, and after a malformed
one the book is a guess; each connection begins with a new snapshot. REST books are not used: their `sequence` counts the
messages of the full channel, which level2 does not tell. Best bid and ask are as of the trade that a ticker tells of,
which for the first one may be long ago.
"""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import msgspec

from ninefold.journal.inputs import Answer, ConnectionChange
from ninefold.journal.recordings import Recorded
from ninefold.market.instruments import Instrument
from ninefold.market.time import SECOND_NS, UNKNOWN_NS
from ninefold.venues import coinbase_wire as wire
from ninefold.venues.adapter import BadFrame, Line, Question
from ninefold.venues.asked import asked, purpose_of
from ninefold.venues.coinbase_rows import CoinbaseRows
from ninefold.venues.coinbase_series import Series
from ninefold.venues.coinbase_wire import STREAMS, VENUE
from ninefold.venues.entry import Proof, VenueEntry
from ninefold.venues.form import form
from ninefold.venues.rows import pause_after

FORM = form(  # side: of the maker
    '{"type":"match","trade_id":<id>,"maker_order_id":"<text>","taker_order_id":"<text>","side":"<side>","size":"<size>",'
    '"price":"<price>","product_id":"<symbol>","sequence":<number>,"time":"<moment>"}',
    buyer=b"sell",
    seller=b"buy",
)


class _State(msgspec.Struct):
    instruments: list[Instrument]
    series: dict[str, Series]
    products: dict[str, wire.Product]
    connected: bool
    seen: dict[str, int]


def lines(symbols: list[str], streams: tuple[str, ...] = STREAMS) -> tuple[Line, ...]:
    """One socket; all is subscribed in one message, which the venue wants within five seconds."""
    wanted = {"type": "subscribe", "product_ids": symbols, "channels": list(streams)}
    return (Line("/", tuple(symbols), streams, (json.dumps(wanted, separators=(",", ":")).encode(),)),)


def read_clock(body: bytes) -> float:
    """The venue's time, in seconds, from its answer. raises: msgspec.DecodeError, ValueError."""
    return wire.nanoseconds(wire.time_decoder.decode(body).iso) / SECOND_NS


def venue_symbol(symbol: str) -> str:
    """'BTC/USD' to 'BTC-USD'."""
    return symbol.replace("/", "-")


class CoinbaseExchange(CoinbaseRows):
    """The Adapter; its arguments are those of Rows."""

    form = FORM

    def start_questions(self) -> list[Question]:
        """What to ask once before the first stream: the rules of all products."""
        return [Question("products", "/products")]

    def frame(self, connection: int, seq: int, receive_ns: int, payload: bytes) -> None:
        """Parse one frame; what cannot be parsed, and what the venue refuses, becomes a Malformed record."""
        self._pass_time(seq, receive_ns)
        try:
            message = wire.message_decoder.decode(payload)
            if isinstance(message, wire.Subscriptions):
                return
            if isinstance(message, wire.Refusal):
                raise BadFrame(f"the venue says: {message.message} {message.reason}".rstrip())
            of = self._numbered(message.product_id)
            at_ns, rows = wire.rows(of, seq, receive_ns, message)  # raises before anything is changed
            if self.quick is not None:
                self.quick.settle_one(of.venue_symbol)
            series = self._known(of, seq, receive_ns)
            stream = self._apply(of, series, seq, receive_ns, message, at_ns, rows)
            if self.quick is not None:
                self.quick.teach(of.venue_symbol, of, series.certain_id(), series.last_ns)
            self.seen[f"{of.venue_symbol}@{stream}"] = receive_ns
            if at_ns != UNKNOWN_NS and isinstance(message, wire.Match | wire.Changes | wire.Heartbeat):
                self.gathered.stamps.append((connection, at_ns, receive_ns))
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            self._malformed(seq, receive_ns, str(error), payload)

    def answer(self, answer: Answer, seq: int, receive_ns: int) -> None:
        """Parse a REST answer. A refused or missing one is asked again later."""
        self._pass_time(seq, receive_ns)
        handler = _ANSWERS.get(answer.purpose)
        if answer.status != 200:
            if handler is not None and not self._given_up(answer.url):
                due_ns = receive_ns + pause_after(answer.status)
                self.questions.append(Question(answer.purpose, answer.url, not_before_ns=due_ns))
            return
        try:
            if handler is None:
                raise BadFrame(f"no answer is expected for {answer.purpose!r}")
            handler(self, answer, seq, receive_ns)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            self._malformed(seq, receive_ns, f"{answer.purpose}: {error}", answer.body)
            for series in self._series.values():
                series.asked = "" if series.asked == answer.url else series.asked

    def connection(self, change: ConnectionChange, number: int, seq: int, receive_ns: int) -> None:
        """A lost connection makes books unknown; after a new one the trades since the last known are asked for."""
        self._tell_connection(change, seq, receive_ns)
        if not change.is_market:
            return
        if self.quick is not None:
            self.quick.forget_all()
        for symbol, series in self._series.items():
            series.booked, series.named = False, 0
            self._tell(symbol, series.lost(receive_ns), seq, receive_ns)
            series.asked, series.waiting, series.tries = "", "", 0
        self._connected = change.state == "open"
        if self._connected:
            self._ask_again(receive_ns)

    def save(self) -> bytes:
        return msgspec.msgpack.encode(
            _State(list(self._registry), self._series, self._products, self._connected, self.seen)
        )

    def settled(self, symbol: str, next_id: int, last_ns: int, seen_ns: int) -> None:
        self._series[symbol].settle(next_id, last_ns)
        self.seen[f"{symbol}@matches"] = seen_ns

    def load(self, state: bytes) -> None:
        saved = msgspec.msgpack.decode(state, type=_State)
        self._instruments = self._registry.learn_all(saved.instruments, VENUE)
        self._know(saved.series, saved.connected)
        self._products, self.seen = saved.products, saved.seen

    # frames

    def _apply(
        self,
        of: Instrument,
        series: Series,
        seq: int,
        receive_ns: int,
        message: wire.Message,
        at_ns: int,
        rows: list[tuple[int, ...]],
    ) -> str:
        """Keep what a message of the venue's time `at_ns` tells; returns its channel."""
        match message:
            case wire.Changes():
                self.gathered.books.extend(rows if series.booked else ())
                return self._level2
            case wire.Match():
                self._take(of, series, rows[0], live=True)
                return "matches"
            case wire.Ticker():
                self.gathered.quotes.extend(rows)
                return "ticker"
            case wire.Heartbeat(last_trade_id=last_id):
                if series.named and series.ids.next_id:
                    told = series.expect(min(series.named, last_id), at_ns)
                    self._tell(of.venue_symbol, told, seq, receive_ns)
                series.named = last_id
                return "heartbeat"
            case wire.LastMatch(trade_id=last_id):
                if series.ids.next_id:
                    self._tell(of.venue_symbol, series.expect(last_id, at_ns), seq, receive_ns)
                else:
                    series.ids.next_id = series.ids.first_id = last_id + 1
                    series.last_ns = at_ns
                return "matches"
            case wire.Snapshot():
                self.gathered.books.extend(rows)
                series.booked = True
                return self._level2

    # answers

    def _take_products(self, answer: Answer, seq: int, receive_ns: int) -> None:
        told = {product.id: product for product in wire.products_decoder.decode(answer.body)}
        known = {*self._instruments, *(self._wanted or ())}
        kept = told.keys() if self._wanted is None else known & told.keys()
        self._products.update({name: told[name] for name in sorted(kept)})
        for name in sorted(known):
            try:
                if name not in told:
                    raise BadFrame(f"product {name!r} is not among the {len(told)} that the venue lists")
                self._known(self._listing(name), seq, receive_ns)
            except ValueError as error:
                self._malformed(seq, receive_ns, f"products: {error}", answer.body)

    def _take_trades(self, answer: Answer, seq: int, receive_ns: int) -> None:
        """A page, newest first: trades older than `after`, or newer than `before`."""
        symbol = urlsplit(answer.url).path.removesuffix("/trades").rpartition("/")[2]
        of = self._numbered(symbol)
        rows = [wire.trade_row(of, seq, receive_ns, deal) for deal in wire.deals_decoder.decode(answer.body)]
        series = self._known(of, seq, receive_ns)
        if self.quick is not None:
            self.quick.forget(symbol)
        new = [self._take(of, series, row, live=False) for row in sorted(rows, key=lambda row: row[6])]
        is_newest = bool(asked(answer.url, "before"))
        self._tell(symbol, series.answered(proves=is_newest and self._connected), seq, receive_ns)
        if is_newest:
            return
        if series.came(answer.url, any(new)):
            self._ask_missing(symbol, receive_ns, SECOND_NS << series.tries if series.tries else 0)


_ANSWERS = {"products": CoinbaseExchange._take_products, "trades": CoinbaseExchange._take_trades}
ENTRY = VenueEntry(
    adapter=CoinbaseExchange,
    streams=STREAMS,
    lines=lines,
    venue_symbol=venue_symbol,
    rest_url="https://api.exchange.coinbase.com",
    stream_url="wss://ws-feed.exchange.coinbase.com",
    ws_api_url="",
    weight_per_minute=600,
    clock=("/time", read_clock),
    recorded=(("coinbase", "COINBASE"), Recorded(VENUE, purpose_of)),
    proof=Proof(
        trades="contiguous ids and a heartbeat that names the last one, fetched by REST",
        books="cannot tell: snapshot and changes carry no numbers; each connection begins with a new snapshot",
        documented="2026-11-22",
        sessions=("raw/cryptofeed/COINBASE_2021-04-17_first_half.jsonl.gz",),
        unproven="heartbeat, level2_batch",
    ),
    ids_count=True,
)
