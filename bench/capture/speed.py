"""Part 1: from a websocket on loopback to trades, one core: ninefold (parsed, journalled, batched), Go, websockets.

In:  generated trades of three venues. Out: messages a second, medians of interleaved repetitions, and ratios.

The measured client has core 0 to itself, the sender core 1. The first repetition is a checking run: every client parses
every number and must give the same checksum; it is not timed. In the timed ones trades and ids must agree. The client
that only takes bytes shows what the sender can send.
"""

from __future__ import annotations

import argparse
import os
import subprocess
from collections import defaultdict
from functools import partial
from pathlib import Path

from bench.capture import run
from bench.capture.messages import WIRES
from bench.capture.quiet import Watch
from bench.capture.run import GO, MEASURED, OTHER, OURS, PEERS, Child, Failed, Said, module, once

CHECKED = 100_000  # messages of the checking run
MESSAGES = {"ninefold": 1_500_000, "go": 1_500_000, "websockets + json": 400_000, "bytes only": 1_500_000}
SHORT = 20_000
REPEAT = 5


def main() -> None:
    parser = run.options(__doc__ or "")
    parser.add_argument("--venue", choices=WIRES, help="only this one")
    asked = parser.parse_args()
    with run.scratch(asked.scratch) as folder:
        found = measure(folder, asked)
    run.finish("speed", found, asked)


def measure(folder: Path, asked: argparse.Namespace) -> Said:
    repeat = asked.repeat or (1 if asked.short else REPEAT)
    go, venues = build(folder), [asked.venue] if asked.venue else list(WIRES)
    rates: dict[tuple[str, str], list[float]] = defaultdict(list)
    watch = Watch(asked.short)
    for venue in venues:
        check({who: one(venue, who, SHORT if asked.short else CHECKED, go, "--check") for who in MESSAGES}, venue)
    for number in range(repeat):
        for venue in venues:
            for who, messages in MESSAGES.items():
                messages = SHORT if asked.short else messages
                said = watch.undisturbed(partial(one, venue, who, messages, go))
                rates[venue, who].append(messages / said["seconds"])
                run.progress(f"{number + 1}/{repeat} {venue} {who}: {rates[venue, who][-1]:,.0f} messages/s")
    ours = {venue: run.median(rates[venue, "ninefold"]) for venue in venues}
    rows = []
    for venue in venues:
        made = {who: run.median(rates[venue, who]) for who in MESSAGES}
        ratios = [ours[venue] / made["go"], ours[venue] / made["websockets + json"]]
        spread = f"{min(rates[venue, 'ninefold']):,.0f}-{max(rates[venue, 'ninefold']):,.0f}"
        rows.append([venue, *ratios, *made.values(), spread])
    head = [
        "venue",
        "ninefold / Go",
        "ninefold / websockets",
        *(f"{who}, messages/s" for who in MESSAGES),
        "spread of ninefold",
    ]
    raw = {f"{venue}, {who}": values for (venue, who), values in rates.items()}
    title = f"One core, loopback websocket to trades; {watch.said()}"
    return {"tables": [run.table(title, head, rows)], "rates": raw, "others": watch.others}


def build(folder: Path) -> str:
    """The Go client, compiled without asking any network for anything."""
    made = folder / "client"
    environment = {
        **os.environ,
        "GOCACHE": str(folder / "go"),
        "GOPATH": str(folder / "gopath"),
        "GOTOOLCHAIN": "local",
    }
    environment |= {"GOPROXY": "off", "GO111MODULE": "off"}
    source = Path(__file__).parent / "client.go"
    subprocess.run([str(GO), "build", "-o", str(made), str(source)], env=environment, check=True)
    return str(made)


def one(venue: str, who: str, messages: int, go: str, *more: str) -> Said:
    """One sender, one client, to the end. raises: Failed if not all came."""
    with Child(module(OURS, "exchange", venue, "--messages", messages), [OTHER]) as sender:
        said = sender.said()
        told = ["-venue", venue, "-port", str(said["port"]), "-messages", str(messages)]
        if who == "go":
            found = once([go, *told, *(word.replace("--", "-") for word in more)], [MEASURED])
        else:
            client = module(*CLIENTS[who], *("-" + word if word.startswith("-") else word for word in told))
            drained = ["--drain", str(said["bytes"])] if who == "bytes only" else more
            found = once([*client, *drained], [MEASURED])
    if who != "bytes only" and found["trades"] != messages:
        raise Failed(f"{who} found {found['trades']} trades of {messages} on {venue}")
    return found


def check(found: dict[str, Said], venue: str) -> None:
    """All that parse must agree. raises: Failed."""
    sums = {who: (said["trades"], said["ids"], said["values"]) for who, said in found.items() if "values" in said}
    if len(set(sums.values())) != 1 or found["ninefold"]["faults"]:
        raise Failed(f"the clients do not agree on {venue}: {sums}, faults {found['ninefold']['faults']}")
    run.progress(f"{venue}: all agree on {next(iter(sums.values()))}")


CLIENTS = {
    "ninefold": (OURS, "client_ninefold"),
    "websockets + json": (PEERS, "client_websockets"),
    "bytes only": (PEERS, "client_websockets"),
}

if __name__ == "__main__":
    main()
