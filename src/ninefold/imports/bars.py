"""Their bars to BARS rows.

In:  columns of one instrument and timeframe: open, high, low, close, volume in base; perhaps buy volume and trades.
Out: rows of revision 0. A bar with no volume and one price is flat; buy volume and trades that are not told are -1, the
     best quote is 0: none known.
"""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc

from ninefold.imports.mapping import Mapping
from ninefold.imports.numbers import Reasons, scaled, text_of
from ninefold.imports.turn import Carried, Columns
from ninefold.market.arrays import BAR_FLAT, BAR_OK, BARS
from ninefold.market.time import TIMEFRAME_OF

PRICES = ("open", "high", "low", "close")
OTHERS = ("buy_volume", "trades")
NOT_TOLD = -1


def bars(
    columns: Columns, mapping: Mapping, carried: Carried, known_ns: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Reasons]:
    """(rows, zeros, which of the columns' rows they are, why the others are refused)."""
    table, of = columns.rows, columns.instrument
    rows = np.zeros(len(table), BARS)
    reasons: Reasons = {}
    for name in (*PRICES, "volume"):
        decimals = of.size_decimals if name == "volume" else of.price_decimals
        rows[name], wrong = scaled(table.column(name).combine_chunks(), decimals, name)
        reasons = {**wrong, **reasons}
    for name in OTHERS:
        rows[name], wrong = _told(columns, name)
        reasons = {**wrong, **reasons}
    opened = columns.times - (columns.width_ns if mapping.bar_time == "close" else 0)
    reasons = {**_impossible(rows), **_off_the_grid(opened, columns.width_ns), **_open_bars(columns), **reasons}
    rows["instrument"], rows["width_ns"] = of.id, columns.width_ns
    rows["open_ns"], rows["close_ns"] = opened, opened + columns.width_ns
    flat = (rows["volume"] == 0) & np.all([rows[name] == rows["close"] for name in PRICES], axis=0)
    rows["state"] = np.where(flat, BAR_FLAT, BAR_OK)
    rows["known_ns"], rows["seq"] = known_ns, columns.seq
    good = np.ones(len(rows), bool)
    good[list(reasons)] = False
    return rows[good], np.zeros(int(good.sum()), np.int64), np.flatnonzero(good), reasons


def _told(columns: Columns, name: str) -> tuple[np.ndarray, Reasons]:
    """A column that may be missing, as a whole or in some rows."""
    if name not in columns.rows.column_names:
        return np.full(len(columns.rows), NOT_TOLD), {}
    column = columns.rows.column(name).combine_chunks()
    values, wrong = scaled(column, 0 if name == "trades" else columns.instrument.size_decimals, name)
    empty = [row for row, why in wrong.items() if why == f"{name} is missing"]
    values[empty] = NOT_TOLD
    return values, {row: why for row, why in wrong.items() if row not in set(empty)}


def _impossible(rows: np.ndarray) -> Reasons:
    top, bottom = np.maximum(rows["open"], rows["close"]), np.minimum(rows["open"], rows["close"])
    checks = (
        (rows["low"] <= 0, "a price is not above 0"),
        (rows["volume"] < 0, "volume is negative"),
        ((rows["high"] < top) | (rows["low"] > bottom), "high and low do not hold open and close"),
    )
    return {row: why for wrong, why in reversed(checks) for row in np.flatnonzero(wrong).tolist()}


def _off_the_grid(opened: np.ndarray, width_ns: int) -> Reasons:
    name = TIMEFRAME_OF[width_ns]
    why = f"its time is no begin of a {name} bar; say --bar-time close if it is the end, or another --timeframe"
    return dict.fromkeys(np.flatnonzero(opened % width_ns).tolist(), why)


def _open_bars(columns: Columns) -> Reasons:
    """Bars that the source itself calls unfinished."""
    if "closed" not in columns.rows.column_names:
        return {}
    said = pc.utf8_lower(text_of(columns.rows.column("closed").combine_chunks())).to_pylist()
    return {row: "the bar was not closed" for row, text in enumerate(said) if text in ("false", "f", "0")}
