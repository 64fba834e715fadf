"""Feed an adapter one input after another, and hear what it makes of each in the words of `reading.py`.

In:  a venue's table entry and inputs of a journal.
Out: deals, levels, best bids and asks as exact decimals; records; questions. Rows that do not fit their layouts raise
     AssertionError.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from ninefold.api.rows import trade_id_text
from ninefold.journal import inputs
from ninefold.journal.inputs import Answer, ConnectionChange, Input
from ninefold.journal.recordings import open_source
from ninefold.market.arrays import BUY, CLEAR_BOOK, SELL, SET_LEVEL, UNKNOWN_SIDE
from ninefold.market.book import Book
from ninefold.market.records import AnyRecord
from ninefold.market.time import UNKNOWN_NS
from ninefold.venues.adapter import Adapter, Question
from ninefold.venues.entry import VenueEntry
from ninefold.venues.table import RECORDED

from .reading import ASK, BID, Best, Clear, Deal, Level, Reader, Reading, Told

CHECKED = ("seq", "receive_ns", "instrument", "taker_side", "action", "side", "size", "bid_size", "ask_size")
ALLOWED = {"taker_side": {BUY, SELL, UNKNOWN_SIDE}, "action": {SET_LEVEL, CLEAR_BOOK}, "side": {BID, ASK}}


class Session(list[Input]):
    """Inputs in the order in which they came. What a reading says of them is read once: check after check goes over it."""

    def __init__(self, inputs: Iterable[Input] = ()) -> None:
        super().__init__(inputs)
        self._told: dict[Reading, list[list[Told]]] = {}

    def told(self, reading: Reading) -> list[list[Told]]:
        """What the naive reading says of each input."""
        if reading not in self._told:
            reader = reading.begin()
            self._told[reading] = [read(reader, one) for one in self]
        return self._told[reading]


class Heard(NamedTuple):
    deals: list[Deal]
    book: list[Level | Clear]
    bests: list[Best]
    records: list[AnyRecord]
    asked: list[Question]
    said: list[bytes]
    stamps: list[tuple[int, int, int]]


class Made(NamedTuple):
    """rows: by kind, as they are stored."""

    rows: dict[str, list[tuple[int, ...]]]
    records: list[AnyRecord]
    asked: list[Question]
    said: list[bytes]
    stamps: list[tuple[int, int, int]]


class Listener:
    """A fresh adapter, and, if wanted, the books rebuilt from its rows by venue symbol.

    wanted: the venue symbols that it is told to have subscribed.
    """

    def __init__(self, entry: VenueEntry, wanted: frozenset[str] | None = None, *, with_books: bool = False) -> None:
        self._entry, self._wanted, self._with_books = entry, wanted, with_books
        self.adapter: Adapter = entry.adapter(wanted, entry.streams, None)
        self.books: dict[str, Book] = {}
        self.seq = 0

    def hear(self, one: Input) -> Heard:
        made = self.made_of(one)
        return Heard(
            [self._deal(*row) for row in made.rows.get("trades", ())],
            self._levels(made.rows.get("books", ())),
            [self._best(*row) for row in made.rows.get("quotes", ())],
            *made[1:],
        )

    def made_of(self, one: Input) -> Made:
        """The same as it is stored, in whole units."""
        self.seq += 1
        adapter = self.adapter
        if one.kind == inputs.FRAME:
            adapter.frame(one.connection, self.seq, one.receive_ns, one.payload)
        elif one.kind == inputs.ANSWER:
            adapter.answer(msgspec.msgpack.decode(one.payload, type=Answer), self.seq, one.receive_ns)
        else:
            change = msgspec.msgpack.decode(one.payload, type=ConnectionChange)
            adapter.connection(change, one.connection, self.seq, one.receive_ns)
            self.books.clear()
        return self._take(one)

    def restart(self) -> None:
        """Go on with a new adapter that knows what this one saved."""
        state = self.adapter.save()
        self.adapter = self._entry.adapter(self._wanted, self._entry.streams, None)
        self.adapter.load(state)

    def instrument(self, symbol: str) -> int:
        """Its current id; 0 if it is not listed."""
        found = self.adapter.registry.find(self.adapter.venue, symbol)
        return found.id if found else 0

    def symbol(self, instrument: int) -> str:
        return self.adapter.registry[instrument].venue_symbol

    def _take(self, one: Input) -> Made:
        adapter, gathered = self.adapter, self.adapter.gathered
        try:
            made = gathered.arrays()
        except OverflowError as error:
            raise AssertionError(f"rows do not fit their layouts: {error}: {gathered}") from None
        records, gathered.records = gathered.records, []
        asked, adapter.questions = adapter.questions, []
        said, adapter.say = adapter.say, []
        stamps, gathered.stamps = gathered.stamps, []
        for connection, _, receive_ns in stamps:
            assert (connection, receive_ns) == (one.connection, one.receive_ns), f"stamps {stamps} of another input"
        for kind, rows in made.items():
            _check_rows(kind, rows, self.seq, one.receive_ns, len(adapter.registry))
        if self._with_books and "books" in made:
            self._rebuild(made["books"])
        return Made({kind: rows.tolist() for kind, rows in made.items()}, records, asked, said, stamps)

    def _rebuild(self, rows: np.ndarray) -> None:
        for id in np.unique(rows["instrument"]).tolist():
            book = self.books.setdefault(self.symbol(id), Book())
            book.apply(rows[rows["instrument"] == id])

    def _deal(self, of: int, time_ns: int, _: int, __: int, kind: int, high: int, low: int, *row: int) -> Deal:
        symbol, price, size = self._exact(of, row[0], row[1])
        id = trade_id_text(kind, high, low) or ""
        return Deal(symbol, id, price, size, row[2], None if time_ns == UNKNOWN_NS else time_ns)

    def _levels(self, rows: Iterable[tuple[int, ...]]) -> list[Level | Clear]:
        found: list[Level | Clear] = []
        known = None
        for of, time_ns, _, _, _, action, side, price, size in rows:
            if known is None or known.id != of:
                known = self.adapter.registry[of]
                symbol, prices, sizes = known.venue_symbol, known.price_decimals, known.size_decimals
            if action == CLEAR_BOOK:
                found.append(Clear(symbol))
                continue
            at = None if time_ns == UNKNOWN_NS else time_ns
            found.append(Level(symbol, side, _decimal(price, prices), _decimal(size, sizes), at))
        return found

    def _best(self, of: int, *row: int) -> Best:
        symbol, bid, bid_size = self._exact(of, row[4], row[5])
        return Best(symbol, bid, bid_size, *self._exact(of, row[6], row[7])[1:])

    def _exact(self, of: int, price: int, size: int) -> tuple[str, Decimal, Decimal]:
        known = self.adapter.registry[of]
        return known.venue_symbol, _decimal(price, known.price_decimals), _decimal(size, known.size_decimals)


def load(path: Path, most: int | None = None) -> Session:
    """The inputs of a recording without the clock, at most so many."""
    return Session(islice((one for one in open_source(path, RECORDED) if one.kind != inputs.TICK), most))


def read(reader: Reader, one: Input) -> list[Told]:
    """What the naive reading says of an input."""
    if one.kind == inputs.FRAME:
        return list(reader.frame(one.payload.decode()))
    if one.kind == inputs.ANSWER:
        answer = msgspec.msgpack.decode(one.payload, type=Answer)
        return list(reader.answer(answer.url, answer.body.decode()))
    return []


def deals(told: Iterable[Told]) -> list[Deal]:
    return [one for one in told if isinstance(one, Deal)]


def book(told: Iterable[Told]) -> list[Level | Clear]:
    return [one for one in told if isinstance(one, Level | Clear)]


def bests(told: Iterable[Told]) -> list[Best]:
    return [one for one in told if isinstance(one, Best)]


@lru_cache(maxsize=1 << 16)
def _decimal(units: int, decimals: int) -> Decimal:
    return Decimal(units).scaleb(-decimals)


def _check_rows(kind: str, rows: np.ndarray, seq: int, receive_ns: int, listed: int) -> None:
    """What the rows of an input have in common with it, and the values that they may hold. A change that waited keeps
    the time at which it came.
    """
    found = {name: set(rows[name].tolist()) for name in CHECKED if name in (rows.dtype.names or ())}
    assert found["seq"] == {seq}, f"{kind}: seq {found['seq']} of input {seq}"
    came = found["receive_ns"]
    assert max(came) <= receive_ns if kind == "books" else came == {receive_ns}, f"{kind}: received at {came}"
    assert found["instrument"] <= set(range(1, listed + 1)), f"{kind}: instruments {found['instrument']} of {listed}"
    for name, allowed in ALLOWED.items():
        assert found.get(name, set()) <= allowed, f"{kind}: {name} {found[name]}, allowed are {allowed}"
    for name in ("size", "bid_size", "ask_size"):
        assert min(found.get(name, {0})) >= 0, f"{kind}: {name} {found[name]} below 0"
