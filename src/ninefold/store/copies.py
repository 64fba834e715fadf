"""Copy the files of a data dir into a backup, only what is new.

In:  files, and the manifest of the backup before. A file of the same size and time as then is not read again; of a log
     that grew only the rest is copied; everything else is copied under the number of the run, so that no file of the
     backup before is touched until the new manifest is written.
Out: entries of the new manifest; every file on disk.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ninefold.store.manifest import NAME, Kept, Manifest, sync_folder

if TYPE_CHECKING:
    from hashlib import _Hash

BLOCK = 1 << 20
Step = Callable[[int], None]  # so many bytes more are in the backup


class Copies:
    """One run into one folder. copied: bytes that were written to it."""

    def __init__(self, folder: Path, before: Manifest | None, step: Step) -> None:
        self.folder = folder
        self.run = before.run + 1 if before else 1
        self.copied = 0
        self._before = {one.path: one for one in before.files} if before else {}
        self._step = step
        self._kept: dict[str, Kept] = {}

    @property
    def files(self) -> tuple[Kept, ...]:
        return tuple(self._kept[path] for path in sorted(self._kept))

    def take(self, source: Path, path: str) -> None:
        """A file that is written once, or replaced whole. raises: FileNotFoundError if it is gone, OSError."""
        with source.open("rb") as file:
            about = os.fstat(file.fileno())
            known = self._before.get(path)
            if known is not None and (known.bytes, known.mtime_ns) == (about.st_size, about.st_mtime_ns):
                self._keep(known)
                return
            self._keep(self._copy(file, path, about.st_size, about.st_mtime_ns))

    def take_log(self, source: Path, path: str, size: int) -> None:
        """The first `size` bytes of a file that grows at its end. raises: as `take`."""
        with source.open("rb") as file:
            about = os.fstat(file.fileno())
            known = self._before.get(path)
            if known is not None and known.bytes <= size:
                grown = self._append(file, known, size, about.st_mtime_ns)
                if grown is not None:
                    self._keep(grown)
                    return
                file.seek(0)
            self._keep(self._copy(file, path, size, about.st_mtime_ns))

    def take_made(self, made: Path, path: str) -> None:
        """A file that was made in the backup's folder for this run; it is dropped if the backup has the same already."""
        with made.open("rb") as file:
            digest = _read(file, None, made.stat().st_size).hexdigest()
        known = self._before.get(path)
        if known is not None and known.sha256 == digest:
            made.unlink()
            self._keep(known)
            return
        _sync(made)
        self.copied += made.stat().st_size
        kept = made.relative_to(self.folder).as_posix()
        self._keep(Kept(path, kept, made.stat().st_size, digest, made.stat().st_mtime_ns))

    def place(self, path: str) -> Path:
        """Where a file of this run lies; its folder is there."""
        place = self.folder / f"{self.run:06d}" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def forget(self, prefix: str) -> None:
        """Drop what was taken below a folder of the data dir: it will be taken again."""
        self._kept = {path: one for path, one in self._kept.items() if not path.startswith(prefix)}

    def sync(self) -> None:
        """The names of all files of this run are on disk when this returns."""
        begun = self.folder / f"{self.run:06d}"
        for folder in (begun, *(path for path in begun.rglob("*") if path.is_dir())):
            if folder.exists():
                sync_folder(folder)
        sync_folder(self.folder)

    def _append(self, file: IO[bytes], known: Kept, size: int, mtime_ns: int) -> Kept | None:
        """None if the file does not begin with what the backup has: a crash tore it, or it is another one."""
        digest = _read(file, None, known.bytes)
        if digest.hexdigest() != known.sha256:
            return None
        if size > known.bytes:
            with (self.folder / known.kept).open("r+b") as out:
                out.truncate(known.bytes)
                out.seek(known.bytes)
                _read(file, out, size - known.bytes, digest)
                out.flush()
                os.fsync(out.fileno())
            self.copied += size - known.bytes
        return Kept(known.path, known.kept, size, digest.hexdigest(), mtime_ns)

    def _copy(self, file: IO[bytes], path: str, size: int, mtime_ns: int) -> Kept:
        place = self.place(path)
        with place.open("wb") as out:
            digest = _read(file, out, size)
            out.flush()
            os.fsync(out.fileno())
        self.copied += size
        return Kept(path, place.relative_to(self.folder).as_posix(), size, digest.hexdigest(), mtime_ns)

    def _keep(self, one: Kept) -> None:
        self._kept[one.path] = one
        self._step(one.bytes)


def checked_copy(source: Path, kept: Kept, to: Path) -> str:
    """Copy a file out of a backup, on disk; returns what is wrong with it, "" if nothing is."""
    to.parent.mkdir(parents=True, exist_ok=True)
    try:
        file = source.open("rb")
    except FileNotFoundError:
        return "is missing"
    with file, to.open("wb") as out:
        found = os.fstat(file.fileno()).st_size
        if found < kept.bytes:
            return f"has {found:,} bytes instead of {kept.bytes:,}"
        digest = _read(file, out, kept.bytes)
        out.flush()
        os.fsync(out.fileno())
    return "" if digest.hexdigest() == kept.sha256 else "has another checksum than when it was copied"


def remove_others(folder: Path, manifest: Manifest) -> None:
    """Delete what no manifest names any more, and folders that are empty then."""
    kept = {folder / one.kept for one in manifest.files} | {folder / NAME, folder / ".writer"}
    found = sorted(folder.rglob("*"), reverse=True)  # what is in a folder before the folder
    for path in found:
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif path not in kept:
            path.unlink()


def _read(file: IO[bytes], out: IO[bytes] | None, size: int, digest: _Hash | None = None) -> _Hash:
    """Read `size` bytes from where a file stands into a hash, and into another file."""
    digest = sha256() if digest is None else digest
    while size:
        block = file.read(min(BLOCK, size))
        if not block:
            raise FileNotFoundError(f"{file.name} became shorter while it was read")
        digest.update(block)
        if out is not None:
            out.write(block)
        size -= len(block)
    return digest


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
