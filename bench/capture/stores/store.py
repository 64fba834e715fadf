"""What every store here does, and what the answers look like.

Answers are int64 arrays, so that they can be compared to the last bit. Trades of one instrument are ordered by
(exchange time, trade id), which is how ninefold's bars decide what opened and closed a minute.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np

MINUTE_NS, HOUR_NS = 60_000_000_000, 3_600_000_000_000
COLUMNS = ("instrument", "exchange_ns", "receive_ns", "seq", "id", "price", "size", "side")
KEY = (
    f"(exchange_ns % {MINUTE_NS}) / 1000000 * 1099511627776 + id"  # the order of trades within a minute, in one integer
)


class Store(Protocol):
    """A store that runs. durable: what an acknowledgement promises. at_once: rows prepared ahead of the clock."""

    durable: str
    at_once: int

    def prepare(self, rows: np.ndarray) -> Any:
        """TRADES rows in the form in which they are handed over; not timed."""

    def insert(self, prepared: Any) -> None:
        """Returns when the rows are acknowledged."""

    def settle(self) -> None:
        """Returns when all rows can be queried."""

    def finish(self) -> None:
        """Whatever makes the data small and fast that would happen by itself in time."""

    def size(self) -> int:
        """Bytes on disk, logs that guard the newest rows not counted."""

    def candles(self, instrument: int) -> np.ndarray:
        """open_ns, open, high, low, close, volume of each minute with trades, shape (n, 6)."""

    def last(self, instrument: int, count: int) -> np.ndarray:
        """exchange_ns, id, price, size of the last trades, oldest first, shape (count, 4)."""

    def between(self, instrument: int, start_ns: int, end_ns: int) -> np.ndarray:
        """The same of all trades in [start_ns, end_ns), shape (n, 4)."""

    def counts(self) -> np.ndarray:
        """instrument, trades of each, by instrument, shape (n, 2)."""

    def close(self) -> None: ...


def columns(rows: np.ndarray) -> dict[str, np.ndarray]:
    """What a peer stores of TRADES rows, by COLUMNS."""
    named = ("instrument", "exchange_ns", "receive_ns", "seq", "id_lo", "price", "size", "taker_side")
    made = {column: np.ascontiguousarray(rows[name]) for column, name in zip(COLUMNS, named, strict=True)}
    made["id"] = made["id"].view(np.int64)
    return made


def table(*arrays: np.ndarray) -> np.ndarray:
    """Columns side by side, int64."""
    return np.column_stack([np.asarray(array).astype(np.int64) for array in arrays])


def folder_size(path: Path) -> int:
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
