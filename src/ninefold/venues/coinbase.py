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
from urllib.parse import parse_qs, urlsplit

import msgspec

from ninefold.journal.inputs import Answer, ConnectionChange
from ninefold.market.instruments import Instrument, Registry, listed
from ninefold.market.records import Connection, Gap, Listed
from ninefold.market.time import SECOND_NS, UNKNOWN_NS
from ninefold.venues import coinbase_wire as wire
from ninefold.venues.adapter import BadFrame, Gathered, Line, Question, malformed
from ninefold.venues.coinbase_wire import VENUE
from ninefold.venues.sequence import MISSING_MOST, TradeIds

STREAMS = ("matches", "level2_batch", "ticker", "heartbeat")
REST_URL = "https://api.exchange.coinbase.com"
STREAM_URL = "wss://ws-feed.exchange.coinbase.com"
PAGE_MOST = 1000
MOST_TRIES = 10  # for a hole: 2, 4, ... 1024 s apart; then at the next connection
SPACING_NS = SECOND_NS // 10  # between questions after a connection: ten a second are allowed
REFUSED_NS = 10 * SECOND_NS  # a question that was refused is asked again after this


class Told(msgspec.Struct):
    """A gap of trades that is told and not healed. first, last: missing ids; tries: answers that held none of them."""

    first: int
    last: int
    from_ns: int
    to_ns: int
    tries: int = 0


class Series(msgspec.Struct):
    """What is known of a product's stream. named: by the last heartbeat; unproven: trades may have been missed since the
    connection was lost; booked: its snapshot came on this connection.
    """

    ids: TradeIds
    told: list[Told] = []
    last_ns: int = 0
    named: int = 0
    unproven: bool = False
    booked: bool = False


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
        self._connected = False
        self.seen: dict[str, int] = {}
        self.gathered = Gathered()
        self.questions: list[Question] = []
        self.say: list[bytes] = []

    @property
    def registry(self) -> Registry:
        return self._registry

    def start_questions(self) -> list[Question]:
        """What to ask once before the first stream: the rules of all products."""
        return [Question("products", "/products")]

    def frame(self, connection: int, seq: int, receive_ns: int, payload: bytes) -> None:
        """Parse one frame; what cannot be parsed, and what the venue refuses, becomes a Malformed record."""
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
            self.seen[f"{of.venue_symbol}@{stream}"] = receive_ns
            if at_ns != UNKNOWN_NS and isinstance(message, wire.Match | wire.Changes | wire.Heartbeat):
                self.gathered.stamps.append((connection, at_ns, receive_ns))
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            self._malformed(seq, receive_ns, str(error), payload)

    def answer(self, answer: Answer, seq: int, receive_ns: int) -> None:
        """Parse a REST answer. A refused or missing one is asked again later."""
        handler = _ANSWERS.get(answer.purpose)
        if answer.status != 200:
            if handler is not None:
                pause_ns = REFUSED_NS if 400 <= answer.status < 500 else SECOND_NS
                self.questions.append(Question(answer.purpose, answer.url, not_before_ns=receive_ns + pause_ns))
            return
        try:
            if handler is None:
                raise BadFrame(f"no answer is expected for {answer.purpose!r}")
            handler(self, answer, seq, receive_ns)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            self._malformed(seq, receive_ns, f"{answer.purpose}: {error}", answer.body)

    def connection(self, change: ConnectionChange, number: int, seq: int, receive_ns: int) -> None:
        """A lost connection makes books unknown; after a new one the trades since the last known are asked for."""
        name, state, reason = change.name, change.state, change.reason
        told = Connection(seq=seq, known_ns=receive_ns, venue=VENUE, name=name, state=state, reason=reason)
        self.gathered.records.append(told)
        if change.name != "market":
            return
        for series in self._series.values():
            series.booked, series.named = False, 0
            series.unproven = series.unproven or series.ids.next_id > 0
        self._connected = change.state == "open"
        if self._connected:
            self._ask_again(receive_ns)

    def save(self) -> bytes:
        return msgspec.msgpack.encode(
            _State(list(self._registry), self._series, self._products, self._connected, self.seen)
        )

    def load(self, state: bytes) -> None:
        saved = msgspec.msgpack.decode(state, type=_State)
        self._instruments = self._registry.learn_all(saved.instruments, VENUE)
        self._series, self._products = saved.series, saved.products
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
                self._take(of, series, rows[0])
                return "matches"
            case wire.Ticker():
                self.gathered.quotes.extend(rows)
                return "ticker"
            case wire.Heartbeat(last_trade_id=last_id):
                if series.named and series.ids.next_id:
                    self._expect(of, series, min(series.named, last_id), at_ns, seq, receive_ns)
                series.named = last_id
                return "heartbeat"
            case wire.LastMatch(trade_id=last_id):
                if series.ids.next_id:
                    self._expect(of, series, last_id, at_ns, seq, receive_ns)
                else:
                    series.ids.next_id, series.last_ns = last_id + 1, at_ns
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
        query = parse_qs(asked.query)
        symbol = asked.path.removesuffix("/trades").rpartition("/")[2]
        of = self._instrument(symbol)
        after = int(query.get("after", ["0"])[0])
        rows = [wire.trade_row(of, seq, receive_ns, deal) for deal in wire.deals_decoder.decode(answer.body)]
        series = self._known(of, seq, receive_ns)
        new = [self._take(of, series, row) for row in sorted(rows, key=lambda row: row[6])]
        if after:
            self._ask_rest(symbol, series, after, any(new), receive_ns)
        elif series.unproven:
            self._prove(of, series, seq, receive_ns)

    # parts

    def _take(self, of: Instrument, series: Series, row: tuple[int, ...]) -> bool:
        """Keep a trade; True if it is new."""
        exchange_ns, receive_ns, seq, trade_id = row[1], row[2], row[3], row[6]
        before = series.ids.missing
        is_new, hole = series.ids.arrive(trade_id)
        if not is_new:
            self.gathered.duplicates += 1
            return False
        if hole is not None:
            self._miss(of, series, before, hole, exchange_ns, seq, receive_ns)
        elif series.unproven and trade_id + 1 == series.ids.next_id:
            self._prove(of, series, seq, receive_ns)
        series.last_ns = max(exchange_ns, series.last_ns)
        self.gathered.trades.append(row)
        self._heal(of, series, seq, receive_ns)
        return True

    def _expect(self, of: Instrument, series: Series, last_id: int, at_ns: int, seq: int, known_ns: int) -> None:
        """The venue says that trades up to last_id have been."""
        ids = series.ids
        if last_id >= ids.next_id:
            before, hole = ids.missing, (ids.next_id, last_id)
            ids.missing, ids.next_id = [*before, hole][-MISSING_MOST:], last_id + 1
            self._miss(of, series, before, hole, at_ns, seq, known_ns)
        elif series.unproven and last_id + 1 == ids.next_id:
            self._prove(of, series, seq, known_ns)

    def _miss(
        self,
        of: Instrument,
        series: Series,
        before: list[tuple[int, int]],
        hole: tuple[int, int],
        to_ns: int,
        seq: int,
        known_ns: int,
    ) -> None:
        """Tell a hole and ask for it. before: the holes there were; one that is forgotten now is never called healed."""
        forgotten = [first for first, last in before if (first, last) not in series.ids.missing]
        series.told = [one for one in series.told if not any(one.first <= id <= one.last for id in forgotten)]
        told = Told(*hole, from_ns=series.last_ns or to_ns, to_ns=to_ns)
        series.told.append(told)
        series.unproven = series.unproven and not self._connected
        self._gap(of, told, seq, known_ns, healed=False)
        self.questions.append(Question("trades", _hole(of.venue_symbol, *hole)))

    def _heal(self, of: Instrument, series: Series, seq: int, known_ns: int) -> None:
        """Tell what is healed, oldest first: a healed gap says that nothing up to its end is missing."""
        while series.told and not any(first <= series.told[0].last for first, _ in series.ids.missing):
            self._gap(of, series.told.pop(0), seq, known_ns, healed=True)

    def _prove(self, of: Instrument, series: Series, seq: int, known_ns: int) -> None:
        """Nothing was missed while there was no connection; known only once there is one."""
        if self._connected:
            series.unproven = False
            next_id = series.ids.next_id
            self._gap(of, Told(next_id, next_id - 1, series.last_ns, series.last_ns), seq, known_ns, healed=True)

    def _gap(self, of: Instrument, told: Told, seq: int, known_ns: int, *, healed: bool) -> None:
        ids, times = {"from_id": told.first, "to_id": told.last}, {"from_ns": told.from_ns, "to_ns": told.to_ns}
        gap = Gap(seq=seq, known_ns=known_ns, instrument=of.id, stream="trades", healed=healed, **ids, **times)
        self.gathered.records.append(gap)

    def _ask_again(self, known_ns: int) -> None:
        """On a new connection: what is still missing, and what came since the last known trade."""
        paths: list[str] = []
        for symbol in sorted(self._wanted or ()):
            self.seen.update({f"{symbol}@{stream}": known_ns for stream in self._streams})
            series = self._series.get(symbol)
            if series is not None and series.ids.next_id:
                series.told = [msgspec.structs.replace(told, tries=0) for told in series.told]
                paths += [_hole(symbol, first, last) for first, last in series.ids.missing]
                paths.append(f"/products/{symbol}/trades?before={series.ids.next_id - 1}&limit={PAGE_MOST}")
        for place, path in enumerate(paths):
            self.questions.append(Question("trades", path, not_before_ns=known_ns + place * SPACING_NS))

    def _ask_rest(self, symbol: str, series: Series, after: int, progress: bool, known_ns: int) -> None:
        """What a page did not bring: at once if it brought something, else later and later."""
        for told in series.told:
            left = [hole for hole in series.ids.missing if told.first <= hole[0] and hole[1] <= told.last]
            if told.first < after <= told.last + 1 and left:
                told.tries = 0 if progress else told.tries + 1
                if told.tries <= MOST_TRIES:
                    pause_ns = 0 if progress else SECOND_NS << told.tries
                    question = Question("trades", _hole(symbol, *left[-1]), not_before_ns=known_ns + pause_ns)
                    self.questions.append(question)

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
                self._series.setdefault(symbol, Series(TradeIds())).booked = False
        return self._series.setdefault(symbol, Series(TradeIds()))

    def _malformed(self, seq: int, known_ns: int, reason: str, payload: bytes) -> None:
        self.gathered.records.append(malformed(VENUE, seq, known_ns, reason, payload))


def _hole(symbol: str, first: int, last: int) -> str:
    """The question for missing trades: the page of those older than last + 1, just as long as is needed."""
    return f"/products/{symbol}/trades?after={last + 1}&limit={min(last - first + 1, PAGE_MOST)}"


_ANSWERS = {"products": CoinbaseExchange._take_products, "trades": CoinbaseExchange._take_trades}
