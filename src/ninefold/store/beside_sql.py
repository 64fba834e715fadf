"""The same union as in beside.py, for SQL: views in place of the tables, each folder laid over what comes before it.

In:  a DuckDB connection, a data dir, the tables as they stand in a folder.
Out: views `trades`, `bars`, `books`, `quotes` over `captured_...` and what stands beside.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds

from ninefold.market.arrays import BAR_UNKNOWN, ID_NONE
from ninefold.market.instruments import Registry
from ninefold.store.beside import FOLDERS, KINDS, Beside, ahead_of

Table = Callable[[Path, str], ds.Dataset | pa.Table]
_PRICES = {
    "trades": ("price",),
    "books": ("price",),
    "quotes": ("bid", "ask"),
    "bars": ("open", "high", "low", "close", "bid", "ask"),
}
_SIZES = {"trades": ("size",), "books": ("size",), "quotes": ("bid_size", "ask_size"), "bars": ("bid_size", "ask_size")}
_TOLD = {"bars": ("volume", "buy_volume")}  # negative: not told


def unite(connection: duckdb.DuckDBPyConnection, path: Path, registry: Registry, table: Table) -> None:
    """Make the views of all kinds. registry: widened."""
    beside = Beside(path)
    rows = [
        (FOLDERS.index(place.folder.parent.name), place.id, one.id, *_factors(place.price), *_factors(place.size))
        for one in registry
        for place in beside.places(one, registry)
    ]
    names = ("folder", "theirs", "id", "price_factor", "price_divisor", "size_factor", "size_divisor")
    columns = [[row[at] for row in rows] for at in range(len(names))]
    connection.register("places", pa.table([pa.array(column, pa.int64()) for column in columns], names))
    behind = [(one.id, other.id) for one in registry if registry.is_behind(one.id) for other in ahead_of(one, registry)]
    counting = behind and [*behind, *((one.id, one.id) for one in registry)]
    if counting:
        columns = [[pair[at] for pair in counting] for at in (0, 1)]
        connection.register("counting", pa.table([pa.array(column, pa.int64()) for column in columns], ("of", "id")))
    for kind in KINDS:
        connection.register(f"captured_{kind}", table(path / "tables", kind))
        over = f"captured_{kind}"
        for number, folder in enumerate(FOLDERS):
            connection.register(f"{folder}_{kind}", table(path / folder / "tables", kind))
            name = kind if number + 1 == len(FOLDERS) else f"{kind}_with_{folder}"
            connection.execute(f"CREATE VIEW {name} AS {_laid_over(kind, over, folder, number, bool(behind))}")
            over = name


def _factors(finer: int) -> tuple[int, int]:
    """By what numbers are multiplied, and divided."""
    return 10 ** max(finer, 0), 10 ** max(-finer, 0)


def _laid_over(kind: str, over: str, folder: str, number: int, behind: bool) -> str:
    """behind: whether there are instruments before whose rows those of other versions count too."""
    seen = over
    if behind:
        pairs = "JOIN counting ON counting.id = all_of.instrument"
        seen = f"(SELECT all_of.* REPLACE (counting.of::INTEGER AS instrument) FROM {over} AS all_of {pairs})"
    changed = ["places.id::INTEGER AS instrument", "-more.seq AS seq"]
    for names, of in ((_PRICES[kind], "price"), (_SIZES[kind], "size")):
        changed += [f"(more.{name} * {of}_factor // {of}_divisor)::BIGINT AS {name}" for name in names]
    changed += [
        f"if(more.{name} < 0, more.{name}, more.{name} * size_factor // size_divisor)::BIGINT AS {name}"
        for name in _TOLD.get(kind, ())
    ]
    join, where = "", "true"
    if kind == "trades":
        same = " AND ".join(f"mine.{name} = more.{name}" for name in ("id_kind", "id_hi", "id_lo"))
        where = (
            f"more.id_kind = {ID_NONE} OR NOT EXISTS (FROM {seen} AS mine WHERE mine.instrument = places.id AND {same})"
        )
    if kind == "bars":
        latest = (
            "SELECT instrument, width_ns, open_ns, max(revision) AS revision, arg_max(state, revision) AS state "
            f"FROM {seen} GROUP BY ALL"
        )
        same = "mine.instrument = places.id AND mine.width_ns = more.width_ns AND mine.open_ns = more.open_ns"
        join = f"LEFT JOIN ({latest}) AS mine ON {same}"
        where = f"mine.state IS NULL OR (mine.state = {BAR_UNKNOWN} AND more.state <> {BAR_UNKNOWN})"
        changed.append("(more.revision + coalesce(mine.revision + 1, 0))::INTEGER AS revision")
    return (
        f"SELECT * FROM {over} UNION ALL SELECT more.* REPLACE ({', '.join(changed)}) FROM {folder}_{kind} AS more "
        f"JOIN places ON places.folder = {number} AND places.theirs = more.instrument {join} WHERE {where}"
    )
