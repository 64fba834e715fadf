"""What an hour's certificate says: worked out by hand, and the same however the hour came in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.market.arrays import ID_AGGREGATE, ID_INTEGER, ID_NONE, TRADES
from ninefold.market.records import Connection, Gap, Tick
from ninefold.market.time import HOUR_NS
from ninefold.store.certificates import Certificate, Ids, certify, missing_ids
from ninefold.store.data_dir import StoreWriteFailed
from ninefold.store.delta import Table
from ninefold.store.hours import Hours
from ninefold.store.ids import ids_by_hour, joined
from ninefold.store.read import Reader
from ninefold.store.tables import Tables


def ids(first: int, last: int, hour: int = 0) -> Ids:
    return Ids(((first, last),), last - first + 1, hour * HOUR_NS + 1, hour * HOUR_NS + 9)


def gap(from_id: int, to_id: int, healed: bool = False, from_ns: int = 5, to_ns: int = 6) -> Gap:
    return Gap(
        seq=1,
        known_ns=0,
        instrument=1,
        stream="trades",
        from_id=from_id,
        to_id=to_id,
        from_ns=from_ns,
        to_ns=to_ns,
        healed=healed,
    )


def verdict(
    own: Ids | None, before: Ids | None, after: Ids | None, gaps: tuple[Gap, ...] = (), losses: int = 0
) -> Certificate:
    return certify(1, 0, own, before, after, gaps, losses, closed=True)


@pytest.mark.parametrize(
    ("own", "before", "after", "gaps", "state", "missing"),
    [
        (ids(5, 9), ids(1, 4, -1), ids(10, 12, 1), (), "complete", 0),
        (None, ids(1, 4, -1), ids(5, 6, 1), (), "complete", 0),
        (ids(5, 9), None, ids(10, 12, 1), (), "cannot tell", 0),
        (ids(5, 9), ids(1, 4, -1), None, (), "cannot tell", 0),
        (ids(6, 9), ids(1, 4, -1), ids(12, 13, 1), (), "gap known", 3),
        (None, ids(1, 4, -1), ids(8, 9, 1), (), "gap known", 3),
        (Ids(((5, 6), (9, 9)), 3, 1, 9), None, None, (), "gap known", 2),
        (ids(5, 9), ids(1, 4, -1), ids(10, 12, 1), (gap(6, 7),), "healed", 0),
        (Ids(((5, 6), (9, 9)), 3, 1, 9), ids(1, 4, -1), ids(10, 12, 1), (gap(7, 8, healed=True),), "healed", 0),
        (Ids(((5, 6), (9, 9)), 3, 1, 9), ids(1, 4, -1), ids(10, 12, 1), (gap(7, 8),), "gap known", 2),
        (ids(5, 9), ids(1, 4, -1), ids(10, 12, 1), (gap(6, 7, from_ns=HOUR_NS, to_ns=HOUR_NS),), "complete", 0),
    ],
    ids=[
        "contiguous across both ends",
        "a quiet hour between contiguous ids",
        "our first hour",
        "nothing after it yet",
        "missing at both ends",
        "a quiet hour may have lost trades",
        "missing inside",
        "a reported gap whose ids came later",
        "a gap that the venue healed without trades",
        "a reported gap that stays",
        "a gap of another hour",
    ],
)
def test_the_state_of_an_hour(own, before, after, gaps, state, missing) -> None:
    found = verdict(own, before, after, gaps)
    assert (found.state, found.missing) == (state, missing)


def test_hours_whose_ids_interleave_at_the_edge_miss_nothing() -> None:
    own, before = Ids(((5, 5), (7, 9)), 4, 1, 9), Ids(((1, 4), (6, 6)), 5, -9, -1)
    assert verdict(own, before, ids(10, 11, 1)).state == "complete"


def test_without_ids_that_count_nothing_is_called_complete() -> None:
    bare = Ids((), 3, 1, 9)
    assert verdict(bare, bare, bare).state == "cannot tell"
    assert verdict(bare, bare, bare, losses=2).how == "the venue gives no ids to count by; connections lost: 2"
    assert verdict(bare, bare, bare, (gap(0, 0),)).state == "gap known"
    assert verdict(bare, bare, bare, (gap(0, 0), gap(0, 0, healed=True))).state == "cannot tell"
    assert (verdict(bare, bare, bare).missing, verdict(bare, bare, bare).trades) == (None, 3)


def test_the_first_hour_speaks_from_our_first_trade_and_an_open_one_to_the_last() -> None:
    first = certify(1, 0, ids(5, 9), None, None, (), 0, closed=False)
    assert (first.from_ns, first.to_ns, first.closed) == (1, 9, False)
    assert (verdict(ids(5, 9), ids(1, 4, -1), None).from_ns, verdict(ids(5, 9), None, None).to_ns) == (0, HOUR_NS)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5))), st.integers(0, 15), st.integers(15, 30))
def test_missing_ids_are_those_no_run_covers(runs: list[tuple[int, int]], low: int, high: int) -> None:
    spans = [(first, first + more) for first, more in runs]
    covered = {id for first, last in spans for id in range(first, last + 1)}
    found = missing_ids(spans, low, high)
    assert [id for first, last in found for id in range(first, last + 1)] == [
        id for id in range(low, high + 1) if id not in covered
    ]


@settings(deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1), st.lists(st.integers(0, 40), min_size=1))
@pytest.mark.slow
def test_joined_ids_are_the_ids_of_both(one: list[int], other: list[int]) -> None:
    def of(numbers: list[int]) -> Ids:
        trades = np.zeros(len(numbers), TRADES)
        trades["id_lo"], trades["id_kind"] = numbers, ID_INTEGER
        ((_, found),) = ids_by_hour(trades).items()
        return found

    both = of(one + other)
    assert joined(of(one), of(other)) == both
    assert both.trades == len(set(one + other))


def test_aggregates_count_where_there_are_no_single_trades() -> None:
    trades = np.zeros(3, TRADES)
    trades["id_lo"], trades["id_kind"] = [7, 8, 9], ID_AGGREGATE
    assert ids_by_hour(trades)[(0, 0)].runs == ((7, 9),)
    trades["id_kind"] = [ID_INTEGER, ID_AGGREGATE, ID_NONE]
    assert ids_by_hour(trades)[(0, 0)].runs == ((7, 7),)


def latest(path: Path) -> list[tuple[int, str, int | None, int | None, int, int | None]]:
    return [(c.hour_ns, c.state, c.first_id, c.last_id, c.trades, c.missing) for c in Reader(path).certificates(1)]


def test_certificates_follow_the_clock_late_trades_and_restarts(tmp_path: Path, market: SimpleNamespace) -> None:
    noon, hour = market.noon_ns, market.hour_ns
    with Tables(tmp_path) as tables:
        tables.write([market.chunk(1, 3, market.listing(), trades=[market.trade(2, 1, 0), market.trade(3, 2, 5)])])
        tables.write([market.chunk(4, 4, trades=[market.trade(4, 3, hour)])])
        assert latest(tmp_path) == [(noon, "cannot tell", 1, 2, 2, 0), (noon + hour, "cannot tell", 3, 3, 1, 0)]
    with Tables(tmp_path) as tables:
        tick = Tick(seq=5, known_ns=0, exchange_ns=noon + 3 * hour)  # two hours close; the second of them was quiet
        tables.write([market.chunk(5, 5, [tick])])
        tables.write([market.chunk(6, 6, trades=[market.trade(6, 6, 3 * hour + 1)])])
        assert latest(tmp_path)[1:] == [
            (noon + hour, "gap known", 3, 3, 1, 2),
            (noon + 2 * hour, "gap known", None, None, 0, 2),
            (noon + 3 * hour, "gap known", 6, 6, 1, 2),
        ]
    with Tables(tmp_path) as tables:
        late = [market.trade(7, 4, hour + 10), market.trade(7, 5, hour + 11)]
        tables.write([market.chunk(7, 7, trades=late)])
    assert latest(tmp_path) == [
        (noon, "cannot tell", 1, 2, 2, 0),
        (noon + hour, "complete", 3, 5, 3, 0),
        (noon + 2 * hour, "complete", None, None, 0, 0),
        (noon + 3 * hour, "cannot tell", 6, 6, 1, 0),
    ]
    assert Reader(tmp_path).certificates(1)[1].revision > 0


def test_a_gap_record_and_a_lost_connection_reach_the_certificate(tmp_path: Path, market: SimpleNamespace) -> None:
    noon, hour = market.noon_ns, market.hour_ns
    report = Gap(seq=4, known_ns=0, instrument=1, stream="trades", from_id=2, to_id=2, from_ns=noon, to_ns=noon + 9)
    bare = [(2, noon + at, noon + at, 5, ID_NONE, 0, 0, 1, 1, 1) for at in (1, hour, 2 * hour)]
    lost = Connection(seq=5, known_ns=noon + hour + 1, venue="binance", name="trades", state="lost")
    with Tables(tmp_path) as tables:
        trades = [market.trade(2, 0, -1), market.trade(3, 1, 0), market.trade(3, 3, 9), market.trade(3, 4, hour)]
        tables.write([market.chunk(1, 4, [*market.listing(), report], trades=trades)])
        assert latest(tmp_path)[1][1:] == ("gap known", 1, 3, 2, 1)
        tables.write([market.chunk(5, 5, [lost], trades=bare)])
    with Tables(tmp_path) as tables:
        tables.write([market.chunk(6, 6, [msgspec.structs.replace(report, seq=6, healed=True)])])
    assert latest(tmp_path)[1][1:] == ("healed", 1, 3, 2, 0)
    held, once, _ = (one.how for one in Reader(tmp_path).certificates(2))
    assert held.endswith("the connection held") and once.endswith("connections lost: 1")


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ({}, "connections lost: 1"),
        ({"instruments": (2, 3)}, "connections lost: 1"),
        ({"instruments": (3,)}, "the connection held"),
        ({"instruments": (2,), "trades": False}, "the connection held"),
    ],
    ids=["of all the venue", "of this one too", "of another", "of no trades"],
)
def test_a_lost_line_reaches_the_certificates_of_what_came_over_it(
    tmp_path: Path, market: SimpleNamespace, over: dict[str, object], said: str
) -> None:
    noon = market.noon_ns
    bare = [(2, noon + at, noon + at, 5, ID_NONE, 0, 0, 1, 1, 1) for at in (1, 2)]
    lost = Connection(seq=5, known_ns=noon + 1, venue="binance", name="market 2", state="lost", **over)
    with Tables(tmp_path) as tables:
        tables.write([market.chunk(1, 5, [*market.listing(), lost], trades=bare)])
    [one] = Reader(tmp_path).certificates(2)
    assert one.how.endswith(said)


@pytest.mark.slow
@settings(max_examples=3, deadline=None)
@given(st.data())
def test_the_certificates_are_the_same_however_the_stream_was_cut(market: SimpleNamespace, data: st.DataObject) -> None:
    chunks = market.stream(200, seed=data.draw(st.integers(0, 3), label="seed"))
    for chunk in chunks:
        chunk.arrays = {"trades": chunk.rows("trades")}  # what certificates are made of, and the records
    del chunks[data.draw(st.integers(20, 60), label="lost")]

    def certified(path: Path, pieces: list[list]) -> list[Certificate]:
        for piece in pieces:
            with Tables(path) as tables:
                tables.write(piece)
        return [msgspec.structs.replace(one, revision=0, seq=0) for one in Reader(path).certificates()]

    cuts = sorted(data.draw(st.sets(st.integers(1, 199), max_size=3), label="cuts"))
    with TemporaryDirectory() as folder:
        whole = certified(Path(folder) / "whole", [chunks])
        cut = [chunks[max(start - 1, 0) : end] for start, end in zip([0, *cuts], [*cuts, len(chunks)], strict=True)]
        assert certified(Path(folder) / "cut", cut) == whole
    assert {one.state for one in whole} <= {"complete", "gap known", "cannot tell"}
    assert len(whole) == 8


@pytest.mark.parametrize("restart", [False, True], ids=["the same writer goes on", "another writer goes on"])
def test_trades_whose_certificate_could_not_be_written_are_certified_when_they_come_again(
    tmp_path: Path, market: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, restart: bool
) -> None:
    chunk = market.chunk(1, 2, market.listing(), trades=[market.trade(2, 7, 0)])
    commit = Table.commit

    def refusing(table: Table, rows: pa.Table, last_seq: int) -> None:
        if table.name == "certificates":
            raise OSError("the disk is gone")
        commit(table, rows, last_seq)

    tables = Tables(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(Table, "commit", refusing)
        with pytest.raises(StoreWriteFailed, match="the disk is gone"):
            tables.write([chunk])
    assert (tables.position(), len(Reader(tmp_path).trades(1)), latest(tmp_path)) == (0, 1, [])
    if restart:
        tables.close()
        tables = Tables(tmp_path)
    assert tables.write([chunk]) == (0, 0)
    tables.close()
    assert latest(tmp_path) == [(market.noon_ns, "cannot tell", 7, 7, 1, 0)]


def test_an_hour_that_is_read_again_is_judged_with_the_trades_that_are_just_being_written(
    tmp_path: Path, market: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trade 2 of the first hour comes six hours late, and its commit begins only once the hour is looked for."""
    told = [
        market.trade(2, id, at * HOUR_NS) for id, at in [(1, 0), (3, 0), *((4 + hour, 1 + hour) for hour in range(6))]
    ]
    looked_for = threading.Event()
    commit, load = Table.commit, Hours.load

    def committed(table: Table, rows: pa.Table, last_seq: int) -> None:
        assert table.name != "trades" or looked_for.wait(10)
        commit(table, rows, last_seq)

    def loaded(hours: Hours, keys: set[tuple[int, int]], stored: Callable[[], object]) -> None:
        looked_for.set()
        load(hours, keys, stored)

    with Tables(tmp_path) as tables:
        tables.write([market.chunk(1, 2, market.listing(), trades=told)])
        with monkeypatch.context() as patched:
            patched.setattr(Table, "commit", committed)
            patched.setattr(Hours, "load", loaded)
            tables.write([market.chunk(3, 3, trades=[market.trade(3, 2, 1)])])
        first = Reader(tmp_path).certificates(1)[0]
        assert (first.trades, first.missing, first.first_id, first.last_id) == (3, 0, 1, 3)
