"""The cases of the crash table, dealt to processes side by side, and the table of what came of them.

In:  the arguments of `crash_table`. Out: a line of JSON for each case as it ends; the table.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from .crash_case import FAULTS, Case, Place, Point
from .crash_life import prepare
from .crash_rules import RULES

Todo = list[tuple[Point, str]]
LIVES = 3  # are counted under each fault: they differ by some calls
GOLDEN = (5**0.5 - 1) / 2
APART = 83  # points of a sample of two faults


def chosen(place: Place, faults: list[str], every: int, first: int, each: bool) -> Todo:
    """All points with every fault; of every so many of them one, at least one and another one for each fault. each: counted
    under each.

    Neighbours are far apart in it, so that the first part of it is a sample of the whole.
    """
    undisturbed = [] if each else place.points()
    found: Todo = []
    for number, fault in enumerate(faults):
        points = place.points(fault, LIVES) if each else undisturbed
        found += [(point, fault) for point in points[(first + number * APART) % min(every, len(points)) :: every]]
    return [one for _, one in sorted(enumerate(found), key=lambda one: one[0] * GOLDEN % 1)]


def gone_through(folder: Path, options: argparse.Namespace, faults: list[str]) -> list[Case]:
    """The cases, those that were done before among them; dealt to so many processes, each with an exchange of its own."""
    into = options.into or folder / "cases.jsonl"
    before = cases_in(into)
    counted = Place(folder / "counted")
    try:
        todo = chosen(counted, faults, options.every, options.first, options.each)
    finally:
        counted.close()
    done = {
        (case.point, case.fault) for case in before if case.killed or case.wrong
    }  # others may come to their call yet
    todo = [one for one in todo if one not in done]
    print(f"{len(todo):,} cases to go through, {len(done):,} done before", file=sys.stderr, flush=True)
    children = [os.fork() or _work(folder, number, options, todo, into) for number in range(options.jobs)]
    ended = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    if any(ended):
        raise RuntimeError(f"the cases could not be gone through: {ended}")
    return cases_in(into)


def cases_in(file: Path) -> list[Case]:
    """Those that a file has, a line each."""
    return msgspec.json.Decoder(Case).decode_lines(file.read_bytes()) if file.exists() else []


def _work(folder: Path, number: int, options: argparse.Namespace, todo: Todo, into: Path) -> int:
    """In a child: its part of the cases."""
    status = 1
    try:
        place = Place(folder / str(number), options.keep)
        try:
            place.leave_out(options.without)
            with into.open("ab", buffering=0) as file:
                for one in told(
                    place, todo[number :: options.jobs], options.lost, folder / "stop" if options.stop else None
                ):
                    file.write(msgspec.json.encode(one) + b"\n")
            status = 0
        finally:
            place.close()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)
    return status


def told(place: Place, todo: Todo, lost: int, stop: Path | None) -> Iterator[Case]:
    """The cases one after the other. stop: a file that is made at the first wrong case; no process begins another one then."""
    for one in todo:
        if stop is not None and stop.exists():
            return
        case = place.case(*one, lost)
        for words in case.wrong:
            print(f"{case.fault} at {' '.join(map(str, case.point))}: {words}", file=sys.stderr, flush=True)
        yield case
        if case.wrong and stop is not None:
            stop.touch()


def main(description: str | None) -> None:
    parser = argparse.ArgumentParser("crash_table", description=description)
    parser.add_argument("--faults", default=";".join(FAULTS))
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--each", action="store_true")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--without", default="", choices=["", *RULES])
    parser.add_argument("--lost", type=int, default=0)
    parser.add_argument("--stop", action="store_true")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--into", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder) / "prepared")
        gc.collect()
        gc.freeze()  # no fork looks through, and so copies, what all of them share
        faults = options.faults.split(";")
        done = gone_through(Path(folder), options, faults)
    done.sort(key=lambda case: faults.index(case.fault))
    print(text(done))
    sys.exit(any(case.wrong for case in done))


KINDS = ("lost", "doubled", "orphan", "unequal", "early")


def text(cases: list[Case]) -> str:
    """The table as docs/reliability.md has it."""
    names = ("fault", "cases", "killed", "met the fault", *KINDS)
    lines = [f"| {' | '.join(names)} |", "| --- " * len(names) + "|"]
    for fault in [*dict.fromkeys(case.fault for case in cases), ""]:
        of = [case for case in cases if not fault or case.fault == fault]
        kinds = Counter(words.partition(":")[0] for case in of for words in case.wrong)
        counts = [len(of), sum(case.killed for case in of), sum(case.struck for case in of), *(kinds[k] for k in KINDS)]
        lines.append(f"| {fault or 'all'} | {' | '.join(f'{count:,}' for count in counts)} |")
    return "\n".join(lines)
