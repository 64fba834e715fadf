"""What the tests read the journal with reads it whole, whatever of it is compressed."""

from pathlib import Path

from ninefold.journal.segment import segments
from tests.journal.logs import fill_packed, is_packed, unpack

from . import truth
from .parts import size_of


def test_a_journal_is_read_the_same_before_and_after_its_segments_are_compressed(tmp_path: Path) -> None:
    made = fill_packed(tmp_path / "journal", 60, segment_bytes=900)
    assert [is_packed(path) for path in segments(tmp_path / "journal")].count(True) > 3
    found, size = list(truth.entries(tmp_path)), size_of(tmp_path / "journal")
    assert [tuple(entry) for entry in found] == [(one.kind, one.seq, one.receive_ns, one.payload) for one in made]
    unpack(tmp_path / "journal")
    assert list(truth.entries(tmp_path)) == found
    assert size == size_of(tmp_path / "journal") == sum(path.stat().st_size for path in segments(tmp_path / "journal"))


def test_a_compressed_segment_is_read_from_any_place_on(tmp_path: Path) -> None:
    fill_packed(tmp_path, 60, segment_bytes=900)
    [first, *_] = segments(tmp_path)
    assert is_packed(first)
    whole = truth.segment(first)
    assert all(truth.segment(first, at) == whole[at:] for at in (20, 21, 500, len(whole)))
