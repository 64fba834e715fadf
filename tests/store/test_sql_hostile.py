"""Statements of somebody who wants more than rows: each is refused or reaches nothing, and what grows without end is stopped.

In:  a data dir, a planted file, a listening socket. Out: whether the file's content, a new file or a connection was seen.
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from ninefold.store.sql import SqlError, ask, tables
from ninefold.store.tables import Tables

PLANTED = "made-up-content-of-a-planted-file"
READS = [
    "SELECT * FROM read_text('{file}')",
    "SELECT * FROM read_blob('{file}')",
    "SELECT * FROM read_csv('{file}')",
    "SELECT * FROM read_csv_auto('{file}')",
    "SELECT * FROM sniff_csv('{file}')",
    "SELECT * FROM read_json_auto('{file}')",
    "SELECT * FROM read_ndjson_objects('{file}')",
    "SELECT * FROM read_parquet('{file}')",
    "SELECT * FROM parquet_metadata('{file}')",
    "SELECT * FROM parquet_schema('{file}')",
    "SELECT * FROM delta_scan('{folder}')",
    "SELECT * FROM sqlite_scan('{folder}/ledger.db', 'events')",
    "SELECT * FROM '{file}'",
    "FROM '{folder}/*.csv'",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT (SELECT content FROM read_text('{file}'))",
    "WITH a AS (SELECT * FROM read_text('{file}')) SELECT * FROM a",
    "SELECT * FROM query('SELECT * FROM read_text(''{file}'')')",
    "SELECT * FROM query_table('{file}')",
    "SELECT getenv('HOME')",
    "SELECT * FROM pandas_scan(12345)",
    "SELECT * FROM arrow_scan(1, 2, 3)",
]
NETWORK = [
    "SELECT * FROM read_csv('{url}/a.csv')",
    "SELECT * FROM read_parquet('{url}/a.parquet')",
    "SELECT * FROM read_text('s3://bucket/a')",
    "SELECT * FROM '{url}/a.json'",
    "SELECT http_get('{url}')",
    "SELECT * FROM postgres_scan('host=127.0.0.1 port={port}', 'public', 'a')",
    "ATTACH 'postgres:host=127.0.0.1 port={port}' AS a",
    "INSTALL httpfs FROM '{url}'",
]
WRITES = [
    "COPY (SELECT 1) TO '{out}'",
    "COPY trades TO '{out}' (FORMAT parquet)",
    "COPY trades FROM '{file}'",
    "EXPORT DATABASE '{out}'",
    "IMPORT DATABASE '{folder}'",
    "ATTACH '{out}' AS a",
    "DETACH memory",
    "USE memory",
    "CREATE TABLE a AS SELECT 1",
    "CREATE OR REPLACE VIEW trades_priced AS SELECT 1",
    "CREATE MACRO a() AS 1",
    "CREATE SECRET a (TYPE s3, KEY_ID 'x', SECRET 'y')",
    "INSERT INTO trades SELECT * FROM trades",
    "UPDATE trades SET price = 0",
    "DELETE FROM trades",
    "DROP VIEW trades_priced",
    "TRUNCATE trades",
    "ALTER TABLE trades RENAME TO a",
    "CHECKPOINT",
    "VACUUM",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '{file}'",
    "SET enable_external_access = true",
    "SET GLOBAL memory_limit = '1TB'",
    "RESET memory_limit",
    "SET VARIABLE a = 1",
    "PRAGMA database_list",
    "PRAGMA memory_limit = '1TB'",
    "CALL force_checkpoint()",
    "PREPARE a AS SELECT 1",
    "EXECUTE a",
    "BEGIN",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{out}'",
    "SELECT 1; COPY (SELECT 1) TO '{out}'",
    "SELECT 1; SET lock_configuration = false",
    "SELECT * FROM query('COPY (SELECT 1) TO ''{out}''')",
    "SELECT * FROM enable_logging(storage_path = '{out}')",
    "SELECT * FROM enable_profiling(save_location = '{out}')",
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    with Tables(folder / "data"):
        pass
    (folder / "planted.csv").write_text(f"{PLANTED}\n1\n")
    return folder


@pytest.fixture(scope="module")
def opened(place: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with closing(tables(place / "data")) as connection:
        yield connection


def said(opened: duckdb.DuckDBPyConnection, statement: str) -> str:
    """Its answer or its refusal; one statement after another, so that what one changed would serve the next."""
    try:
        return str(ask(opened, statement, seconds=5.0).to_pylist())
    except SqlError as refused:
        return f"refused: {refused}"


def test_no_statement_reads_a_file(place, opened):
    for statement in READS:
        answer = said(opened, statement.format(file=place / "planted.csv", folder=place))
        assert answer.startswith("refused: "), statement
        assert PLANTED not in answer, statement
    assert said(opened, "SELECT count(*) AS n FROM trades_priced") == "[{'n': 0}]", "what is stored is still read"


def test_no_statement_reaches_the_network(opened):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.0)
        port = listening.getsockname()[1]
        for statement in NETWORK:
            answer = said(opened, statement.format(url=f"http://127.0.0.1:{port}", port=port))
            assert answer.startswith("refused: "), statement
        with pytest.raises(BlockingIOError):
            listening.accept()


def test_no_statement_writes_changes_settings_or_loads_code(place, opened):
    before = sorted(path for path in place.rglob("*"))
    for statement in WRITES:
        answer = said(opened, statement.format(file=place / "planted.csv", folder=place, out=place / "out"))
        assert answer.startswith("refused: "), statement
    assert sorted(path for path in place.rglob("*")) == before


GROWS = {
    "SELECT list(range) FROM range(1000000000)": "Out of Memory|was stopped",
    "SELECT count(*) FROM range(100000000000) a, range(1000) b": "was stopped",
    "SELECT range FROM range(10000000)": "more than 1,000 rows",
}


@pytest.mark.parametrize(("statement", "refusal"), GROWS.items(), ids=GROWS)
@pytest.mark.slow
def test_what_grows_without_end_is_stopped(opened, statement, refusal):
    with pytest.raises(SqlError, match=refusal):
        ask(opened, statement, rows=1_000, seconds=0.3)


def test_an_answer_of_too_many_bytes_is_refused(opened, monkeypatch):
    monkeypatch.setattr("ninefold.store.sql.BYTES", 1_000_000)
    with pytest.raises(SqlError, match="more than 1,000,000 bytes"):
        ask(opened, "SELECT repeat('x', 1000) AS a FROM range(2000)")


ENDLESS = {  # how it may end; whether a recursion hears of an interruption depends on how far it has come
    "a value": ("SELECT sum(length(lpad('x', 2000000000, 'y'))) FROM range(100)", "could not be stopped"),
    "recursion": (
        "WITH RECURSIVE a AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM a) SELECT * FROM a",
        "could not be stopped|took more than 0.3 s and was stopped",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("statement", "said"), ENDLESS.values(), ids=ENDLESS)
def test_what_cannot_be_interrupted_ends_with_the_process_of_the_query(place, statement, said):
    program = (
        "from pathlib import Path; from ninefold.store import sql; sql.GRACE_S = 0.2; sql.limit_process(0.3, 4 << 30);"
        f'sql.sql(Path({str(place / "data")!r}), "{statement}", seconds=0.3)'
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == -14 or (done.returncode and re.search(said, done.stderr)), done.stderr
