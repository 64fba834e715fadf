"""One Delta table: commit rows under a sequence number, replace files by others that hold the same rows.

In:  Arrow tables and the last sequence number they cover.
Out: commits that carry ("ninefold", last_seq) as application transaction. The library accepts the same transaction twice,
     so the caller reads `last_seq` first. Files are written here (parquet.py), commits that add or replace in delta_log.py,
     what is there is read in listing.py, and what else the log needs (checkpoints, tidying up) is done by the library.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import DeltaTable, Schema

from ninefold.market.arrays import KINDS
from ninefold.store.data_dir import WrongFormat
from ninefold.store.delta_log import append_actions, drop_unfinished, first_actions, put_commit, replace_actions
from ninefold.store.layout import SCHEMAS, stats_columns
from ninefold.store.listing import APP as APP
from ninefold.store.listing import LOG, live
from ninefold.store.listing import StoredFile as StoredFile
from ninefold.store.listing import committed_seq as committed_seq
from ninefold.store.listing import stored_files as stored_files
from ninefold.store.merge import Made, groups_to_join, write_joined
from ninefold.store.parquet import RowsWriter, runs_of

_CHECKPOINT = re.compile(r"^\d{20}\.checkpoint\.(.+\.)?parquet$")
CHECKPOINT_COMMITS = 50
COMPACT_COMMITS = 16  # after so many commits it is looked whether files are to be joined
SWEEP_COMMITS = 128
KEEP_HOURS = 1  # files that were joined or that retention let go stay this long for readers that still hold them
_CONFIGURATION = {
    "delta.checkpointInterval": str(CHECKPOINT_COMMITS),
    "delta.logRetentionDuration": "interval 10 minutes",
    "delta.enableExpiredLogCleanup": "true",
    "delta.deletedFileRetentionDuration": f"interval {KEEP_HOURS} hours",
}


class Table:
    """The writer's handle of one table; the writer's lock keeps it the only one.

    last_seq: everything up to here is in the table; 0 if nothing is.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.path = folder / name
        self.schema = SCHEMAS[name]
        self._partition = ["day"] if "day" in self.schema.names else None
        self.reopen()
        self._commits = COMPACT_COMMITS  # the last writer may have left many
        self._since_sweep = 0

    def reopen(self) -> None:
        """Forget what is known of the log and read it again; creates the table if there is none."""
        self._delta: DeltaTable | None = None  # the library's view, from when it is first needed
        self._files: dict[str, StoredFile] | None = None  # the live ones by path; None: to be asked for
        self.last_seq = self._version = 0
        if (now := live(self.path.parent, self.name)) is None:
            self._create()
            return
        self._check_columns(now.columns)
        drop_unfinished(self.path / LOG)
        self.last_seq, self._version = now.last_seq, now.version

    def _create(self) -> None:
        configuration = {**_CONFIGURATION, "delta.dataSkippingStatsColumns": ",".join(stats_columns(self.name))}
        (self.path / LOG).mkdir(parents=True, exist_ok=True)
        drop_unfinished(self.path / LOG)
        schema = Schema.from_arrow(self.schema).to_json()
        put_commit(
            self.path / LOG, 0, first_actions(schema, self._partition or [], configuration, time.time_ns() // 1_000_000)
        )

    def _check_columns(self, found: Sequence[str]) -> None:
        if list(found) != (wanted := self.schema.names):
            raise WrongFormat(
                f"{self.path} has the columns {' '.join(found)}, this version writes {' '.join(wanted)}; "
                "use the version that wrote it, or delete the tables and let them be made again from the journal"
            )

    def commit(self, rows: pa.Table, last_seq: int) -> None:
        """Append rows, or only the number if there are none. Rows of a market kind: as `to_arrow` gives them, sorted."""
        made = [self._written(day, some) for day, some in _by_day(rows)]
        now_ms = time.time_ns() // 1_000_000
        actions = append_actions([_told(self.path, one, now_ms) for one in made], last_seq, now_ms)
        while not put_commit(self.path / LOG, self._version + 1, actions):
            self._look()
        self.last_seq = last_seq
        self._committed(made, ())
        self._commits += 1

    def groups_to_join(self) -> list[list[StoredFile]]:
        """Files that should be joined, group by group, once in a while; most times none."""
        if self._commits < COMPACT_COMMITS:
            return []
        self._commits = 0
        return groups_to_join(self.name, self.files())

    def join(self, group: Sequence[StoredFile], stop: Callable[[], bool] = lambda: False) -> list[Made]:
        """Write files that hold what the group holds; `replace` makes them count. It may run while others commit.

        raises: Stopped.
        """
        return write_joined(self.name, group, self._new_path, stop)

    def replace(self, group: Sequence[StoredFile], made: Sequence[Made]) -> bool:
        """The group's rows are in other files now. False if some of the group went meanwhile: then nothing changes.

        raises: OSError if they are not as many rows, which is told and never done.
        """
        before, after = sum(file.rows for file in group), sum(one.rows for one in made)
        if before != after:
            raise OSError(
                f"joining {len(group)} files of {self.path} made {after:,} rows of {before:,}; they stay as they are"
            )
        now_ms = time.time_ns() // 1_000_000
        added = [{**_told(self.path, one, now_ms), "dataChange": False} for one in made]
        actions = replace_actions(added, [_gone(self.path, file) for file in group], self.last_seq, now_ms)
        paths = {file.path for file in group}
        while paths <= self._live().keys():
            if put_commit(self.path / LOG, self._version + 1, actions):
                self._committed(made, group)
                return True
            self._look()
        for one in made:
            one.path.unlink(missing_ok=True)
        return False

    def maintain(self) -> None:
        """Join what should be joined, and now and then delete what was replaced."""
        for group in self.groups_to_join():
            self.replace(group, self.join(group))
        self.sweep_now_and_then()

    def sweep_now_and_then(self) -> None:
        if self._since_sweep >= SWEEP_COMMITS:
            self.sweep()

    def let_go(self, days: Sequence[date]) -> None:
        """Take whole days out of the table; their files stay for readers that still hold them, until a later sweep."""
        for day in days:
            self._library().delete(f"day = '{day.isoformat()}'")
        self._look()

    def sweep(self) -> int:
        """Delete the files that no version of the last hour needs; returns the bytes that this gave back."""
        self._since_sweep = 0
        delta = self._library()
        gone = delta.vacuum(retention_hours=KEEP_HOURS, dry_run=True, enforce_retention_duration=False, full=True)
        sizes = [path.stat().st_size for name in gone if (path := self.path / unquote(name)).exists()]
        if gone:
            delta.vacuum(retention_hours=KEEP_HOURS, dry_run=False, enforce_retention_duration=False, full=True)
        self._look()
        return sum(sizes)

    def files(self) -> list[StoredFile]:
        """The live files; what others committed since our own last commit is not among them."""
        return list(self._live().values())

    def _live(self) -> dict[str, StoredFile]:
        return self._look() if self._files is None else self._files

    def _committed(self, made: Sequence[Made], gone: Sequence[StoredFile]) -> None:
        """A commit of ours is in the log, behind all others."""
        self._version += 1
        self._since_sweep += 1
        if self._files is not None:
            for file in gone:
                del self._files[file.path]
            self._files.update((str(one.path), _stored(one)) for one in made)
        if self._version % CHECKPOINT_COMMITS == 0:
            delta = self._library()
            delta.create_checkpoint()
            delta.cleanup_metadata()

    def _look(self) -> dict[str, StoredFile]:
        """The live files up to the last commit, whoever made it."""
        now = live(self.path.parent, self.name)
        assert now is not None, f"{self.path} has gone"
        self._version, self._files = now.version, {file.path: file for file in now.files}
        return self._files

    def _library(self) -> DeltaTable:
        """The library's view of the table, up to its last commit."""
        if self._delta is None:
            self._delta = DeltaTable(str(self.path))
        else:
            self._delta.update_incremental()
        return self._delta

    def _new_path(self, day: date | None) -> Path:
        folder = self.path if day is None else self.path / f"day={day.isoformat()}"
        return folder / f"{uuid4()}.parquet"

    def _written(self, day: date | None, rows: pa.Table) -> Made:
        writer = RowsWriter(self._new_path(day), rows.schema, stats_columns(self.name), fresh=True)
        try:
            writer.write(rows, runs_of(rows.column("instrument").to_numpy()) if self.name in KINDS else None)
            size = writer.close()
        except BaseException:
            writer.drop()
            raise
        return Made(writer.path, writer.rows, size, day, writer.bounds)


class Version(NamedTuple):
    """A whole version of a table: its files, relative to its folder, and the last seq it covers."""

    files: list[str]
    last_seq: int


def newest_version(folder: Path, name: str) -> Version | None:
    """The files that make up a table as it is now, None if it was never written. A writer may go on meanwhile.

    raises: FileNotFoundError if the log was tidied up while it was read: ask again.
    """
    path = folder / name
    if not DeltaTable.is_deltatable(str(path)):
        return None
    delta = DeltaTable(str(path))
    version = delta.version()
    names = {entry.name for entry in (path / LOG).iterdir()}
    made = [int(one[:20]) for one in names if _CHECKPOINT.match(one)]
    checkpoint = max((number for number in made if number <= version), default=-1)
    log = [one for one in names if _CHECKPOINT.match(one) and int(one[:20]) == checkpoint]
    first = min(checkpoint + 1, version)  # the newest commit is wanted as itself too: a writer goes on from it
    log += [f"{number:020d}.json" for number in range(first, version + 1)]
    missing = set(log) - names
    if missing:
        raise FileNotFoundError(f"{path / LOG} has no {min(missing)}; its writer tidies it up")
    rows = [unquote(action["path"]) for action in pa.table(delta.get_add_actions()).select(["path"]).to_pylist()]
    return Version([*(f"{LOG}/{one}" for one in sorted(log)), *rows], delta.transaction_version(APP) or 0)


def dataset(name: str, files: list[StoredFile]) -> ds.Dataset:
    """The rows of some files of a table, read when asked for; partition columns are left out."""
    return ds.dataset([file.path for file in files], format="parquet", schema=file_schema(name))


def batches(
    name: str, files: list[StoredFile], condition: pc.Expression | None, columns: list[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """The rows of some files that meet a condition, a part after the other. However many there are, few are in memory: Arrow
    by itself would read ahead of whoever is slower.
    """
    if files:
        yield from dataset(name, files).to_batches(
            columns=columns, filter=condition, batch_readahead=2, fragment_readahead=1
        )


@cache
def file_schema(name: str) -> pa.Schema:
    """The columns that are in the files; `day` is in their path."""
    return pa.schema([field for field in SCHEMAS[name] if field.name != "day"])


def _by_day(rows: pa.Table) -> Iterator[tuple[date | None, pa.Table]]:
    """The rows of each day, without that column; none if there are no rows."""
    if "day" not in rows.schema.names:
        if rows.num_rows:
            yield None, rows
        return
    days, kept = rows.column("day"), rows.drop_columns(["day"])
    found = pc.unique(days)
    for day in found:
        yield day.as_py(), kept if len(found) == 1 else kept.filter(pc.equal(days, day))


def _told(path: Path, one: Made, now_ms: int) -> dict[str, object]:
    """For a commit: a file of new rows."""
    return {
        "path": _relative(path, one.path),
        "partitionValues": _partition_of(one.day),
        "size": one.bytes,
        "modificationTime": now_ms,
        "dataChange": True,
        "stats": _statistics(one),
    }


def _gone(path: Path, file: StoredFile) -> dict[str, object]:
    """For a commit: a file whose rows are in others."""
    return {
        "path": _relative(path, Path(file.path)),
        "partitionValues": _partition_of(file.day),
        "size": file.bytes,
    }


def _stored(one: Made) -> StoredFile:
    return StoredFile(str(one.path), one.rows, one.bytes, one.day, one.bounds)


def _statistics(one: Made) -> str:
    return json.dumps(
        {
            "numRecords": one.rows,
            "minValues": {name: low for name, (low, _) in one.bounds.items()},
            "maxValues": {name: high for name, (_, high) in one.bounds.items()},
            "nullCount": dict.fromkeys(one.bounds, 0),
        }
    )


def _partition_of(day: date | None) -> dict[str, str | None]:
    return {} if day is None else {"day": day.isoformat()}


def _relative(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()
