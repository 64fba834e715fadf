"""Part 5: a steady stream into ninefold: how long until rows can be queried, and how many live files there are meanwhile.

In:  rows a second; without them what 2 million rows reach, and of that STEADY. Out: how long rows took from their receive
     time until they were in the tables, live files, memory. Both cores.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.capture import run
from bench.capture.quiet import Watch
from bench.capture.run import Said
from bench.capture.storing import ROWS, SHORT_ROWS, do, holder, rate

STEADY = 0.6  # of the rate that all rows at once reach
SECONDS, SHORT_SECONDS = 600, 5


def main() -> None:
    parser = run.options(__doc__ or "")
    parser.add_argument("--rate", type=int, default=0, help="rows a second")
    parser.add_argument("--seconds", type=int, default=0)
    asked = parser.parse_args()
    with run.scratch(asked.scratch) as folder:
        found = measure(folder, asked)
    run.finish("stream", found, asked, peers=False)


def measure(folder: Path, asked: argparse.Namespace) -> Said:
    watch = Watch(asked.short)
    pace = asked.rate or int(STEADY * sustained(folder / "first", SHORT_ROWS if asked.short else ROWS, watch))
    seconds = asked.seconds or (SHORT_SECONDS if asked.short else SECONDS)
    run.progress(f"{pace:,} rows/s for {seconds} s")
    home = folder / "stream"
    home.mkdir()
    with holder("ninefold", home) as store, watch.counted():
        found = do(store, "paced", pace, seconds)
    took, files = found["queryable_s"], found["files"]
    line = [found["rate"], took["p50"], took["p99"], took["p100"], found["settled_s"], max(files), files[-1]]
    line += [resident / 2**20 for resident in (found["early"], found["resident"])]
    head = ["rows/s", "queryable after, s p50", "p99", "latest", "the last rows, s", "live files at most", "at the end"]
    head += ["recorder, MiB, a tenth of the way", "at the end"]
    title = f"A steady stream of {found['rows']:,} rows, {seconds} s; {watch.said()}"
    return {"tables": [run.table(title, head, [line])], "stream": found}


def sustained(home: Path, rows: int, watch: Watch) -> float:
    home.mkdir()
    with holder("ninefold", home) as store, watch.counted():
        return rate(do(store, "insert", rows), "queryable_s")


if __name__ == "__main__":
    main()
