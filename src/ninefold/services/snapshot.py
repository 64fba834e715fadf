"""The state of the chain in one record of the stream log, so that a start replays seconds and not days.

In:  stages that can save themselves. Out: one payload, and the newest one found in a log.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from ninefold.journal.inputs import SNAPSHOT
from ninefold.journal.reader import read_segment
from ninefold.journal.segment import segments

VERSION = 1


class Snapshot(msgspec.Struct, frozen=True):
    """seq: the last input whose effects it holds. states: stage name to saved bytes."""

    seq: int
    states: dict[str, bytes]
    version: int = VERSION


class WrongSnapshot(ValueError):
    """A snapshot of another version of the program."""


def encode(seq: int, states: Mapping[str, bytes]) -> bytes:
    return msgspec.msgpack.encode(Snapshot(seq, dict(states)))


def newest(folder: Path) -> Snapshot | None:
    """The newest snapshot in a stream log, or None. raises: WrongSnapshot."""
    for path in reversed(segments(folder)):
        found = None
        for record in read_segment(path):
            if record.kind == SNAPSHOT:
                found = record.payload
        if found is not None:
            snapshot = msgspec.msgpack.decode(found, type=Snapshot)
            if snapshot.version != VERSION:
                raise WrongSnapshot(
                    f"{path} holds a snapshot of version {snapshot.version}, this program reads {VERSION}; "
                    "stop with the version that wrote it first, or use another data dir"
                )
            return snapshot
    return None
