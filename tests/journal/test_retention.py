"""Old segments go only when they may, oldest first, and a log that begins late is told from one that lost its beginning."""

import shutil
import sys
import threading
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.journal import packed
from ninefold.journal.compress import compress_closed
from ninefold.journal.inputs import CHUNK
from ninefold.journal.letgo import MARK, LetGo, let_go_of
from ninefold.journal.reader import Follower, read
from ninefold.journal.retention import FirstKept, Kept, first_kept, kept_of, let_go, may_go
from ninefold.journal.segment import HEADER, Damaged, Record, segments
from ninefold.journal.walk import Log, chunks_of, inputs_of
from ninefold.journal.writer import LogWriter
from ninefold.market.chunk import Chunk, encode
from tests.journal.logs import fill, fill_packed, flip, record_of, unpack
from tests.journal.steps import Disk, before_every_line

pytestmark = pytest.mark.slow

FIVE = [Kept(Path(f"{n}.nfj"), n * 10 + 1, n * 1_000, 100) for n in range(5)]  # records 1-10, 11-20, 21-30, 31-40, 41-


@pytest.fixture(autouse=True)
def quick_and_in_small_blocks(monkeypatch):
    monkeypatch.setattr("ninefold.journal.writer.SYNC_S", 0.0)
    monkeypatch.setattr(packed, "BLOCK_BYTES", 150)


@pytest.fixture
def folder(tmp_path) -> Path:
    """Records 1 to 90 in some compressed segments and a plain one."""
    fill_packed(tmp_path / "log", 90, segment_bytes=900)
    assert len(segments(tmp_path / "log")) > 6
    return tmp_path / "log"


@pytest.mark.parametrize(
    ("now_ns", "keep_ns", "keep_bytes", "done", "going", "held_by"),
    [
        (99_999, None, None, {"tables": 99}, [], ""),
        (99_999, 1, None, {"tables": 99}, [1, 11, 21, 31], ""),  # never the newest, however old
        (5_000, 2_500, None, {"tables": 99}, [1, 11], ""),  # those that end before the record of 2,000
        (5_000, 3_000, None, {"tables": 99}, [1], ""),  # exactly as old as the limit is kept
        (0, None, 300, {"tables": 99}, [1, 11], ""),
        (0, None, 299, {"tables": 99}, [1, 11, 21], ""),
        (0, None, 0, {"tables": 99}, [1, 11, 21, 31], ""),
        (5_000, 2_500, 299, {"tables": 99}, [1, 11, 21], ""),  # whichever limit wants more
        (0, None, 0, {"tables": 99, "certificates": 20}, [1, 11], "certificates"),
        (0, None, 0, {"tables": 19, "certificates": 20}, [1], "tables"),
        (0, None, 500, {"tables": 0}, [], ""),  # nothing is beyond a limit, so nothing is held back
        (0, None, 0, {}, [], "nobody has said what is stored"),
    ],
)
def test_what_is_beyond_a_limit_goes_if_nobody_needs_it(now_ns, keep_ns, keep_bytes, done, going, held_by):
    found = may_go(FIVE, now_ns, keep_ns, keep_bytes, done)
    assert [one.first_seq for one in found.segments] == going
    assert found.held_by == held_by


@given(
    st.lists(st.tuples(st.integers(1, 20), st.integers(0, 50), st.integers(0, 500)), max_size=12),
    st.one_of(st.none(), st.integers(0, 300)),
    st.one_of(st.none(), st.integers(0, 3_000)),
    st.dictionaries(st.sampled_from(["tables", "certificates", "snapshot"]), st.integers(0, 150)),
    st.integers(0, 700),
)
def test_never_the_newest_never_what_is_needed_never_more_than_the_limits_ask(steps, keep_ns, keep_bytes, done, now_ns):
    kept, seq, ns = [], 1, 0
    for seqs, pause, size in steps:
        kept.append(Kept(Path(f"{seq}.nfj"), seq, ns, size))
        seq, ns = seq + seqs, ns + pause
    going, held_by = may_go(kept, now_ns, keep_ns, keep_bytes, done)
    number = len(going)
    assert list(going) == kept[:number]
    assert number < len(kept) or not kept
    if number:
        assert kept[number].first_seq - 1 <= min(done.values())
    sizes = [sum(one.stored_bytes for one in kept[i:]) for i in range(len(kept) + 1)]

    def wanted(i: int) -> bool:
        old = keep_ns is not None and kept[i + 1].first_ns < now_ns - keep_ns
        return old or (keep_bytes is not None and sizes[i] > keep_bytes)

    assert all(wanted(i) for i in range(number))
    if number + 1 < len(kept):
        assert bool(held_by) == wanted(number)


def test_a_log_that_let_go_begins_late_and_says_from_where(folder):
    made = list(read(folder))
    assert first_kept(folder) == FirstKept(1, 1_000, 0)
    kept = kept_of(folder)
    begin = kept[3].first_seq
    assert let_go(folder, kept[:3]) == sum(one.stored_bytes for one in kept[:3])
    assert [path.name for path in segments(folder)] == [one.path.name for one in kept[3:]]
    assert first_kept(folder) == FirstKept(begin, begin * 1_000, begin - 1)
    assert list(read(folder)) == made[begin - 1 :]
    log = Log(folder)
    assert list(inputs_of(log, lambda done, total: None)) == made[begin - 1 :]
    assert (log.problem, log.let_go_seq, log.first_seq, log.first_ns) == ("", begin - 1, begin, begin * 1_000)
    assert let_go(folder, ()) == 0
    let_go(folder, kept_of(folder)[:-1])
    assert len(segments(folder)) == 1
    assert first_kept(folder).let_go_seq == int(segments(folder)[0].stem) - 1


def test_a_beginning_that_is_gone_without_having_been_let_go_is_damage(folder):
    first, second, third, *_ = segments(folder)
    first.unlink()
    log = Log(folder)
    assert list(inputs_of(log, lambda done, total: None)) == []
    assert log.problem == f"seq 1 to {int(second.stem) - 1} are missing"
    let_go(folder, kept_of(folder)[:1])
    third.unlink()
    log = Log(folder)
    list(inputs_of(log, lambda done, total: None))
    assert f"seq {int(third.stem)} to " in log.problem


def test_a_stream_log_that_let_go_begins_behind_what_the_chunks_before_covered(tmp_path):
    """The second writer was killed before it wrote chunk 31-40, and made it again as 26-40."""
    log = LogWriter(tmp_path, 60)
    chunks = [(1, 10), (11, 20), (21, 30), (26, 40), (41, 50), (51, 60)]
    for first, last in chunks:
        log.append(CHUNK, 0, last, last * 1_000, encode(Chunk(first, last, last * 1_000)))
        log.flush()
    log.close()
    assert len(segments(tmp_path)) == 6
    for number in range(1, 6):
        let_go(tmp_path, kept_of(tmp_path)[:1])
        assert let_go_of(tmp_path).seq == chunks[number - 1][1]
        walked = Log(tmp_path)
        found = list(chunks_of(walked, lambda done, total: None))
        assert walked.problem == ""
        assert [(chunk.first_seq, chunk.last_seq) for chunk, _ in found] == chunks[number:]
        assert found[0][1] == chunks[number - 1][1]
        assert walked.first_seq == chunks[number - 1][1] + 1
        follower = Follower(tmp_path, chunks[number - 1][1])  # had all that went
        assert [record.seq for record in follower.poll()] == [chunks[number][1]]


def test_who_asks_for_what_was_let_go_is_told_and_gets_nothing_instead(folder):
    kept = kept_of(folder)
    standing = Follower(folder)
    assert standing.poll(100)
    behind = Follower(folder, kept[3].first_seq - 1)
    let_go(folder, kept[:3])
    for attempt in (
        standing.poll,
        Follower(folder, 5).poll,
        Follower(folder).poll,
        lambda: list(read(folder, 5)),
    ):
        with pytest.raises(LetGo, match=rf"those up to seq {kept[3].first_seq - 1} were let go by retention"):
            attempt()
    assert behind.poll(100)[0].seq == kept[3].first_seq
    assert next(read(folder, kept[3].first_seq - 1)).seq == kept[3].first_seq


def test_a_reader_whose_next_segment_went_is_told(folder):
    begun = read(folder)
    next(begun)
    let_go(folder, kept_of(folder)[:-1])
    with pytest.raises(LetGo, match="let go by retention, or moved away"):
        list(begun)


def test_numbers_go_on_when_a_power_loss_leaves_nothing_behind_what_was_let_go(folder):
    let_go(folder, kept_of(folder)[:-1])
    [newest] = segments(folder)
    first = int(newest.stem)
    newest.write_bytes(newest.read_bytes()[: HEADER.size])
    log = LogWriter(folder)
    assert log.last_seq == first - 1
    log.append(*record_of(first))
    log.close()
    walked = Log(folder)
    assert list(inputs_of(walked, lambda done, total: None)) == [record_of(first)]
    assert walked.problem == ""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the disk is told in another way")
def test_a_power_loss_while_letting_go_leaves_no_hole_and_a_log_that_says_where_it_begins(
    folder, tmp_path, monkeypatch
):
    made = list(read(folder))
    kept = kept_of(folder)
    disk, after, number, begins = Disk(folder, monkeypatch), tmp_path / "after", count(), set()

    def lose_power() -> None:
        next(number)
        for _ in range(3):
            after.mkdir()
            disk.lose_power(after)
            log = Log(after)
            found = list(inputs_of(log, lambda done, total: None))
            begins.add(len(found))
            assert log.problem == ""
            assert found == made[-len(found) :]
            shutil.rmtree(after)

    with before_every_line(lose_power):
        let_go(folder, kept[:4])
    disk.close()
    assert begins == {len(made) - one.first_seq + 1 for one in kept[:5]}
    assert next(number) > 20


def test_what_a_kill_left_of_letting_go_is_read_and_removed_the_next_time(folder):
    kept = kept_of(folder)
    saved = {one.path: one.path.read_bytes() for one in kept[1:3]}
    let_go(folder, kept[:3])
    for path, data in saved.items():
        path.write_bytes(data)
    log = Log(folder)
    assert next(inputs_of(log, lambda done, total: None)).seq == kept[1].first_seq
    let_go(folder, kept_of(folder)[:2])
    assert let_go_of(folder).seq == kept[3].first_seq - 1
    assert first_kept(folder).seq == kept[3].first_seq


def test_a_compressor_does_not_put_back_what_was_let_go(tmp_path):
    for number in range(20):
        folder = tmp_path / str(number)
        fill(folder, 90, segment_bytes=900)
        unpack(folder)
        kept = kept_of(folder)
        failed: list[Exception] = []
        thread = threading.Thread(target=compress_all, args=(folder, failed))
        thread.start()
        for one in kept[:4]:
            let_go(folder, [one])
        thread.join()
        assert not failed
        assert [path.name for path in segments(folder)] == [one.path.name for one in kept[4:]]
        assert [record.seq for record in read(folder)] == list(range(kept[4].first_seq, 91))


def compress_all(folder: Path, failed: list[Exception]) -> None:
    try:
        compress_closed(folder)
    except Exception as error:
        failed.append(error)


def test_the_newest_one_and_one_that_cannot_be_read_are_not_let_go(folder):
    kept = kept_of(folder)
    with pytest.raises(ValueError, match="is the newest segment"):
        let_go(folder, kept)
    flip(kept[1].path, kept[1].stored_bytes - 3)
    with pytest.raises(Damaged, match=str(kept[1].path)):
        let_go(folder, kept[:2])
    assert len(segments(folder)) == len(kept)
    assert let_go_of(folder) is None


def test_a_mark_that_cannot_be_read_is_told_with_what_it_should_be(folder):
    let_go(folder, kept_of(folder)[:2])
    (folder / MARK).write_text("{")
    log = Log(folder)
    assert list(inputs_of(log, lambda done, total: None)) == []
    for said in (log.problem, told_by(lambda: LogWriter(folder)), told_by(lambda: first_kept(folder))):
        assert f"{folder / MARK} cannot be read" in said
        assert "Put it back from a copy" in said


def told_by(attempt) -> str:
    with pytest.raises(LetGo) as told:
        attempt()
    return str(told.value)


def test_an_empty_log_and_one_with_only_a_beginning_have_nothing_to_let_go(tmp_path):
    assert kept_of(tmp_path) == []
    assert first_kept(tmp_path) is None
    log = LogWriter(tmp_path)
    log.append(*Record(1, 0, 1, 5, b"x"))
    log.close()
    assert may_go(kept_of(tmp_path), 10**18, 0, 0, {"tables": 1}).segments == ()
