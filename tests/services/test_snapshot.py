"""Snapshots are replaced whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from ninefold.journal.writer import DiskFull
from ninefold.services import snapshot


def test_a_full_disk_is_told_and_the_snapshot_before_stays(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full, a disk that is always full")
    snapshot.write(tmp_path, "hot", 5, {"decide": b"before"})
    temporary = tmp_path / "state" / "hot.new"
    temporary.symlink_to("/dev/full")
    with pytest.raises(DiskFull, match=r"hot\.snapshot: No space left"):
        snapshot.write(tmp_path, "hot", 6, {"decide": b"after"})
    assert not temporary.is_symlink()
    assert snapshot.read(tmp_path, "hot") == snapshot.Snapshot(5, {"decide": b"before"})
    snapshot.write(tmp_path, "hot", 7, {"decide": b"later"})
    assert snapshot.read(tmp_path, "hot") == snapshot.Snapshot(7, {"decide": b"later"})
