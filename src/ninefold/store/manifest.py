"""What a backup holds: manifest.json, written last and replaced whole, so that a backup that was killed is the one
before it.

In:  the folder of a backup.
Out: which file of the data dir lies where in it, with its size and SHA-256; up to where the data goes. Of a file that
     is longer than it says (a log that grew, and the run was killed) only so many bytes count.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

import msgspec

import ninefold
from ninefold.store.data_dir import FORMAT as DATA_FORMAT
from ninefold.store.data_dir import WrongFormat

FORMAT = 1
NAME = "manifest.json"


class CannotRestore(RuntimeError):
    """There is no whole backup here, or no place for it; nothing was written."""


class Kept(msgspec.Struct, frozen=True):
    """path: in the data dir. kept: in the backup. mtime_ns: of the file that was copied; with its size it tells whether
    it is still the same.
    """

    path: str
    kept: str
    bytes: int
    sha256: str
    mtime_ns: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """of: the data dir. run: how many backups were made into this folder. position, known_ns: every table, the ledger and
    both logs have all that was known by then; each may have more.
    """

    format: int = FORMAT
    written_by: str = ninefold.__version__
    data_format: int = DATA_FORMAT
    of: str
    run: int
    made_ns: int
    position: int
    known_ns: int
    files: tuple[Kept, ...]


class _Formats(msgspec.Struct):
    format: int
    data_format: int
    written_by: str


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a backup, None if there is none.

    raises: WrongFormat if a newer version wrote it, CannotRestore if it is damaged.
    """
    path = folder / NAME
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        said = msgspec.json.decode(text, type=_Formats)
        if said.format > FORMAT or said.data_format > DATA_FORMAT:
            raise WrongFormat(
                f"{path} has backup format {said.format} and data format {said.data_format} (ninefold {said.written_by}), "
                f"this is ninefold {ninefold.__version__}, which reads up to {FORMAT} and {DATA_FORMAT}; upgrade ninefold"
            )
        manifest = msgspec.json.decode(text, type=Manifest)
    except msgspec.DecodeError as error:
        raise CannotRestore(f"{path} is damaged: {error}; take another copy of this backup") from None
    for one in manifest.files:
        for name in (one.path, one.kept):
            if name.startswith("/") or ".." in PurePosixPath(name).parts:
                raise CannotRestore(f"{path} is damaged: it names {name!r}, which does not lie in a backup")
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """On disk before this returns."""
    temporary = folder / f".{NAME}.new"
    with temporary.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / NAME)
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Its names are on the disk when this returns."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
