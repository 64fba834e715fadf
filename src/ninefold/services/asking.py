"""Orders and cancels that people ask for: files in the data dir, from which the door takes them.

In:  `ninefold order`, `ninefold cancel`: a command. Out: files in `asked`, oldest first, each a Command as JSON.

The door takes a file by giving it another name, so that it cannot be withdrawn any more, journals it, and removes it then. One
that was journalled and not removed before a crash is journalled again: it has the same name in it, and so is the same order.
Who asks again under the name of a file that is still there asks for the same.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from ninefold.journal.inputs import Command

FOLDER = "asked"
ASKED, TAKEN, UNREADABLE = ".json", ".taken", ".unreadable"


def put(data_dir: Path, command: Command, name: str, now_ns: int) -> Path:
    """Ask: on disk before this returns. name: what tells it from others of the same moment."""
    folder = data_dir / FOLDER
    folder.mkdir(exist_ok=True)
    path = folder / f"{now_ns:020d}-{name}{ASKED}"
    temporary = path.with_suffix(".new")
    with temporary.open("wb") as file:
        file.write(msgspec.json.encode(command))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    return path


def withdraw(path: Path) -> bool:
    """Take back what was asked for; False if the door has it."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def take(data_dir: Path) -> list[tuple[Path, Command]]:
    """What is asked for, to be journalled and then removed. A file that cannot be read asks for nothing, and is put aside."""
    folder = data_dir / FOLDER
    found: dict[Path, Command] = {}
    for name in sorted(os.listdir(folder)) if folder.is_dir() else ():
        path = folder / name
        taken = path.with_suffix(TAKEN)
        if path.suffix == ASKED:
            try:
                path.rename(taken)
            except FileNotFoundError:
                continue  # withdrawn at this moment
        elif path.suffix != TAKEN:
            continue
        try:
            found[taken] = msgspec.json.decode(taken.read_bytes(), type=Command)
        except msgspec.DecodeError:
            taken.rename(path.with_suffix(UNREADABLE))
    return list(found.items())
