"""The trial ledger's file: its tables, which nothing can change, and its version.

In:  a path.
Out: a file made whole or not at all, or checked. What the holdout forbids, a look too many or a wall that would uncover
     what is sealed, the file itself refuses, whoever writes to it.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from ninefold.store.data_dir import WrongFormat
from ninefold.store.manifest import sync_folder

VERSION = 1
WAIT_S = 60.0  # for another process's transaction, which takes milliseconds
SCHEMA = """
CREATE TABLE searches (
    first INTEGER PRIMARY KEY, count INTEGER NOT NULL CHECK (count > 0), known_ns INTEGER NOT NULL,
    family TEXT NOT NULL, search BLOB NOT NULL
);
CREATE INDEX searches_by_family ON searches (family);
CREATE TABLE results (
    first INTEGER PRIMARY KEY, count INTEGER NOT NULL CHECK (count > 0), search INTEGER NOT NULL REFERENCES searches,
    digests BLOB NOT NULL, sharpes BLOB NOT NULL,
    first_ns INTEGER NOT NULL, width_ns INTEGER NOT NULL, scale BLOB NOT NULL, steps BLOB NOT NULL
);
CREATE INDEX results_by_search ON results (search);
CREATE TABLE walls (
    number INTEGER PRIMARY KEY, known_ns INTEGER NOT NULL, at_ns INTEGER NOT NULL, looks INTEGER NOT NULL
);
CREATE TABLE looks (
    number INTEGER PRIMARY KEY, wall INTEGER NOT NULL REFERENCES walls, known_ns INTEGER NOT NULL,
    trial INTEGER NOT NULL, why TEXT NOT NULL
);
CREATE TRIGGER looks_end BEFORE INSERT ON looks
    WHEN (SELECT count(*) FROM looks WHERE wall = NEW.wall) >= (SELECT looks FROM walls WHERE number = NEW.wall)
    BEGIN SELECT RAISE(ABORT, 'no looks left'); END;
CREATE TRIGGER looks_now BEFORE INSERT ON looks WHEN NEW.wall <> (SELECT max(number) FROM walls)
    BEGIN SELECT RAISE(ABORT, 'not the present wall'); END;
CREATE TRIGGER walls_go_on BEFORE INSERT ON walls WHEN EXISTS (SELECT 1 FROM walls) AND NEW.at_ns < NEW.known_ns
    BEGIN SELECT RAISE(ABORT, 'the wall would uncover what is sealed'); END;
""" + "".join(
    f"CREATE TRIGGER {table}_{verb} BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, 'trials are append-only'); END;\n"
    for table in ("searches", "results", "walls", "looks")
    for verb in ("UPDATE", "DELETE")
)


def create(file: Path) -> None:
    """Whole or not at all: of several processes the first one's file gets the name."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(temporary, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
        try:
            os.link(temporary, file)
        except FileExistsError:
            return
        sync_folder(file.parent)
    finally:
        temporary.unlink(missing_ok=True)


def checked_version(db: sqlite3.Connection, file: Path) -> sqlite3.Connection:
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version != VERSION:
        db.close()
        raise WrongFormat(
            f"{file} has trial ledger version {version}, this program reads version {VERSION}; "
            "upgrade ninefold or use another --data-dir"
        )
    return db
