"""Kraken spot: trades, order book, best bid and ask.

After docs.kraken.com, "Spot WebSocket API v2" (trade, book, ticker, instrument, ping) and "Spot REST" (Trades,
AssetPairs, Time), as of 2026-11. Recordings of websocket v1 (arrays) are read too: see kraken_v1.py.
Book rule: a snapshot, then updates; after each the book is cut to the subscribed depth, and the CRC-32 of its ten best
levels must be the one that was sent. If not, something was missed: the book is subscribed anew.
Trade ids of v2 are contiguous per pair; a hole is asked for by REST, which counts by time: pages overlap, ids tell.
"""

from __future__ import annotations

import msgspec

from ninefold.journal.inputs import Answer, ConnectionChange
from ninefold.journal.recordings import Recorded
from ninefold.market.instruments import Instrument
from ninefold.venues import kraken_v1, kraken_wire
from ninefold.venues.adapter import BadFrame, Line, Question
from ninefold.venues.asked import asked, purpose_of
from ninefold.venues.entry import Proof, VenueEntry
from ninefold.venues.form import form
from ninefold.venues.kraken_book import CheckedBook
from ninefold.venues.kraken_rows import KrakenRows
from ninefold.venues.kraken_series import PAGE, Series, pause_ns
from ninefold.venues.kraken_wire import PASSING, PING, STREAMS, VENUE, Best, Change, Envelope, subscription
from ninefold.venues.rows import REFUSED_NS, pause_after

PING_S = 30.0
FORM = form(
    '{"channel":"trade","type":"update","data":[{"symbol":"<symbol>","side":"<side>","price":<price>,"qty":<size>,'
    '"ord_type":"<text>","trade_id":<id>,"timestamp":"<moment>"}]}',
    buyer=b"buy",
    seller=b"sell",
)
NOT_WANTED = frozenset({"heartbeat", "status", "ohlc", "level3"})


class _State(msgspec.Struct):
    instruments: list[Instrument]
    rules: dict[str, Instrument]
    series: dict[str, Series]
    books: dict[str, CheckedBook]
    anew: dict[str, int]
    connected: bool
    seen: dict[str, int]


def lines(symbols: list[str], streams: tuple[str, ...] = STREAMS) -> tuple[Line, ...]:
    """One websocket of which all pairs ("BTC/USD") are asked for by messages; the venue wants to be pinged."""
    say = tuple(subscription("subscribe", stream, symbols) for stream in streams)
    return (Line("/v2", tuple(symbols), streams, say, PING, PING_S),)


def read_clock(body: bytes) -> float:
    """The venue's time, in whole seconds, from its answer. raises: msgspec.DecodeError."""
    return float(kraken_wire.time_decoder.decode(kraken_wire.answered_decoder.decode(body).result).unixtime)


def venue_symbol(symbol: str) -> str:
    """'BTC/USD' as websocket v2 writes it: the same; 'XBT/USD', the older name, is understood."""
    return kraken_wire.new_name(symbol)


class KrakenSpot(KrakenRows):
    """The Adapter; its arguments are those of Rows."""

    form = FORM

    def start_questions(self) -> list[Question]:
        """What to ask once before the first stream: the rules of the wanted symbols."""
        names = ",".join(kraken_wire.rest_name(symbol) for symbol in sorted(self._wanted or ()))
        return [Question("AssetPairs", f"/0/public/AssetPairs?pair={names}")]

    def frame(self, connection: int, seq: int, receive_ns: int, payload: bytes) -> None:
        """Parse one frame of v2 or v1; what cannot be parsed, and what the venue refuses, becomes a Malformed record."""
        self._pass_time(seq, receive_ns)
        try:
            if payload.lstrip()[:1] == b"[":
                self._old_frame(connection, seq, receive_ns, payload)
            else:
                envelope = kraken_wire.envelope_decoder.decode(payload)
                handler = _HANDLERS.get(envelope.channel, KrakenSpot._reply)
                handler(self, connection, seq, receive_ns, envelope)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            self._malformed(seq, receive_ns, str(error), payload)
            return
        if self._anew:
            self._say_anew(receive_ns)

    def answer(self, answer: Answer, seq: int, receive_ns: int) -> None:
        """Parse a REST answer. A refused or missing one is asked again later; a complaint about the question is told."""
        self._pass_time(seq, receive_ns)
        handler = _ANSWERS.get(answer.purpose)
        if answer.status != 200:
            if handler is not None:
                self._ask_again(answer, receive_ns, pause_after(answer.status))
            return
        try:
            if handler is None:
                raise BadFrame(f"no answer is expected for {answer.purpose!r}")
            answered = kraken_wire.answered_decoder.decode(answer.body)
            if answered.error:
                if any(error.startswith(PASSING) for error in answered.error):
                    self._ask_again(answer, receive_ns, REFUSED_NS)
                    return
                raise BadFrame(f"the venue says {', '.join(answered.error)}")
            handler(self, answer, answered.result, seq, receive_ns)
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
        self._anew.clear()
        self.say.clear()
        for book in self._books.values():
            book.forget()
        for symbol, series in self._series.items():
            self._tell(symbol, series.lost(receive_ns), seq, receive_ns)
            series.asked = ""
        self._connected = change.state == "open"
        if self._connected:
            for symbol in self._subscribed(change):
                self.seen.update({f"{symbol}@{stream}": receive_ns for stream in self._streams})
                if symbol in self._series:
                    self._ask_trades(symbol)

    def save(self) -> bytes:
        return msgspec.msgpack.encode(
            _State(list(self._registry), self._rules, self._series, self._books, self._anew, self._connected, self.seen)
        )

    def quick_until_ns(self) -> int:
        return min([super().quick_until_ns(), *self._anew.values()])

    def settled(self, symbol: str, next_id: int, last_ns: int, seen_ns: int) -> None:
        self._series[symbol].settle(next_id, last_ns)
        self.seen[f"{symbol}@trade"] = seen_ns

    def load(self, state: bytes) -> None:
        saved = msgspec.msgpack.decode(state, type=_State)
        self._instruments = self._registry.learn_all(saved.instruments, VENUE)
        self._know(saved.series, saved.connected)
        self._rules, self._books = saved.rules, saved.books
        self._anew, self.seen = saved.anew, saved.seen

    # frames

    def _trades(self, connection: int, seq: int, receive_ns: int, envelope: Envelope) -> None:
        """A snapshot repeats trades from before the subscription; we ask for none."""
        deals = kraken_wire.deals(envelope.data) if envelope.type != "snapshot" else []
        self._take_deals(deals, seq, receive_ns)
        if deals:
            self.gathered.stamps.append((connection, max(deal.time_ns for deal in deals), receive_ns))

    def _book_frame(self, connection: int, seq: int, receive_ns: int, envelope: Envelope) -> None:
        if envelope.type not in ("snapshot", "update"):
            raise BadFrame(f"a book of type {envelope.type!r}; known are snapshot and update")
        changes = kraken_wire.changes(envelope.data, envelope.type == "snapshot")
        self._take_changes(connection, changes, seq, receive_ns)

    def _tickers(self, connection: int, seq: int, receive_ns: int, envelope: Envelope) -> None:
        self._take_bests(kraken_wire.bests(envelope.data), seq, receive_ns)

    def _pairs(self, connection: int, seq: int, receive_ns: int, envelope: Envelope) -> None:
        self._take_rules(kraken_wire.instruments(envelope.data), seq, receive_ns)

    def _old_frame(self, connection: int, seq: int, receive_ns: int, payload: bytes) -> None:
        found = kraken_v1.read(payload)
        if isinstance(found, Change):
            self._take_changes(connection, [found], seq, receive_ns)
        elif isinstance(found, Best):
            self._take_bests([found], seq, receive_ns)
        elif found:
            self._take_deals(found, seq, receive_ns)
            self.gathered.stamps.append((connection, max(deal.time_ns for deal in found), receive_ns))

    def _reply(self, connection: int, seq: int, receive_ns: int, envelope: Envelope) -> None:
        """Acknowledgements, pongs, and the venue's refusals, which are raised so that they are told."""
        if envelope.channel in NOT_WANTED:
            return
        kraken_wire.check_reply(envelope, tuple(_HANDLERS))
        done = envelope.result
        if done is not None and done.depth > 0 and (self._wanted is None or done.symbol in self._wanted):
            self._book(done.symbol).depth = done.depth

    # answers

    def _asset_pairs(self, answer: Answer, result: msgspec.Raw, seq: int, receive_ns: int) -> None:
        self._take_rules(kraken_wire.asset_pairs(result), seq, receive_ns)

    def _past_trades(self, answer: Answer, result: msgspec.Raw, seq: int, receive_ns: int) -> None:
        symbol, since_ns = self._symbol_of(asked(answer.url, "pair")), int(asked(answer.url, "since") or 0)
        deals, last_ns = kraken_wire.past_deals(symbol, result)
        self._take_deals(deals, seq, receive_ns, live=False)
        series = self._series.setdefault(symbol, Series())
        series.asked = ""
        newest = deals[-1].id or 0 if deals else 0
        if series.goes_on(newest, len(deals)):
            self._ask_page(symbol, max(last_ns - 1, since_ns + 1))
            return
        if self.quick is not None:
            self.quick.forget(symbol)
        self._tell(symbol, series.walked(newest, self._connected and len(deals) < PAGE), seq, receive_ns)
        if series.tries:
            self._ask_trades(symbol, receive_ns + pause_ns(series.tries))


_HANDLERS = {
    "trade": KrakenSpot._trades,
    "book": KrakenSpot._book_frame,
    "ticker": KrakenSpot._tickers,
    "instrument": KrakenSpot._pairs,
}
_ANSWERS = {"AssetPairs": KrakenSpot._asset_pairs, "Trades": KrakenSpot._past_trades}

ENTRY = VenueEntry(
    adapter=KrakenSpot,
    streams=STREAMS,
    lines=lines,
    venue_symbol=venue_symbol,
    rest_url="https://api.kraken.com",
    stream_url="wss://ws.kraken.com",
    ws_api_url="",
    weight_per_minute=60,
    clock=("/0/public/Time", read_clock),
    recorded=(("kraken", "KRAKEN"), Recorded(VENUE, purpose_of)),
    proof=Proof(
        trades="contiguous ids, fetched by REST",
        books="a checksum after every change, a new snapshot by subscribing again",
        documented="2026-11-22",
        sessions=("raw/cryptofeed/KRAKEN_2021-04-17.jsonl.gz",),
        unproven="websocket v2 (the session speaks v1)",
    ),
    ids_count=True,
)
