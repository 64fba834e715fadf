"""Their book changes and best quotes to BOOKS and QUOTES rows.

In:  columns of one instrument: changes with side, price, size (0 removes a level) and whether they belong to a snapshot;
     quotes with bid and ask.
Out: rows with an unknown receive time. A snapshot begins with a row that clears the book, under the number of its
     first level.
"""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc

from ninefold.imports.mapping import Mapping
from ninefold.imports.numbers import Reasons, scaled, text_of
from ninefold.imports.ordinals import ordinals
from ninefold.imports.turn import Carried, Columns
from ninefold.market.arrays import ASK, BID, BOOKS, CLEAR_BOOK, QUOTES, SET_LEVEL
from ninefold.market.time import UNKNOWN_NS

SIDES = {"bid": BID, "buy": BID, "ask": ASK, "sell": ASK}
TRUTH = {"true": True, "false": False, "1": True, "0": False}


def books(
    columns: Columns, mapping: Mapping, carried: Carried, known_ns: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Reasons]:
    """(rows, ordinals, which of the columns' rows they are, why the others are refused)."""
    table, of = columns.rows, columns.instrument
    price, no_price = scaled(table.column("price").combine_chunks(), of.price_decimals, "price")
    size, no_size = scaled(table.column("size").combine_chunks(), of.size_decimals, "size")
    side, no_side = _words(table.column("side"), SIDES, "side")
    snapshot, no_word = _words(table.column("is_snapshot"), TRUTH, "is_snapshot")
    negative = {row: "price or size is below 0" for row in np.flatnonzero((price <= 0) | (size < 0)).tolist()}
    reasons = {**negative, **no_word, **no_side, **no_size, **no_price}
    good = np.ones(len(table), bool)
    good[list(reasons)] = False
    where = np.flatnonzero(good)
    begins = _begins(of.name, snapshot[good].astype(bool), carried)
    rows = np.zeros(len(where), BOOKS)
    rows["instrument"], rows["exchange_ns"], rows["receive_ns"] = of.id, columns.times[good], UNKNOWN_NS
    rows["seq"], rows["action"], rows["side"] = columns.seq[good], SET_LEVEL, side[good]
    rows["price"], rows["size"] = price[good], size[good]
    clears = rows[begins].copy()
    clears["action"], clears["side"], clears["price"], clears["size"] = CLEAR_BOOK, BID, 0, 0
    at = np.flatnonzero(begins)
    rows, where = np.insert(rows, at, clears), np.insert(where, at, where[at])
    keys = [rows[name] for name in ("action", "side", "price", "size")]
    return rows, ordinals(of.name, rows["exchange_ns"], keys, carried), where, reasons


def quotes(
    columns: Columns, mapping: Mapping, carried: Carried, known_ns: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Reasons]:
    """(rows, ordinals, which of the columns' rows they are, why the others are refused). A missing side is 0: none known."""
    table, of = columns.rows, columns.instrument
    rows = np.zeros(len(table), QUOTES)
    reasons: Reasons = {}
    for name in ("bid", "bid_size", "ask", "ask_size"):
        decimals = of.size_decimals if name.endswith("size") else of.price_decimals
        rows[name], why = scaled(table.column(name).combine_chunks(), decimals, name)
        reasons.update({row: text for row, text in why.items() if not text.endswith("is missing")})
    rows["instrument"], rows["exchange_ns"], rows["receive_ns"] = of.id, columns.times, UNKNOWN_NS
    rows["seq"] = columns.seq
    empty = (rows["bid"] <= 0) & (rows["ask"] <= 0)
    reasons = {**dict.fromkeys(np.flatnonzero(empty).tolist(), "neither bid nor ask is given"), **reasons}
    good = np.ones(len(rows), bool)
    good[list(reasons)] = False
    rows = rows[good]
    keys = [rows[name] for name in ("bid", "bid_size", "ask", "ask_size")]
    return rows, ordinals(of.name, rows["exchange_ns"], keys, carried), np.flatnonzero(good), reasons


def _begins(name: str, snapshot: np.ndarray, carried: Carried) -> np.ndarray:
    """Where a snapshot begins: a snapshot's row behind one that is none."""
    key = f"{name} snapshot"
    before = np.concatenate([[bool(carried.get(key, False))], snapshot[:-1]])
    if len(snapshot):
        carried[key] = bool(snapshot[-1])
    begins: np.ndarray = snapshot & ~before[: len(snapshot)]
    return begins


def _words(column: object, known: dict[str, int] | dict[str, bool], where: str) -> tuple[np.ndarray, Reasons]:
    encoded = pc.utf8_lower(text_of(column.combine_chunks())).fill_null("").dictionary_encode()  # type: ignore[attr-defined]
    numbers = encoded.indices.to_numpy(zero_copy_only=False)
    values, reasons = np.zeros(len(numbers), np.int8), Reasons()
    for number, text in enumerate(encoded.dictionary.to_pylist()):
        if text in known:
            values[numbers == number] = known[text]
        else:
            why = f"{where} is {text!r}; allowed are {' '.join(known)}"
            reasons.update(dict.fromkeys(np.flatnonzero(numbers == number).tolist(), why))
    return values, reasons
