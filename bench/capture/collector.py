"""The collecting half of a recorder: the door, and behind it the stream log that the recorder follows. No stages between.

In:  as client_ninefold.py. Out: a line of JSON a second: trades, lag, memory; and at the end what it found.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.capture.client_ninefold import config_of
from bench.capture.recorder import resident
from ninefold.journal.writer import LogWriter
from ninefold.market.chunk import Chunk
from ninefold.market.records import Gap, Malformed
from ninefold.services.chain import Chain
from ninefold.services.door import Door
from ninefold.services.jobs import until
from ninefold.services.process import run
from ninefold.store.data_dir import open_data_dir

LAST_WAIT_S = 0.2


class Seen:
    """Counts what was written to the stream log. lags: from the venue's stamp to now, of the rows since the last look."""

    def __init__(self, messages: int) -> None:
        self.trades = self.ids = self.faults = self.last_seq = 0
        self.done = asyncio.Event()
        self._lags: list[np.ndarray] = []
        self._messages = messages

    def after(self, chunk: Chunk) -> None:
        self.last_seq = chunk.last_seq
        self.faults += sum(isinstance(record, (Gap, Malformed)) for record in chunk.records)
        trades = chunk.rows("trades")
        if len(trades):
            self.trades += len(trades)
            self.ids += int(trades["id_lo"].sum())
            self._lags.append(time.time_ns() - trades["exchange_ns"])
            if self.trades >= self._messages:
                self.done.set()

    def look(self) -> dict[str, Any]:
        lags, self._lags = self._lags, []
        lag = np.percentile(np.concatenate(lags), (50, 99)) / 1e6 if lags else [0.0, 0.0]
        return {"trades": self.trades, "lag_p50_ms": lag[0], "lag_p99_ms": lag[1], "resident": resident()}


async def collect(asked: argparse.Namespace, stop: asyncio.Event) -> None:
    data_dir = open_data_dir(asked.data_dir)
    stream = LogWriter(data_dir / "stream")
    seen = Seen(asked.messages)
    chain = Chain([], stream, seen.after)
    door = Door(config_of(asked.venue, asked.port, data_dir), data_dir, time.time_ns, chain.hand_on, None)
    door.recover(0)
    door.open()
    gc.freeze()

    async def tell() -> None:
        while not seen.done.is_set():
            await asyncio.sleep(1.0)
            print(json.dumps(seen.look()), flush=True)
        await asyncio.sleep(LAST_WAIT_S)
        stop.set()

    try:
        await until(stop, [*door.jobs(), tell()])
    finally:
        door.close()
        stream.close()
    made = {"trades": seen.trades, "ids": seen.ids, "faults": seen.faults, "last_seq": seen.last_seq}
    print(json.dumps({"end": made}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venue", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--messages", type=int, required=True)
    parser.add_argument("--data-dir", type=Path, required=True)
    asked = parser.parse_args()
    run(lambda stop: collect(asked, stop))


if __name__ == "__main__":
    main()
