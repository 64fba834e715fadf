"""Time ranges as freqtrade writes them: 20240101-20240601, 20240101-, -20240601; also unix seconds or milliseconds.
Moments as ISO 8601 writes them, or as a place in such a range, or in nanoseconds.

In:  text. Out: (start_ns, end_ns), half open, None where the range is open; the nanoseconds of a moment.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

_ISO = re.compile(r"^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)?)?$")
_FORM = re.compile(r"^(\d{8}|\d{10}|\d{13})?-(\d{8}|\d{10}|\d{13})?$")


def parse_timerange(text: str | None) -> tuple[int | None, int | None]:
    """Start and end in nanoseconds since 1970 UTC; None or "" is everything. A date means its midnight, UTC.

    raises: ValueError if it is written otherwise, is no date, or ends before it starts.

    >>> parse_timerange("19700102-")
    (86400000000000, None)
    >>> parse_timerange("1700000000-1700000000500")
    (1700000000000000000, 1700000000500000000)
    """
    if not text:
        return None, None
    form = _FORM.match(text)
    if not form or text == "-":
        raise ValueError(
            f"timerange is {text!r}; allowed are 20240101-20240601, 20240101-, -20240601, "
            "or unix seconds or milliseconds in place of dates"
        )
    start, end = (None if part is None else _moment(part, text) for part in form.groups())
    if start is not None and end is not None and end < start:
        raise ValueError(f"timerange {text!r} ends before it starts; write START-END")
    return start, end


def parse_moment(text: str) -> int:
    """A moment in nanoseconds since 1970 UTC. Without an offset it is UTC; a date means its midnight.

    raises: ValueError if it is written otherwise.

    >>> parse_moment("1970-01-01T00:00:01.000000002Z")
    1000000002
    >>> parse_moment("2001-09-09 02:46:40+01:00") == parse_moment("1000000000") == parse_moment("1000000000000000000")
    True
    """
    if re.fullmatch(r"\d{8}|\d{10}|\d{13}", text):
        return _moment(text, text)
    if re.fullmatch(r"\d{16,19}", text):
        return int(text)
    form = _ISO.match(text)
    try:
        if form is None:
            raise ValueError
        day, clock, fraction, offset = form.groups()
        at = datetime.fromisoformat(f"{day}T{clock or '00:00'}{offset or '+00:00'}")
    except ValueError:
        raise ValueError(
            f"the moment is {text!r}; allowed are 2024-08-08T12:03:04.5Z (any number of digits, UTC without an offset), "
            "2024-08-08, 20240808, or unix seconds, milliseconds or nanoseconds"
        ) from None
    return int(at.timestamp()) * 1_000_000_000 + int((fraction or "").ljust(9, "0"))


def _moment(part: str, text: str) -> int:
    if len(part) == 13:
        return int(part) * 1_000_000
    if len(part) == 10:
        return int(part) * 1_000_000_000
    try:
        return int(datetime.strptime(part, "%Y%m%d").replace(tzinfo=UTC).timestamp()) * 1_000_000_000
    except ValueError:
        raise ValueError(f"timerange {text!r}: {part} is no date; write YYYYMMDD, for example 20240101") from None
