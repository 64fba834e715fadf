"""The compressed form: the same bytes from any place, a file that zstd itself unpacks, and no byte that can flip unseen."""

import io
import random
import struct
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from ninefold.journal import packed
from ninefold.journal.content import bytes_of, open_segment
from ninefold.journal.reader import Follower, read, read_segment
from ninefold.journal.segment import HEADER, Damaged, WrongVersion, header, pack, segments
from ninefold.journal.walk import Log, inputs_of
from ninefold.journal.writer import LogWriter
from tests.journal.logs import fill_packed, flip, unpack

pytestmark = pytest.mark.slow


@pytest.fixture
def small_blocks(monkeypatch):
    """Several blocks in a segment of some hundred bytes."""
    monkeypatch.setattr(packed, "BLOCK_BYTES", 150)


def packed_file(data: bytes, path, block_bytes: int) -> None:
    with pytest.MonkeyPatch.context() as patch, path.open("wb") as target:
        patch.setattr(packed, "BLOCK_BYTES", block_bytes)
        assert packed.pack_into(io.BytesIO(data), len(data), target, lambda: False)


@given(st.binary(min_size=1, max_size=2_000), st.integers(1, 700), st.data())
def test_any_part_comes_back_as_it_was(tmp_path_factory, data, block_bytes, draw):
    path = tmp_path_factory.mktemp("packed") / "1.nfj"
    packed_file(data, path, block_bytes)
    with open_segment(path) as content:
        assert (content.size, content.checksum) == (len(data), zlib.crc32(data))
        for _ in range(5):
            offset = draw.draw(st.integers(0, len(data) + 10))
            count = draw.draw(st.integers(0, len(data) + 10))
            assert content.read(offset, count) == data[offset : offset + count]
    assert b"".join(bytes_of(path)) == data


def test_zstd_itself_unpacks_it(tmp_path, small_blocks):
    fill_packed(tmp_path, 60, segment_bytes=900)
    path = segments(tmp_path)[0]
    before = b"".join(bytes_of(path))
    with path.open("rb") as file:
        reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        assert reader.read() == before
    path.write_bytes(before)
    assert len(list(read(tmp_path))) == 60


def test_a_part_in_the_middle_is_read_without_the_blocks_before_it(tmp_path):
    data = random.Random(1).randbytes(10_000)
    packed_file(data, tmp_path / "1.nfj", 1_000)
    flip(tmp_path / "1.nfj", 5_000)  # random bytes do not shrink: in the fifth block
    with open_segment(tmp_path / "1.nfj") as content:
        assert content.read(6_100, 2_000) == data[6_100:8_100]
        assert content.read(0, 10_000) == data[:4_000]  # as far as it is whole
        with pytest.raises(Damaged):
            content.read(4_000, 1)


def test_whatever_byte_flips_is_told_with_its_place_and_what_is_before_it_is_read(tmp_path, small_blocks):
    made = fill_packed(tmp_path, 60, segment_bytes=900)
    second, third = segments(tmp_path)[1:3]
    data, begin = second.read_bytes(), int(second.stem)
    head_bytes = 8 + struct.unpack_from("<4sI", data)[1]
    rng = random.Random(2)
    for at in (*range(head_bytes), *range(head_bytes, len(data), 3)):
        flip(second, at, 1 << rng.randrange(8))
        seen = []
        with pytest.raises(Damaged, match=str(second)) as told:
            seen.extend(read(tmp_path))
        assert seen == made[: len(seen)]
        assert begin - 1 <= len(seen) < int(third.stem) - 1
        if at >= 4:  # else it does not even begin like a compressed one
            low, high = place_in(str(told.value))
            assert low <= at < high or at < 8  # bytes 4 to 7 say how long the head is
            assert (low == 0) == (at < head_bytes)
            assert "put the file back from a copy" in str(told.value)
        with pytest.raises(Damaged, match=str(second)):
            followed(tmp_path)
        log = Log(tmp_path)
        assert list(inputs_of(log, lambda done, total: None)) == seen
        assert str(second) in log.problem
        second.write_bytes(data)
    assert list(read(tmp_path)) == made


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data[:40], lambda data: data + b"\0"])
def test_a_compressed_file_that_is_cut_short_or_has_more_is_damaged(tmp_path, small_blocks, change):
    fill_packed(tmp_path, 60, segment_bytes=900)
    second = segments(tmp_path)[1]
    second.write_bytes(change(second.read_bytes()))
    with pytest.raises(Damaged, match=f"{second} is damaged at byte"):
        list(read(tmp_path))
    with pytest.raises(Damaged, match=f"{second} is damaged at byte"):
        followed(tmp_path)


def test_a_flipped_bit_from_before_it_was_compressed_is_told_by_the_record(tmp_path):
    fill_packed(tmp_path, 60, segment_bytes=900)
    first = segments(tmp_path)[0]
    unpack(tmp_path)
    flip(first, HEADER.size + 30)
    packed_file(first.read_bytes(), tmp_path / "again", 150)
    (tmp_path / "again").replace(first)
    with pytest.raises(Damaged, match=f"{first} is damaged at byte {HEADER.size} of .* a record's checksum differs"):
        list(read(tmp_path))
    with pytest.raises(Damaged, match=f"{first} is damaged at byte {HEADER.size};"):
        followed(tmp_path)


def test_a_compressed_segment_with_none_behind_it_is_closed_all_the_same_so_what_is_torn_in_it_is_damage(tmp_path):
    """The one behind it was empty, and its writer removed it."""
    made = fill_packed(tmp_path, 60, segment_bytes=900)
    segments(tmp_path)[-1].unlink()
    newest = segments(tmp_path)[-1]
    data = b"".join(bytes_of(newest))
    packed_file(data[:-1], tmp_path / "again", 150)
    (tmp_path / "again").replace(newest)
    seen = []
    with pytest.raises(Damaged, match=f"{newest} is damaged at byte"):
        seen.extend(read(tmp_path))
    assert seen == made[: len(seen)]
    with pytest.raises(Damaged, match=f"{newest} is damaged at byte"):
        followed(tmp_path)
    log = Log(tmp_path)
    assert list(inputs_of(log, lambda done, total: None)) == seen
    assert f"{newest} is damaged at byte" in log.problem
    with pytest.raises(Damaged, match=f"{newest} is damaged at byte"):
        LogWriter(tmp_path)


def test_another_version_of_the_compressed_format_is_refused_with_what_to_do(tmp_path):
    fill_packed(tmp_path, 60, segment_bytes=900)
    first = segments(tmp_path)[0]
    data = bytearray(first.read_bytes())
    length = struct.unpack_from("<4sI", data)[1]
    data[16] = 2
    data[4 + length : 8 + length] = struct.pack("<I", zlib.crc32(data[: 4 + length]))
    first.write_bytes(data)
    for attempt in (lambda: list(read(tmp_path)), lambda: followed(tmp_path)):
        with pytest.raises(WrongVersion, match=r"compressed journal format 2, this program reads 1; install the nine"):
            attempt()
    log = Log(tmp_path)
    assert list(inputs_of(log, lambda done, total: None)) == []
    assert "compressed journal format 2" in log.problem


def test_another_zstd_file_is_no_segment(tmp_path):
    content = struct.pack("<8sIIQI", b"whatever", 1, 1, 0, 0)
    frame = packed.SKIPPABLE + struct.pack("<I", len(content) + 4) + content
    (tmp_path / "1.nfj").write_bytes(frame + struct.pack("<I", zlib.crc32(frame)))
    with pytest.raises(Damaged, match="no journal segment"):
        list(read_segment(tmp_path / "1.nfj"))


@given(st.binary(max_size=400))
def test_no_bytes_at_all_make_the_reader_do_anything_but_read_or_tell(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("any") / "1.nfj"
    for begin in (b"", packed.SKIPPABLE, header(0)):
        path.write_bytes(begin + data)
        try:
            assert all(record.payload is not None for record in read_segment(path))
        except (Damaged, WrongVersion) as told:
            assert str(path) in str(told)


def test_a_record_larger_than_what_is_read_at_once_comes_whole(tmp_path, monkeypatch):
    monkeypatch.setattr("ninefold.journal.reader.READ_BYTES", 64)
    payloads = [b"", bytes(1_000), b"x", random.Random(1).randbytes(5_000), b"y" * 63]
    data = header(0) + b"".join(pack(1, 0, seq, 0, payload) for seq, payload in enumerate(payloads, 1))
    path = tmp_path / "1.nfj"
    path.write_bytes(data)
    assert [record.payload for record in read_segment(path)] == payloads
    packed_file(data, path, 300)
    assert [record.payload for record in read_segment(path)] == payloads


def followed(folder) -> list[int]:
    follower, seen = Follower(folder), []
    while found := follower.poll(400):
        seen += [record.seq for record in found]
    return seen


def place_in(text: str) -> tuple[int, int]:
    """What "... is damaged at byte 10 to 20 of 30: ..." says."""
    low, _, high = text.partition("is damaged at byte ")[2].partition(" of ")[0].partition(" to ")
    return int(low), int(high)
