"""What every venue's adapter must do with a recorded session. Each check raises AssertionError where one does not.

In:  the venue's table entry, its reading, a session (inputs without the clock).
Out: how many cases the session had: with none, the check has proven nothing.
The same on what goes wrong is in contract_faults.py, on single messages in contract_messages.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

import msgspec

from ninefold.journal import inputs
from ninefold.journal.inputs import Answer, Input
from ninefold.market.book import Book
from ninefold.market.records import Gap, Malformed
from ninefold.venues.entry import VenueEntry

from .hearing import Heard, Listener, Session, bests, book, deals
from .reading import ASK, BID, Clear, Deal, Level, Reading, Told

WHOLE_EVERY = 200  # applied changes; the best levels are compared at every one


# everything is read, and nothing else


def told_as_read(entry: VenueEntry, reading: Reading, session: Session) -> int:
    """Trades, levels, best bids and asks are those of the naive reading, digit for digit and frame by frame; nothing
    is malformed, nothing missing, nothing told twice.
    """
    listener, once = Listener(entry), Once()
    count = 0
    for place, (one, told) in enumerate(zip(session, session.told(reading), strict=True)):
        heard = listener.hear(one)
        same(heard, once.keep(told), reading, Where(place, one))
        quiet(heard, Where(place, one))
        count += len(told)
    return count


def same(heard: Heard, told: list[Told], reading: Reading, at: object) -> None:
    """What an adapter made of one input is what the reading says. Levels of one frame have no order but at one price."""
    assert heard.deals == deals(told), f"{at}: trades {heard.deals} are read as {deals(told)}"
    ours, theirs = in_place(heard.book), in_place(book(told))
    if len(ours) == len(theirs):
        ours = [one if is_timed(other) else untimed(one) for one, other in zip(ours, theirs, strict=True)]
    assert ours == theirs, f"{at}: levels {difference(ours, theirs)}"
    if reading.tells_best:
        assert heard.bests == bests(told), f"{at}: best {heard.bests} is read as {bests(told)}"


def quiet(heard: Heard, at: object, kinds: tuple[type, ...] = (Malformed, Gap)) -> None:
    """No record tells that something could not be read or is missing."""
    told = [record for record in heard.records if isinstance(record, kinds)]
    assert not told, f"{at}: {told[0]}"


class Once:
    """Leaves out of what is told the trades with an id that were told before."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str]] = set()

    def keep(self, told: Iterable[Told]) -> list[Told]:
        return [one for one in told if not isinstance(one, Deal) or not one.id or self._is_new(one)]

    def _is_new(self, deal: Deal) -> bool:
        count = len(self._seen)
        self._seen.add((deal.symbol, deal.id))
        return len(self._seen) > count


# books


def book_is_right(entry: VenueEntry, reading: Reading, session: Session, times: int = 1) -> int:
    """The book rebuilt from the rows is the one rebuilt after the venue's documentation: its best levels after every
    applied frame, all levels every so often and at the end; it never crosses where the venue's did not.

    times: how often every frame is given; only the first time adds trades, and nothing is missing.
    """
    listener, books = Listener(entry, with_books=True), NaiveBooks()
    count = 0
    for place, (one, told) in enumerate(zip(session, session.told(reading), strict=True)):
        listener.made_of(one)
        for _ in range(times - 1 if one.kind == inputs.FRAME else 0):
            again = listener.hear(one)
            quiet(again, Where(place, one))
            assert not any(deal.id for deal in again.deals), f"again {Where(place, one)}: {again.deals}"
        if one.kind == inputs.CONNECTION:
            books.levels.clear()  # nothing is known of them any more
        for symbol in books.apply(told):
            count += 1
            best_is_right(listener, books, symbol, Where(place, one))
            if count % WHOLE_EVERY == 0:
                whole_is_right(listener, books, symbol, Where(place, one))
    for symbol in books.levels:
        whole_is_right(listener, books, symbol, "at the end")
    assert listener.books.keys() <= books.levels.keys(), f"books of {listener.books.keys() - books.levels.keys()}"
    return count


def given_twice(entry: VenueEntry, reading: Reading, session: Session) -> int:
    """A frame given twice adds no second trade where trades have ids, is no gap, and leaves the book right."""
    return book_is_right(entry, reading, session, times=2)


class NaiveBooks:
    """levels: by symbol and side, size by price."""

    def __init__(self) -> None:
        self.levels: dict[str, dict[int, dict[Decimal, Decimal]]] = {}

    def apply(self, told: Iterable[Told]) -> set[str]:
        """Returns the symbols whose book changed."""
        changed = book(told)
        for level in changed:
            if isinstance(level, Clear) or level.symbol not in self.levels:
                self.levels[level.symbol] = {BID: {}, ASK: {}}
            if isinstance(level, Level):
                side = self.levels[level.symbol][level.side]
                side.pop(level.price, None)
                if level.size:
                    side[level.price] = level.size
        return {level.symbol for level in changed}

    def top(self, symbol: str, most: int) -> tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]:
        sides = self.levels[symbol]
        return sorted(sides[BID].items(), reverse=True)[:most], sorted(sides[ASK].items())[:most]


def best_is_right(listener: Listener, books: NaiveBooks, symbol: str, at: object) -> None:
    ours, theirs = listener.books.get(symbol, Book()), books.levels[symbol]
    of = listener.adapter.registry[listener.instrument(symbol)]
    bid, ask = max(ours.bids, default=None), min(ours.asks, default=None)
    read_bid, read_ask = max(theirs[BID], default=None), min(theirs[ASK], default=None)
    found = [None if units is None else Decimal(units).scaleb(-of.price_decimals) for units in (bid, ask)]
    assert found == [read_bid, read_ask], f"{at}: best bid and ask {found} should be {read_bid} and {read_ask}"
    if bid is not None and ask is not None and read_bid < read_ask:
        assert bid < ask, f"{at}: {symbol} crosses"


def whole_is_right(listener: Listener, books: NaiveBooks, symbol: str, at: object) -> None:
    ours, theirs = listener.books.get(symbol, Book()), books.levels[symbol]
    of = listener.adapter.registry[listener.instrument(symbol)]
    for side, levels in ((BID, ours.bids), (ASK, ours.asks)):
        found = {
            Decimal(price).scaleb(-of.price_decimals): Decimal(size).scaleb(-of.size_decimals)
            for price, size in levels.items()
        }
        assert found == theirs[side], f"{at}: {symbol} {difference(found.items(), theirs[side].items())}"


# words for what was found


def in_place(told: list[Level | Clear]) -> list[Level | Clear]:
    """In the order of prices, snapshots apart; changes of one price stay as they came."""
    cleared: Counter[str] = Counter()
    keys = []
    for one in told:
        cleared[one.symbol] += isinstance(one, Clear)
        place = (one.side, one.price) if isinstance(one, Level) else (ASK - 1, Decimal(0))
        keys.append((one.symbol, cleared[one.symbol], *place))
    return [told[at] for at in sorted(range(len(told)), key=keys.__getitem__)]


def is_timed(one: Level | Clear) -> bool:
    return isinstance(one, Level) and one.time_ns is not None


def untimed(one: Level | Clear) -> Level | Clear:
    return Level(*one[:4]) if isinstance(one, Level) else one


def difference(ours: Iterable[object], theirs: Iterable[object]) -> str:
    ours, theirs = list(ours), list(theirs)
    more, less = [one for one in ours if one not in theirs], [one for one in theirs if one not in ours]
    return f"too many {more[:5]}, missing {less[:5]}, {len(ours)} instead of {len(theirs)}"


class Where(NamedTuple):
    """An input, for messages about it."""

    place: int
    one: Input

    def __str__(self) -> str:
        if self.one.kind == inputs.ANSWER:
            answer = msgspec.msgpack.decode(self.one.payload, type=Answer)
            return f"input {self.place}, answer to {answer.url}: {answer.body[:200]!r}"
        return f"input {self.place}: {self.one.payload[:300]!r}"
