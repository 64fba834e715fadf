"""A bare loop with no product around it: what one core can do with the bytes of a websocket at the most.

In:  the port of the sender, how many bytes, and how far to go, by the command line: `receive` them; `write` them to a file as
     they are; `pack` them into the journal's records, checksums too, and write those; `parse` these into rows besides.
Out: one line of JSON: seconds, and the trades that were parsed.

Blocking reads into one buffer, one file that is written and never synced, no clock, no loop of events, no holes looked for but
those that end a run; every symbol is known before the first message.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.capture.client_ninefold import config_of
from bench.capture.market import FIRST_ID
from bench.capture.messages import WIRES, names
from ninefold.journal import inputs, pack_loop
from ninefold.journal.plain import Frames
from ninefold.market.clock import OffsetEstimate
from ninefold.market.instruments import listed
from ninefold.services.parsers import collector_of
from ninefold.venues.quick import Quick

STEPS = ("receive", "write", "pack", "parse")
NEVER_NS = 2**62


class Loop:
    """What is done with the bytes that have come."""

    def __init__(self, step: str, venue: str, buffer: np.ndarray, file: int) -> None:
        self.trades = 0
        self._step, self._buffer, self._file = step, buffer, file
        self._packed = np.empty(2 * len(buffer), np.uint8)
        self._quick = taught(venue)
        self._offset = OffsetEstimate()
        self._seq = 0

    def take(self, end: int) -> int:
        """Do it; how many bytes are left for the next time, at the beginning of the buffer."""
        if self._step == "receive":
            return 0
        if self._step == "write":
            os.write(self._file, self._buffer.data[:end])
            return 0
        now = time.time_ns()
        stop, written, count = pack_loop.pack_frames(
            self._buffer,
            0,
            end,
            self._packed,
            len(self._packed) - 64,
            pack_loop.TABLES,
            inputs.FRAME,
            1,
            self._seq + 1,
            now,
        )
        self._seq += count
        os.write(self._file, self._packed.data[:written])
        if self._step == "parse" and count:
            self._parse(Frames(self._packed, written, count, 1, self._seq, now))
        self._buffer[: end - stop] = self._buffer[stop:end].copy()
        return end - stop

    def _parse(self, frames: Frames) -> None:
        offset = self._offset
        run = self._quick.run(frames, 0, offset.window, offset.state, frames.receive_ns, NEVER_NS, None, NEVER_NS)
        self.trades += run.count


def taught(venue: str) -> Quick:
    """The short way of a venue that knows all symbols, and that each begins with its first trade."""
    wire = WIRES[venue]
    quick = Quick(collector_of(config_of(venue, 0, Path("unused"))).adapters[venue])
    for symbol in names(wire.symbol)[1:]:
        quick.teach(symbol, listed(venue, symbol, symbol, symbol, tick="0.01", lot="0.000001"), FIRST_ID, 0)
    return quick


def measured(asked: argparse.Namespace, file: int) -> dict[str, Any]:
    buffer = np.zeros(asked.read + (1 << 16) + 64, np.uint8)
    loop = Loop(asked.step, asked.venue, buffer, file)
    loop.take(0)  # compiled before the first byte comes
    line = socket.create_connection(("127.0.0.1", asked.port))
    line.sendall(b"GET / HTTP/1.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    while not line.recv(4096).endswith(b"\r\n\r\n"):  # the sender waits before the first frame
        pass
    taken = left = line.recv_into(buffer.data, 1)
    started = time.perf_counter()
    while taken < asked.bytes:
        came = line.recv_into(buffer.data[left:], asked.read)
        taken, left = taken + came, loop.take(left + came)
    return {"seconds": time.perf_counter() - started, "trades": loop.trades}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venue", choices=WIRES, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--bytes", type=int, required=True)
    parser.add_argument("--step", choices=STEPS, required=True)
    parser.add_argument("--read", type=int, default=1 << 17, help="bytes at once, at the most")
    asked = parser.parse_args()
    with tempfile.TemporaryFile() as file:
        print(json.dumps(measured(asked, file.fileno())))


if __name__ == "__main__":
    main()
