"""Widths of bars and the places where they begin and end. All times are int64 nanoseconds since 1970 UTC."""

from __future__ import annotations

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS
WEEK_NS = 7 * DAY_NS
TICK_NS = 100_000_000
EPOCH_MONDAY_NS = 4 * DAY_NS  # 1970-01-05, the first Monday
UNKNOWN_NS = -(2**63)  # in arrays: the venue gave no time

TIMEFRAMES: dict[str, int] = {
    "1s": SECOND_NS,
    "5s": 5 * SECOND_NS,
    "1m": MINUTE_NS,
    "5m": 5 * MINUTE_NS,
    "15m": 15 * MINUTE_NS,
    "1h": HOUR_NS,
    "1d": DAY_NS,
}
TIMEFRAME_OF = {width: name for name, width in TIMEFRAMES.items()}


def width_of(timeframe: str) -> int:
    """Nanoseconds of a timeframe such as '1m'.

    raises: ValueError naming the allowed ones.
    """
    try:
        return TIMEFRAMES[timeframe]
    except KeyError:
        raise ValueError(f"there is no timeframe {timeframe!r}; allowed are {' '.join(TIMEFRAMES)}") from None


def bar_open(time_ns: int, width_ns: int) -> int:
    """Start of the bar that holds a moment; weeks start on Monday.

    >>> bar_open(61 * SECOND_NS, MINUTE_NS) == MINUTE_NS
    True
    """
    anchor = EPOCH_MONDAY_NS if width_ns % WEEK_NS == 0 else 0
    return (time_ns - anchor) // width_ns * width_ns + anchor
