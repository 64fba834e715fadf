"""Reading: ranges, limits, revisions, records; and what an empty or foreign folder says."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.market.arrays import CLEAR_BOOK, SET_LEVEL
from ninefold.market.book import Book
from ninefold.market.records import Equity, Halted, Listed, May
from ninefold.market.time import MINUTE_NS, UNKNOWN_NS
from ninefold.store.data_dir import NoDataDir
from ninefold.store.layout import number_within_seq
from ninefold.store.read import Reader
from ninefold.store.tables import Tables


def test_a_folder_without_data_is_an_error_and_stays_as_it_was(tmp_path: Path) -> None:
    with pytest.raises(NoDataDir, match=rf"no ninefold data in {tmp_path} \(no VERSION.json\); check --data-dir"):
        Reader(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_data_dir_gives_empty_answers(tmp_path: Path) -> None:
    Tables(tmp_path).close()
    reader = Reader(tmp_path)
    assert len(reader.trades(1)) == len(reader.bars(1, MINUTE_NS, limit=5)) == len(reader.bars_known(9)) == 0
    assert reader.records() == reader.records([May], limit=3) == reader.certificates() == []
    assert len(reader.registry()) == 0
    assert set(reader.counts().values()) == {0}


def test_the_registry_is_what_was_listed_also_when_it_was_listed_again(tmp_path: Path, market: SimpleNamespace) -> None:
    with Tables(tmp_path) as tables:
        tables.write([market.chunk(1, 1, market.listing())])
        tables.write([market.chunk(2, 2, market.listing(2))])
        assert list(tables.registry()) == [market.btc, market.ada]
    assert Reader(tmp_path).registry().named("binance:ADA/BTC") == market.ada


@pytest.mark.slow
@settings(max_examples=4, deadline=None)
@given(st.data())
def test_a_limit_gives_the_ends_of_what_no_limit_gives(market: SimpleNamespace, data: st.DataObject) -> None:
    """Rows come late and without exchange times, and in many files: the files must not be left off too early."""
    made = []
    for seq in range(2, 30):
        row = list(market.trade(seq, seq, data.draw(st.integers(0, 20), label="at")))
        if data.draw(st.integers(0, 9), label="time") == 0:
            row[1] = UNKNOWN_NS
        made.append(market.chunk(seq, seq, trades=[tuple(row)]))
    with TemporaryDirectory() as folder:
        with Tables(Path(folder)) as tables:
            tables.write([market.chunk(1, 1, market.listing())])
            for one in made:
                tables.write([one])
        reader = Reader(Path(folder))
        everything = reader.trades(1)
        limit = data.draw(st.integers(0, 30), label="limit")
        times = np.where(everything["exchange_ns"] == UNKNOWN_NS, everything["receive_ns"], everything["exchange_ns"])
        assert list(zip(times, everything["seq"], strict=True)) == sorted(zip(times, everything["seq"], strict=True))
        assert (
            reader.trades(1, limit=limit, newest=True).tolist()
            == everything.tolist()[len(everything) - limit if limit < 28 else 0 :]
        )
        assert reader.trades(1, limit=limit).tolist() == everything.tolist()[:limit]
        low, high = market.noon_ns + 5, market.noon_ns + 15
        assert reader.trades(1, low, high).tolist() == everything[(times >= low) & (times < high)].tolist()


def test_revisions_latest_first_and_all(tmp_path: Path, market: SimpleNamespace) -> None:
    with Tables(tmp_path) as tables:
        tables.write(
            [
                market.chunk(
                    1, 4, market.listing(), bars=[market.bar(3, 0, close=100), market.bar(4, MINUTE_NS, close=101)]
                )
            ]
        )
        tables.write(
            [
                market.chunk(
                    5, 5, bars=[market.bar(5, 2 * MINUTE_NS, close=102), market.bar(5, 0, width_ns=5 * MINUTE_NS)]
                )
            ]
        )
        tables.write([market.chunk(6, 6, bars=[market.bar(6, 0, close=200, revision=1)])])
    reader = Reader(tmp_path)

    def closes(**how: object) -> list[int]:
        return reader.bars(1, MINUTE_NS, **how)["close"].tolist()  # type: ignore[arg-type,no-any-return]

    assert closes() == [200, 101, 102]
    assert closes(revisions="first") == [100, 101, 102]
    assert closes(revisions="all") == [100, 200, 101, 102]
    assert closes(limit=2) == [101, 102]
    assert closes(limit=1, newest=False) == [200]
    assert closes(start_ns=market.noon_ns + 2 * MINUTE_NS, end_ns=market.noon_ns + 3 * MINUTE_NS) == [101]
    assert reader.bars_known(5)["close"].tolist() == [100, 101, 102, 100]
    assert reader.bars_known(3)["close"].tolist() == [100]
    with pytest.raises(ValueError, match="'newest'; allowed are 'latest', 'first' and 'all'"):
        closes(revisions="newest")


def test_records_by_type_seq_and_limit(tmp_path: Path, market: SimpleNamespace) -> None:
    equities = [Equity(seq=seq, known_ns=0, quote="USDT", value=seq) for seq in range(2, 22)]
    halted = Halted(seq=7, known_ns=0, by="hand", reason="lunch")
    with Tables(tmp_path) as tables:
        tables.write([market.chunk(1, 1, market.listing())])
        for one in equities:
            tables.write([market.chunk(one.seq, one.seq, [one, *([halted] if one.seq == 7 else [])])])
    reader = Reader(tmp_path)
    assert reader.records([Equity]) == equities
    assert reader.records(["equity"], limit=3) == equities[-3:]
    assert reader.records([Equity], limit=3, newest=False) == equities[:3]
    assert reader.records([Equity, Halted], since_seq=6, limit=3, newest=False) == [equities[5], halted, equities[6]]
    assert reader.records([Halted, Listed]) == [*market.listing(), halted]
    assert len(reader.records()) == 23
    assert reader.counts()["records"] == 23


def test_a_snapshot_keeps_its_order_so_that_the_book_can_be_rebuilt(tmp_path: Path, market: SimpleNamespace) -> None:
    at = market.noon_ns
    stale = (1, at, at, 2, 1, SET_LEVEL, 1, 70, 9)
    levels = [(1, at, at, 3, 2, SET_LEVEL, 1, price, 5) for price in range(130, 100, -1)]
    with Tables(tmp_path) as tables:
        tables.write(
            [market.chunk(1, 3, market.listing(), books=[stale, (1, at, at, 3, 2, CLEAR_BOOK, 0, 0, 0), *levels])]
        )
    book = Book()
    book.apply(Reader(tmp_path).books(1))
    assert len(book.bids) == 30
    assert 70 not in book.bids


@given(st.lists(st.integers(0, 5)))
def test_numbers_within_a_seq_count_up(seqs: list[int]) -> None:
    numbers = number_within_seq(np.array(seqs, np.int64)).tolist()
    assert numbers == [seqs[:at].count(seq) for at, seq in enumerate(seqs)]


def test_rows_of_one_moment_in_many_files_are_not_left_off(tmp_path: Path, market: SimpleNamespace) -> None:
    unknown = list(market.trade(2, 2, 0))
    unknown[1], unknown[2] = UNKNOWN_NS, market.noon_ns + 99
    with Tables(tmp_path) as tables:
        tables.write([market.chunk(1, 2, market.listing(), trades=[tuple(unknown)])])
        for seq in range(3, 15):
            tables.write([market.chunk(seq, seq, trades=[market.trade(seq, seq, 7)])])
    reader = Reader(tmp_path)
    assert reader.trades(1, limit=1, newest=True)["seq"].tolist() == [
        2
    ]  # received last, and its file says nothing of it
    assert reader.trades(1, limit=4, newest=True)["seq"].tolist() == [12, 13, 14, 2]
    assert reader.trades(1, limit=4)["seq"].tolist() == [3, 4, 5, 6]


def test_an_input_cut_in_two_is_read_in_its_order(tmp_path: Path, market: SimpleNamespace) -> None:
    at = market.noon_ns
    levels = [(1, at, at, 2, 1, SET_LEVEL, 1, price, 5) for price in (30, 10, 20, 50, 40, 60)]
    with Tables(tmp_path) as tables:
        for start in range(0, 6, 2):
            tables.write([market.chunk(2, 2, books=levels[start : start + 2])])
    reader = Reader(tmp_path)
    assert reader.books(1)["price"].tolist() == [30, 10, 20, 50, 40, 60]
    assert reader.books(1, limit=4, newest=True)["price"].tolist() == [20, 50, 40, 60]
