"""A stage of the chain and how it is run: alone or in a row, timed and counted.

In:  chunks. Out: the same chunks, with what each stage made.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from ninefold.bus.status import Meter
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Instrument
from ninefold.market.records import Fill, Has, Headline, May, MayScored, Order


class Stage(Protocol):
    """A pure core: step adds to the chunk it gets and gives it back."""

    name: str

    def step(self, chunk: Chunk) -> Chunk: ...


@runtime_checkable
class Kept(Protocol):
    """A stage whose state is saved as bytes."""

    def save(self) -> bytes: ...

    def load(self, state: bytes) -> None: ...


@runtime_checkable
class Warmed(Protocol):
    """A stage whose state is made again from the bars so far and the values stored with them."""

    def warm(self, instruments: Sequence[Instrument], bars: np.ndarray, values: np.ndarray) -> None: ...


FILLS_KNOWN = 2_000


class TimedStage:
    """Runs one stage and counts what it made; `clock` gives our wall clock in ns, None in a replay."""

    def __init__(self, stage: Stage, meter: Meter, clock: Callable[[], int] | None) -> None:
        self.stage = stage
        self.meter = meter
        self._clock = clock
        self._fills: dict[tuple[str, str], None] = {}

    def step(self, chunk: Chunk) -> Chunk:
        before = {kind: len(rows) for kind, rows in chunk.arrays.items() if kind in _COUNTED}
        known = len(chunk.records)
        started = time.perf_counter_ns()
        chunk = self.stage.step(chunk)
        meter = self.meter
        meter.elapsed("step", time.perf_counter_ns() - started)
        for kind, name in _COUNTED.items():
            if kind in chunk.arrays and (more := len(chunk.arrays[kind]) - before.get(kind, 0)):
                meter.count(name, more)
        if self.stage.name == "decide" and self._clock is not None and len(chunk.rows("targets")):
            meter.elapsed("receive_to_decision", self._clock() - chunk.known_ns)
        if chunk.records:
            self._count_records(chunk, known)
        meter.last_seq = chunk.last_seq
        return chunk

    def _count_records(self, chunk: Chunk, known: int) -> None:
        meter = self.meter
        if self.stage.name == "sentiment":
            meter.count("headlines", sum(isinstance(record, Headline) for record in chunk.records))
        if self.stage.name == "execute":
            self._count_fills(chunk)
        for record in chunk.records[known:]:
            if isinstance(record, Order):
                meter.count({"sent": "orders", "refused": "refused"}.get(record.status, "order_changes"))
            elif type(record) in _COUNTED_RECORDS:
                meter.count(_COUNTED_RECORDS[type(record)])

    def _count_fills(self, chunk: Chunk) -> None:
        """A fill can be told twice, by the answer to its order and by the event stream."""
        for record in chunk.records:
            if isinstance(record, Fill) and (key := (record.client_order_id, record.trade_id)) not in self._fills:
                self._fills[key] = None
                self.meter.count("fills")
        while len(self._fills) > FILLS_KNOWN:
            del self._fills[next(iter(self._fills))]


_COUNTED = {"bars": "bars", "values": "indicators", "forecasts": "forecasts", "targets": "targets"}
_COUNTED_RECORDS: dict[type, str] = {May: "may", MayScored: "may_scored", Has: "has"}
