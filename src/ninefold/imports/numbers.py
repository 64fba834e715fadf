"""Numbers as others keep them to int64 units of 10**-decimals, exactly or not at all.

In:  a column of text, decimals, whole numbers or floats. A float is what its shortest text says: 0.1 is 0.1.
Out: units, and a reason for each row that has none.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import numpy as np
import pyarrow as pa

from ninefold.market.numbers import INT64_MAX

Reasons = dict[int, str]  # row to why it is refused
MOST_DIGITS = 1_000  # that are looked at; Python itself refuses to read 4,300
_WIDE = pa.decimal128(38, 18)


def scaled(column: pa.Array, decimals: int, where: str) -> tuple[np.ndarray, Reasons]:
    """(int64 units of shape (n,), 0 where there is none; why).

    >>> scaled(pa.array(["61203.10", "5e-05"]), 5, "price")
    (array([6120310000,          5]), {})
    """
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_signed_integer(column.type) and not column.null_count:
        whole, by = column.to_numpy().astype(np.int64), 10**decimals
        if -INT64_MAX // by < whole.min(initial=0) and whole.max(initial=0) <= INT64_MAX // by:
            return whole * by, {}
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        column = column.cast(pa.string())
    try:
        return _at_once(column, decimals, where)
    except pa.ArrowInvalid:
        return _one_by_one(column, decimals, where)


def _at_once(column: pa.Array, decimals: int, where: str) -> tuple[np.ndarray, Reasons]:
    """raises: ArrowInvalid if a row needs a closer look."""
    exact = column.cast(_WIDE).cast(pa.decimal128(38, decimals))
    nulls = np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False)).tolist()
    parts = np.frombuffer(exact.fill_null(Decimal(0)).buffers()[1], np.int64)
    low, high = parts.reshape(-1, 2)[exact.offset : exact.offset + len(exact)].T
    if (high != low >> 63).any():
        raise pa.ArrowInvalid("a number does not fit into 64 bits")
    return low.copy(), dict.fromkeys(nulls, f"{where} is missing")


def _one_by_one(column: pa.Array, decimals: int, where: str) -> tuple[np.ndarray, Reasons]:
    units, reasons = np.zeros(len(column), np.int64), Reasons()
    for row, text in enumerate(column.to_pylist()):
        made = _units(text, decimals, where)
        if isinstance(made, str):
            reasons[row] = made
        else:
            units[row] = made
    return units, reasons


def _units(text: str | None, decimals: int, where: str) -> int | str:
    """The units, or why there are none."""
    if not text:
        return f"{where} is missing"
    try:
        sign, digits, exponent = Decimal(text).as_tuple()
    except InvalidOperation:
        return f"{where} is {text!r}, no number"
    if not isinstance(exponent, int) or "_" in text or text != text.strip():
        return f"{where} is {text!r}, no number"
    whole: int = int("".join(map(str, digits[:MOST_DIGITS])))
    shift: int = exponent + decimals
    if len(digits) > MOST_DIGITS or (whole and abs(shift) > 60):
        return f"{where} is {text!r}, which cannot be held with {decimals} decimals in 64 bits"
    if shift < 0 and whole % 10**-shift:
        return (
            f"{where} is {text!r}, finer than {decimals} decimals; a mapping may say more decimals for a new instrument"
        )
    units: int = whole * 10**shift if shift >= 0 else whole // 10**-shift
    if units > INT64_MAX:
        return f"{where} is {text!r}, which with {decimals} decimals does not fit into 64 bits; a mapping may say fewer"
    return -units if sign else units


def whole_sum(units: np.ndarray) -> int:
    """The exact sum of int64 units, of any size.

    >>> whole_sum(np.array([2**62, 2**62, 2**62]))
    13835058055282163712
    """
    return (int((units >> 32).sum()) << 32) + int((units & 0xFFFFFFFF).sum())


def text_of(column: pa.Array) -> pa.Array:
    """Any column as text."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column if pa.types.is_string(column.type) else column.cast(pa.string())
