"""The market of a back-test: its bars out of a Parquet file or a data dir.

In:  a file with columns in usual namings, or the name of an instrument that is stored; the width of the bars, a range.
Out: `Market`: bars that kernels read and columns that formulas read, row by row the same.

Times without a zone are UTC. What is missing in a file is refused unless holes are said to be unknown; in a data dir it is
known to be missing, so these bars are unknown: nothing is filled there. Stored bars are taken as they were first known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ninefold.backtest.bars import PRICES, BadBars, Bars, when
from ninefold.backtest.columns import Holes, bars_of_columns, bars_of_rows
from ninefold.formula import Scale
from ninefold.imports.times import nanoseconds
from ninefold.market.arrays import BAR_UNKNOWN
from ninefold.market.columns import columns as columns_of_rows
from ninefold.market.instruments import Instrument
from ninefold.market.time import TIMEFRAME_OF
from ninefold.market.values import TOLD, known_of, told_of
from ninefold.store.forms import instruments_wanted
from ninefold.store.read import Reader

TIMES = ("open_time", "open_ns", "time", "timestamp", "date", "datetime", "ts", "start")
NAMES = {"open_time": TIMES, **{name: (name,) for name in PRICES}, "volume": ("volume", "vol", "amount", "quantity")}
SPOT = "spot"


@dataclass(frozen=True, eq=False, slots=True)
class Market:
    """columns: as formulas name them, float64 of shape (n,), in units of `scale`; NaN in unknown bars.
    spot: nothing can be sold that is not held. others: what tells the market of another instrument and width, if one can."""

    bars: Bars
    columns: Mapping[str, np.ndarray]
    scale: Scale
    spot: bool
    others: Callable[[str, int], Market] | None = None

    def between(self, start: int, stop: int) -> Market:
        """From row `start` up to row `stop`."""
        columns = {name: values[start:stop] for name, values in self.columns.items()}
        return replace(self, bars=self.bars.between(start, stop), columns=columns)


def market_of_file(
    path: Path, width_ns: int, start_ns: int | None = None, end_ns: int | None = None, holes: Holes = "refuse"
) -> Market:
    """Bars of a Parquet file that open in [start_ns, end_ns); the market is taken for spot.

    raises: BadBars naming the file and the column, or row, rule and remedy; ImportRefused for times of mixed units.
    """
    table = table_of(path)
    open_ns = _times(table.column("open_time").combine_chunks(), width_ns)
    wanted = np.ones(len(open_ns), bool)
    wanted &= open_ns >= start_ns if start_ns is not None else True
    wanted &= open_ns < end_ns if end_ns is not None else True
    if not wanted.any():
        within = f"; it has {when(open_ns.min())} to {when(open_ns.max())}" if len(open_ns) else ""
        raise BadBars(f"{path} has no bars in this range{within}: give another --timerange, or none")
    numbers = {name: numbers_of(table.column(name), name)[wanted] for name in (*PRICES, "volume")}
    open_ns = open_ns[wanted]
    bars = bars_of_columns({"open_ns": open_ns, "close_ns": open_ns + width_ns, **numbers}, holes=holes)
    return Market(bars, _columns(bars), Scale(_decimals(bars.tick), _decimals(bars.lot)), spot=True)


def market_of_store(
    data_dir: Path, name: str, width_ns: int, start_ns: int | None = None, end_ns: int | None = None
) -> Market:
    """Stored bars of an instrument that open in [start_ns, end_ns).

    raises: UnknownInstrument, NoDataDir, WrongFormat; BadBars if there are none.
    """
    reader = Reader(data_dir)
    [versions] = instruments_wanted(reader.registry(), name).values()
    of = versions[-1]
    first, last = (None if at is None else at + width_ns for at in (start_ns, end_ns))  # the store goes by the close
    parts = [reader.bars(one.id, width_ns, first, last, revisions="first") for one in versions]
    if any(_units(one) != _units(of) for one, part in zip(versions, parts, strict=True) if len(part)):
        raise BadBars(f"{of.name} counts prices or sizes in other steps within this range; give a --timerange of one")
    rows = np.concatenate(parts)
    known = rows[rows["state"] != BAR_UNKNOWN]
    if not len(known):
        timeframe = TIMEFRAME_OF.get(width_ns, "")
        raise BadBars(
            f"{data_dir} holds no {timeframe} bars of {of.name} in this range; `ninefold download` fetches them, "
            "`ninefold status` says what is stored"
        )
    whole = _whole(known, width_ns)
    said = np.concatenate(
        [reader.values(one.id, width_ns, first, last, term=term.decode()) for one in versions for term in TOLD]
    )
    columns = columns_of_rows(whole, told_of(whole, known_of(said)) if len(said) else None)
    bars = bars_of_rows(whole, of) if of.rules_known else bars_of_columns(_prices(whole, of), holes="unknown")
    scale = Scale(of.price_decimals, of.size_decimals)

    def others(instrument: str, wanted_ns: int) -> Market:
        return market_of_store(data_dir, instrument, wanted_ns, start_ns, end_ns)

    return Market(bars, columns, scale, of.kind == SPOT, others)


def table_of(path: Path) -> pa.Table:
    """The needed columns by our names, NAMES.

    raises: BadBars naming the file and the column.
    """
    try:
        with pq.ParquetFile(path) as file:
            there = _found(file.schema_arrow.names, path)
            table = file.read(columns=list(there.values()))
    except (pa.ArrowException, OSError) as error:
        raise BadBars(f"{path} cannot be read as a Parquet file: {error}") from error
    return pa.table({name: table.column(theirs) for name, theirs in there.items()})


def _found(names: Sequence[str], path: Path) -> dict[str, str]:
    """Our names to theirs; of several times the first of TIMES."""
    lower = {name.lower(): name for name in names}
    found = {}
    for name, allowed in NAMES.items():
        theirs = next((lower[one] for one in allowed if one in lower), None)
        if theirs is None:
            raise BadBars(
                f"{path} has no column for {name}: allowed are {', '.join(allowed)} (in capitals too); found "
                f"{', '.join(names) or 'none'}. Rename it"
            )
        found[name] = theirs
    return found


def _times(column: pa.Array, width_ns: int) -> np.ndarray:
    found, reasons, _ = nanoseconds(column, "", "UTC", "open_time")
    for row in sorted(reasons)[:1]:
        raise BadBars(f"row {row}: {reasons[row]}; bars go by the time at which they open")
    apart = int(np.median(np.diff(found))) if len(found) > 1 else width_ns
    if apart != width_ns and apart in TIMEFRAME_OF:
        raise BadBars(
            f"the bars open {TIMEFRAME_OF[apart]} apart and the timeframe is {TIMEFRAME_OF.get(width_ns, width_ns)}; say "
            f"--timeframe {TIMEFRAME_OF[apart]}"
        )
    nearest = int(np.diff(found).min()) if len(found) > 2 else width_ns
    if nearest > width_ns:
        raise BadBars(
            f"no two bars open less than {nearest / 1e9:g} s apart and the timeframe is {TIMEFRAME_OF.get(width_ns, width_ns)}: they "
            f"are wider than that; give bars of one of {', '.join(TIMEFRAME_OF.values())}"
        )
    return found


def numbers_of(column: pa.ChunkedArray, name: str) -> np.ndarray:
    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise BadBars(f"column {name} is of {kind}; write it as numbers, in quote (prices) or base (volume)")
    found: np.ndarray = column.cast(pa.float64(), safe=False).to_numpy()
    return found


def _columns(bars: Bars) -> dict[str, np.ndarray]:
    return {name: np.where(bars.known, getattr(bars, name), np.nan) for name in (*PRICES, "volume")}


def _decimals(step: object) -> int:
    """Of a power of ten, as it is found when no tick is given: 1/100 has 2, 100 has -2."""
    text = str(step)
    return len(text.partition("/")[2]) - 1 if "/" in text else 1 - len(text)


def _units(of: Instrument) -> tuple[int, int]:
    return of.price_decimals, of.size_decimals


def _whole(rows: np.ndarray, width_ns: int) -> np.ndarray:
    """The same with an unknown bar in each place that has none; the first and the last are known."""
    rows = rows[np.argsort(rows["open_ns"], kind="stable")]
    first = int(rows["open_ns"][0])
    whole = np.zeros((int(rows["open_ns"][-1]) - first) // width_ns + 1, rows.dtype)
    whole["state"] = BAR_UNKNOWN
    whole["open_ns"] = first + np.arange(len(whole)) * width_ns
    whole["close_ns"] = whole["open_ns"] + width_ns
    whole[(rows["open_ns"] - first) // width_ns] = rows
    return whole


def _prices(rows: np.ndarray, of: Instrument) -> dict[str, np.ndarray]:
    """Of an instrument whose steps nobody told: they are found from its prices."""
    unknown = rows["state"] == BAR_UNKNOWN
    made = {name: np.where(unknown, np.nan, rows[name] / 10.0**of.price_decimals) for name in PRICES}
    made["volume"] = np.where(unknown, np.nan, rows["volume"] / 10.0**of.size_decimals)
    return {"open_ns": rows["open_ns"], "close_ns": rows["close_ns"], **made}
