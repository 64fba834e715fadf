"""Logs to look at: filled with records that differ, plain again, or changed at one byte."""

from pathlib import Path

from ninefold.journal.compress import compress_closed
from ninefold.journal.content import bytes_of, open_segment
from ninefold.journal.packed import Packed
from ninefold.journal.segment import Record, segments
from ninefold.journal.writer import LogWriter


def record_of(seq: int) -> Record:
    return Record(1 + seq % 5, seq % 3, seq, seq * 1000, b"payload %d" % seq * (seq % 9))


def fill(folder: Path, count: int, first: int = 1, segment_bytes: int = 1 << 20) -> list[Record]:
    """Records `first`, `first` + 1, ... in a log; its writer is closed again."""
    log = LogWriter(folder, segment_bytes)
    made = [record_of(seq) for seq in range(first, first + count)]
    for record in made:
        log.append(*record)
        log.flush()
    log.close()
    return made


def fill_packed(folder: Path, count: int, segment_bytes: int) -> list[Record]:
    """The same; all segments but the newest are compressed."""
    made = fill(folder, count, segment_bytes=segment_bytes)
    compress_closed(folder)
    assert [is_packed(path) for path in segments(folder)] == [True] * (len(segments(folder)) - 1) + [False]
    return made


def unpack(folder: Path) -> None:
    """All segments plain, as they were before any was compressed."""
    for path in segments(folder):
        path.write_bytes(b"".join(bytes_of(path)))


def is_packed(path: Path) -> bool:
    with open_segment(path) as content:
        return isinstance(content, Packed)


def flip(path: Path, at: int, bits: int = 1) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= bits
    path.write_bytes(data)
