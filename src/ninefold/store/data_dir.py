"""The data dir: which format it has, and who may write its tables.

In:  a path.
Out: the path, created or checked; a lock that one writer holds. VERSION.json is {"format": 1, "written_by": "0.1.0"}.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import ninefold

FORMAT = 2  # 2: closed segments of the logs may be compressed
MIGRATIONS: dict[int, Callable[[Path], None]] = {
    1: lambda path: None
}  # format it starts from -> what makes it the next one


class WrongFormat(RuntimeError):
    """A data dir that this version cannot read."""


class NoDataDir(FileNotFoundError):
    """A path that holds no ninefold data."""


class AlreadyWritten(RuntimeError):
    """Another process writes these tables."""


class StoreWriteFailed(OSError):
    """The disk refused; nothing of the write was acknowledged."""

    def __str__(self) -> str:
        return str(self.strerror)  # it names the path already


def open_data_dir(path: Path) -> Path:
    """Create the data dir, or check that this version can write it; older formats are migrated.

    raises: WrongFormat naming both versions and what to do; StoreWriteFailed if the disk refuses.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with _one_at_a_time(path):
            _make_or_migrate(path)
    except OSError as refused:
        raise failed_write(path, refused) from refused
    return path


def check_data_dir(path: Path) -> Path:
    """The path, if it is a data dir that this version can read; creates nothing.

    raises: NoDataDir, WrongFormat.
    """
    path = Path(path)
    if _format(path) is None:
        raise NoDataDir(
            errno.ENOENT, f"there is no ninefold data in {path} (no VERSION.json); check --data-dir", str(path)
        )
    return path


def failed_write(path: Path, refused: Exception) -> StoreWriteFailed:
    """The error for a write that the disk refused: which path, why, and what was not acknowledged."""
    text = str(refused)
    full = (
        getattr(refused, "errno", None) == errno.ENOSPC
        or "os error 28" in text
        or "No space left" in text
        or "disk is full" in text
    )
    why = "no space left on the device" if full else text
    code = errno.ENOSPC if full else (getattr(refused, "errno", None) or errno.EIO)
    return StoreWriteFailed(
        code,
        f"cannot write {path}: {why}. Nothing of this write was acknowledged; make room, then write the same again",
        str(path),
    )


class WriterLock:
    """Held by the one writer of a folder; ends with the process, however it ends."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file: IO[str] = open(folder / ".writer", "a+")  # noqa: SIM115  (held for as long as the writer lives)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            holder = self._file.read().strip()
            self._file.close()
            raise AlreadyWritten(
                f"{folder} is being written by process {holder or 'unknown'}; one data dir has one writer: "
                "stop that one or use another --data-dir"
            ) from None
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def release(self) -> None:
        self._file.close()


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Several processes of one pipeline open their data dir at the same moment: the others wait here for the first."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _make_or_migrate(path: Path) -> None:
    found = _format(path)
    if found is None:
        _write_version(path, FORMAT)
    while found is not None and found < FORMAT:
        if found not in MIGRATIONS:
            raise WrongFormat(
                f"{path} has data format {found}, this is ninefold {ninefold.__version__} with format {FORMAT}, "
                "and there is no way from the one to the other; use the version that wrote it or another --data-dir"
            )
        MIGRATIONS[found](path)
        found += 1
        _write_version(path, found)


def _format(path: Path) -> int | None:
    try:
        with open(f"{path}/VERSION.json", "rb", buffering=0) as file:
            text = file.read().decode("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        said = json.loads(text)
        found = int(said["format"])
    except (ValueError, KeyError, TypeError):
        raise WrongFormat(
            f'{path / "VERSION.json"} is {text[:80]!r}; it must be like {{"format": {FORMAT}}}. '
            "Restore it or use another --data-dir"
        ) from None
    if found > FORMAT:
        raise WrongFormat(
            f"{path} has data format {found} (written by ninefold {said.get('written_by', 'unknown')}), "
            f"this is ninefold {ninefold.__version__} which reads formats up to {FORMAT}; "
            "upgrade ninefold or use another --data-dir"
        )
    return found


def _write_version(path: Path, format: int) -> None:
    temporary = path / ".VERSION.json.new"
    with temporary.open("w") as file:
        json.dump({"format": format, "written_by": ninefold.__version__}, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path / "VERSION.json")
