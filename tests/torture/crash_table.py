"""The crash table: kill -9 of the hot process at every write, sync and send, times every fault of orders.

Arguments: `--faults "NAME;NAME"`, `--every N` (of so many cases one, another one of each fault), `--first N`, `--each` (count
the calls under each fault, not undisturbed), `--jobs N` (exchanges side by side), `--without RULE`, `--lost N` (so many inputs
of the logs' ends, as by a power loss), `--stop` (with one job: at the first wrong case), `--keep FOLDER` (for the data dirs of
wrong cases), `--json FILE`. Prints the table with counts; exit status 1 if anything is wrong.
The points are not a list: strace counts the calls of one undisturbed life, and then kills the process at the first, the
second ... of each kind. A killed process is started again, without strace, until its script is over; then ledger and exchange
are compared. All of a case are forks of this program, which has imported what they need: it never makes a thread itself.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ninefold.journal.reader import read_segment
from ninefold.journal.segment import HEADER, OVERHEAD, segments
from ninefold.store.ledger import LedgerReader

from .crash_life import DONE, Exchange, live
from .crash_rules import RULES
from .crash_truth import look, what_is_wrong

CALLS = ("write", "writev", "pwrite64", "fdatasync", "fsync", "sendto", "sendmsg", "rename", "ftruncate")
PATIENCE_S = 40.0
BEGIN_NS = 700_000_000  # after the process starts: by then it has asked for the account, if nothing disturbs it
POST = {"only": "POST"}
FAULTS: dict[str, list[dict[str, Any]]] = {
    "none": [],
    "reply lost": [{"kind": "reply_lost", "count": 2, **POST}],
    "5xx, accepted": [{"kind": "accepted_5xx", "count": 2, **POST}],
    "5xx, not accepted": [{"kind": "refused_5xx", "count": 2, **POST}],
    "5xx, accepted, events lost": [{"kind": "accepted_5xx", "count": 2, **POST}, {"kind": "event_gap", "seconds": 60}],
    "late": [{"kind": "late", "count": 2, "by_ms": 250, **POST}],
    "429": [{"kind": "order_limit", "count": 1, **POST}],
    "partial fill, then cut": [{"kind": "partial_fill", "count": 2, **POST}],
    "fill told twice": [{"kind": "event_duplicate", "seconds": 60}],
    "reordered": [{"kind": "event_reorder", "seconds": 60, "share": 0.5}],
    "user stream gap": [{"kind": "event_gap", "seconds": 60}],
    "half-open socket": [{"kind": "half_open", "count": 1, "after": 1.0, **POST}],
    "maintenance": [{"kind": "maintenance", "seconds": 0.6, "after": 1.0}],
    "clock jump": [{"kind": "clock_jump", "seconds": 0.8, "by_ms": 3_000, "after": 1.0}],
}


class Point(NamedTuple):
    """The n-th call of a kind in any thread; n 0: nobody is killed."""

    call: str
    n: int


class Case(NamedTuple):
    """killed: whether the call came. struck: requests and events that met the fault. wrong: what was not as it must be."""

    point: Point
    fault: str
    killed: bool
    struck: int
    wrong: list[str]


class Table:
    """A simulated exchange and the cases on it, one after the other."""

    def __init__(self, folder: Path, keep: Path | None = None) -> None:
        """keep: a folder for the data dirs of cases in which something is wrong."""
        self._keep = keep
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._without: Callable[[], None] | None = None
        self._number = 0
        command = [sys.executable, "-m", "ninefold.simulator", "--data-dir", str(folder / "exchange")]
        command += ["--rate", "40", "--instruments", "BTC/USDT"]
        with (folder / "exchange.log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
        assert self._process.stdout is not None
        ready = json.loads(self._process.stdout.readline())
        self._exchange = Exchange(*(ready[name] for name in Exchange._fields))
        self._database = folder / "exchange" / "exchange.sqlite"

    def leave_out(self, rule: str) -> None:
        """From now on live without a rule of recovery; "": with all of them."""
        self._without = RULES[rule] if rule else None

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def points(self, fault: str = "none") -> list[Point]:
        """Every call of a life that nobody kills, counted in each thread; the most of any thread."""
        trace = self._folder / "trace"
        data_dir = self._next()
        self._order(fault)
        self._live(data_dir, time.time_ns() + BEGIN_NS, ["-o", str(trace), "-e", f"trace={','.join(CALLS)}"])
        of: Counter[tuple[str, str]] = Counter()
        for line in trace.read_text().splitlines():
            found = re.match(r"(\d+)\s+(\w+)\(", line)
            if found and found[2] in CALLS:
                of[(found[1], found[2])] += 1
        most = {call: max((n for (_, name), n in of.items() if name == call), default=0) for call in CALLS}
        return [Point(call, n) for call, count in most.items() for n in range(1, count + 1)]

    def case(self, point: Point, fault: str, lost: int = 0) -> Case:
        """Live with a fault until the point, start again until the script is over, and compare. lost: so many inputs up to the
        ledger's last one, and all behind it, are gone from both logs, as after a power loss: they are synced later than it.
        """
        data_dir = self._next()
        before, struck = look(self._exchange.rest, self._database), self._struck()
        self._order(fault)
        begin_ns = time.time_ns() + BEGIN_NS
        inject = f"inject={point.call}:signal=KILL:when={point.n}"
        trace = ["-o", "/dev/null", "-e", f"trace={point.call}", "-e", inject] if point.n else []
        status = self._live(data_dir, begin_ns, trace)
        killed = status == -signal.SIGKILL
        if killed and lost and (data_dir / "ledger.db").exists():
            lose(data_dir, LedgerReader(data_dir).last_seq() - lost)
        if killed:
            status = self._live(data_dir, begin_ns, [])
        self._ask("DELETE")
        wrong = [] if status == DONE else [f"lost: the life ended with {status}: {self._words(data_dir)}"]
        wrong += what_is_wrong(data_dir, self._exchange.rest, self._database, before)
        if wrong and self._keep is not None:
            shutil.copytree(data_dir, self._keep / f"{point.call}{point.n}-{os.getpid()}")
        shutil.rmtree(data_dir)
        return Case(point, fault, killed, self._struck() - struck, wrong)

    def _live(self, data_dir: Path, begin_ns: int, trace: list[str]) -> int:
        """One life; how it ended."""
        child = os.fork()
        if not child:
            self._become(data_dir, begin_ns, stopped=bool(trace))
        tracer = _attach(child, trace) if trace else None
        status = _wait(child)
        if tracer is not None:
            tracer.wait(10)
            if tracer.stderr is not None:
                tracer.stderr.close()
        return status

    def _become(self, data_dir: Path, begin_ns: int, stopped: bool) -> None:
        """In the child: it never comes back."""
        try:
            with data_dir.with_suffix(".log").open("ab") as log:
                os.dup2(log.fileno(), 1)
                os.dup2(log.fileno(), 2)
            if stopped:
                os.kill(os.getpid(), signal.SIGSTOP)
            live(data_dir, self._exchange, begin_ns, self._without)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(1)

    def _next(self) -> Path:
        self._number += 1
        return self._folder / f"case{self._number}"

    def _words(self, data_dir: Path) -> str:
        return data_dir.with_suffix(".log").read_text(errors="replace")[-600:]

    def _order(self, fault: str) -> None:
        self._ask("DELETE")
        for one in FAULTS[fault]:
            self._ask("POST", one)

    def _struck(self) -> int:
        return sum(json.loads(self._ask("GET"))["struck"].values())

    def _ask(self, method: str, body: Any = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._exchange.rest}/sim/v1/faults", data, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return bytes(answer.read())


def lose(data_dir: Path, after_seq: int) -> None:
    """Take everything behind an input from the ends of both logs, as far as they begin before it."""
    for name in ("journal", "stream"):
        for path in segments(data_dir / name)[-1:]:
            kept = [record for record in read_segment(path) if record.seq <= after_seq]
            os.truncate(path, HEADER.size + sum(OVERHEAD + len(record.payload) for record in kept))


def _attach(child: int, trace: list[str]) -> subprocess.Popen[bytes]:
    """Let strace look at a process that has stopped itself, and let that go on."""
    os.waitpid(child, os.WUNTRACED)
    tracer = subprocess.Popen(["strace", "-f", "-p", str(child), *trace], stderr=subprocess.PIPE)
    assert tracer.stderr is not None
    line = tracer.stderr.readline()
    if b"attached" not in line:
        raise RuntimeError(f"strace could not look at the process: {line.decode()}")
    os.kill(child, signal.SIGCONT)
    return tracer


def _wait(child: int) -> int:
    """The exit status of a child; one that does not end in time is killed."""
    handle = os.pidfd_open(child)
    try:
        ended, _, _ = select.select([handle], [], [], PATIENCE_S)
        if not ended:
            os.kill(child, signal.SIGTERM)
            os.kill(child, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return status if ended else 1
    finally:
        os.close(handle)


def chosen(table: Table, faults: list[str], every: int, first: int, each: bool) -> list[tuple[Point, str]]:
    """All points with every fault; of every so many of them one, another one for each fault. each: counted under each."""
    undisturbed = [] if each else table.points()
    return [
        (point, fault)
        for number, fault in enumerate(faults)
        for point in (table.points(fault) if each else undisturbed)[(first + number * 7) % every :: every]
    ]


def gone_through(folder: Path, options: argparse.Namespace, faults: list[str]) -> list[Case]:
    """The cases; with several jobs dealt to so many processes, each with an exchange of its own."""
    counted = Table(folder / "counted", keep=options.keep)
    try:
        todo = chosen(counted, faults, options.every, options.first, options.each)
        if options.jobs == 1:
            counted.leave_out(options.without)
            return list(until_wrong(counted, todo, options))
    finally:
        counted.close()
    results = [folder / f"job{number}.json" for number in range(options.jobs)]
    children = [os.fork() or _work(folder, number, options, todo, result) for number, result in enumerate(results)]
    ended = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    if any(ended):
        raise RuntimeError(f"the cases could not be gone through: {ended}")
    return [case for result in results for case in msgspec.json.decode(result.read_bytes(), type=list[Case])]


def until_wrong(table: Table, todo: list[tuple[Point, str]], options: argparse.Namespace) -> Iterator[Case]:
    """The cases one after the other; with --stop none after the first in which something is wrong."""
    for one in todo:
        case = _told(table.case(*one, options.lost))
        yield case
        if case.wrong and options.stop:
            return


def _work(folder: Path, number: int, options: argparse.Namespace, todo: list[tuple[Point, str]], result: Path) -> int:
    """In a child: its part of the cases."""
    status = 1
    try:
        table = Table(folder / str(number), options.keep)
        try:
            table.leave_out(options.without)
            mine = todo[number :: options.jobs]
            result.write_bytes(msgspec.json.encode([_told(table.case(*one, options.lost)) for one in mine]))
            status = 0
        finally:
            table.close()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)
    return status


def _told(case: Case) -> Case:
    for words in case.wrong:
        print(f"{case.fault} at {case.point.call} {case.point.n}: {words}", file=sys.stderr, flush=True)
    return case


def main() -> None:
    parser = argparse.ArgumentParser("crash_table", description=__doc__)
    parser.add_argument("--faults", default=";".join(FAULTS))
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--each", action="store_true")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--without", default="", choices=["", *RULES])
    parser.add_argument("--lost", type=int, default=0)
    parser.add_argument("--stop", action="store_true")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        faults = options.faults.split(";")
        done = gone_through(Path(folder), options, faults)
    done.sort(key=lambda case: faults.index(case.fault))
    print(text(done))
    if options.json:
        options.json.write_bytes(msgspec.json.encode(done))
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


if __name__ == "__main__":
    main()
