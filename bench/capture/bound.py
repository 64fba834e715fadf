"""What bounds part 1: the same bytes through a bare loop, step by step, beside Go and ninefold in the same run.

In:  generated trades of three venues. Out: messages a second, and nanoseconds a message, of a loop that only receives, that
     also writes what it received to a file, that also packs it into the journal's records, and that also parses these.

No client that journals and parses with these loops can be faster than the last step; how far ninefold is from it is what the
loop of events, the chunks, holes, syncs, compression and the first messages of 2,000 symbols cost.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from functools import partial
from pathlib import Path

from bench.capture import run
from bench.capture.client_bare import STEPS
from bench.capture.messages import WIRES
from bench.capture.quiet import Watch
from bench.capture.run import MEASURED, OTHER, OURS, Child, Failed, Said, module, once
from bench.capture.speed import build, one

MESSAGES, BARE_MESSAGES, SHORT = 1_500_000, 500_000, 20_000
REPEAT = 3
BESIDE = ("ninefold", "go")


def main() -> None:
    parser = run.options(__doc__ or "")
    parser.add_argument("--venue", choices=WIRES, help="only this one")
    asked = parser.parse_args()
    with run.scratch(asked.scratch) as folder:
        found = measure(folder, asked)
    run.finish("bound", found, asked)


def measure(folder: Path, asked: argparse.Namespace) -> Said:
    go, venues = build(folder), [asked.venue] if asked.venue else list(WIRES)
    rates: dict[tuple[str, str], list[float]] = defaultdict(list)
    watch = Watch(asked.short)
    for _ in range(asked.repeat or (1 if asked.short else REPEAT)):
        for venue in venues:
            for who in (*STEPS, *BESIDE):
                messages = SHORT if asked.short else BARE_MESSAGES if who in STEPS else MESSAGES
                work = partial(bare, venue, who, messages) if who in STEPS else partial(one, venue, who, messages, go)
                rates[venue, who].append(messages / watch.undisturbed(work)["seconds"])
                run.progress(f"{venue} {who}: {rates[venue, who][-1]:,.0f} messages/s")
    made = {key: run.median(values) for key, values in rates.items()}
    head = [
        "venue",
        *(f"{step}, messages/s" for step in STEPS),
        *BESIDE,
        *(f"{step}, ns" for step in STEPS),
        "parse / Go",
    ]
    rows = []
    for venue in venues:
        all_ = [made[venue, who] for who in (*STEPS, *BESIDE)]
        rows.append(
            [venue, *all_, *(1e9 / made[venue, step] for step in STEPS), made[venue, "parse"] / made[venue, "go"]]
        )
    title = f"A bare loop on one core: each step does also what those before it do; {watch.said()}"
    return {"tables": [run.table(title, head, rows)], "rates": {" ".join(key): values for key, values in rates.items()}}


def bare(venue: str, step: str, messages: int) -> Said:
    """One sender, one loop, to the end. raises: Failed if it did not parse all."""
    with Child(module(OURS, "exchange", venue, "--messages", messages), [OTHER]) as sender:
        said = sender.said()
        words = ["--venue", venue, "--port", said["port"], "--bytes", said["bytes"], "--step", step]
        found = once(module(OURS, "client_bare", *words), [MEASURED])
    if step == "parse" and found["trades"] != messages:
        raise Failed(f"the bare loop parsed {found['trades']} trades of {messages} on {venue}")
    return found


if __name__ == "__main__":
    main()
