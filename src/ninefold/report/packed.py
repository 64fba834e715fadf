"""A run as bytes that a page unpacks: everything it shows, at every level of detail.

In:  a run. Out: zlib of: the length of a JSON text (uint32), the text, then columns of int32, little-endian.

The text holds what is short and says what the columns are. A column is the differences of whole numbers of its `step`, the
first from 0; a value is at most one step of rounding away, and prices are exact while they have nine digits.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from ninefold.market.time import SECOND_NS
from ninefold.report.levels import NAME_OF
from ninefold.report.shown import Level, Shown

MOST = 2**30  # of a whole number: differences then fit into 32 bits
PART_OF_CASH = 1e-6  # step of equity; of falls a millionth
MOST_ROWS = 600_000  # of a level: a year of 1m bars has 525,600


def packed(shown: Shown, about: dict[str, Any]) -> bytes:
    """about: what the page needs to know beside the document (number, kind, known_ns)."""
    levels, columns = [], []
    for width_ns in shown.widths:
        level = shown.level(width_ns)
        if len(level.candles.open_ns) > MOST_ROWS:
            continue
        said = []
        for name, whole, step in _columns(shown, level):
            said.append({"name": name, "rows": len(whole), "step": step})
            columns.append(np.diff(whole, prepend=0).astype("<i4").tobytes())
        levels.append({"timeframe": NAME_OF.get(width_ns, ""), "width_s": width_ns / SECOND_NS, "columns": said})
    text = msgspec.json.encode(
        {
            **about,
            "document": shown.short,
            "trades": shown.trades,
            "calendar": shown.calendar,
            "decimals": shown.decimals,
            "levels": levels,
        }
    )
    return zlib.compress(b"".join([np.uint32(len(text)).tobytes(), text, *columns]), 6)


def _columns(shown: Shown, level: Level) -> Iterator[tuple[str, np.ndarray, float]]:
    """Name, whole numbers, what one of them is worth."""
    candles, marks, line = level.candles, level.marks, level.line
    tick = float(shown.bars.tick) if shown.bars is not None else 1.0
    yield "time", candles.open_ns // SECOND_NS, 1.0
    for name in ("open", "high", "low", "close"):
        yield name, *_fitting(np.where(candles.known, getattr(candles, name), 0), tick)
    yield "known", candles.known.astype(np.int64), 1.0
    if line is not None:
        step = abs(shown.cash) * PART_OF_CASH or PART_OF_CASH
        for name in ("low", "high", "last"):
            yield f"equity_{name}", *_fitting(np.round(getattr(line, name) / step), step)
        yield "fall", *_fitting(np.round(line.fall / PART_OF_CASH), PART_OF_CASH)
    yield "mark_row", marks.row, 1.0
    yield "mark_side", marks.side, 1.0
    yield "mark_count", marks.count, 1.0
    yield "mark_trade", marks.trade, 1.0
    yield "mark_price", *_fitting(np.round(marks.price / tick), tick)


def _fitting(whole: np.ndarray, step: float) -> tuple[np.ndarray, float]:
    """The same in the finest step, ten times coarser each, in which all of it fits."""
    while len(whole) and np.abs(whole).max() >= MOST:
        whole, step = np.round(whole / 10), step * 10
    return whole.astype(np.int64), step
