"""A table or view of PostgreSQL, by COPY, so that every number comes as the text the server has of it.

In:  postgresql://USER@HOST/DATABASE and a table; the password comes from PGPASSWORD or ~/.pgpass. Out: one part, in the
     order of its time and then of the other columns. It goes on at a time.
Needs the extra `import`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg

from ninefold.imports.lines import table_of, whole_rows
from ninefold.imports.mapping import FIELDS, ImportRefused, Mapping, over
from ninefold.imports.moments import by_moments
from ninefold.imports.source import BLOCK_BYTES, Batch, Part, Place, Position

FLOATS = ("float4", "float8")
SETTINGS = {"datestyle": "ISO, YMD", "timezone": "UTC", "bytea_output": "hex", "extra_float_digits": "1"}
_Made = TypeVar("_Made")


def parts(place: Place) -> Iterator[Part]:
    yield part_of(place, Mapping())


def part_of(place: Place, known: Mapping) -> Part:
    """raises: ImportRefused if the server or the table cannot be reached."""
    if not place.table:
        raise ImportRefused(f"{place.place}: which table is not said: --table NAME")
    types, total = _asked(_describe(place.place, place.table), place.place)
    floats = frozenset(name for name, kind in types.items() if kind in FLOATS)
    address = urlsplit(place.place)
    identity = f"postgresql {address.hostname}:{address.port or 5432}{address.path} {place.table}"
    time = _time_column(tuple(types), over(place.mapping, known), place.table)
    read = partial(_read, place.place, place.table, time)
    return Part(f"{place.table} of {address.path.lstrip('/')}", identity, tuple(types), floats, read, total, known)


def _time_column(columns: Sequence[str], mapping: Mapping, table: str) -> str:
    """The column that rows are ordered by."""
    if mapping.columns.get("time"):
        return mapping.columns["time"]
    found = [name for name in columns if name.lower() in FIELDS[mapping.what or "trades"]["time"]]
    if len(found) != 1:
        raise ImportRefused(
            f"{table} has the columns {', '.join(columns)}; which one is the time: say --column time=NAME"
        )
    return found[0]


async def _describe(url: str, table: str) -> tuple[dict[str, str], int | None]:
    """Columns with their types, and about how many rows there are."""
    connection = await asyncpg.connect(url, server_settings=SETTINGS)
    try:
        statement = await connection.prepare(f"SELECT * FROM {quoted_table(table)} LIMIT 0")
        types = {column.name: column.type.name for column in statement.get_attributes()}
        guess = await connection.fetchval(
            "SELECT reltuples::bigint FROM pg_class WHERE oid = $1::regclass", quoted_table(table)
        )
        return types, guess if guess and guess > 0 else None
    finally:
        await connection.close()


def _read(url: str, table: str, time: str, position: Position | None, wanted: Sequence[str]) -> Iterator[Batch]:
    if position and position["ended"]:
        return iter(())
    since = _since(time, position["time"]) if position else ""
    columns = ", ".join(map(quoted, wanted))
    order = ", ".join(map(quoted, dict.fromkeys([time, *wanted])))
    query = f"SELECT {columns} FROM {quoted_table(table)}{since} ORDER BY {order}"
    blocks = whole_rows(_copied(url, query))
    return by_moments((table_of(block, wanted, wanted, ",", table) for block in blocks), time, position, ordered=True)


def _since(time: str, at: str | None) -> str:
    """Rows without a time come last."""
    if at is None:
        return f" WHERE {quoted(time)} IS NULL"
    literal = at.replace("'", "''")
    return f" WHERE ({quoted(time)} >= '{literal}' OR {quoted(time)} IS NULL)"


def _copied(url: str, query: str) -> Iterator[bytes]:
    """What COPY sends, as it is asked for; the server waits meanwhile."""
    with asyncio.Runner() as runner:
        pieces: asyncio.Queue[bytes] = asyncio.Queue(maxsize=4)

        async def start() -> asyncio.Task[None]:
            return asyncio.create_task(_copy(url, query, pieces))

        task = runner.run(start())
        held: list[bytes] = []
        try:
            while piece := runner.run(_next(pieces, task)):
                held.append(piece)
                if sum(map(len, held)) >= BLOCK_BYTES:
                    yield b"".join(held)
                    held = []
            yield b"".join(held)
        except (OSError, asyncpg.PostgresError) as error:
            raise ImportRefused(f"PostgreSQL stopped sending: {error}; the same command goes on from here") from error
        finally:
            task.cancel()
            runner.run(asyncio.wait({task}))


async def _copy(url: str, query: str, pieces: asyncio.Queue[bytes]) -> None:
    connection = await asyncpg.connect(url, server_settings=SETTINGS)
    try:
        await connection.copy_from_query(query, output=pieces.put, format="csv")
    finally:
        await connection.close()


async def _next(pieces: asyncio.Queue[bytes], task: asyncio.Task[None]) -> bytes:
    """The next piece; empty at the end. raises: what ended the copy."""
    waiting = asyncio.ensure_future(pieces.get())
    await asyncio.wait({waiting, task}, return_when=asyncio.FIRST_COMPLETED)
    if waiting.done():
        return waiting.result()
    waiting.cancel()
    task.result()
    return b"" if pieces.empty() else pieces.get_nowait()


def _asked(question: Coroutine[Any, Any, _Made], place: str) -> _Made:
    try:
        return asyncio.run(question)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        where = urlsplit(place)
        raise ImportRefused(f"PostgreSQL at {where.hostname}{where.path}: {error}") from error


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def quoted_table(name: str) -> str:
    """A table, perhaps with its schema: market.trades."""
    return ".".join(map(quoted, name.split(".")))
