"""Part 7: does ninefold stay as fast when it has much? 400 million trades against its own first 20 million.

In:  generated trades, in stretches of 20 million (a day each). Out: rows a second of each stretch, and what the indexed
     questions cost after the first and after the last.

With --keep it may be ended after any stretch and begun again: the data stays there, and what was found so far.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from bench.capture import run
from bench.capture.run import Child, Said
from bench.capture.storing import do, holder, rate

STRETCH, SHORT_STRETCH = 20_000_000, 100_000
STRETCHES, SHORT_STRETCHES = 20, 2
QUESTIONS = {"last": "last 1,000 trades", "hour": "one hour raw"}
REPEAT = 7


def main() -> None:
    parser = run.options(__doc__ or "")
    parser.add_argument("--stretches", type=int, default=0)
    parser.add_argument("--rows", type=int, default=0, help="of a stretch")
    parser.add_argument("--keep", type=Path, help="where data and findings stay; a second run goes on with them")
    parser.add_argument("--until", type=int, default=0, help="end after so many stretches; a later run goes on")
    asked = parser.parse_args()
    if asked.keep is not None:
        asked.keep.mkdir(parents=True, exist_ok=True)
        found = measure(asked.keep, asked)
    else:
        with run.scratch(asked.scratch) as folder:
            found = measure(folder, asked)
    if found:
        run.finish("growth", found, asked, peers=False)


def measure(folder: Path, asked: argparse.Namespace) -> Said:
    """Nothing if there are stretches left."""
    rows = asked.rows or (SHORT_STRETCH if asked.short else STRETCH)
    stretches = asked.stretches or (SHORT_STRETCHES if asked.short else STRETCHES)
    said = folder / "said.json"
    made: list[Said] = json.loads(said.read_text()) if said.exists() else []
    until = min(asked.until or stretches, stretches)
    with holder("ninefold", folder) as store:
        if made:
            do(store, "go_on", folder / "market")
        for number in range(len(made), until):
            made.append(do(store, "insert", rows) | do(store, "forget"))
            run.progress(f"{number + 1}/{stretches}: {rate(made[-1], 'queryable_s'):,.0f} rows/s")
            if number in (0, stretches - 1):
                made[-1] |= {"size": do(store, "finish")["bytes"] / (rows * (number + 1))}
                made[-1] |= {"ms": {question: ask(store, question) for question in QUESTIONS}}
            do(store, "keep", folder / "market")
            said.write_text(json.dumps(made))
    return table(made, rows) if len(made) == stretches else {}


def table(made: list[Said], rows: int) -> Said:
    first, last = made[0], made[-1]
    speeds = [rate(one, "queryable_s") for one in (first, last)]
    lines = [["rows/s until queryable", speeds[0] / speeds[1], *speeds]]
    for of, text in QUESTIONS.items():
        lines.append([f"{text}, ms", last["ms"][of] / first["ms"][of], first["ms"][of], last["ms"][of]])
    lines.append(["bytes/row", last["size"] / first["size"], first["size"], last["size"]])
    memory = [one["resident"] / 2**20 for one in (first, last)]
    lines.append(["recorder, MiB", memory[1] / memory[0], *memory])
    head = ["what", "worse by", f"first {rows:,} rows", f"last of {rows * len(made):,}"]
    return {"tables": [run.table("Growth", head, lines)], "stretches": made}


def ask(store: Child, question: str) -> float:
    """Milliseconds, warm."""
    return run.median([do(store, "ask", question)["seconds"] * 1000 for _ in range(REPEAT)][1:])


if __name__ == "__main__":
    main()
