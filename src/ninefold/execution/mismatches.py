"""What a run recorded against what comes of the same inputs again: everything that is not the same, bit for bit.

In:  rows and records of one stretch of inputs, as recorded and as made again.
Out: `Mismatch`es, oldest first: on which side something is missing, or which of its fields are others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from ninefold.market.records import AnyRecord, Fill, Has, May, MayScored, Order, Tick
from ninefold.market.strategy_records import Guard, LegsMoved, StrategyFailed
from ninefold.market.time import TIMEFRAME_OF

NONE = "none"
ROWS = {  # kind of rows to what one is called, and what tells it from others
    "bars": ("bar", ("instrument", "width_ns", "open_ns", "revision")),
    "forecasts": ("forecast", ("instrument", "width_ns", "close_ns", "horizon")),
    "targets": ("target", ("instrument", "width_ns", "close_ns", "strategy")),
}
KINDS = (
    "tick",
    "bar",
    "forecast",
    "target",
    "may",
    "score",
    "failure",
    "exit",
    "legs",
    "order",
    "refusal",
    "fill",
    "has",
)  # in the chain's order


class Mismatch(NamedTuple):
    """run, again: what there was on either side, NONE if nothing. instrument: id, 0 if it is of none."""

    seq: int
    known_ns: int
    kind: str
    instrument: int
    strategy: str
    what: str
    run: str
    again: str


def of_rows(kind: str, run: np.ndarray, again: np.ndarray) -> list[Mismatch]:
    """Rows of one kind, shape (n,) and (m,)."""
    if run.tobytes() == again.tobytes():
        return []
    of_run, of_again = _by_key(kind, run), _by_key(kind, again)
    found = []
    for key in sorted(of_run.keys() | of_again.keys()):
        mine, theirs = of_run.get(key), of_again.get(key)
        if mine is None or theirs is None or mine.tobytes() != theirs.tobytes():
            found.append(_of_row(kind, mine, theirs))
    return sorted(found)


def of_records(run: Iterable[AnyRecord], again: Iterable[AnyRecord]) -> list[Mismatch]:
    """Ticks, MAY and their scores, failures of free code, exits, legs, orders, fills and HAS; other records are not decisions."""
    of_run, of_again = _records_by_key(run), _records_by_key(again)
    found = []
    for key in of_run.keys() | of_again.keys():
        mine, theirs = of_run.get(key), of_again.get(key)
        if mine != theirs:
            found.append(_of_record(mine, theirs))
    return sorted(found)


def count(records: Iterable[AnyRecord]) -> Counter[str]:
    """How many there are of each kind that is compared."""
    return Counter(kind_of(record) for record in records if isinstance(record, _COMPARED))


def kind_of(record: AnyRecord) -> str:
    if isinstance(record, Order) and record.status == "refused":
        return "refusal"
    return _KIND[type(record)]


_KIND: dict[type, str] = {
    **{Tick: "tick", May: "may", MayScored: "score"},
    **{StrategyFailed: "failure", Guard: "exit", LegsMoved: "legs", Order: "order", Fill: "fill", Has: "has"},
}
_COMPARED = tuple(_KIND)


def _by_key(kind: str, rows: np.ndarray) -> dict[tuple[object, ...], np.void]:
    names = list(ROWS[kind][1])
    return dict(zip(rows[names].tolist(), rows, strict=True))


def _of_row(kind: str, run: np.void | None, again: np.void | None) -> Mismatch:
    one = run if run is not None else again
    assert one is not None
    fields = one.dtype.names or ()
    strategy = one["strategy"].decode() if "strategy" in fields else ""
    differ = [name for name in fields if run is None or again is None or run[name].tobytes() != again[name].tobytes()]
    shown = [name for name in differ if name not in ROWS[kind][1]]
    close_ns = int(one["close_ns"])
    what = f"{TIMEFRAME_OF.get(int(one['width_ns']), one['width_ns'])} closing {close_ns}"
    texts = [NONE if row is None else ", ".join(f"{name} {row[name]}" for name in shown) for row in (run, again)]
    return Mismatch(
        int(one["seq"]), int(one["known_ns"]), ROWS[kind][0], int(one["instrument"]), strategy, what, texts[0], texts[1]
    )


def _records_by_key(records: Iterable[AnyRecord]) -> dict[Hashable, AnyRecord]:
    """Two equal states of one order under one seq are one."""
    return {_key(record): record for record in records if isinstance(record, _COMPARED)}


def _key(record: AnyRecord) -> Hashable:
    match record:
        case Order():
            return ("order", record.seq, record.client_order_id, record.status, record.filled)
        case Fill():
            return ("fill", record.seq, record.client_order_id, record.trade_id)
        case Guard():
            return ("exit", record.seq, record.instrument, record.strategy, record.left, record.best)
        case LegsMoved():
            return ("legs", record.seq, record.strategy, record.state)
        case StrategyFailed():
            return ("failure", record.seq, record.strategy)
        case May() | MayScored():
            return (type(record).__name__, record.may_id)
        case Has():
            return ("has", record.has_id)
        case _:
            return ("tick", record.seq)


def _of_record(run: AnyRecord | None, again: AnyRecord | None) -> Mismatch:
    one = run or again
    assert one is not None
    names = one.__struct_fields__
    both = run is not None and again is not None
    differ = [name for name in names if not both or getattr(run, name) != getattr(again, name)]
    shown = differ if both else _shown(one)
    texts = [
        NONE if record is None else ", ".join(f"{name} {getattr(record, name)}" for name in shown)
        for record in (run, again)
    ]
    return Mismatch(
        one.seq,
        one.known_ns,
        kind_of(one),
        getattr(one, "instrument", 0),
        _strategies(one),
        _id(one),
        texts[0],
        texts[1],
    )


def _shown(record: AnyRecord) -> Sequence[str]:
    hidden = ("seq", "known_ns", "instrument", "text", "strategy", "strategies")
    return [
        field.name
        for field in msgspec.structs.fields(record)
        if field.name not in hidden and getattr(record, field.name) not in ("", ())
    ]


def _strategies(record: AnyRecord) -> str:
    if isinstance(record, Order):
        return ",".join(record.strategies)
    return record.strategy if isinstance(record, May | Has | Guard | StrategyFailed | LegsMoved) else ""


def _id(record: AnyRecord) -> str:
    if isinstance(record, Order | Fill | Has):
        return record.client_order_id
    if isinstance(record, Guard):
        return f"exits of {record.strategy}"
    if isinstance(record, LegsMoved):
        return f"legs of {record.strategy}"
    if isinstance(record, StrategyFailed):
        return f"free code of {record.strategy}"
    return record.may_id if isinstance(record, May | MayScored) else ""
