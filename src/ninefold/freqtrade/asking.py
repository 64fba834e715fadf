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
