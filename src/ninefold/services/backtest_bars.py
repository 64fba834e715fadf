"""The market of a back-test: its bars out of a Parquet file; `backtest_stored` takes them out of a data dir.

In:  a file with columns in usual namings; the width of the bars, a range.
Out: `Market`: bars that kernels read and columns that formulas read, row by row the same.

Times without a zone are UTC. What is missing in a file is refused unless holes are said to be unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ninefold.backtest.bars import PRICES, BadBars, Bars, when
from ninefold.backtest.columns import Holes, bars_of_columns
from ninefold.backtest.funding import NO_FUNDING, Funding
from ninefold.backtest.statistics.checked import median
from ninefold.formula import Scale
from ninefold.imports.times import nanoseconds
from ninefold.market.time import TIMEFRAME_OF
from ninefold.services.backtest_vwap import VWAP, of_file
from ninefold.store.stretch import Stretch

TIMES = ("open_time", "open_ns", "time", "timestamp", "date", "datetime", "ts", "start")
PAID = (
    "turnover",
    "quote_volume",
    "quote_asset_volume",
)  # what was paid in a bar, in quote; or its mean price as `vwap`
NAMES = {"open_time": TIMES, **{name: (name,) for name in PRICES}, "volume": ("volume", "vol", "amount", "quantity")}


@dataclass(frozen=True, eq=False, slots=True)
class Market:
    """columns: as formulas name them, float64 of shape (n,), in units of `scale`; NaN in unknown bars.
    spot: nothing can be sold that is not held. others: what tells the market of another instrument and width, if one can.
    least_value: the least of an order that the venue takes, quote. read: the stored rows it is made of; none of a file.
    funding: what is paid within the bars."""

    bars: Bars
    columns: Mapping[str, np.ndarray]
    scale: Scale
    spot: bool
    others: Callable[[str, int], Market] | None = None
    least_value: Fraction = Fraction(0)
    read: tuple[Stretch, ...] = ()
    funding: Funding = NO_FUNDING

    def between(self, start: int, stop: int) -> Market:
        """From row `start` up to row `stop`."""
        columns = {name: values[start:stop] for name, values in self.columns.items()}
        bars = self.bars.between(start, stop)
        funding = self.funding.between(int(bars.open_ns[0]), int(bars.close_ns[-1]))
        return replace(self, bars=bars, columns=columns, funding=funding)


def market_of_file(
    path: Path,
    width_ns: int,
    start_ns: int | None = None,
    end_ns: int | None = None,
    holes: Holes = "refuse",
    vwap: bool = False,
) -> Market:
    """Bars of a Parquet file that open in [start_ns, end_ns); the market is taken for spot.

    vwap:   whether the column of that name is wanted, where the file tells what was paid.
    raises: BadBars naming the file and the column, or row, rule and remedy; ImportRefused for times of mixed units.
    """
    table = table_of(path, (VWAP, *PAID) if vwap else ())
    open_ns = _times(table.column("open_time").combine_chunks(), width_ns)
    wanted = np.ones(len(open_ns), bool)
    wanted &= open_ns >= start_ns if start_ns is not None else True
    wanted &= open_ns < end_ns if end_ns is not None else True
    if not wanted.any():
        within = f"; it has {when(open_ns.min())} to {when(open_ns.max())}" if len(open_ns) else ""
        raise BadBars(f"{path} has no bars in this range{within}: give another --timerange, or none")
    rows = slice(None) if wanted.all() else wanted
    numbers = {name: numbers_of(table.column(name), name)[rows] for name in (*PRICES, "volume")}
    open_ns = open_ns[rows]
    bars = bars_of_columns({"open_ns": open_ns, "close_ns": open_ns + width_ns, **numbers}, holes=holes)
    market = market_of_bars(bars)
    told = next((name for name in (VWAP, *PAID) if name in table.column_names), None)
    if told is None:
        return market
    paid = numbers_of(table.column(told), told)[rows]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = paid if told == VWAP else paid / numbers["volume"]
    return replace(market, columns={**market.columns, VWAP: of_file(bars, open_ns, mean, told)})


def table_of(path: Path, more: Sequence[str] = ()) -> pa.Table:
    """The needed columns by our names, NAMES, and of `more` those that are there.

    raises: BadBars naming the file and the column.
    """
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            there = _found(names, path) | {name.lower(): name for name in names if name.lower() in more}
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
    apart = int(median(np.diff(found))) if len(found) > 1 else width_ns
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
    numbers = column if pa.types.is_float64(kind) else column.cast(pa.float64(), safe=False)
    found: np.ndarray = numbers.to_numpy()
    return found


def market_of_bars(bars: Bars) -> Market:
    """Of bars alone, taken for spot."""
    return Market(bars, _columns(bars), Scale(_decimals(bars.tick), _decimals(bars.lot)), spot=True)


def _columns(bars: Bars) -> dict[str, np.ndarray]:
    return {name: np.where(bars.known, getattr(bars, name), np.nan) for name in (*PRICES, "volume")}


def _decimals(step: object) -> int:
    """Of a power of ten, as it is found when no tick is given: 1/100 has 2, 100 has -2."""
    text = str(step)
    return len(text.partition("/")[2]) - 1 if "/" in text else 1 - len(text)
