"""When files are joined: a little at once, much of it in a thread of its own, while the writer goes on committing.

In:  the tables of one writer; step() after its commits.
Out: files replaced by joined ones. One group at a time is joined beside; it counts with the step that finds it done. Killed
     meanwhile, the files that it wrote are named by no log, and a later sweep deletes them.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from ninefold.store.delta import Table
from ninefold.store.listing import StoredFile
from ninefold.store.merge import Made, Stopped, whole_days

AT_ONCE_ROWS = 200_000  # joined in some 50 ms
LOWER_PRIORITY = 15  # than whoever commits


class _Beside(NamedTuple):
    table: Table
    group: list[StoredFile]
    made: Future[list[Made]]  # none if it was given up


class Upkeep:
    """raises, from every call: OSError, DeltaError, pa.ArrowInvalid."""

    def __init__(self, tables: Sequence[Table]) -> None:
        self._tables = tables
        self._waiting: list[tuple[Table, list[StoredFile]]] = []
        self._beside: _Beside | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._stop = threading.Event()

    def step(self) -> None:
        """Join what is little, take over what was joined beside, begin the next."""
        self._take_over()
        for table in self._tables:
            for group in table.groups_to_join():
                if sum(file.rows for file in group) <= AT_ONCE_ROWS:
                    table.replace(group, table.join(group))
                else:
                    self._put_off(table, group)
            table.sweep_now_and_then()
        if self._beside is None and self._waiting:
            self._begin(*self._waiting.pop(0))

    def settle(self) -> None:
        """Join everything that can be, in this thread."""
        self.close()
        for table in self._tables:
            for group in whole_days(table.name, table.files()):
                table.replace(group, table.join(group))

    def close(self) -> None:
        """Give up what is being joined."""
        self._stop.set()
        if self._thread is not None:
            self._thread.shutdown()
        self._thread, self._beside = None, None
        self._waiting.clear()
        self._stop.clear()

    def _put_off(self, table: Table, group: list[StoredFile]) -> None:
        busy = {file.path for _, files in self._waiting for file in files}
        if self._beside is not None:
            busy |= {file.path for file in self._beside.group}
        if busy.isdisjoint(file.path for file in group):
            self._waiting.append((table, group))

    def _take_over(self) -> None:
        if self._beside is None or not self._beside.made.done():
            return
        table, group, made = self._beside
        self._beside = None
        if files := made.result():
            table.replace(group, files)

    def _begin(self, table: Table, group: list[StoredFile]) -> None:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "join", initializer=lower_priority, initargs=(LOWER_PRIORITY,))
        self._beside = _Beside(table, group, self._thread.submit(self._joined, table, group))

    def _joined(self, table: Table, group: list[StoredFile]) -> list[Made]:
        try:
            return table.join(group, self._stop.is_set)
        except Stopped:
            return []


def lower_priority(by: int) -> None:
    """Of this thread only; where a thread cannot have its own priority, nothing changes."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), by)
