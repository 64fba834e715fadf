"""One Delta table: commit rows under a sequence number, keep the number of live files small, list files for readers.

In:  Arrow tables and the last sequence number they cover.
Out: commits that carry ("ninefold", last_seq) as application transaction. The library accepts the same transaction
     twice,
     so the caller reads `last_seq` first. Settings were measured: delta encoding of integers and dictionaries for the
     columns that
     repeat give half the bytes of the defaults; more than some 200 live files make every append slower.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import (
    ColumnProperties,
    CommitProperties,
    DeltaTable,
    Transaction,
    WriterProperties,
    write_deltalake,
)

from ninefold.store.data_dir import WrongFormat
from ninefold.store.layout import SCHEMAS, stats_columns

APP = "ninefold"
LOG = "_delta_log"
_CHECKPOINT = re.compile(r"^\d{20}\.checkpoint\.(.+\.)?parquet$")
COMPACT_COMMITS = 100
COMPACT_BYTES = (
    4 * 2**20
)  # files of this size are left alone: to join them with every hundred new ones would rewrite the hour
WHOLE_EVERY = 25  # every so many compactions, some forty minutes, files are joined up to WHOLE_BYTES
WHOLE_BYTES = 64 * 2**20
KEEP_HOURS = 1  # files that compaction replaced or retention let go stay this long for readers that still hold them
_REPEATING = {
    "instrument",
    "price",
    "size",
    "bid",
    "ask",
    "bid_size",
    "ask_size",
    "side",
    "action",
    "taker_side",
    "id_kind",
}
_CONFIGURATION = {
    "delta.checkpointInterval": "50",
    "delta.logRetentionDuration": "interval 10 minutes",
    "delta.enableExpiredLogCleanup": "true",
    "delta.deletedFileRetentionDuration": f"interval {KEEP_HOURS} hours",
}


class StoredFile(NamedTuple):
    """One live file: its path, rows, size, day, and the bounds of the columns that have statistics."""

    path: str
    rows: int
    bytes: int
    day: date | None
    bounds: dict[str, tuple[int, int]]

    def may_hold(self, column: str, low: int | None, high: int | None) -> bool:
        """Whether a value in [low, high) may be in it."""
        smallest, largest = self.bounds[column]
        return (low is None or largest >= low) and (high is None or smallest < high)


class Table:
    """The writer's handle of one table; the writer's lock keeps it the only one.

    last_seq: everything up to here is in the table; 0 if nothing is.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.path = folder / name
        self.schema = SCHEMAS[name]
        self._partition = ["day"] if "day" in self.schema.names else None
        self._properties = _writer_properties(self.schema)
        self.reopen()
        self._commits = len(self._delta.file_uris())
        self._compactions = 0

    def reopen(self) -> None:
        """Forget what is known of the log and read it again; creates the table if there is none."""
        if DeltaTable.is_deltatable(str(self.path)):
            self._delta = DeltaTable(str(self.path))
            self._check_columns()
        else:
            configuration: dict[str, str | None] = {
                **_CONFIGURATION,
                "delta.dataSkippingStatsColumns": ",".join(stats_columns(self.name)),
            }
            self._delta = DeltaTable.create(
                str(self.path), self.schema, mode="ignore", partition_by=self._partition, configuration=configuration
            )
        self.last_seq = self._delta.transaction_version(APP) or 0  # to ask costs milliseconds: once is enough

    def _check_columns(self) -> None:
        found, wanted = [field.name for field in self._delta.schema().fields], self.schema.names
        if found != wanted:
            raise WrongFormat(
                f"{self.path} has the columns {' '.join(found)}, this version writes {' '.join(wanted)}; "
                "use the version that wrote it, or delete the tables and let them be made again from the journal"
            )

    def commit(self, rows: pa.Table, last_seq: int) -> None:
        """Append rows, or only the number if there are none."""
        properties = CommitProperties(app_transactions=[Transaction(APP, last_seq)])
        if rows.num_rows:
            write_deltalake(
                self._delta, rows, mode="append", writer_properties=self._properties, commit_properties=properties
            )
        else:
            self._delta.create_write_transaction(
                [], "append", self.schema, self._partition, commit_properties=properties
            )
            self._delta.update_incremental()
        self.last_seq = last_seq
        self._commits += 1

    def maintain(self) -> bool:
        """Every 100 commits join the small files, now and then the larger ones too, and delete what earlier compactions
        replaced; returns whether it did.
        """
        if self._commits < COMPACT_COMMITS:
            return False
        self._compactions += 1
        whole = self._compactions % WHOLE_EVERY == 0
        self._delta.optimize.compact(
            target_size=WHOLE_BYTES if whole else COMPACT_BYTES,
            max_concurrent_tasks=1,
            writer_properties=self._properties,
        )
        self.sweep()
        self._commits = 0
        return True

    def let_go(self, days: Sequence[date]) -> None:
        """Take whole days out of the table; their files stay for readers that still hold them, until a later sweep."""
        for day in days:
            self._delta.delete(f"day = '{day.isoformat()}'")

    def sweep(self) -> int:
        """Delete the files that no version of the last hour needs; returns the bytes that this gave back."""
        gone = self._delta.vacuum(retention_hours=KEEP_HOURS, dry_run=True, enforce_retention_duration=False, full=True)
        sizes = [path.stat().st_size for name in gone if (path := self.path / unquote(name)).exists()]
        if gone:
            self._delta.vacuum(retention_hours=KEEP_HOURS, dry_run=False, enforce_retention_duration=False, full=True)
        return sum(sizes)

    def files(self) -> list[StoredFile]:
        return _files(self._delta, self.path)


def stored_files(folder: Path, name: str) -> list[StoredFile]:
    """The live files of a table as its log says now; none if it was never written."""
    path = folder / name
    if not DeltaTable.is_deltatable(str(path)):
        return []
    return _files(DeltaTable(str(path)), path)


def committed_seq(folder: Path, name: str) -> int:
    """The last seq that was committed to a table, 0 if there is none."""
    path = folder / name
    if not DeltaTable.is_deltatable(str(path)):
        return 0
    return DeltaTable(str(path)).transaction_version(APP) or 0


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


def file_schema(name: str) -> pa.Schema:
    """The columns that are in the files; `day` is in their path."""
    return pa.schema([field for field in SCHEMAS[name] if field.name != "day"])


def _files(delta: DeltaTable, path: Path) -> list[StoredFile]:
    listed = pa.table(delta.get_add_actions(flatten=True)).to_pylist()
    return [_stored_file(action, path) for action in listed]


def _stored_file(action: dict[str, object], path: Path) -> StoredFile:
    bounds = {
        key[4:]: (value, action["max." + key[4:]])
        for key, value in action.items()
        if key.startswith("min.") and value is not None
    }
    return StoredFile(
        path=str(path / unquote(str(action["path"]))),
        rows=action["num_records"],  # type: ignore[arg-type]
        bytes=action["size_bytes"],  # type: ignore[arg-type]
        day=action.get("partition.day"),  # type: ignore[arg-type]
        bounds=bounds,  # type: ignore[arg-type]
    )


def _writer_properties(schema: pa.Schema) -> WriterProperties:
    columns: dict[str, ColumnProperties] = {}
    for field in schema:
        if field.name in _REPEATING or pa.types.is_string(field.type):
            columns[field.name] = ColumnProperties(dictionary_enabled=True)
        elif pa.types.is_integer(field.type) and field.type.bit_width >= 32:
            columns[field.name] = ColumnProperties(dictionary_enabled=False, encoding="DELTA_BINARY_PACKED")
    return WriterProperties(
        compression="ZSTD",
        compression_level=1,
        max_row_group_size=131_072,
        default_column_properties=ColumnProperties(dictionary_enabled=False),
        column_properties=columns,
    )
