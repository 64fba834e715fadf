"""Time ranges as freqtrade writes them: 20240101-20240601, 20240101-, -20240601; also unix seconds or milliseconds.

In:  text. Out: (start_ns, end_ns), half open, None where the range is open.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

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


def _moment(part: str, text: str) -> int:
    if len(part) == 13:
        return int(part) * 1_000_000
    if len(part) == 10:
        return int(part) * 1_000_000_000
    try:
        return int(datetime.strptime(part, "%Y%m%d").replace(tzinfo=UTC).timestamp()) * 1_000_000_000
    except ValueError:
        raise ValueError(f"timerange {text!r}: {part} is no date; write YYYYMMDD, for example 20240101") from None
