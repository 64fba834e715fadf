"""Parts 3 and 4: durable streaming insert, and queries: ninefold beside InfluxDB, PostgreSQL, DuckDB, SQLite.

In:  generated trades, the same for all. Out: rows a second (batches of 10,000, each acknowledged when it is on the disk),
     bytes a row, the time of a durable batch of 100 rows, and milliseconds a question; answers must be equal to the bit.

One store after the other has both cores, in turns if there are repetitions. Rows are prepared in the form in which a store
takes them before the clock runs (lines for InfluxDB, binary COPY for PostgreSQL, Arrow for DuckDB, tuples for SQLite).
Ninefold's rows count twice: when acknowledged (in the synced log), and when the recorder has put all of them into the tables,
which is the figure compared.
With --keep a long run may be ended and begun again: what was found of a store is kept there, and not measured again.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.capture import run
from bench.capture.quiet import Watch
from bench.capture.run import OURS, PEERS, Child, Failed, Said, module

ROWS, SHORT_ROWS, LONG_ROWS = 2_000_000, 200_000, 20_000_000
SMALL, SHORT_SMALL = 1_000, 50
REPEAT, QUESTION_REPEAT = 3, 5
INSERTING = ("ninefold", "InfluxDB", "PostgreSQL", "DuckDB", "SQLite", "Polars on Parquet")
READING = {"ninefold": "ninefold sql", "Polars on Parquet": "DuckDB on Parquet"}  # who else reads what was stored
QUESTIONS = {
    "candles": "1m candles from all trades",
    "last": "last 1,000 trades",
    "hour": "one hour raw",
    "counts": "count per instrument",
}
SERVERS = {"InfluxDB": "influxd", "PostgreSQL": "postgres"}


def main() -> None:
    parser = run.options(__doc__ or "")
    parser.add_argument("--long", action="store_true", help="20 million rows once")
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument(
        "--keep", type=Path, help="a folder for what is found of each store; what it has is not measured"
    )
    parser.add_argument(
        "--store", choices=INSERTING, action="append", help="only this one; may be given more than once"
    )
    asked = parser.parse_args()
    with run.scratch(asked.scratch) as folder:
        found = measure(folder, asked)
    run.finish("storing", found, asked)


def measure(folder: Path, asked: argparse.Namespace) -> Said:
    rows = asked.rows or (SHORT_ROWS if asked.short else LONG_ROWS if asked.long else ROWS)
    repeat = asked.repeat or (1 if asked.short or asked.long else REPEAT)
    found: dict[str, list[Said]] = defaultdict(list)
    watch = Watch(asked.short)
    for number in range(repeat):
        for who in [who for who in present() if not asked.store or who in asked.store]:
            kept = asked.keep and asked.keep / f"{rows} {number} {who}.json"
            if not (kept and kept.exists()):
                one = measured(folder, who, rows, number + 1 == repeat, asked.short, watch)
                if kept:
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    kept.write_text(json.dumps(one))
            else:
                one = json.loads(kept.read_text())
            found[who].append(one)
            run.progress(f"{number + 1}/{repeat} {who}: {rate(one, 'queryable_s'):,.0f} rows/s")
    others = [one["others"] for some in found.values() for one in some]
    told = f"other programs took {100 * run.median(others):.0f} % of a core, {100 * max(others):.0f} % at most"
    tables = [_inserts(found, f"{rows:,} rows in batches of 10,000; {told}"), _questions(found, rows)]
    return {"tables": tables, "found": found}


def measured(folder: Path, who: str, rows: int, last: bool, short: bool, watch: Watch) -> Said:
    """Of one store: insert, and the last time also questions and small batches. Its data is gone after that."""
    home = folder / who.split()[0]
    home.mkdir()
    with holder(who, home) as store:
        with watch.counted():
            found = do(store, "insert", rows)
        found |= do(store, "finish") | {"others": watch.others[-1]}
        if last:
            turns = 2 if short else QUESTION_REPEAT
            found["asked"] = {who: ask(store, turns)}
            if who in READING:
                data = home / "ninefold" if who == "ninefold" else home
                with holder(READING[who], data, rows) as reader:
                    found["asked"][READING[who]] = ask(reader, turns)
            if who in durable([who]):
                found["small"] = do(store, "small", SHORT_SMALL if short else SMALL)
    shutil.rmtree(home)
    return found


def present() -> list[str]:
    """The stores that can be measured here."""
    missing = [who for who, program in SERVERS.items() if shutil.which(program) is None]
    for who in missing:
        run.progress(f"{who} is not measured: there is no {SERVERS[who]} here (Debian has it)")
    return [who for who in INSERTING if who not in missing]


def durable(stores: Iterable[str]) -> list[str]:
    """Parquet files acknowledge nothing."""
    return [who for who in stores if who != "Polars on Parquet"]


@contextmanager
def holder(who: str, home: Path, rows: int = 0) -> Iterator[Child]:
    """The process that has the store, ready."""
    python = OURS if who.startswith("ninefold") else PEERS
    with Child(module(python, "client_store", who, home, rows)) as child:
        child.said()
        yield child
        child.leave()


def do(child: Child, *words: object) -> Said:
    child.tell(" ".join(map(str, words)))
    return child.said()


def rate(said: Said, until: str) -> float:
    return float(said["rows"] / said[until])


def ask(store: Child, turns: int) -> Said:
    """Every question, in turns; the first turn warms up."""
    said: dict[str, list[Said]] = {question: [] for question in QUESTIONS}
    for _ in range(turns + 1):
        for question, some in said.items():
            some.append(do(store, "ask", question))
    return {question: some[1:] for question, some in said.items()}


def _inserts(found: dict[str, list[Said]], of: str) -> Said:
    ours = [rate(one, "queryable_s") for one in found.get("ninefold", [])]
    lines = []
    for who in durable(found):
        queryable = run.median([rate(one, "queryable_s") for one in found[who]])
        acknowledged = run.median([rate(one, "acknowledged_s") for one in found[who]])
        size = run.median([one["bytes"] / one["rows"] for one in found[who]])
        small = found[who][-1]["small"]
        times = run.median(ours) / queryable if ours else ""
        line = [who, times, queryable, acknowledged, size, small["p50_ms"], small["p99_ms"], found[who][0]["durable"]]
        lines.append(line)
    head = ["store", "ninefold is so many times", "rows/s until queryable", "rows/s acknowledged", "bytes/row"]
    head += ["100 rows acknowledged, ms p50", "p99", "acknowledged means"]
    return run.table(f"Durable streaming insert, {of}", head, lines)


def _questions(found: dict[str, list[Said]], rows: int) -> Said:
    """raises: Failed if answers differ."""
    answers = {who: said for some in found.values() for who, said in some[-1]["asked"].items()}
    lines = []
    for question, text in QUESTIONS.items():
        digests = {who: said[question][0]["digest"] for who, said in answers.items()}
        if len({one["digest"] for said in answers.values() for one in said[question]}) != 1:
            raise Failed(f"the answers to {question} differ: {digests}")
        took = {who: run.median([one["seconds"] for one in said[question]]) * 1000 for who, said in answers.items()}
        ours = [value for who, value in took.items() if who.startswith("ninefold")]
        peers = [(value, who) for who, value in took.items() if not who.startswith("ninefold")]
        best = [min(ours) / min(peers)[0], min(peers)[1]] if ours and peers else ["", ""]
        count = next(iter(answers.values()))[question][0]["rows"]
        lines.append([f"{text} ({count:,} rows)", *best, *took.values()])
    head = ["question", "ninefold / best peer", "best peer", *(f"{who}, ms" for who in answers)]
    return run.table(f"Questions to {rows:,} rows, warm, answers equal to the bit", head, lines)


if __name__ == "__main__":
    main()
