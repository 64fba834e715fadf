"""Times as others write them to nanoseconds since 1970 UTC.

In:  a column of timestamps, whole numbers, decimal numbers or text; its unit and zone if they were said.
Out: int64 nanoseconds, and a reason for each row that has none. A unit that was not said is told by the size of the
     numbers: between 2009 and 2100 seconds, milli-, micro- and nanoseconds cannot be taken for each other.
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa

from ninefold.imports.mapping import ImportRefused, Unit
from ninefold.imports.numbers import Reasons, scaled

UNITS: dict[str, int] = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
DIGITS = {"s": 9, "ms": 6, "us": 3, "ns": 0}
EARLIEST_S, LATEST_S = 1_230_768_000, 4_102_444_800  # 2009-01-01, 2100-01-01
SPAN = "between 2009 and 2100"
_ZONED = r":\d{2}(\.\d+)?(Z|[+-]\d{2}(:?\d{2})?)$"


def nanoseconds(column: pa.Array, unit: Unit, zone: str, where: str) -> tuple[np.ndarray, Reasons, Unit]:
    """(nanoseconds of shape (n,), why a row has none, the unit that was found or given; "" for times with a date).

    unit:   "" if it is not known yet. zone: "UTC" if times without a zone are in it.
    raises: ImportRefused if numbers of two units are mixed, or a time has no zone and none was said.
    """
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        return *_typed(column, zone, where), ""
    if _is_text(column) and _is_dated(column):
        return *_dated(column, zone, where), ""
    return _numbered(column, unit, where)


def _typed(column: pa.Array, zone: str, where: str) -> tuple[np.ndarray, Reasons]:
    if zone != "UTC" and getattr(column.type, "tz", None) is None:
        raise ImportRefused(_zoneless(where, str(column.type)))
    reasons: Reasons = {}
    whole = column.cast(pa.timestamp("ns", getattr(column.type, "tz", None)), safe=False).cast(pa.int64())
    nulls = np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))
    reasons.update(dict.fromkeys(nulls.tolist(), f"{where} is missing"))
    ns = whole.fill_null(0).to_numpy()
    seconds = column.cast(pa.timestamp("s", getattr(column.type, "tz", None)), safe=False).cast(pa.int64())
    for row in np.flatnonzero(~_within(seconds.fill_null(EARLIEST_S).to_numpy())).tolist():
        reasons[row] = f"{where} is {column[row]}, not {SPAN}"
    return ns, reasons


def _dated(column: pa.Array, zone: str, where: str) -> tuple[np.ndarray, Reasons]:
    try:
        ns, reasons = _typed(column.cast(pa.timestamp("ns", "UTC")), "UTC", where)
        return ns, reasons
    except pa.ArrowInvalid:
        pass
    if zone != "UTC" and not any(text and re.search(_ZONED, text) for text in column.to_pylist()):
        raise ImportRefused(_zoneless(where, repr(_first(column))))
    ns, reasons = np.zeros(len(column), np.int64), Reasons()
    for row, text in enumerate(column.to_pylist()):
        moment = _moment(text, zone)
        if moment is None:
            reasons[row] = f"{where} is {text!r}, no time such as 2024-01-01T00:00:00Z"
        elif not _within(np.array([moment // 10**9]))[0]:
            reasons[row] = f"{where} is {text!r}, not {SPAN}"
        else:
            ns[row] = moment
    return ns, reasons


def _moment(text: str | None, zone: str) -> int | None:
    """One time written with a date, by the same parser as whole columns."""
    for kind in (pa.timestamp("ns", "UTC"), *([pa.timestamp("ns")] if zone == "UTC" else [])):
        try:
            return None if text is None else int(pa.scalar(text).cast(kind).cast(pa.int64()).as_py())
        except pa.ArrowInvalid:
            continue
    return None


def _numbered(column: pa.Array, unit: Unit, where: str) -> tuple[np.ndarray, Reasons, Unit]:
    """Numbers since 1970: each fits one unit or none."""
    sizes, reasons = _sizes(column, where)
    fits = {name: _within(sizes * (size / 10**9)) for name, size in UNITS.items()}
    good = np.ones(len(sizes), bool)
    good[list(reasons)] = False
    found = [name for name, fit in fits.items() if (fit & good).any()]
    if not unit and len(found) > 1:
        examples = [f"{column[int(np.flatnonzero(fits[name] & good)[0])]} ({name})" for name in found]
        raise ImportRefused(
            f"{where} mixes units: found {' and '.join(examples)}; say --time-unit, or import them apart"
        )
    if not unit and not found:
        for row in np.flatnonzero(good).tolist():
            reasons[row] = f"{where} is {column[row]}, no time {SPAN} in s, ms, us or ns"
        return np.zeros(len(sizes), np.int64), reasons, ""
    chosen: Unit = unit or found[0]  # type: ignore[assignment]
    for row in np.flatnonzero(good & ~fits[chosen]).tolist():
        reasons[row] = f"{where} is {column[row]}, no time {SPAN} in {chosen}"
    bad = np.zeros(len(sizes), bool)
    bad[list(reasons)] = True
    told = column.take(pa.array(np.arange(len(bad)), mask=bad)) if reasons else column  # nothing of what is bad
    ns, finer = scaled(told, DIGITS[chosen], where)
    return ns, {**finer, **reasons}, chosen


def _sizes(column: pa.Array, where: str) -> tuple[np.ndarray, Reasons]:
    """Roughly how large each number is, shape (n,), float64."""
    reasons: Reasons = {}
    if pa.types.is_signed_integer(column.type) and not column.null_count:
        sizes = column.to_numpy().astype(np.float64)
    elif not _is_text(column):
        sizes = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    else:
        sizes = np.full(len(column), np.nan)
        try:
            sizes = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        except pa.ArrowInvalid:
            for row, text in enumerate(column.to_pylist()):
                try:
                    sizes[row] = float(text) if text else np.nan
                except ValueError:
                    reasons[row] = f"{where} is {text!r}, no number"
    for row in np.flatnonzero(~np.isfinite(sizes)).tolist():
        reasons.setdefault(
            row, f"{where} is missing" if not column[row].is_valid else f"{where} is {column[row]}, no number"
        )
    return np.nan_to_num(sizes), reasons


def _within(seconds: np.ndarray) -> np.ndarray:
    inside: np.ndarray = (seconds >= EARLIEST_S) & (seconds < LATEST_S)
    return inside


def _is_text(column: pa.Array) -> bool:
    return bool(pa.types.is_string(column.type) or pa.types.is_large_string(column.type))


def _is_dated(column: pa.Array) -> bool:
    """Whether the first value is written with a date, such as 2024-01-01; a number has no sign inside."""
    first = _first(column)
    return first is not None and "-" in first[1:] and "e-" not in first.lower()


def _first(column: pa.Array) -> str | None:
    for value in column:
        if value.is_valid and value.as_py():
            return str(value.as_py())
    return None


def _zoneless(where: str, found: str) -> str:
    return f"{where} has no time zone (found {found}); if it is UTC say --time-zone UTC, other zones are not guessed"
