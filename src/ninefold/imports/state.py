"""How far an import is: one small file a part, replaced whole, and the rows it refused beside it.

In:  the identity of a part. Out: D/imports/state/KEY.json and KEY.refused.jsonl. A kill between two batches loses
     nothing: the next run goes on behind the last batch that the file knows, and cuts refused rows written since.
"""

from __future__ import annotations

import errno
import os
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from ninefold.imports.numbers import Reasons
from ninefold.imports.source import Position
from ninefold.imports.stored import Sums
from ninefold.store.data_dir import failed_write


class State(msgspec.Struct, kw_only=True):
    """read = stored + there + refused, after every batch. carried, unit: see turn.py. known_ns: when the import began."""

    identity: str
    run: int
    known_ns: int
    position: Position | None = None
    read: int = 0
    stored: int = 0
    there: int = 0
    refused: int = 0
    refused_bytes: int = 0
    sums: Sums = msgspec.field(default_factory=Sums)
    carried: dict[str, Any] = {}
    unit: str = ""
    done: bool = False


class Kept:
    """The files of one part."""

    def __init__(self, data_dir: Path, identity: str) -> None:
        folder = data_dir / "state"
        folder.mkdir(exist_ok=True)
        key = blake2b(identity.encode(), digest_size=12).hexdigest()
        self._identity = identity
        self._file = folder / f"{key}.json"
        self.refused = folder / f"{key}.refused.jsonl"

    def load(self) -> State | None:
        """What an unfinished run left, or None."""
        if not self._file.exists():
            return None
        state = msgspec.json.decode(self._file.read_bytes(), type=State)
        return None if state.done or state.identity != self._identity else state

    def begin(self, state: State) -> None:
        """Refused rows of an earlier run go; those that this run has not counted yet are cut."""
        try:
            with self.refused.open("ab") as file:
                file.truncate(state.refused_bytes)
        except OSError as refused:
            raise failed_write(self.refused, refused) from refused

    def refuse(self, state: State, rows: list[dict[str, object]], numbers: list[int], reasons: Reasons) -> None:
        """Write refused rows as they were read. rows: their fields as text; numbers: their rows in the source."""
        lines = [
            msgspec.json.encode({"row": number + 1, "reason": reasons[place], "found": row})
            for row, number, place in zip(rows, numbers, sorted(reasons), strict=True)
        ]
        try:
            with self.refused.open("ab") as file:
                file.write(b"".join(line + b"\n" for line in lines))
                file.flush()
                os.fsync(file.fileno())
                state.refused_bytes = file.tell()
        except OSError as refused:
            raise failed_write(self.refused, refused) from refused
        state.refused += len(lines)

    def save(self, state: State) -> None:
        """Replace the file. raises: StoreWriteFailed."""
        beside = self._file.with_suffix(".new")
        try:
            with beside.open("wb") as file:
                file.write(msgspec.json.encode(state))
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._file)
        except OSError as refused:
            raise failed_write(self._file, refused) from refused


def last_run(data_dir: Path) -> int:
    """The highest number that any part was given."""
    runs = [0]
    for path in (data_dir / "state").glob("*.json"):
        try:
            runs.append(msgspec.json.decode(path.read_bytes(), type=State).run)
        except msgspec.DecodeError as unreadable:
            raise failed_write(path, OSError(errno.EIO, f"it cannot be read ({unreadable}); remove it")) from unreadable
    return max(runs)
