"""Calls into a strategy's file: what it raises becomes an error that names the line of the file.

In:  the strategy, a method's name, its arguments. Out: what it answers.
"""

from __future__ import annotations

import inspect
import traceback
from typing import Any

from ninefold.freqtrade.errors import StrategyFailed


def ask(strategy: Any, method: str, *values: Any, **named: Any) -> Any:
    """raises: StrategyFailed with file and line of whatever the method raised."""
    try:
        return getattr(strategy, method)(*values, **named)
    except StrategyFailed:
        raise
    except Exception as error:  # free code raises anything
        raise failed(type(strategy), method, error) from error


def ask_price(strategy: Any, method: str, proposed_rate: float, **named: Any) -> None:
    """Let the strategy confirm the price of an order: others are not there yet, since such orders may wait.

    raises: StrategyFailed if it wants another.
    """
    said = ask(strategy, method, proposed_rate=proposed_rate, **named)
    if said not in (None, proposed_rate):
        raise StrategyFailed(
            f"{type(strategy).__name__}.{method} wants {said} where {proposed_rate} was proposed ({named['pair']}, "
            f"{named['current_time']}); only the proposed price is there yet: return proposed_rate"
        )


def failed(strategy: type, method: str, error: Exception) -> StrategyFailed:
    file = inspect.getsourcefile(strategy) or ""
    said = f"{type(error).__name__}: {error}"
    return StrategyFailed(f"{place(file, error)}: {strategy.__name__}.{method} raised {said}; mend the strategy's file")


def place(file: str, error: Exception) -> str:
    """FILE:LINE where the error left the file."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f"{file}:{lines[-1]}" if lines else file


def overrides(strategy: Any, method: str, of: type) -> bool:
    """Whether the strategy has its own."""
    return getattr(type(strategy), method) is not getattr(of, method)
