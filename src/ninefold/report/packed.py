"""A run as bytes that a page unpacks: everything it shows, at every level of detail.

In:  a run. Out: zlib of: the length of a JSON text (uint32), the text, then columns of whole numbers.

The text holds what is short and says what the columns are. Numbers are small, because each is what is new: the first
differences of a rising column, an open from the close before, a close from its open, what is above and below both. They are
folded to be positive (0, -1, 1, -2 as 0, 1, 2, 3) and written byte by byte, all lowest bytes first: the higher ones are
mostly 0, which takes a quarter of the room and of the time. A value is at most one step of rounding away, and prices are exact
while they have nine digits.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import numpy as np

from ninefold.market.time import SECOND_NS
from ninefold.report.levels import NAME_OF
from ninefold.report.shown import Level, Shown

MOST = 2**29  # of a whole number: folded differences then fit into 32 bits
PART_OF_CASH = 1e-6  # step of equity; of falls a millionth
MOST_ROWS = 600_000  # of a level: a year of 1m bars has 525,600


class Column(NamedTuple):
    """summed: numbers are what each value is more than the one before. step: what a whole one is worth."""

    name: str
    numbers: np.ndarray
    step: float = 1.0
    summed: bool = True


def packed(shown: Shown, about: dict[str, Any]) -> bytes:
    """about: what the page needs to know beside the document (number, kind, known_ns, config)."""
    levels, columns = [], []
    for width_ns in shown.widths:
        level = shown.level(width_ns)
        if len(level.candles.open_ns) > MOST_ROWS:
            continue
        made = [*_candles(shown, level), *_line(shown, level), *_marks(level)]
        said = [{"name": one.name, "rows": len(one.numbers), "step": one.step, "summed": one.summed} for one in made]
        columns += [_bytes(np.diff(one.numbers, prepend=0) if one.summed else one.numbers) for one in made]
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
    return zlib.compress(b"".join([np.uint32(len(text)).tobytes(), text, *columns]), 1)


def _bytes(numbers: np.ndarray) -> bytes:
    """Signed numbers below 2**31, folded, by the place of their bytes."""
    folded = ((numbers << 1) ^ (numbers >> 63)).astype("<u4")
    return folded.view(np.uint8).reshape(-1, 4).T.tobytes()


def _candles(shown: Shown, level: Level) -> Iterator[Column]:
    candles = level.candles
    yield Column("time", candles.open_ns // SECOND_NS)
    if not candles.known.all():
        yield Column("known", candles.known.astype(np.int64))
    still = np.where(candles.known, 0, candles.close)  # an unknown candle is one price, the last that was known
    prices = [np.where(candles.known, one, still) for one in (candles.open, candles.high, candles.low, candles.close)]
    coarser = _coarser(np.concatenate(prices))
    open_, high, low, close = (np.round(one / coarser).astype(np.int64) if coarser > 1 else one for one in prices)
    step = _tick(shown) * coarser
    yield Column("gap", open_ - np.append(0, close[:-1]), step, summed=False)
    yield Column("body", close - open_, step, summed=False)
    yield Column("above", high - np.maximum(open_, close), step, summed=False)
    yield Column("below", np.minimum(open_, close) - low, step, summed=False)


def _line(shown: Shown, level: Level) -> Iterator[Column]:
    """Where a candle is one bar, its lowest and highest equity are its last."""
    if level.line is None:
        return
    step = abs(shown.cash) * PART_OF_CASH or PART_OF_CASH
    for name in ("last",) if level.candles.width_ns == shown.widths[0] else ("last", "low", "high"):
        yield _rounded(f"equity_{name}", getattr(level.line, name), step)
    yield _rounded("fall", level.line.fall, PART_OF_CASH)


def _marks(level: Level) -> Iterator[Column]:
    for name in ("row", "side", "fills", "trade"):
        yield Column(f"mark_{name}", getattr(level.marks, name))


def _rounded(name: str, values: np.ndarray, step: float) -> Column:
    coarser = _coarser(values / step)
    return Column(name, np.round(values / (step * coarser)).astype(np.int64), step * coarser)


def _coarser(values: np.ndarray) -> int:
    """By how much the step must grow, in tens, for whole numbers to stay below MOST."""
    highest = float(np.abs(values).max(initial=0))
    coarser: int = 10 ** max(0, math.ceil(math.log10((highest + 1) / MOST)))
    return coarser


def _tick(shown: Shown) -> float:
    return float(shown.bars.tick) if shown.bars is not None else 1.0
