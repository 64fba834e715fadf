"""A stretch of stored rows that somebody read: what a result made of them can be asked about."""

from __future__ import annotations

from typing import NamedTuple


class Stretch(NamedTuple):
    """Rows of an instrument of [from_ns, to_ns). width_ns: of its bars; None: its trades."""

    instrument: str
    width_ns: int | None
    from_ns: int
    to_ns: int
