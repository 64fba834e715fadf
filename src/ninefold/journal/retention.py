"""Which closed segments of a log may go, and letting them go.

In:  a log's segments, limits of age and size, and up to which record everybody who needs the log has what he needs.
Out: a prefix of the segments, never the newest; who holds more back. What went is noted first (letgo.py), so that
     readers know a log that begins late from a damaged one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from ninefold.journal.durable import folder_to_disk, one_at_a_time
from ninefold.journal.letgo import Gone, let_go_of, note
from ninefold.journal.reader import read, read_segment
from ninefold.journal.segment import Record, segments


class Kept(NamedTuple):
    """A segment with its first record. stored_bytes: of its file, compressed or not."""

    path: Path
    first_seq: int
    first_ns: int
    stored_bytes: int


class Going(NamedTuple):
    """What may go, oldest first. held_by: whose position holds back what is beyond the limits too, "" if nobody's."""

    segments: tuple[Kept, ...]
    held_by: str


class FirstKept(NamedTuple):
    """Where a log begins, and the last record that was let go, 0 if it has all it ever had."""

    seq: int
    receive_ns: int
    let_go_seq: int


def may_go(
    kept: Sequence[Kept], now_ns: int, keep_ns: int | None, keep_bytes: int | None, done: Mapping[str, int]
) -> Going:
    """The oldest segments that are beyond a limit and that nobody needs.

    kept:       all segments of a log, oldest first; the last one is never among what may go.
    keep_ns:    records are kept for this long after they were received; None: for ever.
    keep_bytes: what all segments may take together; None: no limit.
    done:       for everybody who needs the log (tables, certificates, snapshot, followers) up to which seq he has all.
                Nothing may go if nobody says so.

    >>> three = [Kept(Path(f"{n}.nfj"), n, n * 1000, 50) for n in (1, 11, 21)]
    >>> [one.first_seq for one in may_go(three, 99_000, None, 60, {"tables": 30}).segments]
    [1, 11]
    >>> may_go(three, 99_000, None, 60, {"tables": 30, "snapshot": 9})
    Going(segments=(), held_by='snapshot')
    """
    slowest = min(done, key=lambda name: done[name], default="")
    done_seq = done[slowest] if slowest else 0
    stored_bytes = sum(one.stored_bytes for one in kept)
    going: list[Kept] = []
    for one, behind in pairwise(kept):
        old = keep_ns is not None and behind.first_ns < now_ns - keep_ns  # so is all before it
        if not old and (keep_bytes is None or stored_bytes <= keep_bytes):
            break
        if behind.first_seq - 1 > done_seq:
            return Going(tuple(going), slowest or "nobody has said what is stored")
        going.append(one)
        stored_bytes -= one.stored_bytes
    return Going(tuple(going), "")


def kept_of(folder: Path) -> list[Kept]:
    """The segments of a log that hold a record, oldest first. raises: Damaged, WrongVersion."""
    files = segments(folder)
    return [
        Kept(path, first.seq, first.receive_ns, path.stat().st_size)
        for path in files
        if (first := next(read_segment(path, last=path == files[-1]), None)) is not None
    ]


def let_go(folder: Path, going: Sequence[Kept]) -> int:
    """Remove segments, which `may_go` gave, oldest first; returns the bytes of their files.

    Killed on the way, some that were noted are still there: the next call removes them.
    raises: Damaged if the last of them cannot be read to its end; ValueError if there is none behind them.
    """
    if not going:
        return 0
    if going[-1].path not in segments(folder)[:-1]:
        raise ValueError(f"{going[-1].path} is the newest segment of {folder}, or gone; it cannot be let go")
    last = _last(going[-1].path)
    before = let_go_of(folder)
    if before is None or before.seq < last.seq:
        note(folder, Gone(last.seq, last.receive_ns))
    with one_at_a_time(folder):  # a compressor would put one back
        for one in going:
            one.path.unlink()
            one.path.with_suffix(".torn").unlink(missing_ok=True)
            folder_to_disk(folder)  # one by one: a power loss leaves no hole
    return sum(one.stored_bytes for one in going)


def first_kept(folder: Path) -> FirstKept | None:
    """Where a log begins now; None if it holds no record. raises: Damaged, WrongVersion, LetGo."""
    first = next(read(folder), None)
    if first is None:
        return None
    gone = let_go_of(folder)
    return FirstKept(first.seq, first.receive_ns, gone.seq if gone else 0)


def _last(path: Path) -> Record:
    """The last record of a closed segment, which has at least one."""
    found = deque(read_segment(path, last=False), maxlen=1)
    if not found:
        raise ValueError(f"{path} holds no record; only segments that `kept_of` listed can be let go")
    return found[0]
