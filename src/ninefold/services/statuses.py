"""What the services say about themselves, from the small files that the processes of one machine write once a second."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from ninefold.bus.status import Status

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Status]).decode


def write_statuses(data_dir: Path, process: str, statuses: Sequence[Status]) -> None:
    """Replace the file of one process."""
    folder = data_dir / "state"
    folder.mkdir(exist_ok=True)
    temporary = folder / f".{process}.new"
    temporary.write_bytes(_encode(statuses))
    temporary.replace(folder / f"{process}.status")


def read_statuses(data_dir: Path) -> dict[str, Status]:
    """The newest status of every service that ever said one; empty if none ran."""
    found: dict[str, Status] = {}
    for path in sorted((data_dir / "state").glob("*.status")):
        for status in _decode(path.read_bytes()):
            if status.service not in found or found[status.service].at_ns < status.at_ns:
                found[status.service] = status
    return found
