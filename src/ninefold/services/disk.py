"""A full disk stops trading first, recording last: while little space is left nothing is sent, as if somebody had halted.

In:  the data dir. Out: a halt, or None. Orders may be sent again once there is room.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from ninefold.services.halt import Halt

GUARD = "the disk guard"
LEAST_BYTES = 500_000_000  # the journal of a busy hour
LEAST_SHARE = 0.1  # of a disk that is smaller than that


def disk_halt(data_dir: Path, halted: bool) -> Halt | None:
    """The halt that the disk asks for. halted: it did so before; then half as much again must be free to end it."""
    disk = shutil.disk_usage(data_dir)
    least = min(LEAST_BYTES, int(disk.total * LEAST_SHARE))
    if disk.free >= least * (1.5 if halted else 1):
        return None
    return Halt(GUARD, f"less than {least / 1e6:,.0f} MB free where {data_dir} is; make room", 0)
