"""The array layouts in which market data moves: numpy structured arrays of fixed width, one dtype a kind, each with a
version.

Prices are int64 units of 10**-price_decimals of the instrument, sizes of 10**-size_decimals. `seq` is the number of the
input (frame, answer, tick) a row came from. Times are int64 nanoseconds; UNKNOWN_NS where the venue gave none.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

BUY, SELL, UNKNOWN_SIDE = 1, -1, 0
BID, ASK = 1, -1
SET_LEVEL, CLEAR_BOOK = 0, 1  # `action` of a book row; a snapshot is one CLEAR_BOOK row and then its levels
BAR_OK, BAR_FLAT, BAR_UNKNOWN = 0, 1, 2  # `state` of a bar: traded; quiet; trades may have been missed
UNTOLD = -1  # buy_volume or trades of a bar whose source did not tell them
ID_NONE, ID_INTEGER, ID_UUID, ID_TEXT, ID_AGGREGATE = 0, 1, 2, 3, 4

_ROW = [("instrument", "<i4"), ("exchange_ns", "<i8"), ("receive_ns", "<i8"), ("seq", "<i8")]

TRADES = np.dtype(
    [
        *_ROW,
        ("id_kind", "u1"),
        ("id_hi", "<u8"),
        ("id_lo", "<u8"),
        ("price", "<i8"),
        ("size", "<i8"),
        ("taker_side", "i1"),
    ]
)
BOOKS = np.dtype([*_ROW, ("update_id", "<i8"), ("action", "i1"), ("side", "i1"), ("price", "<i8"), ("size", "<i8")])
QUOTES = np.dtype(
    [*_ROW, ("update_id", "<i8"), ("bid", "<i8"), ("bid_size", "<i8"), ("ask", "<i8"), ("ask_size", "<i8")]
)
BARS = np.dtype(
    [
        ("instrument", "<i4"),
        ("width_ns", "<i8"),
        ("open_ns", "<i8"),
        ("close_ns", "<i8"),
        ("open", "<i8"),
        ("high", "<i8"),
        ("low", "<i8"),
        ("close", "<i8"),
        ("volume", "<i8"),
        ("buy_volume", "<i8"),
        ("trades", "<i8"),
        ("bid", "<i8"),  # the best quote as known when the bar was finished; 0: none known
        ("bid_size", "<i8"),
        ("ask", "<i8"),
        ("ask_size", "<i8"),
        ("state", "i1"),
        ("revision", "<i4"),
        ("known_ns", "<i8"),
        ("seq", "<i8"),
    ]
)
VALUES = (
    np.dtype(  # what was computed at the close of a bar; `term` is the formula's text, for example b"rsi(close, 14)"
        [
            ("instrument", "<i4"),
            ("width_ns", "<i8"),
            ("close_ns", "<i8"),
            ("term", "S48"),
            ("value", "<f8"),
            ("known_ns", "<i8"),
            ("seq", "<i8"),
        ]
    )
)
FORECASTS = np.dtype(  # log returns over the next `horizon` bars
    [
        ("instrument", "<i4"),
        ("width_ns", "<i8"),
        ("close_ns", "<i8"),
        ("horizon", "<i4"),
        ("mean", "<f8"),
        ("q05", "<f8"),
        ("q25", "<f8"),
        ("q50", "<f8"),
        ("q75", "<f8"),
        ("q95", "<f8"),
        ("model", "S16"),
        ("known_ns", "<i8"),
        ("seq", "<i8"),
    ]
)
TARGETS = np.dtype(  # target in [-1, +1]; NaN: the strategy cannot tell
    [
        ("instrument", "<i4"),
        ("strategy", "S32"),
        ("width_ns", "<i8"),
        ("close_ns", "<i8"),
        ("target", "<f8"),
        ("known_ns", "<i8"),
        ("seq", "<i8"),
    ]
)

KINDS: dict[str, np.dtype] = {
    "trades": TRADES,
    "books": BOOKS,
    "quotes": QUOTES,
    "bars": BARS,
    "values": VALUES,
    "forecasts": FORECASTS,
    "targets": TARGETS,
}
LAYOUT_VERSION = 1  # raise it when any dtype above changes; journals and stores refuse another version


def empty(kind: str) -> np.ndarray:
    return np.empty(0, KINDS[kind])


def stacked(kind: str, parts: Sequence[np.ndarray]) -> np.ndarray:
    """Rows of several arrays of one kind, one after the other. Taken as bytes: field by field it takes twice as long, and few
    rows ten times.
    """
    dtype = KINDS[kind]
    if any(part.dtype != dtype for part in parts):
        return np.concatenate([empty(kind), *parts])
    whole = [np.ascontiguousarray(part).view(f"V{dtype.itemsize}") for part in parts if len(part)]
    return np.concatenate(whole).view(dtype) if whole else empty(kind)


def newest(rows: np.ndarray) -> np.ndarray:
    """The last row of each instrument, instruments in the order in which they come."""
    last = dict(zip(rows["instrument"].tolist(), range(len(rows)), strict=True))
    found: np.ndarray = rows[list(last.values())]
    return found


def rows(kind: str, values: list[tuple]) -> np.ndarray:  # type: ignore[type-arg]
    """An array of one kind from tuples in the order of its fields."""
    return np.array(values, KINDS[kind])
