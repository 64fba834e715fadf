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

from ninefold.journal.inputs import CHUNK
from ninefold.journal.reader import first_seq_of, read_segment
from ninefold.journal.segment import HEADER, OVERHEAD, Damaged, Record, WrongVersion, goes_on, scan, segments
from ninefold.market.chunk import Chunk, WrongLayout, decode

Step = Callable[[int, int], None]  # bytes read, bytes there are


@dataclass
class Log:
    """What was found. problem: the first thing that is wrong, "" if nothing is; back_seq: the first record whose
    receive time lies before that of an earlier one, 0 if there is none.
    """

    folder: Path
    segments: int = 0
    records: int = 0
    last_seq: int = 0
    last_ns: int = 0
    back_seq: int = 0
    problem: str = ""


def inputs_of(log: Log, step: Step) -> Iterator[Record]:
    """The records of a journal: numbered 1, 2, 3, ..."""
    for record in _records(log, step):
        if record.seq != log.last_seq + 1:
            log.problem = _hole(log, record.seq)
            return
        _note(log, record.seq, record.receive_ns)
        yield record


def chunks_of(log: Log, step: Step) -> Iterator[tuple[Chunk, int]]:
    """The chunks of a stream log, each with the last seq that the ones before it covered.

    A chunk may begin before that (the log's writer was killed and started again): those rows were in the log before.
    """
    for record in _records(log, step):
        if record.kind != CHUNK:
            continue
        try:
            chunk = decode(record.payload)
        except (WrongLayout, msgspec.DecodeError, ValueError, KeyError) as error:
            log.problem = f"the chunk of seq {record.seq:,} cannot be read: {error}"
            return
        if chunk.first_seq > log.last_seq + 1 or chunk.last_seq <= log.last_seq:
            log.problem = _hole(log, chunk.first_seq)
            return
        covered = log.last_seq
        _note(log, chunk.last_seq, record.receive_ns)
        yield chunk, covered


def _note(log: Log, seq: int, receive_ns: int) -> None:
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
    total, read = sum(path.stat().st_size for path in files), 0
    for number, path in enumerate(files):
        last = number + 1 == len(files)
        end = HEADER.size
        try:
            if last and not _begun(path):
                return
            for record in read_segment(path, last=last):
                if end == HEADER.size and record.seq != first_seq_of(path):
                    log.problem = f"{path} begins with seq {record.seq:,}, its name says {first_seq_of(path):,}"
                    return
                end += OVERHEAD + len(record.payload)
                step(read + end, total)
                yield record
            if last and (broken := _damage(path, end)):
                log.problem = broken
        except (Damaged, WrongVersion, OSError) as error:
            log.problem = str(error)
        if log.problem:
            return
        read += end
        log.segments += 1


def _begun(path: Path) -> bool:
    """Whether its header is there; of a file that was never synced a power loss leaves zeros, or nothing."""
    with path.open("rb") as file:
        head = file.read(HEADER.size)
    return len(head) == HEADER.size and any(head)


def _damage(path: Path, end: int) -> str:
    """What is wrong with the newest segment, whose whole records ended at byte `end` when they were read.

    A torn end is no damage, and the file may have grown since.
    """
    data = path.read_bytes()
    for grown, _ in scan(memoryview(data), end):
        end = grown
    if not goes_on(data, end):
        return ""
    return f"{path} is damaged at byte {end} of {len(data)}, with whole records behind it"
