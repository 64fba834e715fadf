"""Part 2: from send to batch in hand at 20,000 messages/s: ninefold (journalled first), Go, websockets + json.

In:  generated trades of Binance, each a send of its own. Out: percentiles in microseconds, medians of interleaved
     repetitions, and the ratio of ninefold's p99 to Go's.

The sender notes the moment before each send, the client the moment at which it has the trade (for ninefold: when the
chunk that holds it is handed on). Both read the same clock; messages are matched by their order. The first second counts
for nobody.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from functools import partial
from pathlib import Path

import numpy as np

from bench.capture import run
from bench.capture.quiet import Watch
from bench.capture.run import MEASURED, OTHER, OURS, Child, Said, module, once
from bench.capture.speed import CLIENTS, build

RATE = 20_000
SECONDS, SHORT_SECONDS = 15, 2
REPEAT = 5
PERCENTILES = (50.0, 99.0, 99.9)
WHO = ("ninefold", "go", "websockets + json")


def main() -> None:
    parser = run.options(__doc__ or "")
    parser.add_argument("--rate", type=int, default=RATE, help="messages a second")
    parser.add_argument("--seconds", type=int, default=0)
    parser.add_argument("--venue", default="binance")
    asked = parser.parse_args()
    with run.scratch(asked.scratch) as folder:
        found = measure(folder, asked)
    run.finish("latency", found, asked)


def measure(folder: Path, asked: argparse.Namespace) -> Said:
    repeat = asked.repeat or (1 if asked.short else REPEAT)
    seconds = asked.seconds or (SHORT_SECONDS if asked.short else SECONDS)
    go = build(folder)
    found: dict[str, list[list[float]]] = defaultdict(list)
    watch = Watch(asked.short)
    for number in range(repeat):
        for who in WHO:
            measure_one = partial(one, who, asked.venue, asked.rate, seconds, go, folder)
            found[who].append(watch.undisturbed(measure_one))
            run.progress(f"{number + 1}/{repeat} {who}: " + " / ".join(f"{value:,.0f} us" for value in found[who][-1]))
    made = {who: [run.median(column) for column in zip(*values, strict=True)] for who, values in found.items()}
    rows = [[who, values[1] / made["go"][1], *values] for who, values in made.items()]
    head = ["client", "p99 / p99 of Go", *(f"p{percent:g}, us" for percent in PERCENTILES), "latest, us"]
    title = (
        f"Send to batch in hand, {asked.venue}, {asked.rate:,} messages/s, one send each, {seconds} s; {watch.said()}"
    )
    return {"tables": [run.table(title, head, rows)], "runs": found, "others": watch.others}


def one(who: str, venue: str, rate: int, seconds: int, go: str, folder: Path) -> list[float]:
    """p50, p99, p99.9 and the greatest, in microseconds."""
    messages, sent, taken = rate * seconds, folder / "sent", folder / "taken"
    with Child(
        module(OURS, "exchange", venue, "--messages", messages, "--rate", rate, "--sent", sent), [OTHER]
    ) as sender:
        port = str(sender.said()["port"])
        told = ["-venue", venue, "-port", port, "-messages", str(messages), "-times", str(taken)]
        words = ["-" + word if word.startswith("-") else word for word in told]
        once([go, *told] if who == "go" else module(*CLIENTS[who], *words), [MEASURED])
        sender.said()
    waited = (np.fromfile(taken, np.int64) - np.fromfile(sent, np.int64))[rate:] / 1000
    return [*np.percentile(waited, PERCENTILES).tolist(), float(waited.max())]


if __name__ == "__main__":
    main()
