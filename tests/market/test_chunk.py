"""The same stream in fewer chunks."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ninefold.market.arrays import rows
from ninefold.market.chunk import Chunk, merged
from ninefold.market.records import Tick
from tests.api.stream import trade

Shape = tuple[int, int, bool]  # trades, quotes, does the clock tick


def stream(shapes: list[Shape]) -> list[Chunk]:
    made = []
    for seq, (trades, quotes, ticks) in enumerate(shapes, 1):
        chunk = Chunk(seq, seq, 10 * seq, records=[Tick(seq=seq, known_ns=seq, exchange_ns=seq)] if ticks else [])
        chunk.add("trades", rows("trades", [trade(seq, seq, number, 1) for number in range(trades)]))
        chunk.add("quotes", rows("quotes", [(1, 0, seq, seq, number, 1, 1, 2, 1) for number in range(quotes)]))
        made.append(chunk)
    return made


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.booleans()), max_size=12))
def test_joined_chunks_hold_all_rows_and_records_in_order_and_no_row_comes_before_a_record_that_it_followed(
    shapes: list[Shape],
):
    chunks = stream(shapes)
    made = merged(chunks)
    for kind in ("trades", "quotes"):
        of = [np.concatenate([chunk.rows(kind) for chunk in some]) if some else None for some in (chunks, made)]
        np.testing.assert_array_equal(*of)
    assert [record for chunk in made for record in chunk.records] == [
        record for one in chunks for record in one.records
    ]
    ticks = [seq for seq, shape in enumerate(shapes, 1) if shape[2]]
    ends = ticks if not shapes or shapes[-1][2] else [*ticks, len(shapes)]
    assert [(chunk.first_seq, chunk.last_seq, chunk.known_ns) for chunk in made] == [
        (first, last, 10 * last) for first, last in zip([1, *(tick + 1 for tick in ticks)], ends, strict=False)
    ]


def test_a_chunk_alone_is_handed_on_as_it_is_and_none_is_changed():
    chunks = stream([(1, 0, False), (2, 1, True), (1, 0, False)])
    before = [(len(chunk.rows("trades")), chunk.last_seq) for chunk in chunks]
    made = merged(chunks)
    assert [len(chunk.rows("trades")) for chunk in made] == [3, 1]
    assert made[1].arrays["trades"] is chunks[2].arrays["trades"]
    assert [(len(chunk.rows("trades")), chunk.last_seq) for chunk in chunks] == before
