"""Read a log from its first record to its end, and say what is wrong with it.

In:  the folder of a journal or of a stream log, also while it is written.
Out: its inputs or chunks up to the first thing that is wrong: a damaged or foreign segment, a hole in the numbers,
     a chunk that cannot be read. What lies behind it is not read; nothing is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ninefold.journal.content import open_segment
from ninefold.journal.inputs import CHUNK
from ninefold.journal.letgo import LetGo, let_go_of
from ninefold.journal.packed import Packed
from ninefold.journal.reader import read_segment
from ninefold.journal.segment import (
    HEADER,
    OVERHEAD,
    Damaged,
    Record,
    WrongVersion,
    first_seq_of,
    goes_on,
    scan,
    segments,
)
from ninefold.market.chunk import Chunk, WrongLayout, decode

Step = Callable[[int, int], None]  # bytes of files read, bytes there are


@dataclass
class Log:
    """What was found. problem: the first thing that is wrong, "" if nothing is; back_seq: the first record whose
    receive time lies before that of an earlier one, 0 if there is none.

    let_go_seq: the last record that retention removed, 0 if it never removed any; first_seq, first_ns: where the log
    begins now, 0 if it is empty.
    """

    folder: Path
    segments: int = 0
    records: int = 0
    last_seq: int = 0
    last_ns: int = 0
    back_seq: int = 0
    problem: str = ""
    let_go_seq: int = 0
    first_seq: int = 0
    first_ns: int = 0


def inputs_of(log: Log, step: Step) -> Iterator[Record]:
    """The records of a journal: numbered 1, 2, 3, ... or from where it begins, if older ones were let go."""
    for record in _records(log, step):
        if not log.records:
            log.last_seq = min(log.let_go_seq, record.seq - 1)
        if record.seq != log.last_seq + 1:
            log.problem = _hole(log, record.seq)
            return
        _note(log, record.seq, record.receive_ns, record.seq)
        yield record


def chunks_of(log: Log, step: Step) -> Iterator[tuple[Chunk, int]]:
    """The chunks of a stream log, each with the last seq that the ones before it covered.

    A chunk may begin before that (the log's writer was killed and started again): those rows were in the log before.
    If older chunks were let go, the log begins behind them.
    """
    for record in _records(log, step):
        if record.kind != CHUNK:
            continue
        try:
            chunk = decode(record.payload)
        except (WrongLayout, msgspec.DecodeError, ValueError, KeyError) as error:
            log.problem = f"the chunk of seq {record.seq:,} cannot be read: {error}"
            return
        if not log.records:
            log.last_seq = log.let_go_seq if log.let_go_seq < chunk.last_seq else chunk.first_seq - 1
        if chunk.first_seq > log.last_seq + 1 or chunk.last_seq <= log.last_seq:
            log.problem = _hole(log, chunk.first_seq)
            return
        covered = log.last_seq
        _note(log, chunk.last_seq, record.receive_ns, covered + 1)
        yield chunk, covered


def _note(log: Log, seq: int, receive_ns: int, first_seq: int) -> None:
    if not log.records:
        log.first_seq, log.first_ns = first_seq, receive_ns
    if receive_ns < log.last_ns and not log.back_seq:
        log.back_seq = seq
    log.records += 1
    log.last_seq, log.last_ns = seq, max(log.last_ns, receive_ns)


def _hole(log: Log, found: int) -> str:
    if found <= log.last_seq:
        return f"seq {found:,} comes again behind seq {log.last_seq:,}"
    return f"seq {log.last_seq + 1:,} to {found - 1:,} are missing"


def _records(log: Log, step: Step) -> Iterator[Record]:
    files = segments(log.folder)
    try:
        total, read = sum(path.stat().st_size for path in files), 0
        gone = let_go_of(log.folder)  # after the list: what is missing from it was noted before it went
        log.let_go_seq = gone.seq if gone else 0
        for number, path in enumerate(files):
            last = number + 1 == len(files)
            if last and not _begun(path):
                return
            with open_segment(path) as content:
                stored, share = content.stored_bytes, content.stored_bytes / max(content.size, 1)
                closed = isinstance(content, Packed)
            end = HEADER.size
            for record in read_segment(path, last=last):
                if end == HEADER.size and record.seq != first_seq_of(path):
                    log.problem = f"{path} begins with seq {record.seq:,}, its name says {first_seq_of(path):,}"
                    return
                end += OVERHEAD + len(record.payload)
                step(read + int(end * share), total)
                yield record
            if last and not closed and (broken := _damage(path, end)):
                log.problem = broken
                return
            read += stored if closed else end
            log.segments += 1
    except FileNotFoundError as error:
        log.problem = f"{error.filename} went while the log was read: let go by retention, or moved away; begin again"
    except (Damaged, LetGo, WrongVersion, OSError) as error:
        log.problem = str(error)


def _begun(path: Path) -> bool:
    """Whether its header is there; of a file that was never synced a power loss leaves zeros, or nothing."""
    with path.open("rb") as file:
        head = file.read(HEADER.size)
    return len(head) == HEADER.size and any(head)


def _damage(path: Path, end: int) -> str:
    """What is wrong with the newest segment, whose whole records ended at byte `end` when they were read.

    A torn end is no damage, and the file may have grown since.
    """
    with open_segment(path) as content:
        if isinstance(content, Packed):  # by now: then it was read back whole
            return ""
        data = content.read(0, content.size)
    for grown, _ in scan(memoryview(data), end):
        end = grown
    if not goes_on(data, end):
        return ""
    return f"{path} is damaged at byte {end} of {len(data)}, with whole records behind it"
