"""Which files a place names, and what tells two states of one file apart."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ninefold.imports.mapping import ImportRefused


def files_of(place: str, endings: tuple[str, ...]) -> list[Path]:
    """The file that a place names, or the files of such endings in the folder that it names, by name.

    raises: ImportRefused if there is none.
    """
    path = Path(place)
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise ImportRefused(f"there is no file or folder {place}")
    found = sorted(file for file in path.rglob("*") if file.is_file() and file.name.lower().endswith(endings))
    if not found:
        raise ImportRefused(f"{place} holds no file that ends in {', '.join(endings)}")
    return found


def identity_of(path: Path) -> str:
    """A file that was changed since is another one."""
    stat = path.stat()
    return f"file {path.resolve()} {stat.st_size} {stat.st_mtime_ns}"


@contextmanager
def opened(path: Path) -> Iterator[tuple[BinaryIO, Callable[[], int]]]:
    """The file's bytes, unpacked if it ends in .gz; and how many of the file's own bytes were read so far."""
    with path.open("rb") as raw:
        if path.name.endswith(".gz"):
            with gzip.GzipFile(fileobj=raw) as unpacked:
                yield unpacked, raw.tell  # type: ignore[misc]
        else:
            yield raw, raw.tell
