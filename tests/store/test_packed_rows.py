"""Very many rows, packed: in memory while they are few, in a file that goes with them when they are many."""

import resource
import tempfile

import numpy as np
import pytest

from ninefold.store import packed_rows
from ninefold.store.data_dir import StoreWriteFailed
from ninefold.store.packed_rows import PackedRows

OF = np.dtype([("at", "<i8"), ("price", "<f8"), ("size", "<i8")])


@pytest.mark.parametrize("in_memory", [1_000, 1_000_000])
def test_rows_come_out_as_they_went_in(monkeypatch, in_memory):
    monkeypatch.setattr(packed_rows, "PART", 100)
    monkeypatch.setattr(packed_rows, "IN_MEMORY", in_memory)
    rows = np.random.default_rng(1).integers(-(2**60), 2**60, (1_000, 3)).view(OF).reshape(-1)
    kept = PackedRows(OF)
    for first, stop in ((0, 0), (0, 250), (250, 251), (251, 1_000)):
        kept.add(rows[first:stop])
        assert b"".join(part.tobytes() for part in kept) == rows[:stop].tobytes()
    assert (len(kept), kept.lengths[:5]) == (1_000, [100, 100, 50, 1, 100])
    assert kept.part(4).tobytes() == rows[251:351].tobytes()
    file = kept._file
    assert file._rolled == (in_memory == 1_000)
    del kept
    assert file.closed


def test_a_disk_that_refuses_is_named(monkeypatch):
    monkeypatch.setattr(packed_rows, "IN_MEMORY", 1_000)
    kept, limits = PackedRows(OF), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, limits[1]))
    try:
        with pytest.raises(StoreWriteFailed, match=f"cannot write {tempfile.gettempdir()}: .*File too large"):
            kept.add(np.random.default_rng(1).integers(-(2**60), 2**60, (1_000, 3)).view(OF).reshape(-1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
