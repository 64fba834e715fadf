"""Part 6: one recorder, 2,000 instruments, 50,000 messages a second for ten minutes: nothing lost, lag, memory.

In:  generated trades of Binance, each stamped with the moment at which it was due. Out: sent, in hand, in the tables;
     lag from stamp to the stream log (the stamp has milliseconds, and one row in a thousand is late by design); how long
     until stored; memory after a minute and at the end.

The collector has core 0. Sender and recorder share core 1.
"""

from __future__ import annotations

import argparse
import threading
from pathlib import Path

import numpy as np

from bench.capture import run
from bench.capture.market import Market
from bench.capture.quiet import Watch
from bench.capture.run import MEASURED, OTHER, OURS, Child, Failed, Said, module
from ninefold.services.process import PARENT
from ninefold.store.read import Reader

RATE = 50_000
SECONDS, SHORT_SECONDS = 600, 5
WARM_S = 60


def main() -> None:
    parser = run.options(__doc__ or "")
    parser.add_argument("--rate", type=int, default=RATE, help="messages a second")
    parser.add_argument("--seconds", type=int, default=0)
    asked = parser.parse_args()
    with run.scratch(asked.scratch) as folder:
        found = measure(folder / "data", asked)
    run.finish("steady", found, asked)


def measure(data_dir: Path, asked: argparse.Namespace) -> Said:
    watch = Watch(asked.short)
    seconds = asked.seconds or (SHORT_SECONDS if asked.short else SECONDS)
    messages = asked.rate * seconds
    sending = module(OURS, "exchange", "binance", "--messages", messages, "--rate", asked.rate, "--live")
    heard: list[Said] = []
    stored: list[Said] = []
    data_dir.mkdir()
    with watch.counted(), Child(sending, [OTHER]) as sender:
        port = sender.said()["port"]
        words = ("--venue", "binance", "--port", port, "--messages", messages, "--data-dir", data_dir)
        with Child(module(OURS, "collector", *words), [MEASURED], {PARENT: "stdin"}) as collector:
            first = collector.said()  # then there is a data dir with a stream log
            with Child(module(OURS, "recorder", data_dir), [OTHER], {PARENT: "stdin"}) as recorder:
                listening = threading.Thread(target=listen, args=(recorder, stored), daemon=True)
                listening.start()
                heard.append(first)
                while "end" not in heard[-1]:
                    heard.append(collector.said())
                    run.progress(" ".join(f"{name} {value:,.0f}" for name, value in heard[-1].items() if name != "end"))
                end = heard.pop()["end"]
                while not stored or stored[-1].get("seq", 0) < end["last_seq"]:
                    listening.join(0.05)
                    if not listening.is_alive():
                        raise Failed("the recorder ended before it had stored all")
                recorder.leave()
                listening.join()
    found = report(data_dir, messages, asked.rate, heard, end, stored)
    found["tables"][0]["title"] += f", {seconds} s; {watch.said()}"
    return found


def listen(child: Child, into: list[Said]) -> None:
    while True:
        try:
            into.append(child.said())
        except Failed:
            return


def report(data_dir: Path, messages: int, rate: int, heard: list[Said], end: Said, stored: list[Said]) -> Said:
    in_tables = Reader(data_dir).counts()["trades"]
    expected = ids_sent(messages)
    lost = messages - in_tables
    if end["ids"] != expected or end["faults"]:
        raise Failed(f"what came is not what was sent: ids {end['ids']} instead of {expected}, faults {end['faults']}")
    lags = np.array([one["lag_p99_ms"] for one in heard])
    took = stored[-1]["queryable_s"]
    memory = [_memory([one["resident"] for one in some if "resident" in one]) for some in (heard, stored)]
    line = [rate, messages, end["trades"], in_tables, lost, float(np.median([one["lag_p50_ms"] for one in heard]))]
    line += [float(np.percentile(lags, 50)), float(lags.max()), took["p50"], took["p99"], *memory]
    head = ["messages/s", "sent", "in hand", "in the tables", "lost", "lag p50, ms", "p99 of the median second"]
    head += [
        "p99 of the worst second",
        "stored after, s p50",
        "p99",
        "collector, MiB, after a minute and at the end",
        "recorder",
    ]
    return {"tables": [run.table("One recorder, 2,000 instruments", head, [line])], "heard": heard, "stored": stored}


def ids_sent(messages: int) -> int:
    """The sum of the trade ids that the sender made."""
    market, total = Market(), 0
    while messages > 0:
        batch = market.batch()[:messages]
        total += int(batch["id_lo"].sum())
        messages -= len(batch)
    return total


def _memory(resident: list[int]) -> str:
    early = resident[min(WARM_S, len(resident) - 1)]
    return f"{early / 2**20:,.0f}, {resident[-1] / 2**20:,.0f}"


if __name__ == "__main__":
    main()
