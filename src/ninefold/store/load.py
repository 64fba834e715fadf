"""Bars for notebooks: a table that polars and pandas take.

In:  an instrument, a timeframe, a data dir.
Out: a pyarrow.Table with prices in quote and volume in base, as float64; exact numbers come from `export`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from ninefold.market.arrays import BAR_UNKNOWN, empty
from ninefold.market.time import width_of
from ninefold.store.completeness import completeness_of
from ninefold.store.export import with_certificates
from ninefold.store.forms import instruments_wanted
from ninefold.store.market_forms import BAR_STATES
from ninefold.store.read import Reader


def load_bars(instrument: str, timeframe: str, data_dir: str | Path, as_of_ns: int | None = None) -> pa.Table:
    """The latest revision of every stored bar, oldest first.

    columns: open_ns, close_ns (int64), time (the open, timestamp UTC), open, high, low, close, volume (float64; NaN
             in unknown bars),
             state ("ok", "flat", "unknown").
    metadata: `ninefold.certificates`, how complete the trades are that the bars were made from, as in exported
             Parquet files.
    as_of_ns: what was known at that moment; None for now.
    raises:  UnknownInstrument, ValueError naming the timeframes, NoDataDir.
    """
    width_ns = width_of(timeframe)
    reader = Reader(Path(data_dir), as_of_ns)
    wanted = instruments_wanted(reader.registry(), instrument)
    [versions] = wanted.values()
    parts = [reader.bars(one.id, width_ns) for one in versions]
    bars = np.concatenate([empty("bars"), *parts])
    price_unit = np.repeat([10.0**one.price_decimals for one in versions], [len(part) for part in parts])
    size_unit = np.repeat([10.0**one.size_decimals for one in versions], [len(part) for part in parts])
    order = np.argsort(bars["open_ns"], kind="stable")
    bars, price_unit, size_unit = bars[order], price_unit[order], size_unit[order]
    unknown = bars["state"] == BAR_UNKNOWN
    opened = np.ascontiguousarray(bars["open_ns"])
    table = pa.table(
        {
            "open_ns": opened,
            "close_ns": np.ascontiguousarray(bars["close_ns"]),
            "time": pa.array(opened).cast(pa.timestamp("ns", "UTC")),
            **{name: np.where(unknown, np.nan, bars[name] / price_unit) for name in ("open", "high", "low", "close")},
            "volume": np.where(unknown, np.nan, bars["volume"] / size_unit),
            "state": pa.array(BAR_STATES[bars["state"]], pa.string()),
        }
    )
    return table.cast(with_certificates(table.schema, completeness_of(reader, wanted, None, None)))
