"""The market of a back-test out of a data dir.

In:  the name of an instrument that is stored; the width of the bars, a range.
Out: `Market`. Stored bars are taken as they were first known; those that are missing are unknown: nothing is filled there.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from ninefold.backtest.bars import BadBars
from ninefold.backtest.columns import bars_as_told
from ninefold.formula import Scale
from ninefold.market.arrays import BAR_UNKNOWN
from ninefold.market.columns import columns as columns_of_rows
from ninefold.market.instruments import Instrument
from ninefold.market.time import TIMEFRAME_OF
from ninefold.market.values import MEAN, TOLD, known_of, told_of
from ninefold.services.backtest_bars import Market
from ninefold.services.backtest_vwap import VWAP, of_trades
from ninefold.store.forms import instruments_wanted
from ninefold.store.read import Reader
from ninefold.store.stretch import Stretch

SPOT = "spot"


def market_of_store(
    data_dir: Path,
    name: str,
    width_ns: int,
    start_ns: int | None = None,
    end_ns: int | None = None,
    vwap: bool = False,
) -> Market:
    """Stored bars of an instrument that open in [start_ns, end_ns).

    vwap:   whether the column of that name is wanted: as the pipeline told it, else from the stored trades.
    raises: UnknownInstrument, NoDataDir, WrongFormat; BadBars if there are none.
    """
    reader = Reader(data_dir)
    [versions] = instruments_wanted(reader.registry(), name).values()
    first, last = (None if at is None else at + width_ns for at in (start_ns, end_ns))  # the store goes by the close
    parts = [reader.bars(one.id, width_ns, first, last, revisions="first") for one in versions]
    of = next((one for one, part in zip(versions[::-1], parts[::-1], strict=True) if len(part)), versions[-1])
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
        [
            reader.values(one.id, width_ns, first, last, term=term.decode())
            for one in versions
            for term in TOLD
            if vwap or term != MEAN
        ]
    )
    columns = columns_of_rows(whole, told_of(whole, known_of(said)) if len(said) else None)
    if vwap:
        told = columns[VWAP]
        lacking = np.isnan(told) & (whole["state"] != BAR_UNKNOWN)
        same = [one for one in versions if _units(one) == _units(of)]
        found = of_trades(whole, lambda start, end: _trades(reader, same, start, end)) if lacking.any() else told
        columns[VWAP] = np.where(lacking, found, told)
    bars = bars_as_told(whole, of)
    scale = Scale(of.price_decimals, of.size_decimals)

    def others(instrument: str, wanted_ns: int) -> Market:
        return market_of_store(data_dir, instrument, wanted_ns, start_ns, end_ns, vwap)

    read = Stretch(of.name, width_ns, int(bars.open_ns[0]), int(bars.close_ns[-1]))
    return Market(bars, columns, scale, of.kind == SPOT, others, Fraction(of.min_notional), (read,))


def _trades(reader: Reader, versions: Sequence[Instrument], start_ns: int, end_ns: int) -> np.ndarray:
    return np.concatenate([reader.trades(one.id, start_ns, end_ns) for one in versions])


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
