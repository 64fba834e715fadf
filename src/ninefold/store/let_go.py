"""Which days of which tables were let go: what is missing there is missing on purpose.

In:  the folder of tables.
Out: days by kind, from a small file that is on the disk before the rows go. A rebuild makes new tables, with all rows
     and without this file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import msgspec

from ninefold.store.data_dir import WrongFormat
from ninefold.store.manifest import sync_folder

LET_GO = "let_go.json"
_EPOCH = date(1970, 1, 1)


def let_go_of(folder: Path) -> dict[str, dict[date, int]]:
    """When days went, on our clock in ns: by kind, then by day; empty if nothing ever did.

    raises: WrongFormat if the file cannot be read.
    """
    path = folder / LET_GO
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, dict[date, int]])
    except FileNotFoundError:
        return {}
    except msgspec.DecodeError as error:
        raise WrongFormat(
            f"{path} cannot be read: {error}. It names the days that were let go; put it back from a backup"
        ) from None


def let_go_days(folder: Path) -> dict[str, frozenset[int]]:
    """The same as days since 1970, as checksums count them."""
    return {kind: frozenset((day - _EPOCH).days for day in days) for kind, days in let_go_of(folder).items()}


def note_let_go(folder: Path, kind: str, days: Iterable[date], at_ns: int) -> None:
    """On disk before this returns."""
    found = let_go_of(folder)
    found[kind] = {**found.get(kind, {}), **dict.fromkeys(days, at_ns)}
    temporary = folder / f".{LET_GO}.new"
    with temporary.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(found), indent=1))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / LET_GO)
    sync_folder(folder)
