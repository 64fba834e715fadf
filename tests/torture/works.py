"""Works that may be killed at any moment: an import, a rebuild, the compaction of tables, the compression of a journal.

In:  a folder. Out: a data dir as it is before the work; the work; all that can be seen of it, told as plain values.
Blocks and steps are made small, so that a work of some thousand rows has many places to be killed in.
"""

from __future__ import annotations

import hashlib
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyarrow.csv
import pyarrow.parquet
from deltalake import DeltaTable

import ninefold.imports.csv as csv_source
from ninefold.imports.mapping import Mapping
from ninefold.imports.run import import_all
from ninefold.imports.source import Place
from ninefold.imports.table import open_source
from ninefold.journal import packed
from ninefold.journal.compress import compress_closed
from ninefold.journal.content import bytes_of, open_segment
from ninefold.journal.inputs import CHUNK
from ninefold.journal.packed import Packed
from ninefold.journal.reader import read
from ninefold.journal.segment import segments
from ninefold.journal.writer import LogWriter
from ninefold.market.chunk import Chunk, decode
from ninefold.services import rebuild
from ninefold.services.replay import replay
from ninefold.store import delta, merge, upkeep
from ninefold.store.delta import stored_files
from ninefold.store.export import export
from ninefold.store.read import Reader
from ninefold.store.tables import Tables
from tests.services.recorded import write_session

IMPORTED_ROWS, SESSION_S = 4_000, 30
CSV_BYTES, PARQUET_ROWS = 8_192, 300  # of a batch
REBUILT_ROWS = 2_000  # a commit
COMPACT_COMMITS, FAN_IN, AT_ONCE_ROWS, CHUNKS = (
    2,
    4,
    300,
    24,
)  # when files are joined; in how many writes the log is stored
SEGMENT_BYTES, SEGMENTS_OF_LOG = 256 * 1024, 12
Found = dict[str, Any]


class Work(NamedTuple):
    """make: the data dir before it. do: all of it, from wherever it is. look: what is there. wrong: why what is there after
    a kill cannot be, compared with what is there in the end; empty if it can.
    """

    make: Callable[[Path], None]
    do: Callable[[Path], None]
    look: Callable[[Path], Found]
    wrong: Callable[[Found, Found], str]


def make_csv(data_dir: Path) -> None:
    """Trades of three symbols: with ids and without, equal ones, bad ones."""
    chance, time_ms = random.Random(5), 1_700_000_000_000
    lines = ["time,symbol,price,size,side,id"]
    for number in range(IMPORTED_ROWS):
        time_ms += chance.choice((0, 0, 0, 1, 40_000))
        symbol = chance.choice(("BTC/USDT", "ETH/USDT", "SOL/USDT"))
        price = "bad" if chance.random() < 0.01 else f"{chance.randint(1, 3)}.5"
        lines.append(f"{time_ms},{symbol},{price},1,buy,{'' if symbol == 'SOL/USDT' else number}")
    data_dir.mkdir(parents=True)
    (data_dir / "trades.csv").write_text("\n".join(lines) + "\n")


def make_parquet(data_dir: Path) -> None:
    make_csv(data_dir)
    rows = pyarrow.csv.read_csv(data_dir / "trades.csv")
    pyarrow.parquet.write_table(rows, data_dir / "trades.parquet", row_group_size=PARQUET_ROWS)


def do_import(source: str) -> Callable[[Path], None]:
    def do(data_dir: Path) -> None:
        csv_source.BLOCK_BYTES = CSV_BYTES
        delta.COMPACT_COMMITS = COMPACT_COMMITS
        mapping = Mapping(what="trades", venue="binance")
        place = Place(place=str(data_dir / f"trades.{source}"), table="", mapping=mapping)
        import_all(data_dir, open_source(source, place), mapping, lambda: 1, lambda *_: None)

    return do


def look_at_import(data_dir: Path) -> Found:
    """The rows that are stored, the rows that were refused, and how many of both the import says it has done."""
    found: Found = {"rows": rows_of(data_dir / "imports", "trades"), "listed": rows_of(data_dir / "imports", "records")}
    folder = data_dir / "imports" / "state"
    for path in folder.glob("*.json"):
        said = msgspec.json.decode(path.read_bytes())
        found["said"] = [said[name] for name in ("read", "stored", "there", "refused")]
    refused = b"".join(path.read_bytes() for path in folder.glob("*.jsonl")).splitlines()
    return found | {"refused": [line.decode() for line in refused]}


def wrong_import(found: Found, whole: Found) -> str:
    """Stored is some of what is stored in the end, each row once, and no less than what is said to be done."""
    if said := found.get("said"):
        if len(found["rows"]) < said[1]:
            return f"{said[1]} rows are said to be stored, {len(found['rows'])} are"
        if len(found["refused"]) < said[3]:
            return f"{said[3]} rows are said to be refused, {len(found['refused'])} are kept"
    return extra(found["rows"], whole["rows"]) or extra(found["listed"], whole["listed"])


def make_replayed(data_dir: Path) -> None:
    """A minute of two instruments, played through the pipeline: once for all works beside each other."""
    played = data_dir.parents[1] / "played"
    if not played.exists():
        played.mkdir(parents=True)
        replay(write_session(played / "session.jsonl.gz", seconds=SESSION_S), played)
    shutil.copytree(played, data_dir)


def do_rebuild(data_dir: Path) -> None:
    rebuild.ROWS = REBUILT_ROWS
    rebuild.rebuild(data_dir, lambda what, done, total: None)


def look_at_exports(data_dir: Path) -> Found:
    """What leaves the data dir as csv, which needs tables that are whole: the old ones or the new ones; and how many files
    lie beside them.
    """
    made: Found = {"beside": len(list((data_dir / rebuild.BESIDE).rglob("*")))}
    for what in ("trades", "bars", "targets"):
        out = BytesIO()
        export(data_dir, what, None, None, None, "csv", out)
        made[what] = [out.getvalue().count(b"\n"), hashlib.md5(out.getvalue()).hexdigest()]
    return made


def wrong_exports(found: Found, whole: Found) -> str:
    return "" if found | {"beside": 0} == whole else f"exports are {found}, they should be {whole}"


def make_streamed(data_dir: Path) -> None:
    """A stream log and empty tables."""
    make_replayed(data_dir.with_name("replayed"))
    Tables(data_dir).close()
    (data_dir.with_name("replayed") / "stream").rename(data_dir / "stream")


def do_storing(data_dir: Path) -> None:
    """Store the stream log in many writes, join files after every few, as the cold process does, and all in the end."""
    delta.COMPACT_COMMITS, merge.FAN_IN, upkeep.AT_ONCE_ROWS = COMPACT_COMMITS, FAN_IN, AT_ONCE_ROWS
    with Tables(data_dir) as tables, (data_dir / "acknowledged").open("ab", buffering=0) as told:
        for chunks in writes(data_dir, tables.position()):
            tables.write(chunks)
            told.write(b"%d\n" % chunks[-1].last_seq)
            tables.maintain()
        tables.settle()


def writes(data_dir: Path, after: int) -> Iterator[list[Chunk]]:
    """The chunks that are not stored yet, in pieces."""
    chunks = [decode(one.payload) for one in read(data_dir / "stream", after - 1) if one.kind == CHUNK]
    step = max(1, len(chunks) // CHUNKS)
    return (chunks[at : at + step] for at in range(0, len(chunks), step))


def look_at_tables(data_dir: Path) -> Found:
    """All rows, the newest certificates, what was acknowledged, and whether files were joined."""
    acknowledged = data_dir / "acknowledged"
    lines = acknowledged.read_text().splitlines() if acknowledged.exists() else []
    tables = {name: rows_of(data_dir, name) for name in ("trades", "bars", "books", "quotes", "records")}
    certified = [msgspec.structs.replace(one, revision=0, seq=0) for one in Reader(data_dir).certificates()]
    return {
        "acknowledged": int(lines[-1]) if lines else 0,
        "tables": tables,
        "certificates": sorted(map(repr, certified)),
        "joined": len(stored_files(data_dir / "tables", "trades")) < FAN_IN,
    }


def wrong_tables(found: Found, whole: Found) -> str:
    """Every row up to what was acknowledged is there, and none twice."""
    if not whole["joined"]:
        return "the undisturbed run joined nothing"
    for name, rows in found["tables"].items():
        due = [row for row in whole["tables"][name] if row[0] <= found["acknowledged"]]
        if why := extra(rows, whole["tables"][name]) or extra(due, rows, "is acknowledged and not there"):
            return f"{name}: {why}"
    return ""


def make_plain_log(data_dir: Path) -> None:
    """A journal of closed segments that are not compressed yet."""
    chance = random.Random(3)
    log, seq = LogWriter(data_dir / "log", SEGMENT_BYTES), 0
    while len(segments(data_dir / "log")) < SEGMENTS_OF_LOG:
        seq += 1
        log.append(1, 1, seq, seq, b'{"price": "%d"}' % chance.randrange(10**9) * 40)
        log.flush()
    log.close()
    for path in segments(data_dir / "log"):
        path.write_bytes(b"".join(bytes_of(path)))


def do_compress(data_dir: Path) -> None:
    packed.BLOCK_BYTES = SEGMENT_BYTES // 8
    LogWriter(data_dir / "log", SEGMENT_BYTES).close()  # the next writer removes what a kill left over
    compress_closed(data_dir / "log")


def look_at_log(data_dir: Path) -> Found:
    records = list(read(data_dir / "log"))
    compressed = 0
    for path in segments(data_dir / "log"):
        with open_segment(path) as content:
            compressed += isinstance(content, Packed)
    return {"records": [len(records), hashlib.md5(repr(records).encode()).hexdigest()], "compressed": compressed}


def wrong_log(found: Found, whole: Found) -> str:
    return "" if found["records"] == whole["records"] else f"{found['records']} is read, not {whole['records']}"


WORKS = {
    "an import of csv": Work(make_csv, do_import("csv"), look_at_import, wrong_import),
    "an import of parquet": Work(make_parquet, do_import("parquet"), look_at_import, wrong_import),
    "a rebuild": Work(make_replayed, do_rebuild, look_at_exports, wrong_exports),
    "compaction": Work(make_streamed, do_storing, look_at_tables, wrong_tables),
    "compression": Work(make_plain_log, do_compress, look_at_log, wrong_log),
}


def rows_of(data_dir: Path, table: str) -> list[list[Any]]:
    """Every live row of a table as seq and text, in order."""
    path = data_dir / "tables" / table
    if not DeltaTable.is_deltatable(str(path)):
        return []
    rows = DeltaTable(str(path)).to_pyarrow_table().to_pylist()
    return sorted([row["seq"], repr(sorted(row.items(), key=lambda item: item[0]))] for row in rows)


def extra(some: list[list[Any]], all_: list[list[Any]], why: str = "is too many") -> str:
    """A row of `some` that is not in `all_` as often."""
    left = Counter(map(tuple, some)) - Counter(map(tuple, all_))
    return f"{next(iter(left))} {why}, and {left.total() - 1} more" if left else ""
