"""Plain websocket messages: whole ones, neither split nor compressed, as nearly all are.

In:  bytes as they came from a server (RFC 6455).
Out: their payloads, one by one; or `Frames`, many of them packed as the journal keeps them (pack_loop.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ninefold.journal.segment import Record, packed_record

TEXT, BYTES = 0x81, 0x82  # the first byte of a whole message
SHORT_MOST, LENGTH_16 = 125, 126


@dataclass(slots=True)
class Frames:
    """Records of one connection, received at one moment. data: uint8, their bytes and some padding; end: of the bytes."""

    data: np.ndarray
    end: int
    count: int
    connection: int
    last_seq: int
    receive_ns: int

    def packed(self) -> memoryview:
        return self.data.data[: self.end]

    def record(self, at: int) -> tuple[int, Record]:
        """The record that begins at byte `at`, and where it ends."""
        return packed_record(self.data.data, at)


def plain_messages(data: memoryview, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """(where it ends, payload) of each, until something else or the end of what has come."""
    while start + 2 <= end and data[start] in (TEXT, BYTES) and data[start + 1] <= LENGTH_16:
        length, payload = data[start + 1], start + 2
        if length == LENGTH_16:
            if start + 4 > end:
                return
            length, payload = data[start + 2] << 8 | data[start + 3], start + 4
        start = payload + length
        if start > end:
            return
        yield start, bytes(data[payload:start])
