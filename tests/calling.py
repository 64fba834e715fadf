"""Commands of ninefold, called in the process of the tests, or in one of their own.

In:  arguments as a person types them. Out: exit status and both outputs.

A process loads all libraries anew, which takes a second and more and shows the same at every call; so a file calls its
commands here, and in a process of their own where that shows something: that it ends, or what is left behind.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

from ninefold.cli import main

PATIENCE_S = (
    150.0  # a cold interpreter on two busy cores takes seconds to start, and a demo starts three to ten of them
)
LIMITED = ("sql", "hot", "cold", "service")  # they limit or end their process


class Result(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as one JSON document, strictly: no second document, no NaN."""
        return json.loads(self.out, parse_constant=_no_json)


def ninefold(*arguments: str | Path) -> Result:
    """`ninefold ARGUMENTS`, in this process."""
    assert arguments[0] not in LIMITED, f"{arguments[0]} limits or ends its process: give it one of its own"
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with _typed(arguments), redirect_stdout(out), redirect_stderr(err):
        status = _status(err)
    return Result(status, *(one.buffer.getvalue().decode() for one in (out, err)))  # type: ignore[attr-defined]


def ninefold_process(*arguments: str | Path) -> Result:
    """The same in a process of its own, waited for."""
    command = [sys.executable, "-m", "ninefold", *map(str, arguments)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_S)
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def _status(err: io.TextIOWrapper) -> int:
    try:
        main()
    except SystemExit as ended:
        if isinstance(ended.code, str):
            err.write(f"{ended.code}\n")
            return 1
        return ended.code or 0
    return 0


@contextmanager
def _typed(arguments: tuple[str | Path, ...]) -> Iterator[None]:
    before, sys.argv = sys.argv, ["ninefold", *map(str, arguments)]
    try:
        yield
    finally:
        sys.argv = before


def _no_json(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")
