"""What a venue tells, in its own texts: deals, changes of books, best bid and ask, funding, forced deals.

In:  what a parser found in a frame or an answer; numbers as the venue wrote them, times in ns since 1970.
Out: the same in one form for all venues, before it becomes rows. Nothing here knows instruments or units.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from typing import Annotated, NamedTuple
from uuid import UUID

import msgspec

from ninefold.market.arrays import ID_INTEGER, ID_NONE, ID_TEXT, ID_UUID
from ninefold.market.instruments import Instrument
from ninefold.market.numbers import INT64_MAX, to_units
from ninefold.market.time import DAY_NS, SECOND_NS, UNKNOWN_NS
from ninefold.venues.adapter import BadFrame

MILLISECOND_NS, MICROSECOND_NS = 1_000_000, 1_000
WORD = 2**64
MOST_EXPONENT = 30
TEXTS_KNOWN = 65_536  # numbers that were read lately; best prices and levels come again and again
EXPONENT = re.compile(r"-?\d{1,40}(?:\.\d{1,40})?[eE][+-]?(\d{1,3})", re.ASCII)
TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,9}))?Z", re.ASCII)

Count = Annotated[int, msgspec.Meta(ge=0, le=INT64_MAX)]
Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=INT64_MAX // MILLISECOND_NS)]
Levels = list[tuple[int, str, str]]  # side, price, size; size 0 removes


class Id(NamedTuple):
    """A trade's id as arrays hold it: its kind and two words."""

    kind: int
    high: int
    low: int


NO_ID = Id(ID_NONE, 0, 0)


class Deal(NamedTuple):
    """A public trade. side: of the taker."""

    symbol: str
    id: Id
    price: str
    size: str
    side: int
    time_ns: int


class Change(NamedTuple):
    """A book's snapshot or change. first, last: the numbers it covers; a snapshot has only the last.

    Venues without numbers leave both 0. texts: of each level, as a checksum is over it.
    """

    symbol: str
    snapshot: bool
    levels: Levels
    time_ns: int = UNKNOWN_NS
    first: int = 0
    last: int = 0
    texts: Sequence[str] = ()


class Best(NamedTuple):
    """The best bid and ask. A price or size that the venue leaves out is "0"."""

    symbol: str
    bid: str
    bid_size: str
    ask: str
    ask_size: str
    time_ns: int = UNKNOWN_NS
    update_id: int = 0


class Due(NamedTuple):
    """What holders of a perpetual will pay at due_ns; 0 where they pay all the time."""

    symbol: str
    rate: str
    due_ns: int
    time_ns: int
    mark_price: str = "0"


class Forced(NamedTuple):
    """A position closed by force; side: of the order that closed it."""

    symbol: str
    side: int
    price: str
    size: str
    time_ns: int


class Checksum(NamedTuple):
    """What the best levels of a book, as they are now, must add up to."""

    symbol: str
    value: int
    time_ns: int = UNKNOWN_NS


class Missed(NamedTuple):
    """The book of a symbol has proven wrong: it is unknown until the next snapshot."""

    symbol: str
    time_ns: int = UNKNOWN_NS


Told = Deal | Change | Best | Due | Forced | Checksum | Missed | Instrument


def counted(id: int) -> Id:
    """An id without a hole to the next one of its instrument."""
    return Id(ID_INTEGER, 0, id)


def sparse(id: int) -> Id:
    """A whole number that skips others, so that nothing can be counted by it: held as the text that it is to us."""
    return Id(ID_TEXT, id // WORD, id % WORD)


def named(text: str) -> Id:
    """A text. raises: BadFrame if there is none.

    >>> named("1618677693509000").low, named("0c52f8cc-b0ef-50f7-881d-6fe355ac0944").kind == ID_UUID
    (1618677693509000, True)
    """
    if text.isascii() and text.isdigit() and len(text) <= 38 and text == str(int(text)):
        return sparse(int(text))
    if len(text) == 36 and text.count("-") == 4:
        whole = UUID(text).int
        return Id(ID_UUID, whole // WORD, whole % WORD)
    if not text:
        raise BadFrame("a trade has an empty id")
    whole = int.from_bytes(blake2b(text.encode(), digest_size=16).digest())
    return Id(ID_TEXT, whole // WORD, whole % WORD)


def whole(text: str, most: int = 18) -> int:
    """A whole number of at most so many digits. raises: BadFrame."""
    if not (text.isascii() and text.isdigit() and len(text) <= most):
        raise BadFrame(f"{text[:40]!r} is no whole number of at most {most} digits")
    return int(text)


def number(raw: msgspec.Raw) -> str:
    """The text of a JSON number, quoted or not, without an exponent. raises: BadFrame, ValueError.

    >>> number(msgspec.Raw(b"0.10000000")), number(msgspec.Raw(b"-1e-08"))
    ('0.10000000', '-0.00000001')
    """
    text = bytes(raw).decode("ascii").strip('"')
    if "e" in text or "E" in text:
        found = EXPONENT.fullmatch(text)
        if found is None or int(found[1]) > MOST_EXPONENT:
            raise BadFrame(f"{text[:60]!r} is no number that a price or size can be")
        return format(Decimal(text), "f")
    return text


def number_or_none(raw: msgspec.Raw) -> str:
    """The same, "0" where the venue writes null."""
    return "0" if bytes(raw) == b"null" else number(raw)


def day_of(time_ms: int) -> str:
    """The day of a time as ccxt's symbols have it.

    >>> day_of(1795341600000)
    '261122'
    """
    return date.fromordinal(date(1970, 1, 1).toordinal() + time_ms // 86_400_000).strftime("%y%m%d")


def short(text: str) -> str:
    """Decimal text without zeros that say nothing.

    >>> short("1.00000000"), short("0.50"), short("100")
    ('1', '0.5', '100')
    """
    return text.rstrip("0").rstrip(".") if "." in text else text


def unsigned(text: str) -> tuple[int, str]:
    """(+1 or -1, the text without its sign)."""
    return (-1, text[1:]) if text.startswith("-") else (1, text)


@lru_cache(TEXTS_KNOWN)
def units(text: str, decimals: int) -> int:
    """Prices and sizes of most venues are never negative. raises: BadFrame, NotExact."""
    found = to_units(text, decimals)
    if found < 0:
        raise BadFrame(f"{text!r} is negative; prices and sizes are not")
    return found


def cut_units(text: str, decimals: int) -> int:
    """The same of a price that is computed and not traded at: what is finer than a unit is cut."""
    whole, _, fraction = text.partition(".")
    return to_units(f"{whole}.{fraction[:decimals]}" if fraction[:decimals] else whole, decimals)


def time_ns(text: str) -> int:
    """'2026-11-22T17:35:55.440295Z' in nanoseconds. raises: BadFrame, ValueError."""
    parts = TIME.fullmatch(text)
    if parts is None:
        raise BadFrame(f"{text!r} is no time such as '2026-11-22T17:35:55.440295Z'")
    year, month, day, hour, minute, second = (int(part) for part in parts.groups()[:6])
    days = date(year, month, day).toordinal() - date(1970, 1, 1).toordinal()
    whole = days * DAY_NS + (hour * 3600 + minute * 60 + second) * SECOND_NS
    found = whole + int((parts[7] or "0").ljust(9, "0"))
    if not 0 <= found <= INT64_MAX:
        raise BadFrame(f"{text!r} lies outside of what 64 bits of nanoseconds since 1970 hold")
    return found


def step_of(decimals: int) -> str:
    """The smallest step of so many decimals, or of tens where they are negative.

    >>> step_of(2), step_of(0), step_of(-1)
    ('0.01', '1', '10')
    """
    return "0." + "1".rjust(decimals, "0") if decimals > 0 else "1" + "0" * -decimals
