"""Kraken spot: trades, order book, best bid and ask.

After docs.kraken.com, "Spot WebSocket API v2" (trade, book, ticker, instrument, ping) and "Spot REST" (Trades,
AssetPairs, Time), as of 2026-11. Recordings of websocket v1 (arrays) are read too: see kraken_v1.py.
Book rule: a snapshot, then updates; after each the book is cut to the subscribed depth, and the CRC-32 of its ten best
levels must be the one that was sent. If not, something was missed: the book is subscribed anew.
Trade ids of v2 are contiguous per pair; a hole is asked for by REST, which counts by time: pages overlap, ids tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import msgspec

from ninefold.journal.inputs import Answer, ConnectionChange
from ninefold.market.arrays import ID_INTEGER, ID_NONE
from ninefold.market.instruments import Instrument, Registry, listed
from ninefold.market.numbers import INT64_MAX
from ninefold.market.records import Connection, Listed
from ninefold.market.time import SECOND_NS, UNKNOWN_NS
from ninefold.venues import kraken_v1, kraken_wire
from ninefold.venues.adapter import BadFrame, Gathered, Line, Question, malformed
from ninefold.venues.form import form
from ninefold.venues.kraken_book import CheckedBook, Leveled, leveled
from ninefold.venues.kraken_series import PAGE, Series, gap, pause_ns
from ninefold.venues.kraken_wire import DEPTH, PING, VENUE, Best, Change, Deal, Envelope, subscription
from ninefold.venues.told import units
from ninefold.venues.trade_holes import Hole, Told

if TYPE_CHECKING:
    from ninefold.venues.quick import Quick

STREAMS = ("trade", "book", "ticker")
REST_URL = "https://api.kraken.com"
STREAM_URL = "wss://ws.kraken.com"
PING_S = 30.0
REFUSED_NS = 10 * SECOND_NS  # a question that was refused is asked again after this
FORM = form(
    '{"channel":"trade","type":"update","data":[{"symbol":"<symbol>","side":"<side>","price":<price>,"qty":<size>,'
    '"ord_type":"<text>","trade_id":<id>,"timestamp":"<moment>"}]}',
    buyer=b"buy",
    seller=b"sell",
)
NOT_WANTED = frozenset({"heartbeat", "status", "ohlc", "level3"})
PASSING = ("EGeneral:Too many requests", "EGeneral:Temporary lockout", "EAPI:Rate limit", "EService:")


class _State(msgspec.Struct):
    instruments: list[Instrument]
    rules: dict[str, Instrument]
    series: dict[str, Series]
    books: dict[str, CheckedBook]
    anew: dict[str, int]
    connected: bool
    seen: dict[str, int]


def line(symbols: list[str], streams: tuple[str, ...] = STREAMS) -> Line:
    """One websocket of which all pairs ("BTC/USD") are asked for by messages; the venue wants to be pinged."""
    return Line("/v2", tuple(subscription("subscribe", stream, symbols) for stream in streams), PING, PING_S)


def purpose(url: str) -> str:
    """What a recorded REST question was for."""
    return url.partition("?")[0].rpartition("/")[2]


def read_clock(body: bytes) -> float:
    """The venue's time, in whole seconds, from its answer. raises: msgspec.DecodeError."""
    return float(kraken_wire.time_decoder.decode(kraken_wire.answered_decoder.decode(body).result).unixtime)


def venue_symbol(symbol: str) -> str:
    """'BTC/USD' as websocket v2 writes it: the same; 'XBT/USD', the older name, is understood."""
    return kraken_wire.new_name(symbol)


class KrakenSpot:
    """wanted: the venue symbols that were subscribed ("BTC/USD"); None takes whatever a recording holds.
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
        self._series: dict[str, Series] = {}
        self._books: dict[str, CheckedBook] = {}
        self._late: dict[str, None] = {}  # symbols with trades that may come late
        self._anew: dict[str, int] = {}  # books to be subscribed again, and not before when
        self._connected = False
        self.gathered = Gathered()
        self.questions: list[Question] = []
        self.say: list[bytes] = []
        self.quick: Quick | None = None

    @property
    def registry(self) -> Registry:
        return self._registry

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
            self.gathered.records.append(malformed(VENUE, seq, receive_ns, str(error), payload))
            return
        if self._anew:
            self._say_anew(receive_ns)

    def answer(self, answer: Answer, seq: int, receive_ns: int) -> None:
        """Parse a REST answer. A refused or missing one is asked again later; a complaint about the question is told."""
        self._pass_time(seq, receive_ns)
        handler = _ANSWERS.get(answer.purpose)
        if answer.status != 200:
            if handler is not None:
                self._ask_again(answer, receive_ns, REFUSED_NS if 400 <= answer.status < 500 else SECOND_NS)
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
            reason = f"{answer.purpose}: {error}"
            self.gathered.records.append(malformed(VENUE, seq, receive_ns, reason, answer.body))
            for series in self._series.values():
                series.asked = "" if series.asked == answer.url else series.asked

    def connection(self, change: ConnectionChange, number: int, seq: int, receive_ns: int) -> None:
        """A lost connection makes books unknown; after a new one the trades since the last known are asked for."""
        name, state, reason = change.name, change.state, change.reason
        told = Connection(seq=seq, known_ns=receive_ns, venue=VENUE, name=name, state=state, reason=reason)
        self.gathered.records.append(told)
        if change.name != "market":
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
            for symbol in sorted(self._wanted or ()):
                self.seen.update({f"{symbol}@{stream}": receive_ns for stream in self._streams})
                if symbol in self._series:
                    self._ask_trades(symbol)

    def save(self) -> bytes:
        return msgspec.msgpack.encode(
            _State(list(self._registry), self._rules, self._series, self._books, self._anew, self._connected, self.seen)
        )

    def quick_until_ns(self) -> int:
        return min([self._series[symbol].late_until_ns() for symbol in self._late] + [*self._anew.values()], default=INT64_MAX)

    def settled(self, symbol: str, next_id: int, last_ns: int, seen_ns: int) -> None:
        self._series[symbol].settle(next_id, last_ns)
        self.seen[f"{symbol}@trade"] = seen_ns

    def load(self, state: bytes) -> None:
        saved = msgspec.msgpack.decode(state, type=_State)
        self._instruments = self._registry.learn_all(saved.instruments, VENUE)
        self._rules, self._series, self._books = saved.rules, saved.series, saved.books
        self._late = {symbol: None for symbol, series in self._series.items() if series.late}
        self._anew, self._connected, self.seen = saved.anew, saved.connected, saved.seen

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
        query = parse_qs(urlsplit(answer.url).query)
        symbol, since_ns = self._symbol_of(query.get("pair", [""])[0]), int(query.get("since", ["0"])[0])
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

    # parts

    def _take_deals(self, deals: list[Deal], seq: int, receive_ns: int, *, live: bool = True) -> None:
        """All or none: the numbers of every trade are read before the first one counts."""
        taken = []
        for deal in deals:
            of = self._rules_of(deal.symbol)
            taken.append((deal, units(deal.price, of.price_decimals), units(deal.size, of.size_decimals)))
        for deal, price, size in taken:
            of = self._instrument(deal.symbol, seq, receive_ns)
            if deal.id is None or self._is_new(deal, deal.id, seq, receive_ns, live):
                id_kind = ID_NONE if deal.id is None else ID_INTEGER
                row = (of.id, deal.time_ns, receive_ns, seq, id_kind, 0, deal.id or 0, price, size, deal.side)
                self.gathered.trades.append(row)
            self._see(deal.symbol, "trade", receive_ns, live)

    def _is_new(self, deal: Deal, id: int, seq: int, receive_ns: int, live: bool) -> bool:
        series = self._series.setdefault(deal.symbol, Series())
        is_new, told = series.arrive(id, deal.time_ns, receive_ns, live=live)
        self.gathered.duplicates += not is_new
        self._tell(deal.symbol, told, seq, receive_ns)
        if series.late:
            self._late[deal.symbol] = None
        if self.quick is not None:
            self.quick.teach(deal.symbol, self._instruments[deal.symbol], series.certain_id(), series.last_ns)
        return is_new

    def _pass_time(self, seq: int, now_ns: int) -> None:
        """Tell what has not come although it is late."""
        for symbol in list(self._late):
            self._tell(symbol, self._series[symbol].pass_time(now_ns), seq, now_ns)
            if not self._series[symbol].late:
                del self._late[symbol]

    def _tell(self, symbol: str, told: list[Told], seq: int, receive_ns: int) -> None:
        """Holes that opened are asked for."""
        for hole, healed in told:
            self.gathered.records.append(gap(self._instruments[symbol].id, hole, seq, receive_ns, healed=healed))
        if any(not one.healed for one in told):
            self._ask_trades(symbol)

    def _take_changes(self, connection: int, changes: list[Change], seq: int, receive_ns: int) -> None:
        """All or none, as for trades."""
        taken = []
        for change in changes:
            of = self._rules_of(change.symbol)
            places = kraken_wire.places(of) if change.shortened else (0, 0)
            taken.append((change, [leveled(of, level, places) for level in change.levels]))
        for change, levels in taken:
            of = self._instrument(change.symbol, seq, receive_ns)
            book = self._book(change.symbol)
            book.depth = change.depth or book.depth
            if change.snapshot or book.in_step:
                self._apply(book, change, of, levels, seq, receive_ns)
            self._see(change.symbol, "book", receive_ns)
            if not change.snapshot and change.time_ns != UNKNOWN_NS:
                self.gathered.stamps.append((connection, change.time_ns, receive_ns))

    def _apply(
        self, book: CheckedBook, change: Change, of: Instrument, levels: list[Leveled], seq: int, receive_ns: int
    ) -> None:
        self.gathered.books.extend(
            (of.id, at_ns, receive_ns, seq, 0, action, side, price, size)
            for action, side, price, size, at_ns in book.take(change.snapshot, levels, change.time_ns)
        )
        if change.checksum is not None and book.checksum() != change.checksum:
            at_ns = receive_ns if change.time_ns == UNKNOWN_NS else change.time_ns
            missed = Hole(0, 0, 0, at_ns if book.last_ns == UNKNOWN_NS else book.last_ns, at_ns)
            self.gathered.records.append(gap(of.id, missed, seq, receive_ns, stream="books"))
            self._subscribe_anew(change.symbol, book, receive_ns)
            return
        book.last_ns = change.time_ns
        if not change.snapshot:
            book.failures = 0

    def _take_bests(self, bests: list[Best], seq: int, receive_ns: int) -> None:
        """A best bid or ask of 0 says that the side is empty; half a quote is none."""
        rows = []
        for best in bests:
            of = self._rules_of(best.symbol)
            bid, ask = units(best.bid, of.price_decimals), units(best.ask, of.price_decimals)
            bid_size, ask_size = units(best.bid_size, of.size_decimals), units(best.ask_size, of.size_decimals)
            rows.append((bid, bid_size, ask, ask_size))
        for best, (bid, bid_size, ask, ask_size) in zip(bests, rows, strict=True):
            of = self._instrument(best.symbol, seq, receive_ns)
            if bid and ask:
                row = (of.id, best.time_ns, receive_ns, seq, 0, bid, bid_size, ask, ask_size)
                self.gathered.quotes.append(row)
            self._see(best.symbol, "ticker", receive_ns)

    def _take_rules(self, found: list[Instrument], seq: int, receive_ns: int) -> None:
        for rules in found:
            symbol = rules.venue_symbol
            self._rules[symbol] = rules
            if symbol in self._instruments or symbol in (self._wanted or ()):
                self._list(symbol, seq, receive_ns)

    def _instrument(self, symbol: str, seq: int, known_ns: int) -> Instrument:
        return self._instruments.get(symbol) or self._list(symbol, seq, known_ns)

    def _rules_of(self, symbol: str) -> Instrument:
        """How an instrument's numbers are held, also before it is listed. raises: BadFrame."""
        known = self._instruments.get(symbol)
        if known is not None:
            return known
        if self._wanted is not None and symbol not in self._wanted:
            raise BadFrame(f"symbol {symbol!r} was not subscribed; subscribed are {', '.join(sorted(self._wanted))}")
        return self._rules.get(symbol) or listed(VENUE, symbol, *kraken_wire.split(symbol))

    def _list(self, symbol: str, seq: int, known_ns: int) -> Instrument:
        rules = self._rules.get(symbol) or self._rules_of(symbol)
        count = len(self._registry)
        instrument = self._registry.add(rules)
        if len(self._registry) > count:
            self.gathered.records.append(Listed(seq=seq, known_ns=known_ns, instrument=instrument))
            book = self._books.get(symbol)
            if book is not None and book.in_step:
                self._subscribe_anew(symbol, book, known_ns)
        self._instruments[symbol] = instrument
        if self.quick is not None:
            self.quick.forget(symbol)
        return instrument

    def _symbol_of(self, pair: str) -> str:
        for symbol in (*sorted(self._wanted or ()), *self._instruments, *self._rules):
            if kraken_wire.rest_name(symbol) == pair:
                return symbol
        return kraken_wire.split_pair(pair)

    def _book(self, symbol: str) -> CheckedBook:
        return self._books.setdefault(symbol, CheckedBook(DEPTH))

    def _see(self, symbol: str, stream: str, receive_ns: int, live: bool = True) -> None:
        if live:
            self.seen[f"{symbol}@{stream}"] = receive_ns

    def _subscribe_anew(self, symbol: str, book: CheckedBook, receive_ns: int) -> None:
        """At once the first time; if books come wrong again and again, after pauses."""
        book.forget()
        book.failures += 1
        self._anew.setdefault(symbol, receive_ns + (pause_ns(book.failures - 1) if book.failures > 1 else 0))

    def _say_anew(self, receive_ns: int) -> None:
        for symbol in [symbol for symbol, due_ns in self._anew.items() if due_ns <= receive_ns]:
            del self._anew[symbol]
            self.say += (subscription(method, "book", [symbol]) for method in ("unsubscribe", "subscribe"))

    def _ask_trades(self, symbol: str, not_before_ns: int = 0) -> None:
        """Ask from the oldest hole, or from the newest trade if there is none; one question of a pair at a time."""
        series = self._series[symbol]
        if not series.asked:
            self._ask_page(symbol, series.begin(), not_before_ns)

    def _ask_page(self, symbol: str, since_ns: int, not_before_ns: int = 0) -> None:
        path = f"/0/public/Trades?pair={kraken_wire.rest_name(symbol)}&since={since_ns}"
        self._series[symbol].asked = path
        self.questions.append(Question("Trades", path, not_before_ns=not_before_ns))

    def _ask_again(self, answer: Answer, receive_ns: int, pause_ns: int) -> None:
        self.questions.append(Question(answer.purpose, answer.url, not_before_ns=receive_ns + pause_ns))


_HANDLERS = {
    "trade": KrakenSpot._trades,
    "book": KrakenSpot._book_frame,
    "ticker": KrakenSpot._tickers,
    "instrument": KrakenSpot._pairs,
}
_ANSWERS = {"AssetPairs": KrakenSpot._asset_pairs, "Trades": KrakenSpot._past_trades}
