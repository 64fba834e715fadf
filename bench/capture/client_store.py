"""One store in a process of its own, which does what it is told.

In:  its name and folder by the command line; then a command a line: `insert ROWS`, `finish`, `ask QUESTION`, `small COUNT`,
     `paced ROWS SECONDS`, `keep FILE`, `go_on FILE`. Out: a line of JSON for each: seconds, sizes, and digests of answers.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import pickle
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.capture.market import BATCH_MS, ROWS, START_MS, Market
from bench.capture.stores.store import HOUR_NS

STORES = {
    "ninefold": ("ours", "Ninefold"),
    "ninefold sql": ("ours", "NinefoldSql"),
    "InfluxDB": ("influx", "Influx"),
    "PostgreSQL": ("postgres", "Postgres"),
    "DuckDB": ("duck", "Duck"),
    "SQLite": ("sqlite", "Sqlite"),
    "Polars on Parquet": ("plain", "Polars"),
    "DuckDB on Parquet": ("duck", "DuckOnParquet"),
}
HOTTEST, LAST = 1, 1_000
SMALL_ROWS = 100


class Server:
    """The store, and the market whose trades it gets. rows: how many it has."""

    def __init__(self, store: Any, rows: int) -> None:
        self._store = store
        self._market = Market()
        self._rows = rows

    def insert(self, rows: int) -> dict[str, Any]:
        """Rows prepared ahead, as many as the store can have ahead; the clock runs while they are inserted."""
        acknowledged, began, left = 0.0, 0.0, rows
        while left:
            batches = [self._market.batch() for _ in range(min(left, self._store.at_once) // ROWS)]
            prepared = [self._store.prepare(batch) for batch in batches]
            del batches
            began = began or time.perf_counter()
            started = time.perf_counter()
            for one in prepared:
                self._store.insert(one)
            acknowledged += time.perf_counter() - started
            left -= len(prepared) * ROWS
        settling = time.perf_counter()
        self._store.settle()
        queryable = acknowledged + time.perf_counter() - settling
        self._rows += rows
        return {"rows": rows, "acknowledged_s": acknowledged, "queryable_s": queryable, "durable": self._store.durable}

    def finish(self) -> dict[str, Any]:
        self._store.finish()
        return {"bytes": self._store.size(), "rows": self._rows}

    def forget(self) -> dict[str, Any]:
        """Of ninefold: the log's segments that are in the tables go; how much memory the recorder has."""
        self._store.forget_log(self._store.told["seq"])
        return {"resident": self._store.told["resident"]}

    def keep(self, file: str) -> dict[str, Any]:
        """Where the market is: with `go_on` another process continues with it."""
        Path(file).write_bytes(pickle.dumps((self._market, self._rows)))
        return {}

    def go_on(self, file: str) -> dict[str, Any]:
        self._market, self._rows = pickle.loads(Path(file).read_bytes())
        return {"rows": self._rows}

    def ask(self, question: str) -> dict[str, Any]:
        hours = self._rows // ROWS * BATCH_MS * 1_000_000 // HOUR_NS
        start_ns = START_MS * 1_000_000 + hours // 2 * HOUR_NS
        started = time.perf_counter()
        if question == "candles":
            answer = self._store.candles(HOTTEST)
        elif question == "last":
            answer = self._store.last(HOTTEST, LAST)
        elif question == "hour":
            answer = self._store.between(HOTTEST, start_ns, start_ns + HOUR_NS)
        else:
            answer = self._store.counts()
        seconds = time.perf_counter() - started
        digest = hashlib.sha256(np.ascontiguousarray(answer, np.int64).tobytes()).hexdigest()[:16]
        return {"seconds": seconds, "digest": digest, "rows": len(answer)}

    def small(self, count: int) -> dict[str, Any]:
        """Batches of 100 rows, each acknowledged before the next."""
        market = Market(seed=2, rows=SMALL_ROWS)
        took = []
        for _ in range(count):
            prepared = self._store.prepare(market.batch())
            started = time.perf_counter()
            self._store.insert(prepared)
            took.append((time.perf_counter() - started) * 1000)
        return {"p50_ms": float(np.percentile(took, 50)), "p99_ms": float(np.percentile(took, 99))}

    def close(self) -> None:
        self._store.close()

    def paced(self, rate: int, seconds: int) -> dict[str, Any]:
        """A steady stream into ninefold: how long until rows can be queried, how many files there are meanwhile."""
        store, rows, seen, early = self._store, 0, [], 0
        began = looked = time.perf_counter()
        while (passed := time.perf_counter() - began) < seconds:
            due = rows / rate
            if due > passed:
                time.sleep(due - passed)
            store.insert_now(self._market.batch())
            rows += ROWS
            if time.perf_counter() - looked > max(1.0, seconds / 40):
                looked = time.perf_counter()
                seen.append(len(store.files()))
                if passed < seconds / 10 or not early:
                    early = store.told["resident"]
                store.forget_log(store.told["seq"])
        inserted = time.perf_counter() - began
        store.settle()
        settled = time.perf_counter() - began - inserted
        seen.append(len(store.files()))
        store.end_recorder()
        return {
            "rows": rows,
            "rate": rows / inserted,
            "settled_s": settled,
            "files": seen,
            "early": early,
            **store.told,
        }


def opened(name: str, folder: Path) -> Any:
    file, kind = STORES[name]
    return getattr(importlib.import_module(f"bench.capture.stores.{file}"), kind)(folder)


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what a store has started is ended too
    name, folder, rows = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    server = Server(opened(name, folder), rows)
    try:
        print(json.dumps({"ready": name}), flush=True)
        for line in sys.stdin:
            command, *words = line.split()
            found = getattr(server, command)(*(int(word) if word.isdigit() else word for word in words))
            print(json.dumps(found), flush=True)
    finally:
        server.close()


if __name__ == "__main__":
    main()
