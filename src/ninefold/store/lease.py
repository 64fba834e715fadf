"""The one executor of a data dir, or of an account on this machine: a lock that its process holds, a beat that shows it is
not stopped.

In:  a file that stands for it. Out: a lease; `check` before anything is sent, `keep` beside everything else.
A process that ended has let go of its lock, and its place is taken at once. One that is alive is an error. One that is
stopped (Ctrl-Z, a frozen container) still has the lock: another file takes the name of its file, and whoever took it
keeps quiet until nothing of the old one can be accepted any more (execution/lease.py). Then it opens the ledger, which
refuses what older writers append.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from ninefold.execution.lease import BEAT_NS, QUIET_NS, SECOND_NS, AlreadyTraded, Seen, TakenOver, Watched, holds

LOOK_S = 0.1


def awake_ns() -> int:
    """A clock that goes on while the machine sleeps, where there is one."""
    if sys.platform == "linux":
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return time.monotonic_ns()


class HostLease:
    """Taken when this returns, which is at once unless the one before is stopped. raises: AlreadyTraded."""

    def __init__(
        self, path: Path, clock: Callable[[], int] = awake_ns, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._path = path
        self._clock = clock
        self._pause = pause
        self._beats = 0
        self._renewed_ns = 0
        self._file = self._free()
        if self._file < 0:
            self._file = self._replace()
            self._keep_quiet()
        self.renew()

    def check(self) -> None:
        """Return only while the account is ours. raises: TakenOver."""
        if not holds(self._renewed_ns, self._clock()):
            self.renew()

    def renew(self) -> None:
        """raises: TakenOver."""
        now_ns = self._clock()
        if not self._is_ours(self._file):
            raise TakenOver(f"another executor took over {self._path} while this one was stopped; this one ends")
        self._beats += 1
        os.pwrite(self._file, b"%-10d %20d\n" % (os.getpid(), self._beats), 0)
        self._renewed_ns = now_ns

    async def keep(self) -> None:
        """Renew until cancelled. raises: TakenOver."""
        while True:
            self.renew()
            await asyncio.sleep(BEAT_NS / SECOND_NS)

    def release(self) -> None:
        os.close(self._file)

    def _free(self) -> int:
        """The file, locked; -1 if the process that has the lock says nothing. raises: AlreadyTraded."""
        watched = Watched()
        while True:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            if _locked(file) and self._is_ours(file):
                return file
            told = os.pread(file, 64, 0)
            os.close(file)
            seen = watched.see(told, self._clock())
            if seen is Seen.ALIVE:
                raise AlreadyTraded(
                    f"{self._path} is held by process {told.split()[0].decode()}, which trades that account; stop that one, "
                    "or use another --data-dir and another account"
                )
            if seen is Seen.SILENT:
                return -1
            self._pause(LOOK_S)

    def _replace(self) -> int:
        beside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        file = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        _locked(file)
        beside.replace(self._path)
        return file

    def _keep_quiet(self) -> None:
        taken_ns = self._clock()
        while self._clock() < taken_ns + QUIET_NS:
            self.renew()
            self._pause(LOOK_S)

    def _is_ours(self, file: int) -> bool:
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(file))
        except FileNotFoundError:
            return False


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
