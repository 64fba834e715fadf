"""Exported trades, bars and targets: the venue's numbers, names and ids.

In:  what is wanted of a data dir.
Out: one Arrow table for each instrument and day, in order. Prices and sizes are exact decimal text with the
     instrument's decimals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ninefold.market.arrays import BAR_UNKNOWN, BUY, ID_AGGREGATE, ID_INTEGER, ID_UUID, SELL, UNTOLD
from ninefold.market.instruments import Instrument
from ninefold.market.time import DAY_NS, TIMEFRAME_OF, UNKNOWN_NS
from ninefold.store.forms import Form, Wanted
from ninefold.store.layout import effective_ns
from ninefold.store.read import Reader
from ninefold.store.rows import Pick, latest_revisions
from ninefold.store.text import decimal_text

BAR_STATES = np.array(["ok", "flat", "unknown"])  # by BAR_OK, BAR_FLAT, BAR_UNKNOWN

_TRADES = pa.schema(
    {
        "instrument": pa.string(),
        "exchange_ns": pa.int64(),
        "receive_ns": pa.int64(),
        "trade_id": pa.string(),
        "price": pa.string(),
        "size": pa.string(),
        "taker_side": pa.string(),
    }
)
_BARS = pa.schema(
    {
        "open_ns": pa.int64(),
        "close_ns": pa.int64(),
        "open": pa.string(),
        "high": pa.string(),
        "low": pa.string(),
        "close": pa.string(),
        "volume": pa.string(),
        "instrument": pa.string(),
        "timeframe": pa.string(),
        "buy_volume": pa.string(),
        "trades": pa.int64(),
        "state": pa.string(),
        "revision": pa.int32(),
    }
)
_TARGETS = pa.schema(
    {
        "instrument": pa.string(),
        "strategy": pa.string(),
        "timeframe": pa.string(),
        "close_ns": pa.int64(),
        "known_ns": pa.int64(),
        "target": pa.float64(),
    }
)


def _trades(wanted: Wanted) -> Iterator[pa.Table]:
    return _tables(wanted, "trades", _trades_table, ("seq",))


def _bars(wanted: Wanted) -> Iterator[pa.Table]:
    return _tables(wanted, "bars", _bars_table, ("width_ns",), latest_revisions)


def _targets(wanted: Wanted) -> Iterator[pa.Table]:
    return _tables(wanted, "targets", _targets_table, ("seq",))


TRADES = Form(_TRADES, _trades)
BARS = Form(_BARS, _bars)
TARGETS = Form(_TARGETS, _targets)


def _tables(
    wanted: Wanted,
    kind: str,
    table_of: Callable[[np.ndarray, Instrument], pa.Table],
    then_by: tuple[str, ...],
    pick: Pick | None = None,
) -> Iterator[pa.Table]:
    """One table a name and day, by time and then by the fields `then_by`; versions of an instrument are joined under
    their name.
    """
    reader = Reader(wanted.path, wanted.as_of_ns)
    condition = None if wanted.width_ns is None else pc.field("width_ns") == wanted.width_ns
    for versions in wanted.instruments.values():
        for day_ns in (day * DAY_NS for day in reader.days(kind)):
            start = day_ns if wanted.start_ns is None else max(day_ns, wanted.start_ns)
            end = day_ns + DAY_NS if wanted.end_ns is None else min(day_ns + DAY_NS, wanted.end_ns)
            if start >= end:
                continue
            parts = [
                (rows, instrument)
                for instrument in versions
                if len(rows := reader.rows(kind, instrument.id, start, end, condition=condition, pick=pick))
            ]
            if parts:
                table = pa.concat_tables([table_of(rows, instrument) for rows, instrument in parts])
                yield (
                    table
                    if len(parts) == 1
                    else table.take(pa.array(_order(kind, [rows for rows, _ in parts], then_by)))
                )


def _order(kind: str, parts: list[np.ndarray], then_by: tuple[str, ...]) -> np.ndarray:
    rows = np.concatenate(parts)
    return np.lexsort((*(rows[name] for name in reversed(then_by)), effective_ns(kind, rows)))


def _trades_table(rows: np.ndarray, instrument: Instrument) -> pa.Table:
    sides = np.select([rows["taker_side"] == BUY, rows["taker_side"] == SELL], ["buy", "sell"], "unknown")
    columns = [
        _repeat(instrument.name, len(rows)),
        pa.array(rows["exchange_ns"], mask=rows["exchange_ns"] == UNKNOWN_NS),
        pa.array(rows["receive_ns"], mask=rows["receive_ns"] == UNKNOWN_NS),
        _trade_ids(rows),
        decimal_text(rows["price"], instrument.price_decimals),
        decimal_text(rows["size"], instrument.size_decimals),
        pa.array(sides, pa.string()),
    ]
    return pa.table(columns, schema=_TRADES)


def _trade_ids(rows: np.ndarray) -> pa.Array:
    """The venue's text of each id; null where it gives none. Of text ids the 128 bits are shown, in hex."""
    kinds = rows["id_kind"]
    if np.isin(kinds, (ID_INTEGER, ID_AGGREGATE)).all():
        return pa.array(np.ascontiguousarray(rows["id_lo"])).cast(pa.string())
    return pa.array([_trade_id(*row) for row in rows[["id_kind", "id_hi", "id_lo"]].tolist()], pa.string())


def _trade_id(kind: int, high: int, low: int) -> str | None:
    if kind in (ID_INTEGER, ID_AGGREGATE):
        return str(low)
    if kind == ID_UUID:
        return str(UUID(int=high << 64 | low))
    return f"{high:016x}{low:016x}" if kind else None


def _bars_table(rows: np.ndarray, instrument: Instrument) -> pa.Table:
    unknown = rows["state"] == BAR_UNKNOWN

    def decimal(name: str) -> pa.Array:
        decimals = instrument.size_decimals if "volume" in name else instrument.price_decimals
        untold = unknown | (rows[name] == UNTOLD) if name == "buy_volume" else unknown
        return pc.if_else(pa.array(untold), None, decimal_text(rows[name], decimals))

    columns = [
        pa.array(np.ascontiguousarray(rows["open_ns"])),
        pa.array(np.ascontiguousarray(rows["close_ns"])),
        *(decimal(name) for name in ("open", "high", "low", "close", "volume")),
        _repeat(instrument.name, len(rows)),
        _timeframes(rows["width_ns"]),
        decimal("buy_volume"),
        pa.array(rows["trades"], mask=unknown | (rows["trades"] == UNTOLD)),
        pa.array(BAR_STATES[rows["state"]], pa.string()),
        pa.array(np.ascontiguousarray(rows["revision"])),
    ]
    return pa.table(columns, schema=_BARS)


def _targets_table(rows: np.ndarray, instrument: Instrument) -> pa.Table:
    columns = [
        _repeat(instrument.name, len(rows)),
        pa.array(np.char.decode(rows["strategy"], "utf-8", "replace"), pa.string()),
        _timeframes(rows["width_ns"]),
        pa.array(np.ascontiguousarray(rows["close_ns"])),
        pa.array(np.ascontiguousarray(rows["known_ns"])),
        pa.array(rows["target"], mask=np.isnan(rows["target"])),
    ]
    return pa.table(columns, schema=_TARGETS)


def _timeframes(widths: np.ndarray) -> pa.Array:
    return pa.array([TIMEFRAME_OF.get(width, f"{width}ns") for width in widths.tolist()], pa.string())


def _repeat(text: str, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(text, pa.string()), count)
