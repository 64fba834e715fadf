"""A writer that goes on for weeks: what is kept after a commit does not add up."""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from ninefold.market.chunk import decode, encode
from ninefold.store.parquet import RowsWriter, read_pieces
from ninefold.store.tables import Tables

REPORT = "stats_print:true,stats_print_opts:mdablxe"  # jemalloc says at its end how it was set


@pytest.mark.slow
def test_a_write_leaves_no_objects_behind(tmp_path: Path, market: SimpleNamespace):
    sent = [encode(chunk) for chunk in market.stream(40, seed=1)]
    held: list[int] = []
    before = pa.total_allocated_bytes()  # other tests' blocks are kept for a while
    with Tables(tmp_path) as tables:
        tracemalloc.start()
        try:
            for at in range(0, 40, 10):
                for payload in sent[at : at + 10]:
                    tables.write([decode(payload)])
                gc.collect()
                held.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
        assert pa.total_allocated_bytes() - before < 2**20
    assert held[-1] - held[1] < 60_000, f"bytes held after 10, 20, 30 and 40 writes: {held}"


def test_a_file_is_read_in_pieces_of_which_few_are_in_memory(tmp_path: Path):
    random = np.random.default_rng(1)
    rows = pa.table({"seq": np.arange(400_000), "size": random.integers(0, 2**40, 400_000)})
    writer = RowsWriter(tmp_path / "rows", rows.schema, ["seq"])
    writer.write(rows, None)
    assert writer.close() > 2_000_000
    before, most, seen = pa.total_allocated_bytes(), 0, 0
    for piece in read_pieces(str(writer.path), 1 << 12):
        most, seen = max(most, pa.total_allocated_bytes() - before), seen + piece.num_rows
    assert seen == 400_000
    assert most < 800_000


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere deltalake has another allocator")
@pytest.mark.slow
def test_the_allocator_of_deltalake_gives_back_what_it_does_not_need():
    """Whoever loads deltalake before the store's package has it with eight arenas, which only grow."""
    environment = {**os.environ, "_RJEM_MALLOC_CONF": REPORT}
    command = [sys.executable, "-c", "import ninefold.store.tables"]
    report = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stderr
    found = re.findall(r"opt\.(narenas|tcache_max|dirty_decay_ms): (\d+)", report)
    assert found == [("narenas", "2"), ("dirty_decay_ms", "1000"), ("tcache_max", "4096")]
