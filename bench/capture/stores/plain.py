"""Plain Parquet: files of a million rows, sorted by instrument and time, zstd. Polars reads them, and DuckDB (duck.py)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from bench.capture.stores.store import MINUTE_NS, columns, folder_size, table

FILE_ROWS, GROUP_ROWS = 1_000_000, 131_072


class Polars:
    """parquet: the folder of files. It acknowledges nothing: files are written when a million rows are there."""

    durable = "not at all"
    at_once = 1_000_000

    def __init__(self, parquet: Path) -> None:
        self._folder = parquet
        self._waiting: list[np.ndarray] = []
        self._files = 0

    def prepare(self, rows: np.ndarray) -> np.ndarray:
        return rows

    def insert(self, prepared: np.ndarray) -> None:
        self._waiting.append(prepared)
        if sum(map(len, self._waiting)) >= FILE_ROWS:
            self.settle()

    def settle(self) -> None:
        if not self._waiting:
            return
        rows = np.concatenate(self._waiting)
        rows = rows[np.lexsort((rows["id_lo"], rows["exchange_ns"], rows["instrument"]))]
        path = self._folder / f"{self._files:05d}.parquet"
        pq.write_table(pa.table(columns(rows)), path, compression="zstd", row_group_size=GROUP_ROWS)
        self._waiting.clear()
        self._files += 1

    def finish(self) -> None:
        self._trades = pl.scan_parquet(str(self._folder / "*.parquet"))

    def size(self) -> int:
        return folder_size(self._folder)

    def candles(self, instrument: int) -> np.ndarray:
        price = pl.col("price")
        return _table(
            self._trades.filter(pl.col("instrument") == instrument)
            .select("exchange_ns", "id", "price", "size")
            .sort("exchange_ns", "id")
            .group_by((pl.col("exchange_ns") // MINUTE_NS * MINUTE_NS).alias("open_ns"), maintain_order=True)
            .agg(
                price.first().alias("open"),
                price.max().alias("high"),
                price.min().alias("low"),
                price.last().alias("close"),
                pl.col("size").sum().alias("volume"),
            )
        )

    def last(self, instrument: int, count: int) -> np.ndarray:
        of = self._trades.filter(pl.col("instrument") == instrument).select("exchange_ns", "id", "price", "size")
        return _table(of.top_k(count, by=["exchange_ns", "id"]).sort("exchange_ns", "id"))

    def between(self, instrument: int, start_ns: int, end_ns: int) -> np.ndarray:
        time = pl.col("exchange_ns")
        of = self._trades.filter((pl.col("instrument") == instrument) & (time >= start_ns) & (time < end_ns))
        return _table(of.select("exchange_ns", "id", "price", "size").sort("exchange_ns", "id"))

    def counts(self) -> np.ndarray:
        return _table(self._trades.group_by("instrument").len().sort("instrument"))

    def close(self) -> None:
        pass


def _table(query: pl.LazyFrame) -> np.ndarray:
    return table(*(column.to_numpy() for column in query.collect()))
