"""A long file of trades, and a back-test of it, each in a process of its own: what it holds at most.

In:  `write FILE COUNT` or `play FILE`. Out: a line of JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.research.ticks_market import CASH, FAST, FEE, FEED_NS, LOT, ORDER_NS, SIZE, SLOW, TICK, market
from ninefold.backtest.market_rules import Fees, FixedSize, Rules
from ninefold.backtest.ticks.decide import EmaCross
from ninefold.backtest.ticks.latency import FixedFeed, FixedOrder, Latency
from ninefold.backtest.ticks.stream import Way, run_blocks
from ninefold.services.tick_files import tape_of_file

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


def play(path: Path) -> dict[str, object]:
    start = time.process_time()
    tape = tape_of_file(path)
    fees = Fees(taker=str(FEE))
    way = Way(Rules(cash=CASH, sizing=FixedSize(SIZE), fees=fees), Latency(FixedFeed(FEED_NS), FixedOrder(ORDER_NS)))
    found = run_blocks(tape.blocks(), EmaCross(FAST, SLOW), way, tape.highest)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": time.process_time() - start, "fills": len(found.fills), "peak_mib": peak_mib}


def main() -> None:
    what, path = sys.argv[1], Path(sys.argv[2])
    if what == "write":
        write(path, int(sys.argv[3]))
        print(json.dumps({"bytes": path.stat().st_size}))
    else:
        print(json.dumps(play(path)))


if __name__ == "__main__":
    main()
