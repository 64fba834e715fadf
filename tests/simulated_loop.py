"""An event loop in simulated time.

In:  what runs on it. Out: a clock that goes on to the next timer whenever nothing is left to do: hours pass in moments.
"""

import asyncio

BEGIN_NS = 1_796_000_000_000_000_000


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Its clock stands while there is something to do, and then is at the next timer."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def time(self) -> float:
        return self.now_s

    def now_ns(self) -> int:
        return BEGIN_NS + round(self.now_s * 1e9)

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self.now_s = max(self.now_s, self._scheduled[0]._when)  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]
