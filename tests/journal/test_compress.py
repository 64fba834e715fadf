"""Closed segments are compressed behind everybody's back: nobody loses a record or reads one twice, wherever it crashes."""

import os
import random
import shutil
import subprocess
import sys
import time
from itertools import count, islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.journal import compress as steps
from ninefold.journal import packed
from ninefold.journal.compress import compress, compress_closed
from ninefold.journal.content import bytes_of
from ninefold.journal.reader import Follower, read
from ninefold.journal.segment import HEADER, Damaged, Record, header, segments
from ninefold.journal.walk import Log, inputs_of
from ninefold.journal.writer import LogWriter
from tests.journal.logs import fill, fill_packed, flip, is_packed, record_of, unpack
from tests.journal.steps import Disk, before_every_line

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def quick_and_in_small_blocks(monkeypatch):
    monkeypatch.setattr("ninefold.journal.writer.SYNC_S", 0.0)
    monkeypatch.setattr(packed, "BLOCK_BYTES", 150)


@pytest.fixture
def plain(tmp_path) -> Path:
    """A log of some segments, none of them compressed."""
    fill(tmp_path / "log", 60, segment_bytes=900)
    unpack(tmp_path / "log")
    assert len(segments(tmp_path / "log")) > 4
    return tmp_path / "log"


def test_records_and_bytes_are_the_same_before_and_after_and_from_any_place(plain):
    made = list(read(plain))
    before = {path.name: path.read_bytes() for path in segments(plain)}
    assert made == [record_of(seq) for seq in range(1, 61)]  # a folder of plain ones only, as older versions left them
    assert compress_closed(plain) == len(before) - 1
    assert {path.name: b"".join(bytes_of(path)) for path in segments(plain)} == before
    for after in range(61):
        assert list(read(plain, after)) == made[after:]
    log = Log(plain)
    assert list(inputs_of(log, lambda done, total: None)) == made
    assert (log.problem, log.segments, log.first_seq) == ("", len(before), 1)
    assert compress_closed(plain) == 0


def test_a_real_log_shrinks_and_walking_it_says_how_far_it_is_in_bytes_of_its_files(tmp_path, monkeypatch):
    monkeypatch.setattr(packed, "BLOCK_BYTES", 512 * 1024)
    made = fill_packed(tmp_path, 3_000, segment_bytes=40_000)
    plain_bytes = sum(len(b"".join(bytes_of(path))) for path in segments(tmp_path))
    total = sum(path.stat().st_size for path in segments(tmp_path))
    assert total < plain_bytes / 2
    steps_told = []
    assert list(inputs_of(Log(tmp_path), lambda done, total: steps_told.append((done, total)))) == made
    assert steps_told[-1] == (total, total)
    assert steps_told == sorted(steps_told)


def test_a_reader_does_not_open_the_segments_before_its_place(plain):
    made = list(read(plain))
    compress_closed(plain)
    *earlier, one, _ = segments(plain)
    for path in earlier:
        path.write_bytes(b"nothing that can be read")
    after = int(one.stem)
    assert list(read(plain, after)) == made[after:]
    assert Follower(plain, after).poll()[0] == made[after]


def test_what_is_open_goes_on_to_be_read_while_it_is_replaced(plain):
    made = list(read(plain))
    begun = read(plain)
    seen = list(islice(begun, 5))
    compress_closed(plain)
    assert seen + list(begun) == made


@pytest.mark.parametrize("before", range(0, 60, 7))
def test_a_follower_inside_a_segment_that_is_replaced_goes_on_with_the_next_record(plain, before):
    made = list(read(plain))
    follower, seen = Follower(plain), []
    while len(seen) < before:
        seen += follower.poll(100)
    compress_closed(plain)
    while found := follower.poll(100):
        seen += found
    assert seen == made


@pytest.mark.parametrize("stride", [11, pytest.param(1, marks=pytest.mark.torture)])
@pytest.mark.slow
def test_killed_before_any_line_nothing_is_lost_or_read_twice_and_the_next_start_finishes(tmp_path, stride):
    """A real process, with SIGKILL."""
    plain = tmp_path / "log"
    fill(plain, 35, segment_bytes=900)
    unpack(plain)
    assert len(segments(plain)) == 3
    command = [sys.executable, "-m", "tests.journal.killed", str(plain), str(stride)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert said.returncode == 0, said.stderr
    assert int(said.stdout) > 150 // stride


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the disk is told in another way")
@pytest.mark.slow
def test_a_power_loss_before_any_line_leaves_every_record(plain, tmp_path, monkeypatch):
    made = list(read(plain))
    disk = Disk(plain, monkeypatch)
    after, number = tmp_path / "after", count()

    def lose_power() -> None:
        if next(number) % 3:
            return
        after.mkdir()
        disk.lose_power(after)
        assert list(read(after)) == made
        shutil.rmtree(after)

    with before_every_line(lose_power):
        compress_closed(plain)
    disk.close()
    assert next(number) > 200
    assert all(is_packed(path) for path in segments(plain)[:-1])


def test_a_writer_compresses_what_it_closes_and_what_an_earlier_run_left_and_removes_its_temporary_files(plain):
    left = segments(plain)[-1].with_suffix(".new")
    left.write_bytes(b"half of it")
    log = LogWriter(plain, 900)
    assert not left.exists()
    fill_on(log, 61, 120)
    until(lambda: all(is_packed(path) for path in segments(plain)[:-1]))
    assert not is_packed(segments(plain)[-1])
    log.close()
    assert list(read(plain)) == [record_of(seq) for seq in range(1, 121)]
    assert log.compressor.problem == ""


@pytest.mark.slow
def test_readers_of_another_process_see_each_record_once_while_segments_are_compressed(tmp_path):
    writing = [sys.executable, str(Path(__file__).parent / "writing.py"), str(tmp_path), "20000", "0"]
    follower, seen, looked = Follower(tmp_path), [], 0
    with subprocess.Popen(writing, stdout=subprocess.PIPE, text=True) as process:
        while looked < 20 or not any(is_packed(path) for path in segments(tmp_path)[:3]):
            promised = int(process.stdout.readline())
            seen += follower.poll(1_000)
            if promised > looked * 200:
                looked += 1
                whole = [record.seq for record in read(tmp_path)]
                assert whole == list(range(1, len(whole) + 1))
                assert len(whole) >= promised
        process.kill()
    while found := follower.poll():
        seen += found
    assert [record.seq for record in seen] == list(range(1, len(seen) + 1))
    assert seen == list(read(tmp_path))


def test_closing_does_not_wait_for_what_is_not_finished_and_leaves_no_temporary_file(plain):
    assert not compress(segments(plain)[0], stopped=lambda: True)
    assert not is_packed(segments(plain)[0])
    assert [path for path in plain.iterdir() if path.suffix != ".nfj"] == []


def test_when_the_last_segment_is_compressed_already_the_next_record_begins_another(plain):
    """The one behind it had nothing whole in it when the power went."""
    compress_closed(plain)
    *_, before, newest = segments(plain)
    newest.write_bytes(header(0))
    log = LogWriter(plain, 900)
    assert not newest.exists()
    last_seq = int(newest.stem) - 1
    assert log.last_seq == last_seq
    fill_on(log, last_seq + 1, last_seq + 3)
    log.close()
    assert is_packed(before)
    assert list(read(plain)) == [record_of(seq) for seq in range(1, last_seq + 4)]


def test_too_little_room_is_told_and_the_segment_stays_plain_until_there_is_some(plain, monkeypatch):
    usage = shutil.disk_usage
    monkeypatch.setattr(steps.shutil, "disk_usage", lambda folder: usage(folder)._replace(free=1_000))
    log = LogWriter(plain, 900)
    until(lambda: log.compressor.problem)
    assert "stays as it is" in log.compressor.problem
    assert "too little space is left" in log.compressor.problem
    assert not any(is_packed(path) for path in segments(plain))
    monkeypatch.setattr(steps.shutil, "disk_usage", usage)
    fill_on(log, 61, 90)
    until(lambda: all(is_packed(path) for path in segments(plain)[:-1]) and not log.compressor.problem)
    log.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
def test_a_disk_that_refuses_leaves_the_plain_segment_and_no_half_of_the_other(plain):
    first = segments(plain)[0]
    (plain / f"{first.stem}.new").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        compress(first)
    assert not is_packed(first)
    assert [path for path in plain.iterdir() if path.suffix != ".nfj"] == []


def test_a_disk_that_does_not_keep_what_was_written_is_noticed_before_the_plain_one_goes(plain, monkeypatch):
    first, rng = segments(plain)[0], random.Random(4)
    before = first.read_bytes()

    def rots(file: int) -> None:
        path = Path(f"{first.with_suffix('.new')}")
        flip(path, rng.randrange(path.stat().st_size))

    monkeypatch.setattr(steps, "out_of_cache", rots)
    for _ in range(20):
        with pytest.raises(Damaged):
            compress(first)
        assert first.read_bytes() == before
    log = LogWriter(plain)
    until(lambda: log.compressor.problem)
    log.close()
    assert not any(is_packed(path) for path in segments(plain))


def test_a_closed_segment_that_is_damaged_is_left_as_it_is_and_the_others_are_compressed(plain):
    first, second, *_ = segments(plain)
    flip(first, 0)
    flip(second, HEADER.size + 30)
    before = first.read_bytes(), second.read_bytes()
    compress_closed(plain)
    assert first.read_bytes() == before[0]
    assert b"".join(bytes_of(second)) == before[1]
    assert is_packed(segments(plain)[2])


@settings(max_examples=60, deadline=None)
@given(st.data())
@pytest.mark.slow
def test_whatever_happens_in_whatever_order_each_record_is_read_once(tmp_path_factory, data):
    """Appends, compression, starts, and two followers that look now and then."""
    folder = tmp_path_factory.mktemp("log")
    segment_bytes = data.draw(st.integers(60, 1_500), "bytes of a segment")
    made: list[Record] = []
    seen: list[list[Record]] = [[], []]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ninefold.journal.writer.SYNC_S", 0.0)
        patch.setattr(packed, "BLOCK_BYTES", data.draw(st.integers(1, 900), "bytes of a block"))
        log, followers = LogWriter(folder, segment_bytes), [Follower(folder), Follower(folder)]
        for act in data.draw(st.lists(st.sampled_from(["append", "append", "compress", "start", "look", "look too"]))):
            if act == "append":
                for size in data.draw(st.lists(st.integers(0, 600), max_size=6), "payloads"):
                    made.append(Record(1, 0, len(made) + 1, len(made), os.urandom(size // 2) + bytes(size // 2)))
                    log.append(*made[-1])
                log.flush()
            elif act == "compress":
                for path in segments(folder)[:-1]:
                    if data.draw(st.booleans(), path.name):
                        compress(path)
            elif act == "start":
                log.close()
                log = LogWriter(folder, segment_bytes)
                assert log.last_seq == len(made)
            else:
                which = act == "look too"
                seen[which] += followers[which].poll(data.draw(st.integers(1, 2_000), "bytes at once"))
        log.close()
        for records, follower in zip(seen, followers, strict=True):
            while found := follower.poll():
                records += found
            assert records == made
    assert list(read(folder)) == made
    after = data.draw(st.integers(0, len(made)), "after")
    assert list(read(folder, after)) == made[after:]


def fill_on(log: LogWriter, first: int, last: int) -> None:
    for seq in range(first, last + 1):
        log.append(*record_of(seq))
        log.flush()


def until(condition) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.002)
