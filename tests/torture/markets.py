"""The stored market against the exchange's: the book at one moment, and the bars of a stretch of time.

In:  a running world and what was heard of it. Out: AssertionErrors that say which level or bar differs.
Units are 10**-8 throughout. The tables are read with deltalake alone, and the book is put together anew here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow.compute as pc

from . import truth
from .hearing import Hearing
from .parts import until
from .plans import Story

SECOND_NS, MS_NS = 10**9, 10**6
KLINES = 1_000  # an answer's most
CLEAR = 1
BID, ASK = 1, -1
TRIES = 20  # a new snapshot may come just where we look
Level = tuple[int, int]  # side, price


class StoredBook:
    """One symbol's book, put together from its stored rows as far as it is asked for."""

    def __init__(self, hearing: Hearing, symbol: str) -> None:
        self.hearing = hearing
        self.symbol = symbol
        self.instrument, self.of = hearing.scales[symbol]
        self.levels: dict[Level, int] = {}
        self.last_id = 0
        self._asked: tuple[int, dict[Level, int]] | None = None
        self._rows: list[dict[str, Any]] = []
        self._seq = 0

    def ask(self) -> None:
        """See the exchange's book now, to be compared later: it takes a moment until that one is stored."""
        self._asked = self._exchange()

    def check(self) -> None:
        """Equal to the exchange's whole book at the moment of `ask` or a later one, but for levels that changed then."""
        for _ in range(TRIES):
            (truth_id, theirs), self._asked = self._asked or self._exchange(), None
            until(changed(self.hearing, self._reaches(truth_id)), f"the book of {self.symbol} is stored")
            changing = self._go_to(truth_id)
            if changing is not None:
                break
        else:
            raise AssertionError(f"{self.symbol}: the book did not come to rest")
        off = [
            level
            for level in self.levels.keys() | theirs.keys()
            if level not in changing and self.levels.get(level) != theirs.get(level)
        ]
        told = ", ".join(f"{level}: ours {self.levels.get(level)}, theirs {theirs.get(level)}" for level in off[:3])
        assert not off, f"{self.symbol} at {truth_id}: {len(off)} of {len(theirs)} levels differ; {told}"

    def _exchange(self) -> tuple[int, dict[Level, int]]:
        book = self.hearing.world.ask(f"/sim/v1/book?symbol={self.symbol}")
        sides = ((BID, book["bids"]), (ASK, book["asks"]))
        return book["lastUpdateId"], {
            (side, truth.e8(price)): truth.e8(size) for side, rows in sides for price, size in rows
        }

    def _reaches(self, update_id: int) -> Callable[[], bool]:
        return lambda: self._newest() >= update_id

    def _newest(self) -> int:
        condition = (pc.field("instrument") == self.instrument) & (pc.field("seq") > self._seq)
        found = sorted(self.hearing.rows("books", condition), key=lambda row: (row["seq"], row["n"]))
        self._rows += found
        self._seq = max([self._seq, *(row["seq"] for row in found)])
        return int(self._rows[-1]["update_id"]) if self._rows else self.last_id

    def _go_to(self, update_id: int) -> set[Level] | None:
        """Apply all up to an id; the levels that the next change sets, or None if a new snapshot comes next."""
        at = 0
        while at < len(self._rows) and self._rows[at]["update_id"] <= update_id:
            self._apply(self._rows[at])
            at += 1
        self._rows = self._rows[at:]
        if not self._rows or self.last_id == update_id:
            return set()
        if self._rows[0]["action"] == CLEAR:
            return None
        next_id = self._rows[0]["update_id"]
        return {self._level(row) for row in self._rows if row["update_id"] == next_id}

    def _apply(self, row: dict[str, Any]) -> None:
        if row["action"] == CLEAR:
            self.levels.clear()
        elif row["size"]:
            self.levels[self._level(row)] = row["size"] * 10 ** (8 - self.of.size)
        else:
            self.levels.pop(self._level(row), None)
        self.last_id = row["update_id"]

    def _level(self, row: dict[str, Any]) -> Level:
        return row["side"], row["price"] * 10 ** (8 - self.of.price)


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
    prices = (row[name] * 10 ** (8 - of.price) for name in ("open", "high", "low", "close"))
    return (*prices, *(row[name] * 10 ** (8 - of.size) for name in ("volume", "buy_volume")), row["trades"])


def _klines(hearing: Hearing, symbol: str, first_ns: int, last_ns: int) -> dict[int, tuple[Any, ...]]:
    span = f"startTime={first_ns // MS_NS}&endTime={last_ns // MS_NS}"
    rows = hearing.world.ask(f"/api/v3/klines?symbol={symbol}&interval=1s&{span}&limit={KLINES}")
    return {row[0] * MS_NS: (*(truth.e8(text) for text in row[1:6]), truth.e8(row[9]), row[8]) for row in rows}
