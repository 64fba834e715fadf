"""The state of the chain in one file, so that a start replays seconds and not days. It is replaced whole, now and then.

In:  the saved bytes of the stages that can save themselves. Out: the file, and the newest one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from ninefold.journal.writer import DiskFull

VERSION = 1


class Snapshot(msgspec.Struct, frozen=True):
    """seq: the last input whose effects it holds. states: stage name to saved bytes."""

    seq: int
    states: dict[str, bytes]
    version: int = VERSION


class WrongSnapshot(ValueError):
    """A snapshot of another version of the program."""


def write(data_dir: Path, name: str, seq: int, states: Mapping[str, bytes]) -> None:
    """name: of the process. On disk before this returns. raises: DiskFull; the one before is there then."""
    path = _path(data_dir, name)
    temporary = path.with_suffix(".new")
    try:
        path.parent.mkdir(exist_ok=True)
        with temporary.open("wb") as file:
            file.write(msgspec.msgpack.encode(Snapshot(seq, dict(states))))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise DiskFull(
            error.errno,
            f"could not write {path}: {error.strerror}. Nothing is lost: the next start goes on from the snapshot before. "
            "Free space on this disk, then start again",
        ) from error


def read(data_dir: Path, name: str) -> Snapshot | None:
    """The newest snapshot of a process, or None. raises: WrongSnapshot."""
    path = _path(data_dir, name)
    if not path.exists():
        return None
    snapshot = msgspec.msgpack.decode(path.read_bytes(), type=Snapshot)
    if snapshot.version != VERSION:
        raise WrongSnapshot(
            f"{path} has version {snapshot.version}, this program reads {VERSION}; "
            "remove it, and the next start makes it again from the journal"
        )
    return snapshot


def _path(data_dir: Path, name: str) -> Path:
    return data_dir / "state" / f"{name}.snapshot"
