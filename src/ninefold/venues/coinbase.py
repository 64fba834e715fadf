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
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import msgspec

from ninefold.journal.inputs import Answer, ConnectionChange
from ninefold.market.instruments import Instrument, Registry, listed
from ninefold.market.numbers import INT64_MAX
from ninefold.market.records import Connection, Gap, Listed
from ninefold.market.time import SECOND_NS, UNKNOWN_NS
from ninefold.venues import coinbase_wire as wire
from ninefold.venues.adapter import BadFrame, Gathered, Line, Question, malformed
from ninefold.venues.coinbase_wire import VENUE
from ninefold.venues.form import form
from ninefold.venues.trade_holes import Told, TradeHoles

if TYPE_CHECKING:
    from ninefold.venues.quick import Quick

STREAMS = ("matches", "level2_batch", "ticker", "heartbeat")
REST_URL = "https://api.exchange.coinbase.com"
STREAM_URL = "wss://ws-feed.exchange.coinbase.com"
PAGE_MOST = 1000
MOST_TRIES = 10  # for trades that answers lack: 2, 4, ... 1024 s apart; then at the next hole or connection
SPACING_NS = SECOND_NS // 10  # between questions after a connection: ten a second are allowed
REFUSED_NS = 10 * SECOND_NS  # a question that was refused is asked again after this
FORM = form(  # side: of the maker
    '{"type":"match","trade_id":<id>,"maker_order_id":"<text>","taker_order_id":"<text>","side":"<side>","size":"<size>",'
    '"price":"<price>","product_id":"<symbol>","sequence":<number>,"time":"<moment>"}',
    buyer=b"sell",
    seller=b"buy",
)


class Series(TradeHoles):
    """What is known of a product's stream. named: by the last heartbeat; booked: its snapshot came on this connection.

    asked: the question for missing trades to which an answer is awaited; tries: answers in a row that held none of them;
    waiting, due_ns: the question that is asked only then because of that.
    """

    named: int = 0
    booked: bool = False
    asked: str = ""
    tries: int = 0
    waiting: str = ""
    due_ns: int = 0


class _State(msgspec.Struct):
    instruments: list[Instrument]
    series: dict[str, Series]
    products: dict[str, wire.Product]
    connected: bool
    seen: dict[str, int]


def line(symbols: list[str], streams: tuple[str, ...] = STREAMS) -> Line:
    """One socket; all is subscribed in one message, which the venue wants within five seconds."""
    wanted = {"type": "subscribe", "product_ids": symbols, "channels": list(streams)}
    return Line("/", (json.dumps(wanted, separators=(",", ":")).encode(),))


def purpose(url: str) -> str:
    """What a recorded REST question was for."""
    return urlsplit(url).path.rpartition("/")[2]


def read_clock(body: bytes) -> float:
    """The venue's time, in seconds, from its answer. raises: msgspec.DecodeError, ValueError."""
    return wire.nanoseconds(wire.time_decoder.decode(body).iso) / SECOND_NS


def venue_symbol(symbol: str) -> str:
    """'BTC/USD' to 'BTC-USD'."""
    return symbol.replace("/", "-")


class CoinbaseExchange:
    """wanted: the products that were subscribed ("BTC-USD"); None takes whatever a recording holds.
    streams: the channels that were subscribed for each."""

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
        self._level2 = next((stream for stream in streams if stream.startswith("level2")), "level2_batch")
        self._products: dict[str, wire.Product] = {}
        self._instruments: dict[str, Instrument] = {}
        self._series: dict[str, Series] = {}
        self._late: dict[str, None] = {}  # products with trades that may come late
        self._connected = False
        self.seen: dict[str, int] = {}
        self.gathered = Gathered()
        self.questions: list[Question] = []
        self.say: list[bytes] = []
        self.quick: Quick | None = None

    @property
    def registry(self) -> Registry:
        return self._registry

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
            of = self._instrument(message.product_id)
            at_ns, rows = wire.rows(of, seq, receive_ns, message)  # raises before anything is changed
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
                pause_ns = REFUSED_NS if 400 <= answer.status < 500 else SECOND_NS
                self.questions.append(Question(answer.purpose, answer.url, not_before_ns=receive_ns + pause_ns))
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
        name, state, reason = change.name, change.state, change.reason
        told = Connection(seq=seq, known_ns=receive_ns, venue=VENUE, name=name, state=state, reason=reason)
        self.gathered.records.append(told)
        if change.name != "market":
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

    def quick_until_ns(self) -> int:
        return min([self._series[symbol].late_until_ns() for symbol in self._late], default=INT64_MAX)

    def settled(self, symbol: str, next_id: int, last_ns: int, seen_ns: int) -> None:
        self._series[symbol].settle(next_id, last_ns)
        self.seen[f"{symbol}@matches"] = seen_ns

    def load(self, state: bytes) -> None:
        saved = msgspec.msgpack.decode(state, type=_State)
        self._instruments = self._registry.learn_all(saved.instruments, VENUE)
        self._series, self._products = saved.series, saved.products
        self._late = {symbol: None for symbol, series in self._series.items() if series.late}
        self._connected, self.seen = saved.connected, saved.seen

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
        asked = urlsplit(answer.url)
        symbol = asked.path.removesuffix("/trades").rpartition("/")[2]
        of = self._instrument(symbol)
        rows = [wire.trade_row(of, seq, receive_ns, deal) for deal in wire.deals_decoder.decode(answer.body)]
        series = self._known(of, seq, receive_ns)
        if self.quick is not None:
            self.quick.forget(symbol)
        new = [self._take(of, series, row, live=False) for row in sorted(rows, key=lambda row: row[6])]
        is_newest = "before" in parse_qs(asked.query)
        self._tell(symbol, series.answered(proves=is_newest and self._connected), seq, receive_ns)
        if is_newest:
            return
        awaited = answer.url == series.asked
        series.asked = "" if awaited else series.asked
        series.waiting = "" if answer.url == series.waiting else series.waiting
        series.tries = 0 if any(new) else series.tries + awaited
        if series.tries <= MOST_TRIES:
            self._ask_missing(symbol, receive_ns, SECOND_NS << series.tries if series.tries else 0)

    # parts

    def _take(self, of: Instrument, series: Series, row: tuple[int, ...], *, live: bool) -> bool:
        """Keep a trade; True if it is new."""
        exchange_ns, receive_ns, seq, trade_id = row[1], row[2], row[3], row[6]
        is_new, told = series.arrive(trade_id, exchange_ns, receive_ns, live=live)
        if is_new:
            self.gathered.trades.append(row)
        else:
            self.gathered.duplicates += 1
        if series.late:
            self._late[of.venue_symbol] = None
        self._tell(of.venue_symbol, told, seq, receive_ns)
        return is_new

    def _pass_time(self, seq: int, now_ns: int) -> None:
        """Tell what has not come although it is late."""
        for symbol in list(self._late):
            self._tell(symbol, self._series[symbol].pass_time(now_ns), seq, now_ns)
            if not self._series[symbol].late:
                del self._late[symbol]

    def _tell(self, symbol: str, told: list[Told], seq: int, known_ns: int) -> None:
        """Holes that opened are asked for."""
        if not told:
            return
        of = self._instruments[symbol]
        for hole, healed in told:
            ids, times = {"from_id": hole.first, "to_id": hole.last}, {"from_ns": hole.from_ns, "to_ns": hole.to_ns}
            gap = Gap(seq=seq, known_ns=known_ns, instrument=of.id, stream="trades", healed=healed, **ids, **times)
            self.gathered.records.append(gap)
        if any(not healed for _, healed in told):
            self._ask_missing(symbol, known_ns)

    def _ask_again(self, known_ns: int) -> None:
        """On a new connection: what is still missing, and what came since the last known trade."""
        place = 0
        for symbol in sorted(self._wanted or ()):
            self.seen.update({f"{symbol}@{stream}": known_ns for stream in self._streams})
            series = self._series.get(symbol)
            if series is not None and series.ids.next_id:
                place += self._ask_missing(symbol, known_ns, place * SPACING_NS)
                path = f"/products/{symbol}/trades?before={series.ids.next_id - 1}&limit={PAGE_MOST}"
                self.questions.append(Question("trades", path, not_before_ns=known_ns + place * SPACING_NS))
                place += 1

    def _ask_missing(self, symbol: str, known_ns: int, pause_ns: int = 0) -> bool:
        """Ask for the latest of what is missing, as far back as a page reaches; one question of a product at a time, but for one
        that waits because an answer lacked what it asked for. Whether there was anything to ask.
        """
        series = self._series[symbol]
        missing = [one for hole in series.holes for one in series.ids.missing_in(hole.first, hole.last)]
        waits = series.waiting if known_ns < series.due_ns else ""
        if not missing or (series.asked and series.asked != waits):
            return False
        first, last = min(missing)[0], max(missing)[1]
        series.asked = f"/products/{symbol}/trades?after={last + 1}&limit={min(last - first + 1, PAGE_MOST)}"
        if series.asked == waits:
            return False
        if series.tries and pause_ns:
            series.waiting, series.due_ns = series.asked, known_ns + pause_ns
        self.questions.append(Question("trades", series.asked, not_before_ns=known_ns + pause_ns))
        return True

    def _given_up(self, url: str) -> bool:
        """Whether another question for missing trades has taken this one's place."""
        return "?after=" in url and all(series.asked != url for series in self._series.values())

    def _instrument(self, symbol: str) -> Instrument:
        """What is known of a product. If that is not in the registry yet it has the id that it will get there."""
        known = self._instruments.get(symbol)
        if known is not None:
            return known
        if self._wanted is not None and symbol not in self._wanted:
            raise BadFrame(f"product {symbol!r} was not subscribed; subscribed are {', '.join(sorted(self._wanted))}")
        return msgspec.structs.replace(self._listing(symbol), id=len(self._registry) + 1)

    def _listing(self, symbol: str) -> Instrument:
        product = self._products.get(symbol)
        return wire.listing(product) if product else listed(VENUE, symbol, *wire.split(symbol))

    def _known(self, of: Instrument, seq: int, known_ns: int) -> Series:
        """Keep an instrument's rules if they are new; what is known of its stream."""
        symbol = of.venue_symbol
        if self._instruments.get(symbol) is not of:
            count = len(self._registry)
            self._instruments[symbol] = instrument = self._registry.add(of)
            if len(self._registry) > count:
                self.gathered.records.append(Listed(seq=seq, known_ns=known_ns, instrument=instrument))
                self._series.setdefault(symbol, Series()).booked = False
        return self._series.setdefault(symbol, Series())

    def _malformed(self, seq: int, known_ns: int, reason: str, payload: bytes) -> None:
        self.gathered.records.append(malformed(VENUE, seq, known_ns, reason, payload))


_ANSWERS = {"products": CoinbaseExchange._take_products, "trades": CoinbaseExchange._take_trades}
