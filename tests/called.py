"""`ninefold ...` in this process: a process of its own takes a second to start, and shows only that it starts.

In:  what stands behind `ninefold` on a command line. Out: its exit status and what it printed. What runs until it is stopped
     (demo, up, service, simulate) is started as a process instead, tests/pipeline/running.py.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

from ninefold.cli import main

LIMITED = ("sql",)  # limits the memory and the time of its whole process


def called(*arguments: object) -> subprocess.CompletedProcess[str]:
    """As `subprocess.run([sys.executable, "-m", "ninefold", ...], capture_output=True, text=True)` gives it."""
    line = ["ninefold", *map(str, arguments)]
    if line[1] in LIMITED:
        return subprocess.run([sys.executable, "-m", *line], capture_output=True, text=True, timeout=60)
    out, err = _Output(), _Output()
    with Path(os.devnull).open() as nothing, patch.multiple(sys, argv=line, stdin=nothing, stdout=out, stderr=err):
        status = _status()
    return subprocess.CompletedProcess(line, status, out.text(), err.text())


class _Output(io.TextIOWrapper):
    """What is printed, as text or as bytes."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    def text(self) -> str:
        self.flush()
        return self.buffer.getvalue().decode()  # type: ignore[attr-defined]


def _status() -> int:
    """Of `main`, as the interpreter would end with it."""
    try:
        main()
    except SystemExit as ended:
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
            return 1
        return ended.code or 0
    return 0
