"""Parts 3 and 4: durable streaming insert, and queries: ninefold beside InfluxDB, PostgreSQL, DuckDB, SQLite.

In:  generated trades, the same for all. Out: rows a second (batches of 10,000, each acknowledged when it is on the disk),
     bytes a row, the time of a durable batch of 100 rows, and milliseconds a question; answers must be equal to the bit.

All stores have both cores. Rows are prepared in the form in which a store takes them before the clock runs (lines for
InfluxDB, binary COPY for PostgreSQL, Arrow for DuckDB, tuples for SQLite). Ninefold's rows count twice: when acknowledged
(in the synced log), and when the recorder has put all of them into the tables, which is the figure compared. Then a steady
stream of its own shows how long rows take to be queryable and how many live files there are.
"""

from __future__ import annotations

import argparse
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.capture import run
from bench.capture.quiet import Watch
from bench.capture.run import OURS, PEERS, Child, Failed, Said, module

ROWS, SHORT_ROWS, LONG_ROWS = 2_000_000, 200_000, 20_000_000
STEADY_S, SHORT_STEADY_S, LONG_STEADY_S = 60, 5, 600
STEADY = 0.6  # of the sustained rate, unless --steady says how many rows a second
SMALL, SHORT_SMALL = 1_000, 50
REPEAT, QUESTION_REPEAT = 3, 5
INSERTING = ("ninefold", "InfluxDB", "PostgreSQL", "DuckDB", "SQLite", "Polars on Parquet")
QUESTIONS = {
    "candles": "1m candles from all trades",
    "last": "last 1,000 trades",
    "hour": "one hour raw",
    "counts": "count per instrument",
}
SERVERS = {"InfluxDB": "influxd", "PostgreSQL": "postgres"}


def main() -> None:
    parser = run.options(__doc__ or "")
    parser.add_argument("--long", action="store_true", help="20 million rows once, ten minutes steady")
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--steady", type=int, default=0, help="rows a second of the steady stream")
    parser.add_argument("--steady-seconds", type=int, default=0)
    asked = parser.parse_args()
    with run.scratch(asked.scratch) as folder:
        found = measure(folder, asked)
    run.finish("storing", found, asked)


def measure(folder: Path, asked: argparse.Namespace) -> Said:
    rows = asked.rows or (SHORT_ROWS if asked.short else LONG_ROWS if asked.long else ROWS)
    repeat = asked.repeat or (1 if asked.short or asked.long else REPEAT)
    inserted: dict[str, list[Said]] = defaultdict(list)
    watch = Watch(asked.short)
    for number in range(repeat):
        home = folder / str(number)
        home.mkdir()
        with ExitStack() as stack:
            stores = {who: stack.enter_context(holder(who, made(home, who))) for who in present()}
            for who, store in stores.items():
                with watch.counted():
                    inserted[who].append(do(store, "insert", rows))
                inserted[who][-1] |= do(store, "finish")
                run.progress(f"{number + 1}/{repeat} {who}: {rate(inserted[who][-1], 'queryable_s'):,.0f} rows/s")
            if number + 1 == repeat:
                readers = {
                    "ninefold sql": stack.enter_context(holder("ninefold sql", home / "ninefold" / "ninefold", rows)),
                    "DuckDB on Parquet": stack.enter_context(holder("DuckDB on Parquet", home / "Polars", rows)),
                }
                answers = ask({**stores, **readers}, 2 if asked.short else QUESTION_REPEAT, watch)
                small = {
                    who: do(stores[who], "small", SHORT_SMALL if asked.short else SMALL) for who in durable(stores)
                }
        shutil.rmtree(home)
    steady = stream(folder, asked, min(rate(one, "queryable_s") for one in inserted["ninefold"]), watch)
    tables = [
        _inserts(inserted, small, f"{rows:,} rows in batches of 10,000; {watch.said()}"),
        _questions(answers, rows),
        steady_table(steady),
    ]
    return {
        "tables": tables,
        "inserted": inserted,
        "small": small,
        "steady": steady,
        "asked": _by_name(answers),
        "others": watch.others,
    }


def present() -> list[str]:
    """The stores that can be measured here."""
    missing = [who for who, program in SERVERS.items() if shutil.which(program) is None]
    for who in missing:
        run.progress(f"{who} is not measured: there is no {SERVERS[who]} here (Debian has it)")
    return [who for who in INSERTING if who not in missing]


def durable(stores: Iterable[str]) -> list[str]:
    """Parquet files acknowledge nothing."""
    return [who for who in stores if who != "Polars on Parquet"]


def made(home: Path, who: str) -> Path:
    folder = home / who.split()[0]
    folder.mkdir()
    return folder


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


def ask(open_: dict[str, Child], repeat: int, watch: Watch) -> dict[tuple[str, str], list[Said]]:
    """Every question to every store, in turns; the first turn warms up. raises: Failed if answers differ."""
    found: dict[tuple[str, str], list[Said]] = defaultdict(list)
    for turn in range(repeat + 1):
        watch.wait()
        for question in QUESTIONS:
            said = {who: do(child, "ask", question) for who, child in open_.items()}
            if len({one["digest"] for one in said.values()}) != 1:
                raise Failed(f"the answers to {question} differ: {said}")
            for who, one in said.items():
                if turn:
                    found[question, who].append(one)
    return found


def stream(folder: Path, asked: argparse.Namespace, sustained: float, watch: Watch) -> Said:
    """A steady stream into a new data dir."""
    pace = asked.steady or int(sustained * STEADY)
    seconds = asked.steady_seconds or (SHORT_STEADY_S if asked.short else LONG_STEADY_S if asked.long else STEADY_S)
    run.progress(f"steady: {pace:,} rows/s for {seconds} s")
    home = folder / "steady"
    home.mkdir()
    with holder("ninefold", home) as child, watch.counted():
        return do(child, "paced", pace, seconds)


def _inserts(inserted: dict[str, list[Said]], small: dict[str, Said], of: str) -> Said:
    ours = run.median([rate(one, "queryable_s") for one in inserted["ninefold"]])
    lines = []
    for who in durable(inserted):
        queryable = run.median([rate(one, "queryable_s") for one in inserted[who]])
        acknowledged = run.median([rate(one, "acknowledged_s") for one in inserted[who]])
        size = run.median([one["bytes"] / one["rows"] for one in inserted[who]])
        took = small[who]
        lines.append(
            [
                who,
                ours / queryable,
                queryable,
                acknowledged,
                size,
                took["p50_ms"],
                took["p99_ms"],
                inserted[who][0]["durable"],
            ]
        )
    head = ["store", "ninefold is so many times", "rows/s until queryable", "rows/s acknowledged", "bytes/row"]
    head += ["100 rows acknowledged, ms p50", "p99", "acknowledged means"]
    return run.table(f"Durable streaming insert, {of}", head, lines)


def _questions(asked_: dict[tuple[str, str], list[Said]], rows: int) -> Said:
    stores = list(dict.fromkeys(who for _, who in asked_))
    lines = []
    for question, text in QUESTIONS.items():
        took = {who: run.median([one["seconds"] for one in asked_[question, who]]) * 1000 for who in stores}
        ours = min(took["ninefold"], took["ninefold sql"])
        best = min((value, who) for who, value in took.items() if not who.startswith("ninefold"))
        count = asked_[question, stores[0]][0]["rows"]
        lines.append([f"{text} ({count:,} rows)", ours / best[0], best[1], *took.values()])
    head = ["question", "ninefold / best peer", "best peer", *(f"{who}, ms" for who in stores)]
    return run.table(f"Questions to {rows:,} rows, warm, answers equal to the bit", head, lines)


def steady_table(steady: Said) -> Said:
    took, files = steady["queryable_s"], steady["files"]
    line = [steady["rate"], took["p50"], took["p99"], took["p100"], max(files), files[-1], steady["resident"] / 2**20]
    head = ["rows/s", "queryable after, s p50", "p99", "latest", "live files at most", "at the end", "recorder, MiB"]
    return run.table(f"A steady stream of {steady['rows']:,} rows", head, [line])


def _by_name(found: dict[tuple[str, str], list[Said]]) -> Said:
    return {f"{question}, {who}": values for (question, who), values in found.items()}


if __name__ == "__main__":
    main()
