"""Part 5: does ninefold stay as fast when it has much? 400 million trades against its own first 20 million.

In:  generated trades, in stretches of 20 million (a day each). Out: rows a second of each stretch, and what the indexed
     questions cost after the first and after the last.
"""

from __future__ import annotations

import argparse
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
    asked = parser.parse_args()
    with run.scratch(asked.scratch) as folder:
        found = measure(folder, asked)
    run.finish("growth", found, asked)


def measure(folder: Path, asked: argparse.Namespace) -> Said:
    rows = asked.rows or (SHORT_STRETCH if asked.short else STRETCH)
    stretches = asked.stretches or (SHORT_STRETCHES if asked.short else STRETCHES)
    inserted: list[Said] = []
    asked_ms: list[dict[str, float]] = []
    sizes: list[float] = []
    with holder("ninefold", folder) as store:
        for number in range(stretches):
            inserted.append(do(store, "insert", rows) | do(store, "forget"))
            run.progress(f"{number + 1}/{stretches}: {rate(inserted[-1], 'queryable_s'):,.0f} rows/s")
            if number in (0, stretches - 1):
                sizes.append(do(store, "finish")["bytes"] / (rows * (number + 1)))
                asked_ms.append({question: ask(store, question) for question in QUESTIONS})
    first, last = (rate(one, "queryable_s") for one in (inserted[0], inserted[-1]))
    lines = [["rows/s until queryable", first / last, first, last]]
    for of, text in QUESTIONS.items():
        before, after = asked_ms[0][of], asked_ms[-1][of]
        lines.append([f"{text}, ms", after / before, before, after])
    lines.append(["bytes/row", sizes[-1] / sizes[0], sizes[0], sizes[-1]])
    memory = [one["resident"] / 2**20 for one in inserted]
    lines.append(["recorder, MiB", memory[-1] / memory[0], memory[0], memory[-1]])
    head = ["what", "worse by", f"first {rows:,} rows", f"last of {rows * stretches:,}"]
    return {"tables": [run.table("Growth", head, lines)], "inserted": inserted, "asked_ms": asked_ms}


def ask(store: Child, question: str) -> float:
    """Milliseconds, warm."""
    return run.median([do(store, "ask", question)["seconds"] * 1000 for _ in range(REPEAT)][1:])


if __name__ == "__main__":
    main()
