"""Ask the stored data in SQL, read-only.

In:  one SELECT. Tables: trades books quotes bars values forecasts targets records certificates as stored (integer
     units, all revisions); instruments;
     orders and fills as exported; trades_priced books_priced quotes_priced bars_priced (latest revisions) with names,
     times and prices as DOUBLE; bars_revisions as bars_priced, every revision with the time when it became known;
     completeness and known_gaps: what is known of the trades of all parts together (`certificates` are the pipeline's own).
     With a moment: all of these as they were known then.
Out: a pyarrow.Table. DuckDB gets the rows through Arrow and may open no file, network address or extension by itself.
     Rows, bytes and seconds are limited. DuckDB cannot be interrupted inside one value (a text of 3 GB, say), and such
     values are beside its memory limit: who runs what others wrote calls `limit_process` first, in a process for that.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds

from ninefold.market.instruments import Registry
from ninefold.store.account_forms import FILLS, ORDERS
from ninefold.store.as_of import certified_by, known_by
from ninefold.store.beside import KINDS, Beside
from ninefold.store.beside_sql import unite
from ninefold.store.completeness_sql import completeness_tables
from ninefold.store.data_dir import check_data_dir
from ninefold.store.delta import dataset, file_schema, stored_files
from ninefold.store.forms import Wanted, instruments_wanted
from ninefold.store.layout import SCHEMAS
from ninefold.store.read import Reader
from ninefold.store.views import VIEWS

ROWS = 1_000_000
BYTES = 1 << 30  # of an answer
SECONDS = 60.0
MEMORY_BYTES = 6 << 30  # of a process that does nothing but one query
GRACE_S = 5.0  # for a query that is told to stop
AGAIN_S = 0.1
BATCH_ROWS = 2_048  # as DuckDB works: no more than that is made before it is counted
_SETTINGS = (
    "SET temp_directory = ''",
    "SET memory_limit = '2GB'",
    "SET python_enable_replacements = false",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET allow_community_extensions = false",
    "SET allow_persistent_secrets = false",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)


class SqlError(ValueError):
    """A query that was refused or failed."""


def sql(path: Path, query: str, rows: int = ROWS, seconds: float = SECONDS, as_of_ns: int | None = None) -> pa.Table:
    """The answer to one SELECT over what is stored now.

    as_of_ns:      only what was known at that moment; None for everything.
    rows, seconds: an answer with more rows, or one that takes longer, is an error; nothing is cut off silently.
    raises:        SqlError naming the tables or columns that exist; NoDataDir.
    """
    with closing(tables(path, as_of_ns, query)) as connection:
        return ask(connection, query, rows, seconds)


def ask(connection: duckdb.DuckDBPyConnection, query: str, rows: int = ROWS, seconds: float = SECONDS) -> pa.Table:
    """As `sql`, of tables that are open."""
    done = threading.Event()
    watch = threading.Thread(target=_interrupt, args=(connection, seconds, done), daemon=True)
    try:
        _refuse_all_but_select(connection, query)
        watch.start()
        return _at_most(connection.sql(query).to_arrow_reader(BATCH_ROWS), rows)
    except (duckdb.Error, OSError) as failed:  # an OSError is one of DuckDB's that came through Arrow
        if "INTERRUPT" in str(failed):
            raise SqlError(
                f"the query took more than {seconds:g} s and was stopped; ask for less, or export and use another tool"
            ) from None
        raise SqlError(f"{failed}\n{_what_exists(connection, query)}") from None
    except MemoryError:
        raise SqlError("the query needs more memory than it may have; ask for less") from None
    finally:
        done.set()
        if watch.ident is not None:
            watch.join()


def _interrupt(connection: duckdb.DuckDBPyConnection, seconds: float, done: threading.Event) -> None:
    """Again and again: between two batches of an answer DuckDB forgets that it was told to stop."""
    left_s = seconds
    while not done.wait(left_s):
        connection.interrupt()
        left_s = AGAIN_S


def limit_process(seconds: float = SECONDS, memory_bytes: int = MEMORY_BYTES) -> None:
    """End this process if a query neither ends nor lets itself be stopped, and let it have only so much memory (on Linux)."""
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends the process even where Python has no turn any more
    signal.setitimer(signal.ITIMER_REAL, seconds + 2 * GRACE_S)
    watch = threading.Timer(seconds + GRACE_S, _give_up, (seconds,))
    watch.daemon = True
    watch.start()


def _give_up(seconds: float) -> None:
    print(f"ninefold: the query took more than {seconds:g} s and could not be stopped; ask for less", file=sys.stderr)
    sys.stderr.flush()
    os._exit(2)


def tables(path: Path, as_of_ns: int | None = None, query: str = "") -> duckdb.DuckDBPyConnection:
    """What is stored now, open to one SELECT after another. query: the one for which to have `completeness` too, if it names it.

    raises: NoDataDir.
    """
    check_data_dir(path)
    connection = duckdb.connect(":memory:")
    reader = Reader(path, as_of_ns)
    registry = reader.registry()
    united = KINDS if Beside(path).exist() else ()
    for name in SCHEMAS:
        if name not in united:
            connection.register(name, _table(path / "tables", name, as_of_ns))
    if united:
        unite(connection, path, registry, lambda folder, name: _table(folder, name, as_of_ns))
    connection.register("instruments", _instruments(registry))
    everything = Wanted(path, instruments_wanted(registry, None), None, None, None, as_of_ns)
    for name, form in (("orders", ORDERS), ("fills", FILLS)):
        connection.register(name, pa.concat_tables(form.tables(everything)))
    for name, found in completeness_tables(reader, query).items():
        connection.register(name, found)
    for name, select in VIEWS.items():
        connection.execute(f"CREATE VIEW {name} AS {select}")
    for setting in _SETTINGS:
        connection.execute(setting)
    return connection


def _table(folder: Path, name: str, as_of_ns: int | None) -> ds.Dataset | pa.Table:
    files = stored_files(folder, name)
    if not files:
        return file_schema(name).empty_table()
    if as_of_ns is None:
        return dataset(name, files)
    known = certified_by(folder, as_of_ns) if name == "certificates" else known_by(name, as_of_ns)
    return dataset(name, files).filter(known)


def _instruments(registry: Registry) -> pa.Table:
    return pa.table(
        {
            "id": pa.array([one.id for one in registry], pa.int32()),
            "name": pa.array([one.name for one in registry], pa.string()),
            "version": pa.array([one.version for one in registry], pa.int32()),
            "base": pa.array([one.base for one in registry], pa.string()),
            "quote": pa.array([one.quote for one in registry], pa.string()),
            "price_unit": pa.array([10.0**one.price_decimals for one in registry], pa.float64()),
            "size_unit": pa.array([10.0**one.size_decimals for one in registry], pa.float64()),
        }
    )


def _refuse_all_but_select(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    statements = connection.extract_statements(query)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        found = " and ".join(statement.type.name for statement in statements) or "nothing"
        raise SqlError(f"found {found}; allowed is one SELECT: the stored data is read-only here")


def _at_most(reader: pa.RecordBatchReader, rows: int) -> pa.Table:
    batches, count, size = [], 0, 0
    for batch in reader:
        batches.append(batch)
        count += batch.num_rows
        size += batch.nbytes
        if size > BYTES:
            raise SqlError(f"the answer has more than {BYTES:,} bytes; ask for fewer rows, or for shorter ones")
        if count > rows:
            raise SqlError(
                f"the answer has more than {rows:,} rows; add LIMIT or a narrower WHERE, or use export for everything"
            )
    return pa.Table.from_batches(batches, reader.schema)


def _what_exists(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    """The columns of the tables that the query names, or all tables if it names none."""
    named = connection.execute(
        "SELECT table_name, string_agg(column_name, ', ' ORDER BY column_index) FROM duckdb_columns()"
        " WHERE NOT internal GROUP BY 1 ORDER BY 1"
    ).fetchall()
    words = set("".join(letter if letter.isalnum() or letter == "_" else " " for letter in query.lower()).split())
    columns = [f"{table} has the columns {names}" for table, names in named if table in words]
    return "; ".join(columns) if columns else f"tables: {', '.join(table for table, _ in named)}"
