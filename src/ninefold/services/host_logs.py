"""What the host of a collector lets go of its logs: whole segments beyond the limits, once the recorder has them for certain.

In:  what a config keeps of the stream log and of the journal; up to where the recorder is.
Out: segments removed, oldest first, noted before they go; why not, if they could not.
"""

from __future__ import annotations

from pathlib import Path

from ninefold.config import Keep, Retention
from ninefold.journal.letgo import LetGo
from ninefold.journal.retention import kept_of, let_go, may_go
from ninefold.journal.segment import Damaged, WrongVersion
from ninefold.market.time import DAY_NS
from ninefold.services import snapshot


def let_logs_go(data_dir: Path, retention: Retention, now_ns: int, recorded_seq: int, name: str) -> str:
    """Apply the limits once. name: of the snapshot from which the collector starts. Returns why not all went, "" if all did."""
    try:
        saved = snapshot.read(data_dir, name)
        done = {"the recorder": recorded_seq, "the last snapshot": saved.seq if saved else 0}
        for log, keep in (("stream", retention.stream), ("journal", retention.journal)):
            if keep != Keep():
                _let_go(data_dir / log, keep, now_ns, done)
    except (OSError, Damaged, WrongVersion, LetGo, snapshot.WrongSnapshot) as error:
        return f"retention: {error}"
    return ""


def _let_go(folder: Path, keep: Keep, now_ns: int, done: dict[str, int]) -> None:
    keep_ns = None if keep.days is None else int(keep.days * DAY_NS)
    keep_bytes = None if keep.gigabytes is None else int(keep.gigabytes * 1e9)
    let_go(folder, may_go(kept_of(folder), now_ns, keep_ns, keep_bytes, done).segments)
