"""Let go what is kept beyond its limits: whole days of the tables, whole segments of the logs.

In:  what a config keeps of each kind, a data dir, our clock.
Out: what went, or would go. Tables are let go by their one writer: the recorder now and then, or the command while no
     pipeline runs. Of a log stays what a start, the tables or the stream log may still need.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path

import msgspec

from ninefold.config import Keep, Retention
from ninefold.journal.letgo import LetGo
from ninefold.journal.reader import read_segment
from ninefold.journal.retention import kept_of, let_go, may_go
from ninefold.journal.segment import Damaged, WrongVersion, segments
from ninefold.market.arrays import KINDS
from ninefold.market.time import DAY_NS, HOUR_NS
from ninefold.services import snapshot
from ninefold.store.data_dir import WrongFormat, check_data_dir
from ninefold.store.read import Reader
from ninefold.store.retention import days_of, days_over
from ninefold.store.tables import Tables

LOGS = ("stream", "journal")  # the journal last: it is the truth
EVERY_NS = HOUR_NS
KEEP_ALL = Retention()


class Went(msgspec.Struct, frozen=True):
    """What of one kind went, oldest first: days or segments; bytes of their files. held_by: whose position holds back what
    is beyond the limits too.
    """

    kind: str
    parts: tuple[str, ...]
    bytes: int
    left_bytes: int
    held_by: str = ""


class Retainer:
    """What the recorder calls after its commits, from its own thread; it acts once an hour.

    problem: why not all went that should have the last time, "" if all did. It is no reason to stop recording.
    """

    def __init__(self, data_dir: Path, retention: Retention = KEEP_ALL) -> None:
        self.problem = ""
        self._data_dir = data_dir
        self._retention = retention
        self._due_ns = 0

    def now_and_then(self, tables: Tables, now_ns: int) -> list[Went]:
        """What went, if it is time."""
        if now_ns < self._due_ns or self._retention == KEEP_ALL:
            return []
        self._due_ns = now_ns + EVERY_NS
        try:
            went = self._act(tables, now_ns)
        except (OSError, Damaged, WrongVersion, LetGo, WrongFormat, snapshot.WrongSnapshot) as error:
            self.problem = f"retention: {error}"
            return []
        self.problem = ""
        return went

    def _act(self, tables: Tables, now_ns: int) -> list[Went]:
        went = _tables(self._data_dir, self._retention, now_ns, tables) + _logs(
            self._data_dir, self._retention, now_ns, True
        )
        tables.sweep()
        return went


def retain(data_dir: Path, retention: Retention, now_ns: int, dry_run: bool) -> dict[str, object]:
    """Apply it once; returns what went, or with dry_run what would.

    raises: NoDataDir, WrongFormat, AlreadyWritten if a pipeline writes the tables, StoreWriteFailed, Damaged.
    """
    check_data_dir(data_dir)
    if dry_run:
        went = _tables(data_dir, retention, now_ns, None) + _logs(data_dir, retention, now_ns, False)
        return {"dry_run": True, "let_go": _told(went), "freed_bytes": 0}
    with Tables(data_dir) as tables:
        went = _tables(data_dir, retention, now_ns, tables) + _logs(data_dir, retention, now_ns, True)
        freed = tables.sweep() + sum(one.bytes for one in went if one.kind in LOGS)
    return {"dry_run": False, "let_go": _told(went), "freed_bytes": freed}


def _told(went: list[Went]) -> list[dict[str, object]]:
    return [msgspec.to_builtins(one) for one in went if one.parts or one.held_by]


def _tables(data_dir: Path, retention: Retention, now_ns: int, tables: Tables | None) -> list[Went]:
    """Every table whose rows lie in days. tables: its writer; None: nothing is done."""
    went = []
    for kind in KINDS:
        days = days_of(data_dir / "tables", kind)
        over = days_over(days, now_ns, *_limits(getattr(retention, kind)))
        if over and tables is not None:
            tables.let_go(kind, over, now_ns)
        gone = sum(one.bytes for one in over)
        left = sum(one.bytes for one in days) - gone
        went.append(Went(kind, tuple(one.day.isoformat() for one in over), gone, left))
    return went


def _logs(data_dir: Path, retention: Retention, now_ns: int, act: bool) -> list[Went]:
    went = []
    for log in LOGS:
        limits = _limits(getattr(retention, log))
        if limits == (None, None):
            continue
        kept = kept_of(data_dir / log)
        going = may_go(kept, now_ns, *limits, needed(data_dir, log))
        gone = let_go(data_dir / log, going.segments) if act else sum(one.stored_bytes for one in going.segments)
        left = sum(one.stored_bytes for one in kept) - gone
        went.append(Went(log, tuple(one.path.name for one in going.segments), gone, left, going.held_by))
    return went


def needed(data_dir: Path, log: str) -> dict[str, int]:
    """Who needs a log, and up to which seq he has all of it: the tables, whoever starts from a snapshot, and of the journal
    the stream log that is made from it.
    """
    done = {"tables": Reader(data_dir).position()}
    names = [path.stem for path in (data_dir / "state").glob("*.snapshot")]
    for name in names:
        saved = snapshot.read(data_dir, name)
        done[f"the snapshot of {name}"] = saved.seq if saved else 0
    if not names:
        done["a start without a snapshot"] = 0
    if log == "journal" and (files := segments(data_dir / "stream")):
        last = deque(read_segment(files[-1]), maxlen=1)
        done["the stream log"] = last[0].seq if last else 0
    return done


def _limits(keep: Keep) -> tuple[int | None, int | None]:
    """Of age in ns, of size in bytes."""
    keep_ns = None if keep.days is None else int(keep.days * DAY_NS)
    return keep_ns, None if keep.gigabytes is None else int(keep.gigabytes * 1e9)
