"""ninefold's commands in the background, and what they left behind.

In:  arguments as a person types them. Out: exit status and both outputs; stored rows, exports, the simulated exchange's answers.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from ninefold.store.export import export
from ninefold.store.sql import sql
from tests.calling import PATIENCE_S, Result
from tests.calling import ninefold as ninefold
from tests.conftest import CHARTS

STOP_S = 15.0  # 5 s on a machine that does nothing else; tests share theirs
Row = dict[str, Any]


class Program:
    """`ninefold ARGUMENTS` in the background; both outputs go to files, so that it never waits for a reader."""

    def __init__(
        self, folder: Path, *arguments: str | Path, module: str = "ninefold", extra: dict[str, str] | None = None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._out, self._err = folder / "stdout.txt", folder / "stderr.txt"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**os.environ, **(extra or {})},
            )

    def result(self, seconds: float = PATIENCE_S) -> Result:
        """Wait until it ends."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.end()
            raise AssertionError(f"{self.process.args!r} did not end within {seconds:.0f} s; {self.words()}") from None
        return Result(self.process.returncode, self._out.read_text(), self._err.read_text(errors="replace"))

    def url(self) -> str:
        """Where the charts are, once it says so."""
        found = until(lambda: CHARTS.search(self._running(self._err)), "the address of the charts is printed")
        return str(found[1])

    def line(self) -> str:
        """The first line of standard output."""
        return str(until(lambda: self._running(self._out), "it prints a line").splitlines()[0])

    def until(self, condition: Callable[[], Any], what: str, seconds: float = PATIENCE_S) -> Any:
        """Wait for a condition while it runs; what it gave."""

        def while_running() -> Any:
            assert self.process.poll() is None, (
                f"it ended with {self.process.returncode}, before: {what}; {self.words()}"
            )
            return condition()

        return until(while_running, what, seconds)

    def interrupt(self) -> float:
        """As Ctrl-C does; how many seconds it took to end."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.result(60.0)
        return time.monotonic() - began

    def family(self) -> list[psutil.Process]:
        """It and every process below it."""
        mine = psutil.Process(self.process.pid)
        return [mine, *mine.children(recursive=True)]

    def end(self) -> None:
        """If it still runs, it is stopped as by Ctrl-C, and killed if that does not help."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(20.0)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def words(self) -> str:
        return f"its last words: {self._err.read_text(errors='replace')[-3000:]}"

    def _running(self, output: Path) -> str:
        text = output.read_text(errors="replace")
        assert text or self.process.poll() is None, f"it ended with {self.process.returncode}; {self.words()}"
        return text


def until(condition: Callable[[], Any], what: str, seconds: float = PATIENCE_S) -> Any:
    """Wait for a condition; what it gave. It is asked less and less often: looking at tables takes what they are made with."""
    deadline, pause_s = time.monotonic() + seconds, 0.1
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(pause_s)
        pause_s = min(1.2 * pause_s, 1.0)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


def ask(url: str, body: Any = None) -> Any:
    """The JSON that an address answers."""
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data), timeout=20) as answer:
        return json.load(answer)


def rest_of(data_dir: Path) -> str:
    """The simulated exchange's REST address."""
    return str(json.loads((data_dir / "running.json").read_bytes())["venue"]["rest_url"])


def stored(data_dir: Path, query: str) -> list[Row]:
    """Rows of the stored tables, as `ninefold sql` gives them."""
    found: list[Row] = sql(data_dir, query).to_pylist()
    return found


def count(data_dir: Path, rows: str) -> int:
    """How many rows there are: of a table, or of `bars where ...`."""
    return int(stored(data_dir, f"select count(*) as rows from {rows}")[0]["rows"])


def all_stored(data_dir: Path) -> bool:
    """Whether a tape is at its end and every trade that the exchange told of is stored."""
    state = ask(f"{rest_of(data_dir)}/sim/v1/state")
    traded = sum(symbol["trades"] for symbol in state["symbols"].values())
    return bool(state["tape_done"]) and count(data_dir, "trades") == traded


def records(data_dir: Path, *types: str) -> list[Row]:
    """Stored records of some types in the order of the stream, as their JSON."""
    names = ", ".join(f"'{name}'" for name in types)
    found = stored(data_dir, f"select payload from records where type in ({names}) order by seq, n")
    return [json.loads(row["payload"]) for row in found]


def ledger(data_dir: Path, *types: str) -> list[Row]:
    """Events of the ledger in the order in which they were written, read with SQLite and nothing of ours."""
    path = data_dir / "ledger.db"
    if not path.exists():
        return []
    database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        begun = database.execute("select 1 from sqlite_master where name = 'events'").fetchall()
        rows = database.execute("select payload from events order by number").fetchall() if begun else []
    finally:
        database.close()
    found = [json.loads(row[0]) for row in rows]
    return [event for event in found if event["type"] in types]


def fills(data_dir: Path) -> dict[tuple[str, str], Row]:
    """Fills of the ledger, each once, by order and trade."""
    found: dict[tuple[str, str], Row] = {}
    for event in ledger(data_dir, "fill"):
        found.setdefault((event["client_order_id"], event["trade_id"]), event)
    return found


def exported(data_dir: Path, what: str, instrument: str | None = None, timeframe: str | None = None) -> bytes:
    """What `ninefold export WHAT --format csv` writes."""
    out = io.BytesIO()
    export(data_dir, what, instrument, timeframe, None, "csv", out)
    return out.getvalue()
