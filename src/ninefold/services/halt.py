"""The switches in the data dir: `halt.json`, while it is there nothing may be sent, whatever else runs or not; and
`flatten.json`, what is to be sold out.

In:  `ninefold halt`, `flatten` and `resume`, the API, Slack, a fall that is too far. Out: the files, which the hot process looks
     for at every tick, the first one before every order too.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from ninefold.market.records import Halted

HALT, FLATTEN = "halt.json", "flatten.json"


class Halt(msgspec.Struct, frozen=True):
    by: str
    reason: str
    since_ns: int


class Ask(msgspec.Struct, frozen=True):
    """Somebody wants an instrument sold out, by its name; all of them where it is empty."""

    by: str
    instrument: str
    since_ns: int


def read(data_dir: Path) -> Halt | None:
    """The halt in force, or None. A file that cannot be understood halts too."""
    try:
        raw = (data_dir / HALT).read_bytes()
    except FileNotFoundError:
        return None
    try:
        return msgspec.json.decode(raw, type=Halt)
    except msgspec.DecodeError:
        return Halt("unknown", "halt.json cannot be read; remove it with `ninefold resume`", 0)


def write(data_dir: Path, halt: Halt) -> None:
    """Halt: on disk before this returns."""
    _replace(data_dir / HALT, halt)


def keep(data_dir: Path, halted: Halted) -> None:
    """A halt that the pipeline itself asks for, unless there is one."""
    if read(data_dir) is None:
        write(data_dir, Halt(halted.by, halted.reason, halted.known_ns))


def asked(data_dir: Path) -> tuple[Ask, ...]:
    """What is to be sold out. A file that cannot be understood asks for nothing more: the halt that was written with it holds."""
    try:
        return msgspec.json.decode((data_dir / FLATTEN).read_bytes(), type=tuple[Ask, ...])
    except (FileNotFoundError, msgspec.DecodeError):
        return ()


def flatten(data_dir: Path, ask: Ask) -> None:
    """Sell out: on disk before this returns. All of it halts as well, so that nothing is bought meanwhile."""
    if not ask.instrument and read(data_dir) is None:
        write(data_dir, Halt(ask.by, "flatten", ask.since_ns))
    _replace(data_dir / FLATTEN, (*(one for one in asked(data_dir) if one.instrument != ask.instrument), ask))


def clear(data_dir: Path) -> bool:
    """Resume; False if nothing was halted and nothing sold out."""
    found = [path for path in (data_dir / HALT, data_dir / FLATTEN) if path.exists()]
    for path in found:
        path.unlink(missing_ok=True)
    return bool(found)


def _replace(path: Path, content: object) -> None:
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("wb") as file:
        file.write(msgspec.json.encode(content))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
