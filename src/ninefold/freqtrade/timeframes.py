"""Widths of candles as freqtrade's files name them, and the candle of a moment.

In:  "5m", "4h", "1d", "1w"; datetimes in UTC. Out: seconds, minutes, the beginning of a candle.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from ninefold.freqtrade.errors import StrategyFailed

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)  # weeks begin on it


def timeframe_to_seconds(timeframe: str) -> int:
    """
    >>> timeframe_to_seconds("5m")
    300
    """
    form = re.fullmatch(r"(\d+)([smhdw])", timeframe or "")
    if form is None or int(form[1]) == 0:
        raise StrategyFailed(
            f"there is no timeframe {timeframe!r}; write a number and one of {' '.join(SECONDS)}, such as 5m, 4h, 1d"
        )
    return int(form[1]) * SECONDS[form[2]]


def timeframe_to_minutes(timeframe: str) -> int:
    return timeframe_to_seconds(timeframe) // 60


def timeframe_to_msecs(timeframe: str) -> int:
    return timeframe_to_seconds(timeframe) * 1000


def timeframe_to_prev_date(timeframe: str, date: datetime) -> datetime:
    """When the candle that holds `date` began.

    >>> timeframe_to_prev_date("1h", datetime(2024, 1, 1, 5, 59, tzinfo=UTC)).hour
    5
    """
    width = timedelta(seconds=timeframe_to_seconds(timeframe))
    return date - (date - _MONDAY) % width


def timeframe_to_next_date(timeframe: str, date: datetime) -> datetime:
    """When the candle after it begins."""
    return timeframe_to_prev_date(timeframe, date) + timedelta(seconds=timeframe_to_seconds(timeframe))
