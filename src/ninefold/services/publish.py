"""The same tables on S3: the commits of a data dir's tables repeated into Delta tables in a bucket, for engines elsewhere.

In:  a data dir, also of a running pipeline, which is only read; s3://BUCKET/PREFIX. Keys, region and another endpoint are in
     the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL, AWS_ALLOW_HTTP.
Out: tables of the same names, columns and rows, and `instruments`, which says what the ids and the whole numbers mean. A call
     adds what is new. What retention let go here stays there.

Each commit carries up to which seq it goes, as those of the data dir do. Two that publish at once cannot both commit the same
rows: S3 takes a version of the log once (a conditional put), and Delta refuses a commit whose number another one moved.
Who was too late reads the number again and goes on behind it.
"""

from __future__ import annotations

import re
import time
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from ninefold.market.instruments import Instrument
from ninefold.services.compare import Progress
from ninefold.services.origin import origin_of
from ninefold.store.data_dir import check_data_dir
from ninefold.store.delta import APP, StoredFile, stored_files
from ninefold.store.layout import SCHEMAS, stats_columns
from ninefold.store.read import Reader
from ninefold.store.scan import scan

MOST_ROWS = 2_000_000  # of a commit; some 200 MB while it is written
TRIES = 5  # for the same rows: who loses against another publisher finds them there, so this is something else
COMPACT_FILES = 100
COMPACT_BYTES = 256 * 2**20  # what engines on many machines like to read at once
ADDRESS = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9_.=-]+)*")
OPTIONS = {"aws_conditional_put": "etag"}  # a version of the log is put only if there is none
INSTRUMENTS = "instruments"
ORDER = (*(name for name in SCHEMAS if name != "certificates"), "certificates")  # its number is what all tables have
_TEXTS = ("name", "venue", "venue_symbol", "base", "quote", "settle", "kind", "contract_size")
_NUMBERS = ("id", "version", "price_decimals", "size_decimals", "tick_size", "lot_size")
INSTRUMENT_COLUMNS = pa.schema(
    [*(pa.field(name, pa.int64()) for name in _NUMBERS), *(pa.field(name, pa.string()) for name in _TEXTS)]
)


class CannotPublish(RuntimeError):
    """A bucket that cannot take these tables; what was committed before stays and is whole."""


class Published(NamedTuple):
    """Of one table: rows and commits that this call added, commits that others had made before it."""

    rows: int
    commits: int
    lost: int


def publish(data_dir: Path, to: str, progress: Progress, most_rows: int = MOST_ROWS) -> dict[str, object]:
    """Bring the tables in a bucket up to where those of the data dir are. most_rows: of a commit.

    raises: NoDataDir, WrongFormat, CannotPublish.
    """
    check_data_dir(data_dir)
    if not ADDRESS.fullmatch(to):
        raise CannotPublish(f"{to!r} is no place for tables; give one like s3://bucket/prefix")
    started = time.perf_counter()
    position = Reader(data_dir).position()
    made: dict[str, Published] = {}
    try:
        for name in ORDER:
            made[name] = _Copy(data_dir, to, name).bring_to(position, most_rows, progress)
        _put_instruments(f"{to}/{INSTRUMENTS}", list(Reader(data_dir).captured()))
    except (OSError, DeltaError) as error:
        raise CannotPublish(
            f"{to} did not take it: {' '.join(str(error).split())[:400]}. Keys, region and endpoint are taken from AWS_ACCESS_KEY_ID, "
            "AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL"
        ) from error
    return {
        "to": to,
        "position": position,
        "rows": {name: one.rows for name, one in made.items()},
        "commits": sum(one.commits for one in made.values()),
        "lost_races": sum(one.lost for one in made.values()),
        "elapsed_s": round(time.perf_counter() - started, 3),
    }


class _Copy:
    """One table in a bucket, and the one it is made from."""

    def __init__(self, data_dir: Path, to: str, name: str) -> None:
        self._name = name
        self._folder = data_dir / "tables"
        self._uri = f"{to}/{name}"
        self._columns = SCHEMAS[name]
        self._from = f"made by ninefold from data dir {origin_of(data_dir)}"
        self._table = _made(self._uri, name, self._from) or _opened(self._uri, self._from)

    def bring_to(self, position: int, most_rows: int, progress: Progress) -> Published:
        rows = commits = lost = tries = 0
        before = -1
        while True:
            reached = self._reached(position)
            tries, before = tries + 1 if reached == before else 1, reached
            batch, until = self._next(reached, position, most_rows)
            if not batch.num_rows and reached == position:
                break
            try:
                self._commit(batch, until)
            except CommitFailedError:
                if tries == TRIES:
                    raise
                lost += 1
                self._table = _opened(self._uri, self._from)
                continue
            rows, commits = rows + batch.num_rows, commits + 1
            progress(f"publish {self._name}", until, position)
        if commits and len(self._table.file_uris()) >= COMPACT_FILES:
            self._table.optimize.compact(target_size=COMPACT_BYTES, writer_properties=_PROPERTIES)
        return Published(rows, commits, lost)

    def _reached(self, position: int) -> int:
        """Up to which seq the bucket has it. raises: CannotPublish."""
        reached = self._table.transaction_version(APP) or 0
        if reached > position:
            raise CannotPublish(
                f"{self._uri} goes up to seq {reached}, and this data dir to {position}: it was published from a later state. "
                "Give another prefix"
            )
        return reached

    def _next(self, reached: int, position: int, most_rows: int) -> tuple[pa.Table, int]:
        """Rows behind a seq, and those of that very seq which are not there yet; and up to which seq they go."""
        files = [one for one in stored_files(self._folder, self._name) if _may_hold(one, reached, position)]
        until = _first_cut(files, reached, position, most_rows)
        within = (pc.field("seq") >= reached) & (pc.field("seq") <= until)
        parts = [_with_day(scan(self._name, [one], within), one.day, self._columns) for one in files]
        rows = pa.concat_tables([self._columns.empty_table(), *parts])
        return self._without(rows, reached), until

    def _without(self, rows: pa.Table, seq: int) -> pa.Table:
        """Rows but those of a seq that the bucket has already."""
        at_edge = pc.equal(rows.column("seq"), seq)
        if not pc.any(at_edge).as_py():
            return rows
        keys = ["instrument", "hour_ns", "revision"] if self._name == "certificates" else ["seq", "n"]
        held = self._table.to_pyarrow_dataset().to_table(keys, filter=ds.field("seq") == seq).to_pylist()
        known = {tuple(one.values()) for one in held}
        mine = zip(*(rows.column(key).to_pylist() for key in keys), at_edge.to_pylist(), strict=True)
        return rows.filter(pa.array([not edge or tuple(key) not in known for *key, edge in mine], pa.bool_()))

    def _commit(self, rows: pa.Table, until: int) -> None:
        """All of it or nothing. raises: CommitFailedError if another one moved the number meanwhile."""
        properties = CommitProperties(app_transactions=[Transaction(APP, until)], max_commit_retries=0)
        if rows.num_rows:
            write_deltalake(
                self._table, rows, mode="append", writer_properties=_PROPERTIES, commit_properties=properties
            )
        else:
            partition = ["day"] if "day" in self._columns.names else None
            self._table.create_write_transaction([], "append", self._columns, partition, commit_properties=properties)
        self._table.update_incremental()


_PROPERTIES = WriterProperties(compression="ZSTD", compression_level=3)


def _made(uri: str, name: str, description: str) -> DeltaTable | None:
    """A new table; None if there is one."""
    if DeltaTable.is_deltatable(uri, storage_options=OPTIONS):
        return None
    bounded = dict.fromkeys([*stats_columns(name), "seq"])
    try:
        return DeltaTable.create(
            uri,
            SCHEMAS[name],
            partition_by=["day"] if "day" in SCHEMAS[name].names else None,
            configuration={"delta.dataSkippingStatsColumns": ",".join(bounded)},
            description=description,
            storage_options=OPTIONS,
        )
    except DeltaError:  # another one was faster
        if not DeltaTable.is_deltatable(uri, storage_options=OPTIONS):
            raise
        return None


def _opened(uri: str, description: str) -> DeltaTable:
    """The table as it is now. raises: CannotPublish if it is of another data dir."""
    table = DeltaTable(uri, storage_options=OPTIONS)
    found = table.metadata().description
    if found != description:
        raise CannotPublish(f"{uri} was {found or 'made by something else'}, and this is another; give another prefix")
    return table


def _put_instruments(uri: str, instruments: list[Instrument]) -> None:
    """All instruments as one small table, replaced whole when there are more."""
    there = DeltaTable.is_deltatable(uri, storage_options=OPTIONS)
    if there and DeltaTable(uri, storage_options=OPTIONS).to_pyarrow_dataset().count_rows() >= len(instruments):
        return
    columns = [pa.array([getattr(one, field.name) for one in instruments], field.type) for field in INSTRUMENT_COLUMNS]
    rows = pa.table(columns, schema=INSTRUMENT_COLUMNS)
    try:
        write_deltalake(uri, rows, mode="overwrite", storage_options=OPTIONS)
    except CommitFailedError:  # another one put them meanwhile
        if not DeltaTable.is_deltatable(uri, storage_options=OPTIONS):
            raise


def _may_hold(file: StoredFile, first: int, last: int) -> bool:
    return "seq" not in file.bounds or file.may_hold("seq", first, last + 1)


def _first_cut(files: list[StoredFile], reached: int, position: int, most_rows: int) -> int:
    """Up to which seq the next commit goes, so that it has about as many rows as it may."""
    if any("seq" not in file.bounds for file in files):
        return position
    rows = 0
    for file in sorted(files, key=lambda one: one.bounds["seq"][1]):
        rows += file.rows
        if rows >= most_rows and file.bounds["seq"][1] > reached:
            return min(file.bounds["seq"][1], position)
    return position


def _with_day(rows: pa.Table, day: date | None, columns: pa.Schema) -> pa.Table:
    """The rows as the table has them: the day of a file is in its path."""
    if "day" not in columns.names:
        return rows.cast(columns)
    days = pa.array([day], pa.date32()).take(pa.array([0] * rows.num_rows, pa.int32()))
    return rows.append_column("day", days).select(columns.names).cast(columns)
