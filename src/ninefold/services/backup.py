"""A consistent copy of a data dir, also of a running pipeline, and the way back.

In:  a data dir and the folder of a backup.
Out: in the backup a state that a crash could have left, so that a start goes on from it: what depends on something is
     copied before it. Snapshots come first, then the tables (their position first), the ledger, the stream log, the
     journal: each has at least what those before it have. What it says is in it (`position`) all of them have.
Not in it: process logs, statuses, and what belongs to others (NATS, the simulated exchange).
"""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from stat import S_ISREG

from ninefold.journal.letgo import MARK, let_go_of
from ninefold.journal.reader import read, read_segment
from ninefold.journal.segment import HEADER, OVERHEAD, segments
from ninefold.market.chunk import decode
from ninefold.services.compare import Check, Progress
from ninefold.services.execute import LEDGER_KINDS
from ninefold.services.verify import verify
from ninefold.store.copies import Copies, checked_copy, remove_others
from ninefold.store.data_dir import WriterLock, check_data_dir, failed_write
from ninefold.store.delta import newest_version
from ninefold.store.layout import SCHEMAS
from ninefold.store.let_go import LET_GO
from ninefold.store.manifest import CannotRestore, Manifest, read_manifest, sync_folder, write_manifest

TRIES = 5  # a pipeline may tidy up what was just listed; then it is listed again
TABLES = ("certificates", *(name for name in SCHEMAS if name != "certificates"))  # its number is what all tables have
LOGS = ("stream", "journal")
STATES = (
    "VERSION.json",
    "source.json",
    "running.json",
    "halt.json",
    "flatten.json",
    "state/*.snapshot",
    "state/*.json*",
)
ALONE = (*STATES, "models/*", "runs/*.zst", "runs/bars/*.parquet")  # a run is kept after its bars: taken before them
LEDGER, TRIALS = "ledger.db", "trials.db"


class CannotBackUp(RuntimeError):
    """This folder cannot take this backup; nothing in it was touched."""


def backup(data_dir: Path, folder: Path, progress: Progress) -> dict[str, object]:
    """Copy what is new since the last backup into the folder; what it held before is there until the new one is whole.

    raises: NoDataDir, WrongFormat, CannotBackUp, CannotRestore if the old one is damaged, AlreadyWritten if another
            backup writes the folder, StoreWriteFailed.
    """
    check_data_dir(data_dir)
    started = time.perf_counter()
    before = _before(data_dir, folder)
    lock = WriterLock(folder)
    try:
        copies = Copies(folder, before, _counted(data_dir, progress))
        position, known_ns = _copy(data_dir, copies)
        copies.sync()
        manifest = Manifest(
            of=str(data_dir.resolve()),
            run=copies.run,
            made_ns=time.time_ns(),
            position=position,
            known_ns=known_ns,
            files=copies.files,
        )
        write_manifest(folder, manifest)
        remove_others(folder, manifest)
    except FileNotFoundError as gone:
        raise CannotBackUp(
            f"{gone.filename or gone} went away again and again while it was copied; run it again"
        ) from gone
    except (OSError, sqlite3.OperationalError) as refused:
        raise failed_write(folder, refused) from refused
    finally:
        lock.release()
    return {**told(manifest), "new_bytes": copies.copied, "elapsed_s": round(time.perf_counter() - started, 3)}


def restore(folder: Path, data_dir: Path, progress: Progress) -> tuple[dict[str, object], list[Check]]:
    """Put a backup into a new data dir, every file compared with its checksum; returns what was restored, and what
    `verify` says about it.

    raises: CannotRestore, WrongFormat, StoreWriteFailed; then the data dir is as it was.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        raise CannotRestore(f"there is no backup in {folder} (no manifest.json)")
    if data_dir.exists() and (not data_dir.is_dir() or any(data_dir.iterdir())):
        raise CannotRestore(f"{data_dir} is not empty; a backup is restored into a new --data-dir")
    place = data_dir.resolve()
    beside = place.parent / f".{place.name}.restoring"
    shutil.rmtree(beside, ignore_errors=True)  # of a restore that was killed
    try:
        _put(folder, manifest, beside, progress)
        beside.replace(place)
        sync_folder(place.parent)
    except OSError as refused:
        raise failed_write(data_dir, refused) from refused
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return told(manifest), verify(data_dir, progress)


def told(manifest: Manifest) -> dict[str, object]:
    """What a backup has."""
    return {
        "run": manifest.run,
        "position": manifest.position,
        "known_ns": str(manifest.known_ns),
        "made_ns": str(manifest.made_ns),
        "files": len(manifest.files),
        "bytes": sum(one.bytes for one in manifest.files),
    }


def _before(data_dir: Path, folder: Path) -> Manifest | None:
    """The backup that is in the folder. raises: CannotBackUp if it is of something else."""
    before = read_manifest(folder)
    if folder.resolve() == data_dir.resolve() or data_dir.resolve() in folder.resolve().parents:
        raise CannotBackUp(f"{folder} lies in the data dir {data_dir}; name a folder elsewhere, best on another disk")
    if before is None and folder.exists() and any(one.name[:1] != "." for one in folder.iterdir() if not _begun(one)):
        raise CannotBackUp(f"{folder} holds other files; name a new folder, or one that holds a backup of {data_dir}")
    if before is not None and before.of != str(data_dir.resolve()):
        raise CannotBackUp(
            f"{folder} holds a backup of {before.of}, this is {data_dir.resolve()}; use another folder for each data dir"
        )
    return before


def _begun(path: Path) -> bool:
    """What a first backup leaves that was killed."""
    return path.is_dir() and path.name.isdigit() and len(path.name) == 6


def _copy(data_dir: Path, copies: Copies) -> tuple[int, int]:
    """Everything, in the order that keeps it consistent; returns the position and the time up to which all of it goes."""
    for inner in sorted(
        path.parent for path in data_dir.glob("*/VERSION.json")
    ):  # downloads, imports: data dirs of their own
        _copy_store(inner, f"{inner.name}/", copies)
        _copy_logs(inner, f"{inner.name}/", copies)
    position = _copy_store(data_dir, "", copies)
    ledger_seq = _copy_ledger(data_dir, copies)
    _copy_database(data_dir, TRIALS, copies)
    _copy_logs(data_dir, "", copies)
    position = _in_ledger(data_dir, ledger_seq, position)
    return position, _known_ns(data_dir, position)


def _copy_store(root: Path, at: str, copies: Copies) -> int:
    """What stands alone, and the tables of a data dir that lies at a place of the backup; returns the tables' position."""
    for pattern in ALONE:
        _again(copies, None, partial(_copy_alone, root, at, pattern, copies))
    reached = [_again(copies, f"{at}tables/{name}/", partial(_copy_table, root, at, name, copies)) for name in TABLES]
    return reached[0]


def _copy_logs(root: Path, at: str, copies: Copies) -> None:
    for log in LOGS:
        _again(copies, f"{at}{log}/", partial(_copy_log, root, at, log, copies))


def _again(copies: Copies, prefix: str | None, act: Callable[[], int]) -> int:
    """What an act gives; again if something went away meanwhile. prefix: where it puts what is taken again then."""
    for _ in range(TRIES - 1):
        try:
            return act()
        except FileNotFoundError:
            if prefix is not None:
                copies.forget(prefix)
    return act()


def _copy_alone(root: Path, at: str, pattern: str, copies: Copies) -> int:
    for path in sorted(root.glob(pattern)):
        copies.take(path, f"{at}{path.relative_to(root).as_posix()}")
    return 0


def _copy_table(root: Path, at: str, name: str, copies: Copies) -> int:
    """Returns the last seq that the copy covers."""
    version = newest_version(root / "tables", name)
    for file in version.files if version else ():
        copies.take(root / "tables" / name / file, f"{at}tables/{name}/{file}")
    let_go = root / "tables" / LET_GO  # noted before rows go, so it is copied after the rows
    if let_go.exists():
        copies.take(let_go, f"{at}tables/{LET_GO}")
    return version.last_seq if version else 0


def _copy_ledger(data_dir: Path, copies: Copies) -> int:
    """Returns up to where the copy goes."""
    found = _copy_database(data_dir, LEDGER, copies, "SELECT last_seq FROM position")
    return int(found[0]) if found else 0


def _copy_database(data_dir: Path, name: str, copies: Copies, asked: str = "SELECT NULL") -> tuple[int, ...] | None:
    """SQLite's own copy of a file that may be written; returns the first row of what is asked of the copy."""
    source = data_dir / name
    if not source.exists():
        return None
    made = copies.place(name)
    made.unlink(missing_ok=True)
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as mine,
        closing(sqlite3.connect(made)) as other,
    ):
        mine.backup(other)
        found: tuple[int, ...] | None = other.execute(asked).fetchone()
    copies.take_made(made, name)
    return found


def _copy_log(root: Path, at: str, log: str, copies: Copies) -> int:
    """Closed segments, and the whole records of the newest one; what was let go is noted before it goes, so it is
    copied last.
    """
    files = segments(root / log)
    for path in files[:-1]:
        copies.take_log(path, f"{at}{log}/{path.name}", path.stat().st_size)
    for path in files[-1:]:
        whole = HEADER.size + sum(OVERHEAD + len(record.payload) for record in read_segment(path))
        copies.take_log(path, f"{at}{log}/{path.name}", min(whole, path.stat().st_size))
    if (root / log / MARK).exists():
        copies.take(root / log / MARK, f"{at}{log}/{MARK}")
    return 0


def _in_ledger(data_dir: Path, ledger_seq: int, position: int) -> int:
    """The position, or the seq before the first thing up to it that the ledger's copy lacks: its writer has a thread of
    its own, and may be behind the tables for a moment.
    """
    gone = let_go_of(data_dir / "stream")
    for record in read(data_dir / "stream", max(ledger_seq, gone.seq if gone else 0)):
        chunk = decode(record.payload)
        lacking = [one.seq for one in chunk.records if isinstance(one, LEDGER_KINDS) and one.seq > ledger_seq]
        if lacking or chunk.first_seq > position:
            return min([position, *(seq - 1 for seq in lacking)])
    return position


def _known_ns(data_dir: Path, position: int) -> int:
    """The last moment of which everything received is in it, 0 if there is none."""
    found = [record.receive_ns for record in islice(read(data_dir / "journal", max(position - 1, 0)), 2)]
    return min(found[0], found[1] - 1) if len(found) == 2 else max(found, default=0)


def _counted(data_dir: Path, progress: Progress) -> Callable[[int], None]:
    names = [*ALONE, LEDGER, TRIALS, "tables/**/*", *(f"{log}/*" for log in LOGS)]
    found = {path for name in names for at in ("", "*/") for path in data_dir.glob(f"{at}{name}")}
    total = sum(_size(path) for path in found)
    done = 0

    def step(more: int) -> None:
        nonlocal done
        done += more
        progress("backup", min(done, total), total)

    return step


def _size(path: Path) -> int:
    """0 of a folder, and of what was tidied up meanwhile."""
    try:
        about = path.stat()
    except FileNotFoundError:
        return 0
    return about.st_size if S_ISREG(about.st_mode) else 0


def _put(folder: Path, manifest: Manifest, beside: Path, progress: Progress) -> None:
    total, done = sum(one.bytes for one in manifest.files), 0
    for one in manifest.files:
        wrong = checked_copy(folder / one.kept, one, beside / one.path)
        if wrong:
            raise CannotRestore(
                f"{folder / one.kept} {wrong}: the backup is damaged there, and nothing was restored. "
                f"It holds {one.path} of run {manifest.run}; take another copy of this backup"
            )
        done += one.bytes
        progress("restore", done, total)
    for path in (beside, *(path for path in beside.rglob("*") if path.is_dir())):
        sync_folder(path)
