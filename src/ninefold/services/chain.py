"""All stages in a row, in one process: the hot path.

In:  chunks from the intake.
Out: the same chunks with everything the stages made, in the stream log; then what the edges act on (orders to send).
A chunk is in the stream log before the ledger has it, and in the ledger before an order leaves. After a crash the
chain is fed again from its
last snapshot, and what the log has already is not written again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ninefold.journal.inputs import CHUNK
from ninefold.journal.writer import LogWriter
from ninefold.market.chunk import Chunk, encode
from ninefold.services.stage import Kept, TimedStage


class Chain:
    """after: called with each finished chunk once it is in the log; it writes the ledger and sends."""

    def __init__(self, stages: Sequence[TimedStage], stream: LogWriter, after: Callable[[Chunk], None]) -> None:
        self.stages = stages
        self._stream = stream
        self._after = after
        self._written_seq = stream.last_seq

    def hand_on(self, chunk: Chunk) -> None:
        """Run one chunk through all stages."""
        for stage in self.stages:
            chunk = stage.step(chunk)
        if chunk.last_seq > self._written_seq:
            self._stream.append(CHUNK, 0, chunk.last_seq, chunk.known_ns, encode(chunk))
            self._stream.flush()
            self._written_seq = chunk.last_seq
        self._after(chunk)

    def states(self) -> dict[str, bytes]:
        """What the stages need to go on from here; every input so far must have been handed on."""
        return {stage.stage.name: stage.stage.save() for stage in self.stages if isinstance(stage.stage, Kept)}

    def load(self, states: dict[str, bytes]) -> None:
        for stage in self.stages:
            if isinstance(stage.stage, Kept) and stage.stage.name in states:
                stage.stage.load(states[stage.stage.name])
