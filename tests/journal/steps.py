"""Look at a folder between any two steps of a program, and as a power loss there would leave it."""

import os
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

STEPS = ("journal/compress.py", "journal/packed.py", "journal/durable.py", "journal/letgo.py", "journal/retention.py")


@contextmanager
def before_every_line(action: Callable[[], object]) -> Iterator[None]:
    """Call something before every line that runs in the files of `STEPS`."""

    def trace(frame, event, _):
        if not frame.f_code.co_filename.endswith(STEPS):
            return None
        if event == "line":
            action()
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


class Disk:
    """What of a folder is surely on the disk: contents and names as they were when they were last synced."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._held: list[int] = []  # open files keep their numbers, so that none is used again
        self._rng = random.Random(1)
        self._contents = {path.stat().st_ino: path.read_bytes() for path in self._files()}
        self._names = self._now()
        for name in ("fsync", "fdatasync"):
            synced = getattr(os, name)
            monkeypatch.setattr(os, name, lambda file, synced=synced: (self._sync(file), synced(file))[1])

    def lose_power(self, into: Path) -> None:
        """Write what may be left: of each name that was not synced, the one from before or the one of now."""
        now = self._now()
        for name in {*now, *self._names}:
            number = self._rng.choice([now, self._names]).get(name)
            if number is not None:
                (into / name).write_bytes(self._contents.get(number, b""))

    def close(self) -> None:
        for file in self._held:
            os.close(file)

    def _sync(self, file: int) -> None:
        if os.path.samestat(os.fstat(file), self._folder.stat()):
            self._names = self._now()
            return
        number = os.fstat(file).st_ino
        [path] = [path for path in self._files() if path.stat().st_ino == number]
        self._contents[number] = path.read_bytes()

    def _now(self) -> dict[str, int]:
        self._held += [os.open(path, os.O_RDONLY) for path in self._files()]
        return {path.name: path.stat().st_ino for path in self._files()}

    def _files(self) -> list[Path]:
        return [path for path in self._folder.iterdir() if path.is_file()]
