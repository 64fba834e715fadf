"""A collection of MongoDB, in the order of `_id`.

In:  mongodb://HOST/DATABASE and a collection. Out: one part; a field inside a document is written with a dot. It goes on
     behind an `_id`. Decimal128 and text keep their digits, times are UTC.
Needs the extra `import`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as AnyMapping
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any

import pyarrow as pa
import pymongo
import pymongo.errors
from bson import json_util
from bson.decimal128 import Decimal128

from ninefold.imports.mapping import ImportRefused, Mapping
from ninefold.imports.source import Batch, Part, Place, Position

ROWS = 50_000  # a document is a dict, some kilobytes
SEEN = 100  # documents whose fields are looked at before the import begins
WAIT_MS = 10_000


def parts(place: Place) -> Iterator[Part]:
    yield part_of(place, Mapping())


def part_of(place: Place, known: Mapping) -> Part:
    """raises: ImportRefused if the server or the collection cannot be reached."""
    if not place.table:
        raise ImportRefused("which collection is not said: --table NAME")
    address = pymongo.uri_parser.parse_uri(place.place)
    if not address["database"]:
        raise ImportRefused("which database is not said: mongodb://HOST/DATABASE")
    hosts = ",".join(f"{host}:{port}" for host, port in address["nodelist"])
    try:
        with _client(place.place) as client:
            collection = client.get_default_database()[place.table]
            some = [_flat(one) for one in collection.find().limit(SEEN)]
            total = collection.estimated_document_count()
    except pymongo.errors.PyMongoError as error:
        raise ImportRefused(f"MongoDB at {hosts}: {error}") from error
    columns = tuple(dict.fromkeys(name for one in some for name in one if name != "_id"))
    floats = frozenset(name for one in some for name, value in one.items() if isinstance(value, float))
    identity = f"mongodb {hosts}/{address['database']} {place.table}"
    read = partial(_read, place.place, place.table)
    return Part(f"{place.table} of {address['database']}", identity, columns, floats, read, total, known)


def _read(url: str, table: str, position: Position | None, wanted: Sequence[str]) -> Iterator[Batch]:
    row = position["row"] if position else 0
    behind = {"_id": {"$gt": json_util.loads(position["behind"])["_id"]}} if position else {}
    fields = {name: 1 for name in {*wanted, "_id"} if not any(name.startswith(f"{other}.") for other in wanted)}
    try:
        with _client(url) as client:
            found = client.get_default_database()[table].find(behind, fields).sort("_id", 1).batch_size(10_000)
            while documents := list(islice(found, ROWS)):
                last = json_util.dumps({"_id": documents[-1]["_id"]})
                stop = row + len(documents)
                yield Batch(_table(documents, wanted), row, {"row": stop, "behind": last}, stop)
                row = stop
    except pymongo.errors.PyMongoError as error:
        raise ImportRefused(f"MongoDB stopped sending: {error}; the same command goes on from here") from error


def _table(documents: list[dict[str, Any]], wanted: Sequence[str]) -> pa.Table:
    flat = [_flat(one) for one in documents]
    return pa.table({name: pa.array([_text(one.get(name)) for one in flat], pa.string()) for name in wanted})


def _flat(document: AnyMapping[str, Any], before: str = "") -> dict[str, Any]:
    """Fields of documents inside by their path."""
    made: dict[str, Any] = {}
    for name, value in document.items():
        if isinstance(value, dict):
            made.update(_flat(value, f"{before}{name}."))
        else:
            made[before + name] = value
    return made


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC).isoformat()
    return str(value.to_decimal()) if isinstance(value, Decimal128) else str(value)


def _client(url: str) -> pymongo.MongoClient[dict[str, Any]]:
    return pymongo.MongoClient(url, serverSelectionTimeoutMS=WAIT_MS, tz_aware=False)
