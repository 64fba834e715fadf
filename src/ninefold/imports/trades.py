"""Their trades to TRADES rows.

In:  columns of one instrument: price, size, side or whether the buyer was the maker, id.
Out: rows with the times of the venue and an unknown receive time. Trades without an id that are equal in time, price, size
     and side are told apart by how many of them stand next to each other; the same run again later is a repetition.
"""

from __future__ import annotations

from hashlib import blake2b
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ninefold.imports.mapping import Mapping
from ninefold.imports.numbers import Reasons, scaled, text_of
from ninefold.imports.ordinals import ordinals
from ninefold.imports.turn import Carried, Columns
from ninefold.market.arrays import BUY, ID_AGGREGATE, ID_INTEGER, ID_NONE, ID_TEXT, ID_UUID, SELL, TRADES, UNKNOWN_SIDE
from ninefold.market.time import UNKNOWN_NS
from ninefold.venues.table import VENUES

SIDES = {
    "buy": BUY,
    "b": BUY,
    "bid": BUY,
    "sell": SELL,
    "s": SELL,
    "ask": SELL,
    "a": SELL,
    "unknown": UNKNOWN_SIDE,
    "": UNKNOWN_SIDE,
}
MAKER = {"true": SELL, "t": SELL, "1": SELL, "false": BUY, "f": BUY, "0": BUY}  # the buyer was the maker: a sell
_WHOLE = r"^(0|[1-9][0-9]{0,18})$"


def trades(
    columns: Columns, mapping: Mapping, carried: Carried, known_ns: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Reasons]:
    """(rows, ordinals, which of the columns' rows they are, why the others are refused)."""
    table = columns.rows
    price, no_price = scaled(table.column("price").combine_chunks(), columns.instrument.price_decimals, "price")
    size, no_size = scaled(table.column("size").combine_chunks(), columns.instrument.size_decimals, "size")
    side, no_side = _sides(table)
    reasons = {**_not_positive(price, "price"), **_not_positive(size, "size"), **no_side, **no_size, **no_price}
    kind, high, low = _ids(table, _kind_of_whole(mapping, columns.instrument.venue))
    good = np.ones(len(table), bool)
    good[list(reasons)] = False
    rows = np.empty(int(good.sum()), TRADES)
    rows["instrument"], rows["exchange_ns"], rows["receive_ns"] = columns.instrument.id, columns.times[good], UNKNOWN_NS
    rows["seq"] = columns.seq[good]
    for name, values in (("id_kind", kind), ("id_hi", high), ("id_lo", low), ("price", price), ("size", size)):
        rows[name] = values[good]
    rows["taker_side"] = side[good]
    keys = [rows[name] for name in ("price", "size", "taker_side")]
    numbers = ordinals(columns.instrument.name, rows["exchange_ns"], keys, carried)
    numbers[rows["id_kind"] != ID_NONE] = 0
    return rows, numbers, np.flatnonzero(good), reasons


def _sides(table: pa.Table) -> tuple[np.ndarray, Reasons]:
    if "side" in table.column_names:
        name, known = "side", SIDES
    elif "buyer_is_maker" in table.column_names:
        name, known = "buyer_is_maker", MAKER
    else:
        return np.full(len(table), UNKNOWN_SIDE, np.int8), {}
    encoded = pc.utf8_lower(text_of(table.column(name).combine_chunks())).fill_null("").dictionary_encode()
    numbers = encoded.indices.to_numpy(zero_copy_only=False)
    sides, reasons = np.zeros(len(table), np.int8), Reasons()
    for number, text in enumerate(encoded.dictionary.to_pylist()):
        rows = numbers == number
        if text in known:
            sides[rows] = known[text]
        else:
            reason = f"{name} is {text!r}; allowed are {' '.join(repr(one) for one in known)}"
            reasons.update(dict.fromkeys(np.flatnonzero(rows).tolist(), reason))
    return sides, reasons


def _kind_of_whole(mapping: Mapping, venue: str) -> int:
    """What ids that are whole numbers are worth: where they skip, as at most venues, nothing can be counted by them, and they
    are held as the texts that capture holds there.
    """
    counting = mapping.id_kind == "integer" or (venue in VENUES and VENUES[venue].ids_count)
    return ID_AGGREGATE if mapping.id_kind == "aggregate" else ID_INTEGER if counting else ID_TEXT


def _ids(table: pa.Table, whole: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """id_kind, id_hi, id_lo, each of shape (n,). Other texts than whole numbers and UUIDs are kept as 128 bits of
    their hash.
    """
    kind, high, low = (np.zeros(len(table), dtype) for dtype in (np.uint8, np.uint64, np.uint64))
    if "id" not in table.column_names:
        return kind, high, low
    texts = text_of(table.column("id").combine_chunks()).fill_null("")
    plain = pc.match_substring_regex(texts, _WHOLE).to_numpy(zero_copy_only=False)
    kind[plain] = whole
    low[plain] = texts.filter(pa.array(plain)).cast(pa.uint64()).to_numpy()
    for row in np.flatnonzero(~plain).tolist():
        text = texts[row].as_py()
        if text in ("", "None"):
            continue
        kind[row], bits = _bits(text)
        high[row], low[row] = bits >> 64, bits & 0xFFFF_FFFF_FFFF_FFFF
    return kind, high, low


def _bits(text: str) -> tuple[int, int]:
    if len(text) == 36 and text.count("-") == 4:
        try:
            return ID_UUID, UUID(text).int
        except ValueError:
            pass  # a text that only looks like one
    return ID_TEXT, int.from_bytes(blake2b(text.encode(), digest_size=16).digest())


def _not_positive(units: np.ndarray, where: str) -> Reasons:
    return {row: f"{where} is {'0' if not units[row] else 'negative'}" for row in np.flatnonzero(units <= 0).tolist()}
