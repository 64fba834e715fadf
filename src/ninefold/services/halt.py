"""The halt switch: a file in the data dir. While it is there nothing may be sent, whatever else runs or not.

In:  `ninefold halt`, the API, Slack. Out: the file, which the hot process looks for at every tick and before every
     order.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec


class Halt(msgspec.Struct, frozen=True):
    by: str
    reason: str
    since_ns: int


def read(data_dir: Path) -> Halt | None:
    """The halt in force, or None. A file that cannot be understood halts too."""
    try:
        raw = (data_dir / "halt.json").read_bytes()
    except FileNotFoundError:
        return None
    try:
        return msgspec.json.decode(raw, type=Halt)
    except msgspec.DecodeError:
        return Halt("unknown", "halt.json cannot be read; remove it with `ninefold resume`", 0)


def write(data_dir: Path, halt: Halt) -> None:
    """Halt: on disk before this returns."""
    temporary = data_dir / ".halt.json.new"
    with temporary.open("wb") as file:
        file.write(msgspec.json.encode(halt))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(data_dir / "halt.json")


def clear(data_dir: Path) -> bool:
    """Resume; False if nothing was halted."""
    try:
        (data_dir / "halt.json").unlink()
    except FileNotFoundError:
        return False
    return True
