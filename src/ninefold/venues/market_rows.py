"""From what messages tell to rows, gaps and questions, alike for many venues.

In:  what was told, as texts, and as whole numbers (made before the first of it counts).
Out: rows and records in `gathered`; what is to be asked in `questions`, to be said in `say`.
A venue's own adapter adds how its books are checked and what it asks: see market_adapter.py.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ninefold.market.arrays import BID, CLEAR_BOOK, ID_INTEGER, ID_NONE, SET_LEVEL
from ninefold.market.instruments import Instrument
from ninefold.market.records import Funding, Gap, Liquidation
from ninefold.market.time import SECOND_NS, UNKNOWN_NS
from ninefold.venues.rows import Rows
from ninefold.venues.sequence import BookSync
from ninefold.venues.told import Best, Change, Checksum, Deal, Due, Forced, Missed, Told, cut_units, units
from ninefold.venues.trade_overlap import TradeOverlap
from ninefold.venues.trade_series import TradeSeries

AGAIN_NS = SECOND_NS // 2  # a book that came too old is asked for again after this
Numbers = list[tuple[int, int, int]]  # side, price, size; or just one of price, size and zero
Row = tuple[int, ...]


class _State(msgspec.Struct):
    instruments: list[Instrument]
    rules: dict[str, Instrument]
    seen: dict[str, int]
    counted: TradeSeries
    overlap: TradeOverlap
    last_ns: dict[str, int]
    missed_ns: dict[str, int]
    books: dict[str, BookSync]
    asked: set[str]
    anew: dict[str, int]
    due: dict[str, tuple[str, int]]
    fresh: bool
    own: bytes


class MarketRows(Rows):
    """What a MarketAdapter knows, and what it makes of it; its arguments are those of Rows.

    books_wait: changes that come before their snapshot are kept for it (it is asked for); else they are dropped.
    """

    books_wait = False

    def begin(self) -> None:
        self._rules: dict[str, Instrument] = {}
        self._counted = TradeSeries()
        self._overlap = TradeOverlap()
        self._last_ns: dict[str, int] = {}
        self._missed_ns: dict[str, int] = {}  # since when trades are missing
        self._books: dict[str, BookSync] = {}
        self._asked: set[str] = set()  # books whose snapshot is on its way
        self._anew: dict[str, int] = {}  # books to be asked for, and not before when
        self._due: dict[str, tuple[str, int]] = {}  # rate and time that were told last
        self._fresh = True  # no connection yet: recordings begin with answers that are good for the first one

    # what a venue adds

    def unlisted(self, symbol: str) -> Instrument:
        """What a symbol is of which no rules are known. raises: BadFrame."""
        raise NotImplementedError

    def ask_book(self, symbol: str, not_before_ns: int) -> None:
        """Ask for a book's snapshot, by question or by word."""
        raise NotImplementedError

    def ask_trades(self, symbol: str, from_id: int | None) -> None:
        """Ask for trades from an id on, or (None) for the latest ones: see `since_ns`. Venues that cannot be asked leave it."""

    def level_size(self, text: str, decimals: int) -> int:
        """The size of a level in the instrument's units. raises: BadFrame, NotExact."""
        return units(text, decimals)

    def covered(self, book: BookSync, change: Change) -> tuple[int, int]:
        """The numbers that a change covers; where the venue has none, they are counted here."""
        return (change.first, change.last) if change.last else (book.last_id + 1, book.last_id + 1)

    def check(self, of: Instrument, checksum: Checksum, seq: int, receive_ns: int) -> None:
        """Hold a book against its checksum."""

    def mark(self) -> bytes:
        """What the venue's own state is, for `save`."""
        return b""

    def unmark(self, own: bytes) -> None:
        """Take it back."""

    # what all do alike

    def known_rules(self) -> list[dict[str, Any]]:
        return [self._rules]

    def known_trades(self) -> list[dict[str, Any]]:
        return [self._counted.ids, self._overlap.series, self._last_ns, self._missed_ns]

    def save(self) -> bytes:
        parts = (self._rules, self.seen, self._counted, self._overlap, self._last_ns, self._missed_ns, self._books)
        state = _State(list(self._registry), *parts, self._asked, self._anew, self._due, self._fresh, self.mark())
        return msgspec.msgpack.encode(state, order="deterministic")

    def load(self, state: bytes) -> None:
        saved = msgspec.msgpack.decode(state, type=_State)
        self._instruments = self._registry.learn_all(saved.instruments, self.venue)
        self._rules, self.seen, self._counted, self._overlap = saved.rules, saved.seen, saved.counted, saved.overlap
        self._last_ns, self._missed_ns, self._books = saved.last_ns, saved.missed_ns, saved.books
        self._asked, self._anew = saved.asked, saved.anew
        self._due, self._fresh = saved.due, saved.fresh
        self.unmark(saved.own)

    # from texts to whole numbers; raises before anything is changed

    def _numbers(self, one: Told) -> Numbers:
        if isinstance(one, Instrument):
            return []
        of = self._rules_of(one.symbol)
        prices, sizes = of.price_decimals, of.size_decimals
        match one:
            case Deal() | Forced():
                return [(one.side, units(one.price, prices), units(one.size, sizes))]
            case Change():
                return [(side, units(price, prices), self.level_size(size, sizes)) for side, price, size in one.levels]
            case Best():
                pairs = ((one.bid, one.bid_size), (one.ask, one.ask_size))
                return [(0, units(price, prices), self.level_size(size, sizes)) for price, size in pairs]
            case Due():
                return [(0, cut_units(one.mark_price, prices), 0)]
            case Checksum() | Missed():
                return []

    # from whole numbers to rows; raises nothing

    def _take(self, one: Told, numbers: Numbers, seq: int, receive_ns: int, *, live: bool = True) -> None:
        if isinstance(one, Instrument):
            self._rules[one.venue_symbol] = one
            if one.venue_symbol in self._instruments or one.venue_symbol in (self._wanted or ()):
                self._list(one.venue_symbol, seq, receive_ns)
            return
        of = self._instrument(one.symbol, seq, receive_ns)
        match one:
            case Deal():
                self._deal(of, one, numbers[0], seq, receive_ns, live=live)
            case Change():
                self._change(of, one, numbers, seq, receive_ns)
            case Best():
                (_, bid, bid_size), (_, ask, ask_size) = numbers
                if bid and ask:  # a price of 0 says that there is none; half a quote is none
                    row = (of.id, one.time_ns, receive_ns, seq, one.update_id, bid, bid_size, ask, ask_size)
                    self.gathered.quotes.append(row)
            case Due():
                self._take_due(of, one, numbers[0][1], seq, receive_ns)
            case Forced():
                side, price, size = numbers[0]
                forced = {"exchange_ns": one.time_ns, "side": side, "price": price, "size": size}
                self.gathered.records.append(Liquidation(seq=seq, known_ns=receive_ns, instrument=of.id, **forced))
            case Checksum():
                self.check(of, one, seq, receive_ns)
            case Missed():
                self.lose_book(of, 0, 0, one.time_ns, seq, receive_ns)

    def _deal(
        self, of: Instrument, deal: Deal, numbers: tuple[int, int, int], seq: int, receive_ns: int, *, live: bool
    ) -> None:
        symbol, (kind, high, low) = deal.symbol, deal.id
        last_ns = self._last_ns.get(symbol, deal.time_ns)
        is_new = True
        if kind == ID_INTEGER:
            is_new = self._counted.arrive(symbol, low, receive_ns, last_ns, deal.time_ns, live=live)
        elif kind != ID_NONE and live:
            is_new = self._overlap.arrive(symbol, key_of(deal), deal.time_ns)
        if not is_new:
            self.gathered.duplicates += 1
            return
        self._last_ns[symbol] = max(deal.time_ns, self._last_ns.get(symbol, 0))
        side, price, size = numbers
        self.gathered.trades.append((of.id, deal.time_ns, receive_ns, seq, kind, high, low, price, size, side))

    def _take_due(self, of: Instrument, due: Due, mark: int, seq: int, receive_ns: int) -> None:
        """Venues repeat it with every price: it is told when the rate or the time of payment changes."""
        if self._due.get(due.symbol) == (due.rate, due.due_ns):
            return
        self._due[due.symbol] = (due.rate, due.due_ns)
        what = {"exchange_ns": due.time_ns, "due_ns": due.due_ns or due.time_ns, "mark_price": mark}
        self.gathered.records.append(Funding(seq=seq, known_ns=receive_ns, instrument=of.id, rate=due.rate, **what))

    def _change(self, of: Instrument, change: Change, levels: Numbers, seq: int, receive_ns: int) -> None:
        book = self._books.setdefault(change.symbol, BookSync())
        rows: list[Row] = [
            (of.id, change.time_ns, receive_ns, seq, change.last, SET_LEVEL, side, price, size)
            for side, price, size in levels
        ]
        if change.snapshot:
            self._snapshot(of, book, change, rows, seq, receive_ns)
            return
        if not (book.last_id or self.books_wait):
            return
        before = book.last_id
        first, last = self.covered(book, change)
        verdict = book.change(first, last, rows)
        if verdict == "apply":
            self.gathered.books.extend(rows)
        elif verdict == "gap":
            self.lose_book(of, before + 1, first - 1, change.time_ns, seq, receive_ns)
        elif verdict == "wait" and change.symbol not in self._asked:
            self._asked.add(change.symbol)
            self._anew[change.symbol] = receive_ns

    def _snapshot(
        self, of: Instrument, book: BookSync, change: Change, rows: list[Row], seq: int, receive_ns: int
    ) -> None:
        waited = book.snapshot(change.last or 1)
        if waited is None:  # older than what waits for it
            self._anew[change.symbol] = receive_ns + AGAIN_NS
            return
        clear = (of.id, change.time_ns, receive_ns, seq, change.last, CLEAR_BOOK, BID, 0, 0)
        self.gathered.books.append(clear)
        self.gathered.books.extend(row for row in rows if row[8])
        for later in waited:
            self.gathered.books.extend((*row[:3], seq, *row[4:]) for row in later)  # type: ignore[attr-defined]
        self._asked.discard(change.symbol)
        if not book.last_id:  # one was missing among those that waited
            self._asked.add(change.symbol)
            self._anew[change.symbol] = receive_ns + AGAIN_NS

    def lose_book(self, of: Instrument, first: int, last: int, at_ns: int, seq: int, receive_ns: int) -> None:
        """Tell that a book is unknown from now on, and ask for it: at once, but not more than once in a while."""
        symbol = of.venue_symbol
        book = self._books.setdefault(symbol, BookSync())
        if not self.books_wait:
            book.reset()
        book.last_id = 0
        at_ns = receive_ns if at_ns == UNKNOWN_NS else at_ns
        self._gap(of, "books", (first, last), (at_ns, at_ns), seq, receive_ns, healed=False)
        self._asked.add(symbol)
        self._anew[symbol] = receive_ns

    def _tell(self, seq: int, now_ns: int) -> None:
        """What the trades' ids have shown, as records and questions."""
        for span in self._counted.told:
            of = self._instruments[span.series]
            last_ns = self._last_ns.get(span.series, now_ns)
            times = (last_ns if span.from_ns is None else span.from_ns, last_ns if span.to_ns is None else span.to_ns)
            self._gap(of, "trades", (span.first, span.last), times, seq, now_ns, healed=span.healed)
            if span.healed:
                self._missed_ns.pop(span.series, None)
            else:
                self._missed_ns.setdefault(span.series, times[0])
        for pause in self._overlap.told:
            of = self._instruments[pause.series]
            self._gap(of, "trades", (0, 0), (pause.from_ns, pause.to_ns), seq, now_ns, healed=pause.healed)
        for symbol, from_id in self._counted.to_ask:
            self.ask_trades(symbol, from_id)
        for symbol in self._overlap.to_ask:
            self.ask_trades(symbol, None)
        for told in (self._counted.told, self._overlap.told, self._counted.to_ask, self._overlap.to_ask):
            told.clear()

    def since_ns(self, symbol: str) -> int:
        """From when on the trades of a symbol are wanted, for venues that are asked by time: the oldest hole that is told
        and not healed, or the newest trade.
        """
        lately = self._overlap.series.get(symbol)
        if lately is not None and lately.before:
            return lately.lost_ns
        return self._missed_ns.get(symbol, self._last_ns.get(symbol, 0))

    def _gap(
        self,
        of: Instrument,
        stream: str,
        ids: tuple[int, int],
        times: tuple[int, int],
        seq: int,
        known_ns: int,
        *,
        healed: bool,
    ) -> None:
        span = {"from_id": ids[0], "to_id": ids[1], "from_ns": times[0], "to_ns": times[1]}
        gap = Gap(seq=seq, known_ns=known_ns, instrument=of.id, stream=stream, healed=healed, **span)
        self.gathered.records.append(gap)

    # instruments

    def is_wanted(self, symbol: str) -> bool:
        """Whether a symbol's rules are worth reading: venues list thousands."""
        return self._wanted is None or symbol in self._wanted

    def _instrument(self, symbol: str, seq: int, known_ns: int) -> Instrument:
        return self._instruments.get(symbol) or self._list(symbol, seq, known_ns)

    def _listing(self, symbol: str) -> Instrument:
        return self._rules.get(symbol) or self.unlisted(symbol)

    def _list(self, symbol: str, seq: int, known_ns: int) -> Instrument:
        rules = self._rules.get(symbol) or self._rules_of(symbol)
        instrument, is_new = self._register(symbol, rules, seq, known_ns)
        book = self._books.get(symbol)
        if is_new and book is not None and book.last_id:  # its levels are those of the version before
            book.reset()
            self._asked.add(symbol)
            self._anew[symbol] = known_ns
        return instrument


def key_of(deal: Deal) -> str:
    """Its id, as the memory of ids that do not count holds it."""
    return f"{deal.id.high:x}.{deal.id.low:x}"
