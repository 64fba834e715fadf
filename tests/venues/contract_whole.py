"""Walk a recorded session from its first message to its last.

In:  the venue's table entry, its reading, the inputs of the session, the kinds that are not wanted and those of which a
     message may wait (not_wanted.py).
Out: what was found. AssertionError where a message is not read to its values, makes no row and is of no listed kind, makes one
     though its kind is not wanted, or leaves a book that crosses where the venue's did not.

The venue's own best bid and ask are those that it tells apart from the book, where it does. No recording shows them crossed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import msgspec

from ninefold.journal import inputs
from ninefold.journal.inputs import Answer, Input
from ninefold.venues.entry import VenueEntry

from .contract import NaiveBooks, Once, Where, quiet, same, whole_is_right
from .contract_published import matched
from .hearing import Listener, bests, book, read
from .reading import Best, Reading, Told

SHAPE = 160  # characters of a message by which its kind is known


@dataclass
class Walked:
    """told, silent: by pattern, how many messages of such a kind made rows, and how many none. boundaries: updates of a book
    after which it was looked at.
    """

    messages: int = 0
    boundaries: int = 0
    bests: int = 0
    crossed: int = 0
    told: Counter[str] = field(default_factory=Counter)
    silent: Counter[str] = field(default_factory=Counter)


def walk(
    entry: VenueEntry,
    reading: Reading,
    session: Iterable[Input],
    unwanted: Mapping[str, str],
    waits: Mapping[str, str],
) -> Walked:
    listener, reader, once, books = Listener(entry, with_books=True), reading.begin(), Once(), NaiveBooks()
    found, own = Walked(), dict[str, Best]()
    of_kind = lru_cache(maxsize=1 << 16)(lambda text: matched((*unwanted, *waits), text))
    for place, one in enumerate(session):
        at = Where(place, one)
        heard, told = listener.hear(one), read(reader, one)
        same(heard, once.keep(told), reading, at)
        quiet(heard, at)
        if one.kind == inputs.CONNECTION:
            books.levels.clear()
            continue
        found.messages += 1
        listed(of_kind(shape(one)), told, unwanted, found, at)
        own |= {best.symbol: best for best in bests(told)}
        found.bests += len(bests(told))
        books.apply(told)
        for symbol in {level.symbol for level in book(told)}:
            found.boundaries += 1
            found.crossed += crosses(listener, symbol, own.get(symbol), at)
    for symbol in books.levels:
        whole_is_right(listener, books, symbol, "at the end")
    return found


def listed(patterns: list[str], told: list[Told], unwanted: Mapping[str, str], found: Walked, at: object) -> None:
    assert told or patterns, f"{at}: tells nothing, and its kind is not listed in not_wanted.py"
    for pattern in patterns:
        assert not (told and pattern in unwanted), f"{at}: not wanted ({unwanted[pattern]}), and yet {told[:3]}"
        (found.told if told else found.silent)[pattern] += 1


def crosses(listener: Listener, symbol: str, own: Best | None, at: object) -> bool:
    ours = listener.books[symbol]
    bid, ask = max(ours.bids, default=None), min(ours.asks, default=None)
    if bid is None or ask is None or bid < ask:
        return False
    assert own is not None and own.bid >= own.ask, (
        f"{at}: the book of {symbol} crosses: {bid} {ask}; the venue's: {own}"
    )
    return True


def shape(one: Input) -> str:
    """What tells the kind of a message."""
    if one.kind == inputs.ANSWER:
        answer = msgspec.msgpack.decode(one.payload, type=Answer)
        return f"{answer.url} "
    return one.payload[:SHAPE].decode(errors="ignore")
