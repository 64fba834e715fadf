"""What a request asks for, as checked values; a refusal says what was found and what is allowed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from litestar.exceptions import ClientException, NotFoundException

from ninefold.api.live import LiveView
from ninefold.market.instruments import Instrument, UnknownInstrument
from ninefold.market.time import SECOND_NS, TIMEFRAMES

_UNITS = {8: None, 10: SECOND_NS, 13: SECOND_NS // 1_000, 19: 1}  # digits of a moment to nanoseconds of its unit

LATEST_NS = 2**62  # in the year 2116; later ones would not fit into 64 bits when widths are added


@dataclass(frozen=True)
class Window:
    """Which rows: those in [start_ns, end_ns), of them the newest `limit`."""

    start_ns: int | None
    end_ns: int | None
    limit: int


def instrument_named(view: LiveView, name: str) -> Instrument:
    try:
        return view.registry.named(name)
    except UnknownInstrument as error:
        raise NotFoundException(str(error)) from None


def width_named(timeframe: str) -> int:
    width_ns = TIMEFRAMES.get(timeframe)
    if width_ns is None:
        raise ClientException(f"there is no timeframe {timeframe!r}; allowed are {' '.join(TIMEFRAMES)}")
    return width_ns


def window(limit: int, before_ns: int | None, timerange: str | None) -> Window:
    """Rows before a moment, or of a time range such as 20240101-20240601, not both."""
    if timerange is None:
        return Window(None, before_ns, limit)
    if before_ns is not None:
        raise ClientException("before_ns and timerange were both given; allowed is one of them")
    return Window(*parse_timerange(timerange), limit)


def parse_timerange(text: str) -> tuple[int | None, int | None]:
    """START-END, each a date YYYYMMDD (UTC) or s, ms or ns since 1970; one side may be left out.

    >>> parse_timerange("20240101-20240102")
    (1704067200000000000, 1704153600000000000)
    >>> parse_timerange("1704067200-")
    (1704067200000000000, None)
    """
    start_text, dash, end_text = text.partition("-")
    if not dash or not re.fullmatch(r"\d*-\d*", text, re.ASCII):
        raise _bad_timerange(text)
    start_ns = _moment(start_text, text)
    end_ns = _moment(end_text, text)
    if start_ns is not None and end_ns is not None and start_ns >= end_ns:
        raise ClientException(f"timerange {text!r} ends before it begins; write the earlier moment first")
    return start_ns, end_ns


def _moment(digits: str, whole: str) -> int | None:
    if not digits:
        return None
    if len(digits) not in _UNITS:
        raise _bad_timerange(whole)
    unit_ns = _UNITS[len(digits)]
    if unit_ns is not None:
        if int(digits) * unit_ns > LATEST_NS:
            raise _bad_timerange(whole)
        return int(digits) * unit_ns
    try:
        day = datetime(int(digits[:4]), int(digits[4:6]), int(digits[6:]), tzinfo=UTC)
    except ValueError:
        raise _bad_timerange(whole) from None
    return int(day.timestamp()) * SECOND_NS


def _bad_timerange(text: str) -> ClientException:
    return ClientException(
        f"timerange {text!r} is not START-END; each is YYYYMMDD or seconds, milliseconds or nanoseconds since 1970, "
        "for example 20240101-20240601 or 1704067200-"
    )
