"""One case of the crash table: a life on the simulated exchange, killed at a call, gone on, and compared.

In:  the n-th call of a kind, and a fault of the exchange. Out: whether the call came, and what was not as it must be.
Every life is a fork of this process, which has imported what lives need and never makes a thread itself. The exchange is a
fork too, and stays; each case begins where the one before has left its account.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
import traceback
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from ninefold.journal.reader import read_segment
from ninefold.journal.segment import HEADER, OVERHEAD, segments
from ninefold.simulator import generated
from ninefold.simulator.server import main as simulate
from ninefold.store.ledger import LedgerReader

from .crash_life import DONE, Exchange, live
from .crash_rules import RULES
from .crash_truth import look, what_is_wrong
from .intercepted import CALLS, Call, stop_and_be_watched, watch

PATIENCE_S = 40.0
BEGIN_NS = 700_000_000  # after the process starts: by then it has asked for the account, if nothing disturbs it
SLICE_S = 0.1  # the market moves so often: nobody here looks at it
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
    """The n-th call of a process by this name on this, in any thread; n 0: nobody is killed."""

    call: str
    on: str
    n: int


NOWHERE = Point("", "", 0)


class Case(NamedTuple):
    """killed: whether the call came. struck: requests and events that met the fault. wrong: what was not as it must be."""

    point: Point
    fault: str
    killed: bool
    struck: int
    wrong: list[str]


class Place:
    """A simulated exchange, and the cases on it one after the other. keep: a folder for the data dirs of wrong ones."""

    def __init__(self, folder: Path, keep: Path | None = None) -> None:
        self._keep = keep
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._without: Callable[[], None] | None = None
        self._number = 0
        self._struck = 0
        self._process, self._exchange = _exchange(folder)
        self._database = folder / "exchange" / "exchange.sqlite"

    def leave_out(self, rule: str) -> None:
        """From now on live without a rule of recovery; "": with all of them."""
        self._without = RULES[rule] if rule else None

    def close(self) -> None:
        os.kill(self._process, signal.SIGTERM)
        os.waitpid(self._process, 0)

    def points(self, fault: str = "none", lives: int = 1) -> list[Point]:
        """Every call by which a life that nobody kills changes something outside itself; of so many lives, the most."""
        most: Counter[Call] = Counter()
        for _ in range(lives):
            counted: Counter[Call] = Counter()
            self._order(fault)
            self._live(self._next(), time.time_ns() + BEGIN_NS, CALLS, lambda call, told=counted: told.update([call]))
            self._order("none")
            most |= counted
        return [Point(*call, n) for call in sorted(most) for n in range(1, most[call] + 1)]

    def case(self, point: Point, fault: str, lost: int = 0) -> Case:
        """Live with a fault until the point, start again until the script is over, and compare. lost: so many inputs up to the
        ledger's last one, and all behind it, are gone from both logs, as after a power loss: they are synced later than it.
        """
        data_dir = self._next()
        before, struck = look(self._exchange.rest, self._database), self._struck
        self._order(fault)
        begin_ns = time.time_ns() + BEGIN_NS
        status = self._live(data_dir, begin_ns, [point.call] if point.n else [], _until(point))
        killed = status == -signal.SIGKILL
        if killed and lost and (data_dir / "ledger.db").exists():
            lose(data_dir, LedgerReader(data_dir).last_seq() - lost)
        if killed:
            status = self._live(data_dir, begin_ns)
        self._order("none")
        wrong = [] if status == DONE else [f"lost: the life ended with {status}: {self._words(data_dir)}"]
        wrong += what_is_wrong(data_dir, self._exchange.rest, self._database, before)
        if wrong and self._keep is not None:
            shutil.copytree(data_dir, self._keep / f"{point.call}{point.n}-{os.getpid()}")
        shutil.rmtree(data_dir)
        self._struck = sum(json.loads(self._ask("GET"))["struck"].values())
        return Case(point, fault, killed, self._struck - struck, wrong)

    def _live(
        self,
        data_dir: Path,
        begin_ns: int,
        calls: Iterable[str] = (),
        is_last: Callable[[Call], bool | None] = lambda call: False,
    ) -> int | None:
        """One life; how it ended. is_last: of these calls, the one at which to kill it."""
        return watch(_forked(lambda: self._become(data_dir, begin_ns, calls)), is_last, PATIENCE_S)

    def _become(self, data_dir: Path, begin_ns: int, calls: Iterable[str]) -> None:
        """In the child: it never comes back."""
        with data_dir.with_suffix(".log").open("ab") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        stop_and_be_watched(calls)
        live(data_dir, self._exchange, begin_ns, self._without)

    def _next(self) -> Path:
        self._number += 1
        return self._folder / f"case{self._number}"

    def _words(self, data_dir: Path) -> str:
        return data_dir.with_suffix(".log").read_text(errors="replace")[-600:]

    def _order(self, fault: str) -> None:
        """The exchange has none from case to case."""
        for one in FAULTS[fault]:
            self._ask("POST", one)
        if not FAULTS[fault]:
            self._ask("DELETE")

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


def _until(point: Point) -> Callable[[Call], bool]:
    """Whether a call is the point, asked of each one by one."""
    left = [point.n]

    def is_last(call: Call) -> bool:
        left[0] -= call == (point.call, point.on)
        return not left[0]

    return is_last


def _exchange(folder: Path) -> tuple[int, Exchange]:
    """The simulated exchange in a process of its own, and where it is; it writes its log beside its data dir."""
    reader, writer = os.pipe()

    def become() -> None:
        generated.MOST_SLICE_SECONDS = SLICE_S
        with (folder / "exchange.log").open("wb") as log:
            os.dup2(writer, 1)
            os.dup2(log.fileno(), 2)
        options = ["--data-dir", str(folder / "exchange"), "--rate", "40", "--instruments", "BTC/USDT"]
        os._exit(simulate(options))

    process = _forked(become)
    os.close(writer)
    with os.fdopen(reader) as said:
        ready = json.loads(said.readline())
    return process, Exchange(*(ready[name] for name in Exchange._fields))


def _forked(become: Callable[[], None]) -> int:
    """A child that does this and never comes back."""
    sys.stdout.flush()
    if child := os.fork():
        return child
    try:
        become()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(1)
