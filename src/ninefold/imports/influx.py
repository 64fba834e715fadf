"""A measurement of InfluxDB over HTTP, in the order of time.

In:  http://HOST:8086/DATABASE (1.x, InfluxQL) or http://HOST:8086/?org=ORG&bucket=BUCKET (2.x, Flux) and a measurement. A
     user is in the address, the password in INFLUX_PASSWORD, a token in INFLUX_TOKEN. Out: one part, whose time column is
     `time` in nanoseconds (1.x) or `_time` (2.x). It goes on at a time.
sources: docs.influxdata.com/influxdb/v1/tools/api (query, chunked) and /influxdb/v2/api (query, application/csv), read
     2026-11-22
"""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.error import HTTPError
from urllib.parse import SplitResult, parse_qs, unquote, urlencode, urlsplit
from urllib.request import Request, urlopen

import pyarrow as pa

from ninefold.imports.lines import header_of, table_of, whole_rows
from ninefold.imports.mapping import ImportRefused, Mapping
from ninefold.imports.moments import by_moments
from ninefold.imports.source import BATCH_ROWS, BLOCK_BYTES, Batch, Part, Place, Position

CHUNK_ROWS = 10_000
WAIT_S = 300.0
KNOWN_1 = Mapping(time_unit="ns", columns={"time": "time"})
KNOWN_2 = Mapping(columns={"time": "_time"})


def parts(place: Place) -> Iterator[Part]:
    """raises: ImportRefused if the server or the measurement cannot be reached."""
    if not place.table:
        raise ImportRefused("which measurement is not said: --table NAME")
    address = urlsplit(place.place)
    where = f"{address.hostname}:{address.port}"
    if "bucket" in parse_qs(address.query):
        bucket = parse_qs(address.query)["bucket"][0]
        names = _columns_2(address, bucket, place.table)
        read = partial(_read_2, address, bucket, place.table)
        yield Part(
            f"{place.table} of {bucket}",
            f"influxdb {where} {bucket} {place.table}",
            names,
            frozenset(),
            read,
            None,
            KNOWN_2,
        )
        return
    database = unquote(address.path.strip("/"))
    if not database:
        raise ImportRefused(
            "say the database, http://HOST:8086/DATABASE, or the bucket, http://HOST:8086/?org=ORG&bucket=BUCKET"
        )
    names, floats, total = _columns_1(address, database, place.table)
    read = partial(_read_1, address, database, place.table)
    yield Part(
        f"{place.table} of {database}",
        f"influxdb {where}/{database} {place.table}",
        names,
        floats,
        read,
        total,
        KNOWN_1,
    )


# 1.x


def _columns_1(address: SplitResult, database: str, table: str) -> tuple[tuple[str, ...], frozenset[str], int | None]:
    fields = [row for rows in _asked_1(address, database, f"SHOW FIELD KEYS FROM {quoted(table)}") for row in rows[1]]
    tags = [row[0] for rows in _asked_1(address, database, f"SHOW TAG KEYS FROM {quoted(table)}") for row in rows[1]]
    if not fields:
        raise ImportRefused(f"{database} has no measurement {table!r}")
    counted = f"SELECT count({quoted(fields[0][0])}) FROM {quoted(table)}"
    total = [int(row[1]) for rows in _asked_1(address, database, counted) for row in rows[1]]
    floats = frozenset(name for name, kind in fields if kind == "float")
    return ("time", *(name for name, _ in fields), *tags), floats, total[0] if total else None


def _read_1(
    address: SplitResult, database: str, table: str, position: Position | None, wanted: Sequence[str]
) -> Iterator[Batch]:
    if position and position["ended"]:
        return iter(())
    since = f" WHERE time >= {int(position['time'])}" if position else ""
    query = f"SELECT {', '.join(quoted(name) for name in wanted if name != 'time')} FROM {quoted(table)}{since}"
    return by_moments(_tables_1(address, database, query, wanted), "time", position, ordered=False)


def _tables_1(address: SplitResult, database: str, query: str, wanted: Sequence[str]) -> Iterator[pa.Table]:
    for names, values in _gathered(_asked_1(address, database, query)):
        columns = dict(zip(names, zip(*values, strict=True), strict=True))
        yield pa.table({name: pa.array(map(_text, columns[name]), pa.string()) for name in wanted})


def _gathered(chunks: Iterable[tuple[list[str], list[list[Any]]]]) -> Iterator[tuple[list[str], list[list[Any]]]]:
    """Larger batches of the same columns."""
    held: list[list[Any]] = []
    columns: list[str] = []
    for names, values in chunks:
        if held and (names != columns or len(held) >= BATCH_ROWS):
            yield columns, held
            held = []
        columns, held = names, held + values
    if held:
        yield columns, held


def _asked_1(address: SplitResult, database: str, query: str) -> Iterator[tuple[list[str], list[list[Any]]]]:
    """The columns and rows of each chunk of an answer, numbers as they were written."""
    asked = urlencode({"db": database, "q": query, "epoch": "ns", "chunked": "true", "chunk_size": CHUNK_ROWS})
    with _answer(address, f"/query?{asked}", None) as answer:
        for line in _lines(answer):
            said = json.loads(line, parse_float=str, parse_int=str)
            for result in [said, *said.get("results", [])]:
                if "error" in result:
                    raise ImportRefused(f"InfluxDB refused {query!r}: {result['error']}")
                for series in result.get("series", []):
                    yield series["columns"], series.get("values", [])


# 2.x


def _columns_2(address: SplitResult, bucket: str, table: str) -> tuple[str, ...]:
    for block in _asked_2(address, _flux(bucket, table, None) + " |> limit(n: 1)"):
        names, _ = header_of(b"none" + block.split(b"\n", 1)[0], table)  # the first column has no name
        return tuple(
            name for name in names if name not in ("none", "result", "table", "_start", "_stop", "_measurement")
        )
    raise ImportRefused(f"{bucket} has no measurement {table!r}")


def _read_2(
    address: SplitResult, bucket: str, table: str, position: Position | None, wanted: Sequence[str]
) -> Iterator[Batch]:
    if position and position["ended"]:
        return iter(())
    kept = ", ".join(json.dumps(name) for name in wanted)
    flux = f"{_flux(bucket, table, position['time'] if position else None)} |> keep(columns: [{kept}])"
    return by_moments(_tables_2(address, flux, table, wanted), "_time", position, ordered=False)


def _tables_2(address: SplitResult, flux: str, table: str, wanted: Sequence[str]) -> Iterator[pa.Table]:
    header: list[str] = []
    for block in _asked_2(address, flux):
        if not header:
            first, _, block = block.partition(b"\n")
            header, _ = header_of(b"none" + first, table)  # the first column has no name
        if block.strip():
            yield table_of(block, header, wanted, ",", table)


def _flux(bucket: str, table: str, since: str | None) -> str:
    return (
        f"from(bucket: {json.dumps(bucket)})"
        f" |> range(start: {since or '1970-01-01T00:00:00Z'}, stop: 2100-01-01T00:00:00Z)"
        f" |> filter(fn: (r) => r._measurement == {json.dumps(table)})"
        ' |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")'
        ' |> group() |> sort(columns: ["_time"])'
    )


def _asked_2(address: SplitResult, flux: str) -> Iterator[bytes]:
    """Whole rows of the CSV of an answer."""
    dialect = {"annotations": [], "header": True, "delimiter": ","}
    body = json.dumps({"query": flux, "type": "flux", "dialect": dialect}).encode()
    org = parse_qs(address.query).get("org", [""])[0]
    with _answer(address, f"/api/v2/query?{urlencode({'org': org})}", body) as answer:
        yield from whole_rows(_pieces(answer))


# both


def _answer(address: SplitResult, path: str, body: bytes | None) -> HTTPResponse:
    headers = {"Accept": "application/csv", "Content-Type": "application/json"} if body else {}
    if token := os.environ.get("INFLUX_TOKEN"):
        headers["Authorization"] = f"Token {token}"
    elif address.username:
        password = unquote(address.password or "") or os.environ.get("INFLUX_PASSWORD", "")
        headers["Authorization"] = "Basic " + b64encode(f"{unquote(address.username)}:{password}".encode()).decode()
    host = f"[{address.hostname}]" if ":" in (address.hostname or "") else address.hostname
    url = f"{address.scheme}://{host}:{address.port or 8086}{path}"
    try:
        made: HTTPResponse = urlopen(Request(url, body, headers), timeout=WAIT_S)
        return made
    except HTTPError as refused:
        with refused:
            raise ImportRefused(
                f"InfluxDB at {address.hostname} answered {refused.code}: {refused.read(300)!r}"
            ) from None
    except OSError as error:
        raise ImportRefused(f"InfluxDB at {address.hostname}:{address.port} cannot be reached: {error}") from error


def _lines(answer: HTTPResponse) -> Iterator[bytes]:
    held = b""
    for piece in _pieces(answer):
        *lines, held = (held + piece).split(b"\n")
        yield from (line for line in lines if line.strip())
    if held.strip():
        yield held


def _pieces(answer: HTTPResponse) -> Iterator[bytes]:
    try:
        yield from iter(lambda: answer.read1(BLOCK_BYTES), b"")
        if answer.chunked and not answer.isclosed():
            raise ImportRefused("InfluxDB stopped sending; the same command goes on from here")
    except (OSError, HTTPException) as error:
        raise ImportRefused(f"InfluxDB stopped sending: {error}; the same command goes on from here") from error


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
