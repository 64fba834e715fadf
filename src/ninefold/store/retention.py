"""Which days of a table may go.

In:  the days of a table with what they take, and limits of age and size.
Out: the oldest days that are beyond a limit. The newest day of a table never goes: it still grows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from ninefold.market.time import DAY_NS
from ninefold.store.delta import StoredFile, stored_files

_EPOCH = date(1970, 1, 1)


class Day(NamedTuple):
    """One day of a table: its live rows and the bytes of their files."""

    day: date
    rows: int
    bytes: int


def days_over(days: Sequence[Day], now_ns: int, keep_ns: int | None, keep_bytes: int | None) -> list[Day]:
    """The days that are beyond a limit, oldest first.

    days:       of one table, oldest first.
    keep_ns:    a day is kept until so long after its end; None: for ever.
    keep_bytes: what all days may take together; None: no limit.

    >>> three = [Day(date(1970, 1, number), 10, 50) for number in (1, 2, 3)]
    >>> [one.day.day for one in days_over(three, 3 * DAY_NS, DAY_NS + 1, None)]
    [1]
    >>> [one.day.day for one in days_over(three, 0, None, 1)]
    [1, 2]
    """
    going = []
    left = sum(one.bytes for one in days)
    for one in days[:-1]:
        end_ns = ((one.day - _EPOCH).days + 1) * DAY_NS
        old = keep_ns is not None and end_ns + keep_ns < now_ns
        if not old and (keep_bytes is None or left <= keep_bytes):
            break
        going.append(one)
        left -= one.bytes
    return going


def days_of(folder: Path, kind: str) -> list[Day]:
    """The days of a stored table, oldest first."""
    return by_day(stored_files(folder, kind))


def by_day(files: Sequence[StoredFile]) -> list[Day]:
    """What the files of a table hold, by day, oldest first."""
    found: dict[date, Day] = {}
    for file in files:
        if file.day is not None:
            before = found.get(file.day, Day(file.day, 0, 0))
            found[file.day] = Day(file.day, before.rows + file.rows, before.bytes + file.bytes)
    return [found[day] for day in sorted(found)]
