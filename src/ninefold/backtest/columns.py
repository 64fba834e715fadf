"""Bars for a back-test out of what is stored or exported.

In:  rows of the store (`bars_of_rows`), or columns by name in prices and base amounts (`bars_of_columns`): open_ns close_ns
     open high low close volume, as `ninefold export` writes them.
Out: `Bars`. Prices become whole ticks exactly: a price that is no multiple of the tick is refused with its row.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Literal

import numpy as np

from ninefold.backtest.bars import PRICES, UNKNOWN, BadBars, Bars, check_times, when
from ninefold.backtest.exact import LARGEST, Number, exact
from ninefold.formula.columns import COLUMNS
from ninefold.market.arrays import BAR_UNKNOWN
from ninefold.market.instruments import Instrument

NEEDED = ("open_ns", "close_ns", *PRICES, "volume")
FINEST_UNIT = Fraction(1, 10**10)  # of money: fees are rounded up to it, and 10**8 of the quote asset still fit
FINEST = 12  # decimals that are looked for when no tick is given
EXACT = 2.0**50  # beyond it a double cannot tell whether a number is whole
NEAR = 1e-9  # relative: how far a double may lie from the decimal number it stands for
BLOCK = 32_768  # rows at a time: what is made of them on the way then stays near the processor
Holes = Literal["refuse", "unknown"]


def bars_of_rows(rows: np.ndarray, instrument: Instrument) -> Bars:
    """BARS rows of one instrument and width, oldest first, one revision each.

    The tick is that of the instrument where all prices are multiples of it; volumes are cut to whole lots, at least one.
    raises: BadBars.
    """
    known = rows["state"] != BAR_UNKNOWN
    whole = all((rows[name][known] % instrument.tick_size == 0).all() for name in PRICES)
    step = instrument.tick_size if whole else 1
    lots = np.where(rows["volume"] > 0, np.maximum(rows["volume"] // instrument.lot_size, 1), 0)
    return Bars(
        rows["open_ns"],
        rows["close_ns"],
        rows["open"] // step,
        rows["high"] // step,
        rows["low"] // step,
        rows["close"] // step,
        np.where(known, lots, UNKNOWN),
        Fraction(step, 10**instrument.price_decimals),
        Fraction(instrument.lot_size, 10**instrument.size_decimals),
    )


def bars_as_told(rows: np.ndarray, instrument: Instrument) -> Bars:
    """BARS rows as `bars_of_rows` takes them, also of an instrument whose steps nobody told: they are found from its prices."""
    if instrument.rules_known:
        return bars_of_rows(rows, instrument)
    unknown = rows["state"] == BAR_UNKNOWN
    made = {name: np.where(unknown, np.nan, rows[name] / 10.0**instrument.price_decimals) for name in PRICES}
    made["volume"] = np.where(unknown, np.nan, rows["volume"] / 10.0**instrument.size_decimals)
    return bars_of_columns({"open_ns": rows["open_ns"], "close_ns": rows["close_ns"], **made}, holes="unknown")


def bars_of_columns(
    columns: Mapping[str, np.ndarray],
    tick: Number | None = None,
    lot: Number | None = None,
    holes: Holes = "refuse",
) -> Bars:
    """Columns of shape (n,) by name; prices in quote, volume in base, times in ns.

    tick, lot: the instrument's steps; without them the coarsest power of ten of which all prices are multiples, and the
               lot with which money is counted to 10**-10 of the quote asset. Volumes are cut to whole lots.
    holes:     "unknown" takes rows with NaN, and rows that are missing, as unknown bars, on which nothing is filled.
    raises:    BadBars naming row, rule and remedy.
    """
    _check_names(columns)
    given = {name: np.asarray(columns[name]) for name in NEEDED}
    lengths = {name: values.shape for name, values in given.items()}
    if len(set(lengths.values())) > 1 or given["open"].ndim != 1 or not len(given["open"]):
        raise BadBars(f"columns have shapes {lengths}; all must be (n,) with the same n, at least 1")
    for name in ("open_ns", "close_ns"):
        if given[name].dtype.kind not in "iu":
            raise BadBars(
                f"column {name} is of {given[name].dtype}; times are whole numbers of nanoseconds since 1970 UTC"
            )
    numbers = {name: np.asarray(given[name], np.float64) for name in (*PRICES, "volume")}
    unknown = _unknown(numbers, given["open_ns"], holes)
    tick_size = _step({name: numbers[name] for name in PRICES}, unknown, tick, "price", FINEST)
    lot_size = exact(lot, "lot") if lot is not None else _fine_lot(tick_size)
    whole = {name: _ticks(numbers[name], tick_size, unknown, name) for name in PRICES}
    with np.errstate(invalid="ignore"):
        lots = np.floor(numbers["volume"] / float(lot_size) * (1 + NEAR))
    lots = np.where(unknown, UNKNOWN, np.where(numbers["volume"] > 0, np.maximum(lots, 1), lots)).astype(np.int64)
    made = {"open_ns": given["open_ns"], "close_ns": given["close_ns"], **whole, "volume": lots}
    if holes == "unknown":
        made = _with_missing(made)
    return Bars(**made, tick=tick_size, lot=lot_size)


def _check_names(columns: Mapping[str, np.ndarray]) -> None:
    for name in NEEDED:
        if name not in columns:
            near = difflib.get_close_matches(name, list(columns), n=1)
            hint = f"; rename {near[0]!r}" if near else ""
            raise BadBars(
                f"there is no column {name!r} among {', '.join(columns)}; needed are {', '.join(NEEDED)}{hint}"
            )
    for name in columns:
        if name not in NEEDED and name not in COLUMNS:
            allowed = [*NEEDED, *sorted(set(COLUMNS) - set(NEEDED))]
            raise BadBars(f"column {name!r} is not known here; drop or rename it. Known are {', '.join(allowed)}")


def _unknown(numbers: Mapping[str, np.ndarray], open_ns: np.ndarray, holes: Holes) -> np.ndarray:
    unknown = np.zeros(len(open_ns), bool)
    for name, values in numbers.items():
        bad = ~np.isfinite(values)
        if holes == "refuse" and bad.any():
            row = int(bad.argmax())
            raise BadBars(
                f"row {row} ({when(open_ns[row])}) has {name} {values[row]}: bars are made of numbers; load the row anew, or say "
                'holes="unknown" (--holes unknown), and nothing is filled there'
            )
        unknown |= bad
        if (~bad & (values < 0)).any():
            row = int((~bad & (values < 0)).argmax())
            raise BadBars(f"row {row} ({when(open_ns[row])}) has {name} {values[row]}: below 0; load the row anew")
    return unknown


def _step(
    numbers: Mapping[str, np.ndarray], unknown: np.ndarray, given: Number | None, what: str, finest: int
) -> Fraction:
    if given is not None:
        return exact(given, "tick")
    known = {name: values[~unknown] if unknown.any() else values for name, values in numbers.items()}
    most = max(float(np.max(values, initial=0.0)) for values in known.values())
    while finest and most * 10.0**finest > EXACT:
        finest -= 1
    for decimals in range(finest + 1):
        if all(_whole(values[rows], 10.0**decimals).all() for values in known.values() for rows in _blocks(values)):
            return Fraction(1, 10**decimals)
    name, row = next(
        (name, int(bad.argmax()))
        for name, values in numbers.items()
        if (bad := ~unknown & ~_whole(values, 10.0**finest)).any()
    )
    raise BadBars(
        f"row {row} has {name} {numbers[name][row]!r}, with more than {finest} decimals: no {what} tick fits all rows; round the "
        'prices to the instrument\'s tick and give it, for example tick="0.01"'
    )


def _fine_lot(tick: Fraction) -> Fraction:
    """The lot with which money is counted to 10**-10 of the quote asset, at least 10**-8."""
    lot = Fraction(1, 10**8)
    while lot * tick < FINEST_UNIT:
        lot *= 10
    return lot


def _whole(values: np.ndarray, scale: float) -> np.ndarray:
    scaled = values * scale
    with np.errstate(invalid="ignore"):
        found: np.ndarray = np.abs(scaled - np.rint(scaled)) <= NEAR * np.minimum(scaled, 1e6)
    return found


def _blocks(values: np.ndarray) -> Iterator[slice]:
    return (slice(first, first + BLOCK) for first in range(0, len(values), BLOCK))


def _ticks(values: np.ndarray, tick: Fraction, unknown: np.ndarray, name: str) -> np.ndarray:
    found = np.empty(len(values), np.int64)
    for rows in _blocks(values):
        found[rows] = _ticks_within(rows, values, tick, unknown[rows], name)
    return found


def _ticks_within(rows: slice, values: np.ndarray, tick: Fraction, unknown: np.ndarray, name: str) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        scaled = values[rows] * float(1 / tick)
        bad = ~unknown & (np.abs(scaled - np.rint(scaled)) > 1e-6 * np.maximum(1.0, scaled * NEAR))
    if bad.any():
        row = rows.start + int(bad.argmax())
        raise BadBars(
            f"row {row} has {name} {values[row]!r}, no multiple of the tick {float(tick)}; round it to the tick, or give the tick of "
            "these prices"
        )
    if (scaled[~unknown] > LARGEST).any():
        raise BadBars(
            f"{name} reaches {np.nanmax(values)}, more than 2**60 ticks of {float(tick)}; give a coarser tick"
        )
    return np.where(unknown, 0, np.rint(np.where(unknown, 0.0, scaled))).astype(np.int64)


def _with_missing(made: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same with an unknown bar of the usual width for each that is missing."""
    open_ns, close_ns = made["open_ns"].astype(np.int64), made["close_ns"].astype(np.int64)
    later = open_ns[1:] > close_ns[:-1]
    if not later.any():
        return made
    width = int(np.min(close_ns - open_ns))
    after = np.flatnonzero(later)
    lost = (open_ns[after + 1] - close_ns[after]) // max(width, 1)
    odd = (width <= 0) | (lost * width != open_ns[after + 1] - close_ns[after])
    if odd.any():
        check_times(open_ns, close_ns)  # says where
    places = np.repeat(after + 1, lost)
    within = np.arange(len(places)) - np.repeat(np.cumsum(lost) - lost, lost)
    opens = close_ns[places - 1] + within * width
    filled = {name: np.insert(values, places, 0) for name, values in made.items()}
    filled["open_ns"] = np.insert(open_ns, places, opens)
    filled["close_ns"] = np.insert(close_ns, places, opens + width)
    filled["volume"] = np.insert(made["volume"], places, UNKNOWN)
    return filled
