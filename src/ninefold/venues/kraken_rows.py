"""From what the messages of Kraken spot tell to rows, gaps, questions and subscriptions.

In:  trades, changes of books, best bids and asks, and rules, as kraken_wire.py and kraken_v1.py read them.
Out: rows and records in `gathered`; what is to be asked in `questions`, to be said in `say`. Which message tells what: see
     kraken.py.
"""

from __future__ import annotations

from ninefold.journal.inputs import Answer
from ninefold.market.arrays import ID_INTEGER, ID_NONE
from ninefold.market.instruments import Instrument, listed
from ninefold.market.time import UNKNOWN_NS
from ninefold.venues import kraken_wire
from ninefold.venues.adapter import Question
from ninefold.venues.hole_rows import HoleRows, gap
from ninefold.venues.kraken_book import CheckedBook, Leveled, leveled
from ninefold.venues.kraken_series import Series, pause_ns
from ninefold.venues.kraken_wire import DEPTH, STREAMS, VENUE, Best, Change, Deal, subscription
from ninefold.venues.told import units
from ninefold.venues.trade_holes import Hole


class KrakenRows(HoleRows[Series]):
    """What KrakenSpot knows, and what it makes of it; its arguments are those of Rows. Symbols are "BTC/USD"."""

    venue = VENUE
    default_streams = STREAMS

    def begin(self) -> None:
        super().begin()
        self._rules: dict[str, Instrument] = {}
        self._books: dict[str, CheckedBook] = {}
        self._anew: dict[str, int] = {}  # books to be subscribed again, and not before when

    def _take_deals(self, deals: list[Deal], seq: int, receive_ns: int, *, live: bool = True) -> None:
        """All or none: the numbers of every trade are read before the first one counts."""
        taken = []
        for deal in deals:
            of = self._rules_of(deal.symbol)
            taken.append((deal, units(deal.price, of.price_decimals), units(deal.size, of.size_decimals)))
        for deal, price, size in taken:
            if self.quick is not None:
                self.quick.settle_one(deal.symbol)
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

    def _listing(self, symbol: str) -> Instrument:
        return self._rules.get(symbol) or listed(VENUE, symbol, *kraken_wire.split(symbol))

    def _list(self, symbol: str, seq: int, known_ns: int) -> Instrument:
        rules = self._rules.get(symbol) or self._rules_of(symbol)
        instrument, is_new = self._register(symbol, rules, seq, known_ns)
        book = self._books.get(symbol)
        if is_new and book is not None and book.in_step:
            self._subscribe_anew(symbol, book, known_ns)
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

    def _ask_missing(self, symbol: str, known_ns: int) -> None:
        self._ask_trades(symbol)

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
