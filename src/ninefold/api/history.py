"""Rows from the live view and, where it does not reach back far enough, from the store.

In:  the view (read at once, on the loop) and the store's reader (read in a thread: it may take long).
Out: rows oldest first, the newest `limit` of the window. Where both hold a row, the view's is newer and wins.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import numpy as np

from ninefold.api.context import ApiContext, StoreReader
from ninefold.api.query import Window
from ninefold.api.series import BarTuple
from ninefold.api.tape import Tape
from ninefold.market.arrays import BARS, empty
from ninefold.market.values import TOLD

_OPEN_NS = list(BARS.names or ()).index("open_ns")


async def bars(context: ApiContext, instrument_id: int, width_ns: int, wanted: Window) -> list[BarTuple]:
    """Finished bars by their opening time, newest revision each."""
    series = context.view.series.get((instrument_id, width_ns))
    live = series.between(wanted.start_ns, wanted.end_ns) if series else []
    first_held = series.between()[0][_OPEN_NS] if series is not None and len(series) else None
    reaches = wanted.start_ns is not None and first_held is not None and first_held <= wanted.start_ns
    if context.reader is not None and not reaches and len(live) < wanted.limit:
        live = await asyncio.to_thread(_with_stored, live, context.reader, instrument_id, width_ns, wanted)
    return live[-wanted.limit :]


async def trades(context: ApiContext, instrument_id: int, wanted: Window) -> np.ndarray:
    """Trades by exchange time, in the order in which they came."""
    held = _held(context.view.trades.get(instrument_id), "trades")
    live = _within(held, "exchange_ns", wanted)
    if context.reader is None or len(live) >= wanted.limit:
        return live[-wanted.limit :]
    until_seq = int(held["seq"][0]) if len(held) else None
    stored = await asyncio.to_thread(
        context.reader.trades, instrument_id, wanted.start_ns, wanted.end_ns, wanted.limit + len(held), True
    )
    older = stored if until_seq is None else stored[stored["seq"] < until_seq]
    return np.concatenate([older, live])[-wanted.limit :]


async def told(context: ApiContext, instrument_id: int, width_ns: int, names: Collection[str]) -> np.ndarray:
    """VALUES rows of what was told of each bar of a series, of the columns named, all there are; where stored and live ones
    meet, some come twice."""
    terms = [term.decode() for term in TOLD if term.decode() in names]
    live = _held(context.view.told.get((instrument_id, width_ns)), "values")
    if context.reader is None or not terms:
        return live
    read = context.reader.values
    stored = [await asyncio.to_thread(read, instrument_id, width_ns, term=term) for term in terms]
    return np.concatenate([*stored, live])


def rows(tapes: dict[tuple[int, int], Tape], kind: str, keys: list[tuple[int, int]], limit: int) -> np.ndarray:
    """The newest rows of several tapes together, in the order in which they became known."""
    parts = [_held(tapes.get(key), kind)[-limit:] for key in keys]
    together = np.concatenate([empty(kind), *parts])
    return together[np.argsort(together["seq"], kind="stable")][-limit:]


def _held(tape: Tape | None, kind: str) -> np.ndarray:
    held = tape.rows() if tape is not None else None
    return empty(kind) if held is None else held


def _within(held: np.ndarray, column: str, wanted: Window) -> np.ndarray:
    mask = np.ones(len(held), bool)
    if wanted.start_ns is not None:
        mask &= held[column] >= wanted.start_ns
    if wanted.end_ns is not None:
        mask &= held[column] < wanted.end_ns
    return held[mask]


def _with_stored(
    live: list[BarTuple], reader: StoreReader, instrument_id: int, width_ns: int, wanted: Window
) -> list[BarTuple]:
    """The store's range is of closing times, ours of opening times: one width apart."""
    start_ns = None if wanted.start_ns is None else wanted.start_ns + width_ns
    end_ns = None if wanted.end_ns is None else wanted.end_ns + width_ns
    stored = reader.bars(instrument_id, width_ns, start_ns, end_ns, wanted.limit, newest=True).tolist()
    merged = {row[_OPEN_NS]: row for row in stored} | {row[_OPEN_NS]: row for row in live}
    return sorted(merged.values(), key=lambda row: row[_OPEN_NS])
