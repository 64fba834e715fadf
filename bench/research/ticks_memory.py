"""A long file of trades, and the command that back-tests on it, each in a process of its own: what it holds at most.

In:  `write FILE COUNT` or `play FILE FAST SLOW`. Out: a line of JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.research.ticks_market import CASH, FEE, FEED_NS, LOT, ORDER_NS, SIZE, TICK, market

BLOCK = 1_000_000


def write(path: Path, count: int) -> None:
    """In blocks, each beginning where the prices of the market begin."""
    writer: pq.ParquetWriter | None = None
    last = 0
    for first in range(0, count, BLOCK):
        made = market(min(BLOCK, count - first), first)
        at = np.maximum(made["exchange_ns"], last)
        last = int(at[-1])
        table = pa.table(
            {
                "exchange_ns": at,
                "price": made["price"] * TICK,
                "size": made["size"] * LOT,
                "taker_side": made["taker_side"],
            }
        )
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()


def play(path: Path, fast: int, slow: int) -> dict[str, object]:
    """`ninefold backtest-ticks --json`. The cash lasts for all its fees."""
    said = ["--cash", str(1000 * CASH), "--size", str(SIZE), "--taker-fee", str(FEE)]
    said += ["--feed-ms", str(FEED_NS // 10**6), "--order-ms", str(ORDER_NS // 10**6)]
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        document = Path(folder) / "document.json"
        command = [sys.executable, "-m", "ninefold", "backtest-ticks", "--trades", path, "--data-dir", folder]
        with document.open("wb") as file:
            ran = subprocess.Popen(
                [*map(str, command), "--fast", str(fast), "--slow", str(slow), *said, "--json"],
                stdout=file,
                env={**os.environ, "TMPDIR": folder},
            )
            _, status, used = os.wait4(ran.pid, 0)
            ran.returncode = os.waitstatus_to_exitcode(status)
        if ran.returncode:
            raise SystemExit(f"the command ended with {ran.returncode}")
        trades, size = trades_of(document), document.stat().st_size
    seconds = used.ru_utime + used.ru_stime
    return {"seconds": seconds, "trades": trades, "peak_mib": used.ru_maxrss / 1024, "document": size}


def trades_of(document: Path) -> int:
    """How many it tells, counted without holding it."""
    word, count, kept = b'"exit_time":', 0, b""
    with document.open("rb") as file:
        while some := file.read(2**20):
            count += (kept + some).count(word)
            kept = some[1 - len(word) :]
    return count


def main() -> None:
    what, path = sys.argv[1], Path(sys.argv[2])
    if what == "write":
        write(path, int(sys.argv[3]))
        print(json.dumps({"bytes": path.stat().st_size}))
    else:
        print(json.dumps(play(path, int(sys.argv[3]), int(sys.argv[4]))))


if __name__ == "__main__":
    main()
