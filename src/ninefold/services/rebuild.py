"""Make the tables again from the stream log, beside the old ones, and put them in their place once they are whole.

In:  the stream log of a data dir whose tables nobody writes.
Out: new tables with the same rows. They grow in D/rebuild/tables, are compared with the stream log, and then change
     places with D/tables in one step; the old ones are removed last. A rebuild that was killed is gone on with: the
     mark inside its folder tells new tables from old ones, wherever the kill left them.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
import time
from itertools import takewhile
from pathlib import Path

from deltalake.exceptions import DeltaError

from ninefold.journal.inputs import CHUNK
from ninefold.journal.reader import read
from ninefold.journal.walk import Log
from ninefold.market.chunk import Chunk, decode
from ninefold.services.compare import Check, Progress, compared, sums_of_stream
from ninefold.store.data_dir import WriterLock, check_data_dir
from ninefold.store.tables import Tables

BESIDE = "rebuild"
MARK = ".new"  # in a folder of tables that is being made
ROWS = 200_000  # a commit
EXCHANGE = 2  # RENAME_EXCHANGE of Linux, RENAME_SWAP of macOS
AT_FDCWD = -100  # Linux: paths are as the process sees them
CANNOT_EXCHANGE = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EXDEV)  # the file system does not know how


class CannotRebuild(RuntimeError):
    """There is nothing to make the tables from; what is stored was not touched."""


def rebuild(data_dir: Path, progress: Progress) -> dict[str, object]:
    """Make all tables again; returns what was made.

    raises: NoDataDir, WrongFormat, AlreadyWritten if a pipeline runs, CannotRebuild, StoreWriteFailed.
    """
    check_data_dir(data_dir)
    started = time.perf_counter()
    beside, live = data_dir / BESIDE, data_dir / "tables"
    if not live.exists() and (beside / "old").exists():
        (beside / "old").rename(live)  # killed between the two steps of a file system that cannot exchange in one
    lock = WriterLock(live)
    try:
        _tidy(beside, live)
        log = Log(data_dir / "stream")
        sums, instruments = sums_of_stream(log, sys.maxsize, progress)
        if log.let_go_seq:
            raise CannotRebuild(
                f"{log.folder} begins behind seq {log.let_go_seq:,}: retention let go what was before. The tables have rows "
                "that it no longer gives, so they stay. Put the old tables back from a backup"
            )
        if log.problem or not log.records:
            raise CannotRebuild(_refusal(data_dir, log))
        begun = _fill(beside, log, progress)
        checks = compared(beside / "tables", sums, log.last_seq, log.folder, instruments, progress, "")
        _refuse_if_differing(checks, beside)
        _put_in_place(beside, live)
    finally:
        lock.release()
    rows = {kind: one.rows() for kind, one in sums.items()}
    elapsed_s = round(time.perf_counter() - started, 3)
    return {"rows": rows, "last_seq": log.last_seq, "went_on_from_seq": begun, "elapsed_s": elapsed_s}


def _tidy(beside: Path, live: Path) -> None:
    """Remove old tables that a killed rebuild had replaced already."""
    (live / MARK).unlink(missing_ok=True)
    if beside.exists() and not (beside / "tables" / MARK).exists():
        shutil.rmtree(beside)


def _fill(beside: Path, log: Log, progress: Progress) -> int:
    """Write the chunks of the stream log, from where the new tables stand to where the log ended when it was read;
    returns where they stood.
    """
    (beside / "tables").mkdir(parents=True, exist_ok=True)
    (beside / "tables" / MARK).touch()
    try:
        with Tables(beside) as tables:
            begun = tables.position()
            waiting: list[Chunk] = []
            rows = 0
            for record in takewhile(lambda one: one.seq <= log.last_seq, read(log.folder, begun - 1)):
                if record.kind != CHUNK:
                    continue
                waiting.append(decode(record.payload))
                rows += 1 + sum(len(some) for some in waiting[-1].arrays.values())
                if rows >= ROWS:
                    _write(tables, waiting)
                    waiting, rows = [], 0
                    progress("new tables", record.seq, log.last_seq)
            _write(tables, waiting)
        return begun
    except DeltaError as error:
        raise _unusable(beside, str(error)) from error


def _write(tables: Tables, chunks: list[Chunk]) -> None:
    tables.write(chunks)
    tables.maintain()


def _refuse_if_differing(checks: list[Check], beside: Path) -> None:
    wrong = [f"{check.name}: {check.found}" for check in checks if check.ok is False]
    if wrong:
        raise _unusable(beside, "; ".join(wrong))


def _unusable(beside: Path, why: str) -> CannotRebuild:
    (beside / "tables" / MARK).unlink(missing_ok=True)
    shutil.rmtree(beside)
    return CannotRebuild(
        f"the new tables are not what the stream log says ({why}); they were removed and the old ones stay. "
        "An interrupted rebuild may have left them so: run it again"
    )


def _refusal(data_dir: Path, log: Log) -> str:
    found = f"is damaged: {log.problem}" if log.problem else "holds nothing"
    return (
        f"{log.folder} {found}. Tables are made again from the stream log; the old ones were not touched. "
        f"`ninefold replay {data_dir} --data-dir NEW` makes everything from the journal, on paper. Or move {log.folder} "
        "away and start the pipeline (or the replay) again: it makes the stream log again, but for HAS messages and equity "
        "of the time that the ledger has already"
    )


def _put_in_place(beside: Path, live: Path) -> None:
    """The new tables are on the disk before they are put in place, and in place before the old ones go."""
    for folder, _, files in os.walk(beside / "tables"):
        for name in (*files, "."):
            _to_disk(Path(folder) / name)
    try:
        exchange(beside / "tables", live)
    except OSError as refused:
        if refused.errno not in CANNOT_EXCHANGE:
            raise
        _exchange_in_two_steps(beside, live)
    (live / MARK).unlink()
    for changed in (live, live.parent, beside):
        _to_disk(changed)
    shutil.rmtree(beside)


def _to_disk(path: Path) -> None:
    """An append to a table syncs nothing; here the only other copy is about to go."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _exchange_in_two_steps(beside: Path, live: Path) -> None:
    """Between the two there are no tables for a moment; killed there, the next rebuild puts the old ones back."""
    shutil.rmtree(beside / "old", ignore_errors=True)
    live.rename(beside / "old")
    (beside / "tables").rename(live)


def exchange(one: Path, other: Path) -> None:
    """Two folders change their names in one step. raises: OSError if the file system cannot do that."""
    libc = ctypes.CDLL(None, use_errno=True)
    paths = os.fsencode(one), os.fsencode(other)
    try:
        if sys.platform == "darwin":
            failed = libc.renamex_np(*paths, EXCHANGE)
        else:
            failed = libc.renameat2(AT_FDCWD, paths[0], AT_FDCWD, paths[1], EXCHANGE)
    except AttributeError:
        raise OSError(errno.ENOSYS, "this C library cannot exchange two folders") from None
    if failed:
        raise OSError(ctypes.get_errno(), f"cannot exchange {one} and {other}")
