"""An event loop whose time passes only when all that could happen has happened: pauses of minutes cost nothing, and the
moments of requests are exact.

In:  a coroutine. Out: what it returned.
"""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
GRACE_S = 0.0005  # of real time, for bytes on their way through loopback


class _Selector(selectors.DefaultSelector):
    passed_s = 0.0

    def select(self, timeout=None):
        found = super().select(0 if timeout == 0 else GRACE_S)
        while not found and timeout is None:
            found = super().select(None)
        if not found and timeout:
            self.passed_s += timeout
        return found


class Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._passing = _Selector()
        super().__init__(self._passing)

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._passing.passed_s


def run(do: Callable[[Loop], Awaitable[T]]) -> T:
    loop = Loop()
    try:
        return loop.run_until_complete(do(loop))
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
