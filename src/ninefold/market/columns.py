"""Bars as the columns that formulas read.

In:  BARS rows, with the best quote as it was known at each close; what stages told of the bars.
Out: float64 columns: prices in ticks, sizes in lots as whole numbers; NaN in unknown bars, where no quote was known, and where a
     source did not tell.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ninefold.market.arrays import BAR_UNKNOWN, UNTOLD
from ninefold.market.chunk import Chunk
from ninefold.market.values import TOLD, Known

NAMES = tuple((term, term.decode()) for term in TOLD)
BAR_FIELDS = ("open", "high", "low", "close", "volume", "buy_volume", "trades")


def columns(bars: np.ndarray, told: Mapping[str, np.ndarray] | None = None) -> dict[str, np.ndarray]:
    """bars: BARS rows, shape (n,), oldest first. told: further columns. returns: name to
    float64 column, shape (n,).
    """
    unknown = bars["state"] == BAR_UNKNOWN
    made = {name: np.where(unknown, np.nan, bars[name].astype(np.float64)) for name in BAR_FIELDS}
    for name in ("buy_volume", "trades"):
        made[name][bars[name] == UNTOLD] = np.nan
    bid, ask = bars["bid"].astype(np.float64), bars["ask"].astype(np.float64)
    bid_size, ask_size = bars["bid_size"].astype(np.float64), bars["ask_size"].astype(np.float64)
    quoted = (bars["bid"] > 0) & (bars["ask"] > 0) & (bars["bid_size"] + bars["ask_size"] > 0) & ~unknown
    sizes = np.where(quoted, bid_size + ask_size, 1.0)
    made["spread"] = np.where(quoted, ask - bid, np.nan)
    made["microprice"] = np.where(quoted, (bid * ask_size + ask * bid_size) / sizes, np.nan)
    made["imbalance"] = np.where(quoted, (bid_size - ask_size) / sizes, np.nan)
    for term in TOLD:
        name = term.decode()
        made[name] = np.full(len(bars), np.nan) if told is None else told[name]
    return made


def each_row(bars: np.ndarray, told: Mapping[str, np.ndarray] | None = None) -> list[dict[str, float]]:
    """The same bar by bar, of any instruments: one dict a bar. All at once, as an array of one bar takes as long as of twenty."""
    made = columns(bars, told)
    return [
        dict(zip(made, values, strict=True)) for values in zip(*(one.tolist() for one in made.values()), strict=True)
    ]


def closed_of(chunk: Chunk) -> tuple[np.ndarray, list[dict[str, float]]]:
    """A chunk's bars, first revisions, as rows and bar by bar; what is told of them is not in it. Read once for all stages."""
    bars = chunk.rows("bars")
    if chunk.read is None or chunk.read[0] is not bars:
        first = bars[bars["revision"] == 0]
        chunk.read = bars, first, each_row(first) if len(first) else []
    return chunk.read[1:]


def told_too(bars: np.ndarray, read: Sequence[dict[str, float]], known: Known) -> list[dict[str, float]]:
    """Bars that were read, with what is told of them by now."""
    keys = bars[["instrument", "width_ns", "close_ns"]].tolist()
    return [
        {**row, **{name: known.get((term, *key), math.nan) for term, name in NAMES}}
        for row, key in zip(read, keys, strict=True)
    ]


def coming_of(chunk: Chunk) -> Iterator[tuple[tuple[int, int], dict[str, float]]]:
    """Bars that the next tick may finish, with their instrument and width; what is told of them is not known yet."""
    bars = chunk.coming
    keys: list[tuple[int, int]] = bars[["instrument", "width_ns"]].tolist() if len(bars) else []
    return zip(keys, each_row(bars), strict=True) if keys else iter(())
