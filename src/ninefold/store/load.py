"""Bars for notebooks: a table that polars and pandas take.

In:  an instrument, a timeframe, a data dir.
Out: a pyarrow.Table with prices in quote and volume in base, as float64; exact numbers come from `export`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from ninefold.market.arrays import BAR_UNKNOWN
from ninefold.market.instruments import Instrument
from ninefold.market.time import width_of
from ninefold.store.beside import FOLDERS
from ninefold.store.completeness import completeness_of
from ninefold.store.export import with_certificates
from ninefold.store.forms import instruments_wanted
from ninefold.store.listing import live
from ninefold.store.market_forms import BAR_STATES
from ninefold.store.read import Reader
from ninefold.store.remembered import Remembered

CERTIFYING = ("certificates", "records", "trades", "bars")  # tables that say how complete bars are
NUMBERS = ("open", "high", "low", "close", "volume")
_certified: Remembered[dict[bytes, bytes]] = Remembered()


def load_bars(instrument: str, timeframe: str, data_dir: str | Path, as_of_ns: int | None = None) -> pa.Table:
    """The latest revision of every stored bar, oldest first.

    columns: open_ns, close_ns (int64), time (the open, timestamp UTC), open, high, low, close, volume (float64; NaN
             in unknown bars),
             state ("ok", "flat", "unknown").
    metadata: `ninefold.certificates`, how complete the bars are, by the trades that they were made of or as the venue told
             them, as in exported Parquet files.
    as_of_ns: what was known at that moment; None for now.
    raises:  UnknownInstrument, ValueError naming the timeframes, NoDataDir.
    """
    width_ns = width_of(timeframe)
    reader = Reader(Path(data_dir), as_of_ns)
    wanted = instruments_wanted(reader.registry(), instrument)
    [versions] = wanted.values()
    parts = [_priced(part, one) for one in versions for part in reader.bar_parts(one.id, width_ns)]
    table = pa.concat_tables(parts) if len(versions) == 1 else pa.concat_tables(parts).sort_by("open_ns")
    said = _certified.get(
        (reader.path, as_of_ns, width_ns, tuple(one.id for one in versions)),
        [live(folder, name) for folder in _folders(reader.path) for name in CERTIFYING],
        lambda: with_certificates(pa.schema([]), completeness_of(reader, wanted, None, None, width_ns)).metadata,
    )
    return table.replace_schema_metadata(said)


def _priced(bars: dict[str, np.ndarray], of: Instrument) -> pa.Table:
    """Prices in quote and volumes in base, NaN in unknown bars."""
    unknown = bars["state"] == BAR_UNKNOWN
    some_unknown = unknown.any()
    numbers = {}
    for name in NUMBERS:
        numbers[name] = bars[name] / 10.0 ** (of.size_decimals if name == "volume" else of.price_decimals)
        if some_unknown:
            numbers[name][unknown] = np.nan
    opened = pa.array(bars["open_ns"])
    return pa.table(
        {
            "open_ns": opened,
            "close_ns": bars["close_ns"],
            "time": opened.cast(pa.timestamp("ns", "UTC")),
            **numbers,
            "state": pa.DictionaryArray.from_arrays(bars["state"], BAR_STATES.tolist()).cast(pa.string()),
        }
    )


def _folders(path: Path) -> list[Path]:
    return [path / "tables", *(path / name / "tables" for name in FOLDERS)]
