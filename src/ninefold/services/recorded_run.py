"""What a run recorded of its decisions, stretch by stretch.

In:  the stream log of a data dir, only read. Out: the rows and records that are compared, each once, up to one seq after the
     other.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ninefold.execution.mismatches import ROWS
from ninefold.journal.walk import Log, Step, chunks_of
from ninefold.market.arrays import empty
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Registry
from ninefold.market.records import AnyRecord, Has, Listed, May, MayScored, Tick
from ninefold.market.values import told

STREAMED = (Tick, May, MayScored, Has)  # the account's records are compared in the ledger


class Stretch(NamedTuple):
    """rows: by kind. records: those of the stream log that are compared."""

    rows: dict[str, np.ndarray]
    records: list[AnyRecord]


def stretch(chunk: Chunk, after_seq: int, until_seq: int) -> Stretch:
    """What of a chunk is compared and lies in (after_seq, until_seq]."""
    rows = {kind: _within(chunk.rows(kind), after_seq, until_seq) for kind in ROWS}
    records: list[AnyRecord] = [
        one for one in chunk.records if isinstance(one, STREAMED) and after_seq < one.seq <= until_seq
    ]
    return Stretch(rows, records)


class Decisions:
    """What is needed of a whole run to compare it with back-tests: bars of all revisions and what was told of them, in the
    order in which they became known, and the targets.
    """

    def __init__(self) -> None:
        self._rows: dict[str, list[np.ndarray]] = {"bars": [], "values": [], "targets": []}

    def add(self, chunk: Chunk, after_seq: int) -> None:
        for kind, held in self._rows.items():
            rows = chunk.rows(kind)
            if len(rows):
                rows = rows[rows["seq"] > after_seq]
                held.append(told(rows) if kind == "values" else rows)

    def rows(self, kind: str) -> np.ndarray:
        return np.concatenate([empty(kind), *self._rows[kind]])


class RecordedRun:
    """registry: the instruments, as far as it was read; decisions: as far as it was read."""

    def __init__(self, data_dir: Path, step: Step) -> None:
        self.registry = Registry()
        self.decisions = Decisions()
        self.log = Log(data_dir / "stream")
        self._chunks = chunks_of(self.log, step)
        self._held = Stretch({kind: empty(kind) for kind in ROWS}, [])
        self._read_seq = 0

    def until(self, seq: int) -> Stretch:
        """What comes up to a seq, behind what was taken before."""
        held = [self._held]
        while self._read_seq < seq and (found := next(self._chunks, None)) is not None:
            chunk, covered = found
            held.append(stretch(chunk, covered, chunk.last_seq))
            self.decisions.add(chunk, covered)
            self._read_seq = chunk.last_seq
            for record in chunk.records:
                if isinstance(record, Listed):
                    self.registry.learn(record.instrument)
        rows = {kind: np.concatenate([one.rows[kind] for one in held]) for kind in ROWS}
        records = [record for one in held for record in one.records]
        later = {kind: found[found["seq"] > seq] for kind, found in rows.items()}
        self._held = Stretch(later, [record for record in records if record.seq > seq])
        now = {kind: found[found["seq"] <= seq] for kind, found in rows.items()}
        return Stretch(now, [record for record in records if record.seq <= seq])


def _within(rows: np.ndarray, after_seq: int, until_seq: int) -> np.ndarray:
    return rows[(rows["seq"] > after_seq) & (rows["seq"] <= until_seq)] if len(rows) else rows
