"""The stored market against the exchange's: the book at one moment, and the bars of a stretch of time.

In:  a running world and what was heard of it. Out: AssertionErrors that say which level or bar differs.
A moment is an update id at Binance, and the stamp of a message at the venues whose books have no numbers. What these lost
or heard in another order they cannot always know: Coinbase's books say nothing to check them by until the next connection,
Kraken's only of their ten best levels until the next snapshot. So far they are held to it.
Units are 10**-8 throughout. The tables are read with deltalake alone, and the book is put together anew here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow.compute as pc

from ninefold.market.time import UNKNOWN_NS

from . import truth
from .hearing import Hearing
from .parts import until
from .plans import Story
from .wires import e8, exchange_symbol, streams, venue_of

SECOND_NS, MS_NS = 10**9, 10**6
KLINES = 1_000  # an answer's most
CLEAR = 1
CHECKED_LEVELS = 10
BID, ASK = 1, -1
TRIES = 20  # a new snapshot may come just where we look
ALL, FAR = 1 << 30, 1 << 62
Level = tuple[int, int]  # side, price
Seen = tuple[int, dict[Level, int], int]  # moment, the exchange's book then, how many of its best levels ours must have


class StoredBook:
    """One symbol's book, put together from its stored rows as far as it is asked for."""

    def __init__(self, hearing: Hearing, symbol: str) -> None:
        self.hearing = hearing
        self.symbol = symbol
        self.instrument, self.of = hearing.scales[symbol]
        self.venue, self.stream = venue_of(symbol), streams(symbol)[1]
        self.levels: dict[Level, int] = {}
        self.last_id = 0
        self._asked: Seen | None = None
        self._rows: list[dict[str, Any]] = []

    def ask(self) -> None:
        """See the exchange's book now, to be compared later: it takes a moment until that one is stored."""
        self._asked = self._exchange()

    def check(self) -> None:
        """Equal to the exchange's whole book at the moment of `ask` or a later one, but for levels that changed then. Where the
        venue may have told it wrongly, it is right sooner or later: with the next snapshot.
        """
        moment, off = 0, "it did not come to rest"
        for _ in range(TRIES):
            (moment, theirs, most), self._asked = self._asked or self._later(moment), None
            if not most:
                return
            until(changed(self.hearing, self._reaches(moment)), f"the book of {self.symbol} is stored")
            changing = self._go_to(moment)
            if changing is None:
                continue
            off = self._differing(best(theirs, most), best(self.levels, most), changing)
            if not off:
                return
            if most == ALL:
                break
        raise AssertionError(f"{self.symbol} at {moment}: {off}")

    def _differing(self, theirs: dict[Level, int], ours: dict[Level, int], changing: set[Level]) -> str:
        off = [
            level
            for level in ours.keys() | theirs.keys()
            if level not in changing and ours.get(level) != theirs.get(level)
        ]
        told = ", ".join(f"{level}: ours {ours.get(level)}, theirs {theirs.get(level)}" for level in off[:3])
        return f"{len(off)} of {len(theirs)} levels differ; {told}" if off else ""

    def _claimed(self) -> int:
        """How many of the best levels must be right."""
        harmed = self.stream in self.hearing.world.ask("/sim/v1/faults?from=1000000000")["harmed"]
        if not harmed or self.venue == "binance":
            return ALL
        return CHECKED_LEVELS if self.venue == "kraken" else 0

    def _later(self, moment: int) -> Seen:
        """The exchange's book once it has told more of it."""
        found = self._exchange()
        while found[0] <= moment:
            until(lambda: self._exchange()[0] > moment, f"the book of {self.symbol} changes")
            found = self._exchange()
        return found

    def _exchange(self) -> Seen:
        claimed = self._claimed()
        book = self.hearing.world.ask(f"/sim/v1/book?symbol={exchange_symbol(self.symbol)}&face={self.venue}")
        sides = ((BID, book["bids"]), (ASK, book["asks"]))
        moment = book["lastUpdateId"] if self.venue == "binance" else int(book["told_ns"])
        levels = {(side, e8(price)): e8(size) for side, rows in sides for price, size in rows}
        return moment, levels, min(claimed, self._claimed())

    def _reaches(self, update_id: int) -> Callable[[], bool]:
        return lambda: self._newest() >= update_id

    def _newest(self) -> int:
        self._rows += self.hearing.take_books(self.instrument)
        return max([self.last_id, *(moment for row in self._rows if (moment := self._moment(row)) is not None)])

    def _go_to(self, moment: int) -> set[Level] | None:
        """Apply all up to a moment; the levels that the next change sets, or None if a new snapshot comes next."""
        at, moments = 0, self._moments()
        while at < len(self._rows) and moments[at] <= moment:
            self._apply(self._rows[at])
            at += 1
        self._rows = self._rows[at:]
        if self._rows and self._rows[0]["action"] == CLEAR and self._moment(self._rows[0]) is None:
            return None  # it may have come before the moment
        if not self._rows or self.last_id == moment:
            return set()
        if self._rows[0]["action"] == CLEAR:
            return None
        next_id = self._moment(self._rows[0])
        return {self._level(row) for row in self._rows if self._moment(row) == next_id}

    def _moment(self, row: dict[str, Any]) -> int | None:
        """None where the venue does not say it: a snapshot of Kraken's."""
        if self.venue == "binance":
            return int(row["update_id"])
        return int(row["exchange_ns"]) if row["exchange_ns"] != UNKNOWN_NS else None

    def _moments(self) -> list[int]:
        """The moment of each row, or of the next one that has one."""
        found, later = [], FAR
        for row in reversed(self._rows):
            moment = self._moment(row)
            later = later if moment is None else moment
            found.append(later)
        return found[::-1]

    def _apply(self, row: dict[str, Any]) -> None:
        if row["action"] == CLEAR:
            self.levels.clear()
        elif row["size"]:
            self.levels[self._level(row)] = self.of.size_e8(row["size"])
        else:
            self.levels.pop(self._level(row), None)
        moment = self._moment(row)
        self.last_id = self.last_id if moment is None else moment

    def _level(self, row: dict[str, Any]) -> Level:
        return row["side"], self.of.price_e8(row["price"])


def best(levels: dict[Level, int], most: int) -> dict[Level, int]:
    """The best levels of each side."""
    kept = [
        sorted((level for level in levels if level[0] == side), key=lambda level: level[1], reverse=side == BID)[:most]
        for side in (BID, ASK)
    ]
    return {level: levels[level] for side in kept for level in side}


def check_bars(hearing: Hearing, story: Story) -> None:
    """The bars of one second are the exchange's klines, from the first trade of the stretch to its last.

    The second that holds the first trade of all, and the one after it, may have begun before we listened.
    """
    instrument, of = hearing.scales[story.symbol]
    times = [rows[0].exchange_ns for id, rows in story.kept.items() if id <= story.end]
    first, last = max(min(times), hearing.first_ns[story.symbol] + 2 * SECOND_NS), max(times)
    first, last = first // SECOND_NS * SECOND_NS, last // SECOND_NS * SECOND_NS
    if first > last:
        return
    series = (pc.field("instrument") == instrument) & (pc.field("width_ns") == SECOND_NS)
    condition = series & (pc.field("open_ns") >= first) & (pc.field("open_ns") <= last)
    ours: dict[int, tuple[Any, ...]] = {}
    theirs: dict[int, tuple[Any, ...]] = {}

    def equal() -> bool:
        theirs.update(_klines(hearing, story.symbol, first, last))
        rows = sorted(hearing.rows("bars", condition), key=lambda row: row["revision"])
        ours.update({row["open_ns"]: _bar(row, of) for row in rows})
        return not _differing(ours, theirs)

    try:
        until(changed(hearing, equal), f"the bars of {story.symbol} are its klines")
    except AssertionError:
        off = _differing(ours, theirs)
        told = ", ".join(f"at {ns}: ours {ours.get(ns)}, theirs {theirs.get(ns)}" for ns in off[:3])
        raise AssertionError(f"{story.symbol}: {len(off)} bars differ from the klines; {told}") from None


def changed(hearing: Hearing, condition: Callable[[], bool]) -> Callable[[], bool]:
    """The condition, looked at again only when the store has grown."""
    seen = -2

    def look() -> bool:
        nonlocal seen
        position = hearing.position()
        if position == seen:
            return False
        seen = position
        return condition()

    return look


def _differing(ours: dict[int, tuple[Any, ...]], theirs: dict[int, tuple[Any, ...]]) -> list[int]:
    return sorted(ns for ns in ours.keys() | theirs.keys() if ours.get(ns) != theirs.get(ns))


def _bar(row: dict[str, Any], of: truth.Scale) -> tuple[Any, ...]:
    if row["state"] == truth.UNKNOWN:
        return ("unknown",)
    prices = (of.price_e8(row[name]) for name in ("open", "high", "low", "close"))
    return (*prices, *(of.size_e8(row[name]) for name in ("volume", "buy_volume")), row["trades"])


def _klines(hearing: Hearing, symbol: str, first_ns: int, last_ns: int) -> dict[int, tuple[Any, ...]]:
    span = f"startTime={first_ns // MS_NS}&endTime={last_ns // MS_NS}"
    rows = hearing.world.ask(f"/api/v3/klines?symbol={exchange_symbol(symbol)}&interval=1s&{span}&limit={KLINES}")
    return {row[0] * MS_NS: (*(e8(text) for text in row[1:6]), e8(row[9]), row[8]) for row in rows}
