"""The log: what was flushed is there, a torn end is cut and told, damage is told with its place, a follower misses nothing."""

import random
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.journal import reader
from ninefold.journal.content import bytes_of, open_segment
from ninefold.journal.reader import Follower, read
from ninefold.journal.segment import HEADER, Damaged, Record, WrongVersion, pack, scan, segments
from ninefold.journal.writer import LogWriter
from tests.journal.logs import fill, unpack

WRITING = Path(__file__).parent / "writing.py"


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch):
    """A log is closed as soon as it is synced."""
    monkeypatch.setattr("ninefold.journal.writer.SYNC_S", 0.0)


@given(
    st.integers(0, 255),
    st.integers(0, 65535),
    st.integers(0, 2**63 - 1),
    st.integers(0, 2**63 - 1),
    st.binary(max_size=300),
)
def test_a_record_comes_back_as_it_was(kind, connection, seq, receive_ns, payload):
    packed = pack(kind, connection, seq, receive_ns, payload)
    assert list(scan(packed, 0)) == [(len(packed), Record(kind, connection, seq, receive_ns, payload))]


def test_what_was_flushed_is_read_in_order_and_from_any_place(tmp_path):
    made = fill(tmp_path, 50, segment_bytes=400)
    assert len(segments(tmp_path)) > 3
    for after in range(51):
        assert list(read(tmp_path, after)) == made[after:]


def test_what_was_not_flushed_is_not_there(tmp_path):
    log = LogWriter(tmp_path)
    log.append(1, 0, 1, 0, b"one")
    assert list(read(tmp_path)) == []
    log.close()
    assert [record.payload for record in read(tmp_path)] == [b"one"]


def test_numbers_go_on_after_a_new_start_and_never_back(tmp_path):
    made = fill(tmp_path, 5)
    log = LogWriter(tmp_path)
    assert (log.last_seq, log.cut) == (5, None)
    with pytest.raises(ValueError, match="seq 4 after 5"):
        log.append(1, 0, 4, 0, b"")
    log.close()
    made += fill(tmp_path, 3, first=6)
    assert list(read(tmp_path)) == made


def test_segments_roll_at_their_size_and_are_named_after_their_first_record(tmp_path):
    fill(tmp_path, 200, segment_bytes=1000)
    files = segments(tmp_path)
    assert len(files) > 5
    for path in files:
        data = b"".join(bytes_of(path))
        assert len(data) <= 1000 + HEADER.size
        [(_, first), *_] = scan(data, HEADER.size)
        assert path.stem == f"{first.seq:020d}"


@pytest.mark.slow
def test_a_torn_end_is_cut_and_told_wherever_it_tore(tmp_path):
    made = fill(tmp_path / "whole", 6)
    [whole] = segments(tmp_path / "whole")
    data = whole.read_bytes()
    ends = [HEADER.size, *(end for end, _ in scan(data, HEADER.size))]
    for size in range(len(data) + 1):
        folder = tmp_path / f"torn {size}"
        folder.mkdir()
        (folder / whole.name).write_bytes(data[:size])
        count = sum(end <= size for end in ends[1:])
        assert list(read(folder)) == made[:count]
        log = LogWriter(folder)
        assert log.last_seq == count
        kept = ends[count] if size >= HEADER.size else 0
        assert (0 if log.cut is None else log.cut.bytes) == size - kept
        assert (b"" if log.cut is None else log.cut.kept.read_bytes()) == data[kept:size]
        log.append(*made[count]) if count < 6 else None
        log.close()
        assert list(read(folder)) == made[: count + 1]


def test_a_torn_new_segment_is_removed_and_the_one_before_goes_on(tmp_path):
    made = fill(tmp_path, 4)
    path = tmp_path / f"{5:020d}.nfj"
    for torn in (
        b"",
        b"NINE",
        bytes(HEADER.size),  # a power loss can leave zeros
        bytes(5_000),
        segments(tmp_path)[0].read_bytes()[: HEADER.size],
        segments(tmp_path)[0].read_bytes()[: HEADER.size] + b"abc",
    ):
        path.write_bytes(torn)
        log = LogWriter(tmp_path)
        assert (log.last_seq, path.exists()) == (4, False)
        log.close()
    made += fill(tmp_path, 2, first=5)
    assert list(read(tmp_path)) == made


def test_a_flipped_bit_in_a_closed_segment_is_told_with_its_place(tmp_path):
    made = fill(tmp_path, 40, segment_bytes=600)
    unpack(tmp_path)
    path = segments(tmp_path)[1]
    data = path.read_bytes()
    ends = [end for end, _ in scan(data, HEADER.size)]
    rng = random.Random(3)
    for _ in range(40):
        at = rng.randrange(HEADER.size, len(data))
        broken = bytearray(data)
        broken[at] ^= 1 << rng.randrange(8)
        path.write_bytes(broken)
        whole = max((end for end in ends if end <= at), default=HEADER.size)
        seen = []
        with pytest.raises(Damaged, match=f"{path.name} is damaged at byte {whole}"):
            seen.extend(read(tmp_path))
        follower = Follower(tmp_path)
        with pytest.raises(Damaged, match=f"{path.name} is damaged at byte {whole}"):
            for _ in range(50):
                seen = follower.poll()
    path.write_bytes(data)
    assert list(read(tmp_path)) == made


def test_a_flipped_bit_among_whole_records_of_the_open_segment_is_damage_not_a_torn_end(tmp_path):
    fill(tmp_path, 20)
    [path] = segments(tmp_path)
    broken = bytearray(path.read_bytes())
    broken[HEADER.size + 20] ^= 1
    path.write_bytes(broken)
    with pytest.raises(Damaged, match="is damaged at byte"):
        LogWriter(tmp_path)
    assert path.read_bytes() == broken


def test_another_version_of_the_format_is_refused_by_reader_writer_and_follower(tmp_path):
    fill(tmp_path, 2)
    [path] = segments(tmp_path)
    data = bytearray(path.read_bytes())
    data[8] = 2
    path.write_bytes(data)
    for attempt in (lambda: list(read(tmp_path)), lambda: LogWriter(tmp_path), lambda: Follower(tmp_path).poll()):
        with pytest.raises(WrongVersion, match="has journal format 2, this program reads 1"):
            attempt()


def test_a_follower_sees_what_comes_exactly_once_also_records_larger_than_what_it_reads_at_once(tmp_path):
    log, follower = LogWriter(tmp_path, segment_bytes=500), Follower(tmp_path)
    assert follower.poll() == []
    seen: list[int] = []
    for seq in range(1, 60):
        log.append(1, 0, seq, 0, bytes(seq * 3))
        log.flush()
        if seq % 4 == 0:
            seen += [record.seq for record in follower.poll(limit_bytes=64)]
    while found := follower.poll(limit_bytes=64):
        seen += [record.seq for record in found]
    assert seen == list(range(1, 60))
    log.close()


def test_a_follower_that_reads_while_the_segment_rolls_misses_nothing(tmp_path, monkeypatch):
    """The writer appends and rolls just after the follower found nothing more in a segment."""
    log, follower = LogWriter(tmp_path, segment_bytes=60), Follower(tmp_path)
    log.append(1, 0, 1, 0, b"")
    log.flush()
    assert [record.seq for record in follower.poll()] == [1]

    @contextmanager
    def rolls_after_open(path):
        monkeypatch.setattr(reader, "open_segment", open_segment)
        with open_segment(path) as content:
            frozen = Frozen(content.read(0, content.size))
            for seq in (2, 3):
                log.append(1, 0, seq, 0, b"")
                log.flush()
            assert len(segments(tmp_path)) == 2
            yield frozen

    monkeypatch.setattr(reader, "open_segment", rolls_after_open)
    seen = [record.seq for record in follower.poll()]
    while found := follower.poll():
        seen += [record.seq for record in found]
    assert seen == [2, 3]
    log.close()


class Frozen:
    """A segment as it was when it was opened."""

    def __init__(self, data: bytes) -> None:
        self._data, self.size = data, len(data)

    def read(self, offset: int, count: int) -> bytes:
        return self._data[offset : offset + count]


@pytest.mark.slow
def test_a_follower_sees_everything_once_while_the_writer_is_killed_again_and_again(tmp_path):
    follower, seen, promised = Follower(tmp_path), [], 0
    rng = random.Random(5)
    for _ in range(5):
        process = subprocess.Popen(
            [sys.executable, str(WRITING), str(tmp_path), "200000", "0"], stdout=subprocess.PIPE, text=True
        )
        began = process.stdout.readline()
        assert int(began) >= promised, "what was flushed before the kill is gone"
        enough = int(began) + rng.randrange(300, 2000)
        while promised < enough:
            promised = int(process.stdout.readline())
            seen += follower.poll()
        process.kill()
        process.wait()
        process.stdout.close()
        promised = max(promised, *(record.seq for record in seen))
    LogWriter(tmp_path).close()
    while found := follower.poll():
        seen += found
    assert [record.seq for record in seen] == list(range(1, len(seen) + 1))
    assert seen == list(read(tmp_path))
    assert len(seen) >= promised
    assert all(record.payload == b"%d " % record.seq * (record.seq % 40) for record in seen)
    assert len(segments(tmp_path)) > 3


@pytest.mark.parametrize("limit", [10, 25, 3000, 19990])
@pytest.mark.slow
def test_a_full_disk_leaves_no_half_of_a_group_and_the_log_goes_on_when_there_is_room(tmp_path, limit):
    found = subprocess.run(
        [sys.executable, str(WRITING), str(tmp_path), "20000", str(limit)], capture_output=True, text=True, timeout=30
    )
    assert found.returncode == 0, found.stderr
    *_, last = found.stdout.splitlines()
    assert "Nothing of them was kept" in last
    assert "Free space on this disk" in last
    seqs = [record.seq for record in read(tmp_path)]
    assert seqs == list(range(1, len(seqs) + 1))
    assert len(seqs) % 7 == 0
    assert len(seqs) >= 7
    log = LogWriter(tmp_path)
    assert (log.cut, log.last_seq) == (None, len(seqs))
    log.close()


def test_a_log_is_synced_soon_after_a_flush_without_being_asked(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr("ninefold.journal.writer.os.fdatasync", synced.append)
    log = LogWriter(tmp_path)
    log.append(1, 0, 1, 0, b"")
    log.flush()
    deadline = time.monotonic() + 5
    while not synced and time.monotonic() < deadline:
        time.sleep(0.005)
    log.close()
    assert synced
