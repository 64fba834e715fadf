"""What is let go is gone, is never called lost, and is never certified complete again."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.market.records import Gap, Tick
from ninefold.market.time import DAY_NS, HOUR_NS
from ninefold.store.checksums import Sums, differing, stored
from ninefold.store.completeness import completeness
from ninefold.store.data_dir import WrongFormat
from ninefold.store.delta import Table, stored_files
from ninefold.store.let_go import LET_GO, let_go_days, let_go_of
from ninefold.store.read import Reader
from ninefold.store.retention import Day, days_of, days_over
from ninefold.store.scan import scan
from ninefold.store.sql import sql
from ninefold.store.tables import Tables

BTC = "binance:BTC/USDT"
FIRST, SECOND = date(2024, 1, 1), date(2024, 1, 2)


def days(*sizes: int) -> list[Day]:
    return [Day(date(1970, 1, 1) + timedelta(days=number), 1, size) for number, size in enumerate(sizes)]


@pytest.mark.parametrize(
    ("now_days", "keep_days", "keep_bytes", "going"),
    [
        (4, None, None, 0),
        (4, 2, None, 1),  # the first day ended 3 days ago, the second 2
        (9, 2, None, 3),  # never the newest
        (4, None, 400, 0),
        (4, None, 399, 1),
        (4, None, 0, 3),
        (4, 2, 200, 2),  # whatever limit asks for more
    ],
)
def test_the_oldest_days_beyond_a_limit_go(
    now_days: int, keep_days: int | None, keep_bytes: int | None, going: int
) -> None:
    four = days(100, 100, 100, 100)
    keep_ns = None if keep_days is None else keep_days * DAY_NS
    assert days_over(four, now_days * DAY_NS, keep_ns, keep_bytes) == four[:going]


@given(st.lists(st.integers(0, 9), max_size=8), st.integers(0, 12), st.integers(0, 12), st.integers(0, 40))
def test_what_stays_is_within_the_limits_or_the_newest_day_and_no_more_goes_than_must(
    sizes: list[int], now_days: int, keep_days: int, keep_bytes: int
) -> None:
    found = days(*sizes)
    going = days_over(found, now_days * DAY_NS, keep_days * DAY_NS, keep_bytes)
    left = found[len(going) :]
    assert [*going, *left] == found and (left or not found)

    def beyond(some: list[Day]) -> bool:
        end_days = (some[0].day - date(1970, 1, 1)).days + 1
        return end_days + keep_days < now_days or sum(one.bytes for one in some) > keep_bytes

    assert len(left) <= 1 or not beyond(left)
    assert not going or beyond([going[-1], *left])


@pytest.fixture
def two_days(tmp_path: Path, market: SimpleNamespace) -> Path:
    """A trade an hour from 20:30 to 03:30 of the next day, ids without a hole; the clock is at 04:00."""
    noon = market.noon_ns
    trades = [market.trade(2 + n, 100 + n, (8 * 60 + 30 + n * 60) * 60 * 10**9) for n in range(8)]
    clock = Tick(seq=10, known_ns=noon + 16 * HOUR_NS, exchange_ns=noon + 16 * HOUR_NS)
    bars = [market.bar(10, 9 * HOUR_NS), market.bar(10, 15 * HOUR_NS)]
    with Tables(tmp_path) as tables:
        tables.write([market.chunk(1, 1, market.listing())])
        tables.write([market.chunk(2, 10, [clock], trades=trades, bars=bars)])
    return tmp_path


def states(path: Path) -> dict[int, str]:
    """Hour of the day to state."""
    return {one.hour_ns // HOUR_NS % 24: one.state for one in Reader(path).certificates(1)}


def let_go(path: Path, kind: str) -> None:
    with Tables(path) as tables:
        tables.let_go(kind, days_of(path / "tables", kind)[:1], 7)


def test_a_day_of_trades_that_was_let_go_is_certified_so_and_the_next_day_stays_proven(two_days: Path) -> None:
    assert states(two_days) == {20: "cannot tell", **dict.fromkeys([21, 22, 23, 0, 1, 2], "complete"), 3: "cannot tell"}
    let_go(two_days, "trades")
    gone = {**dict.fromkeys([20, 21, 22, 23], "let go"), **dict.fromkeys([0, 1, 2], "complete"), 3: "cannot tell"}
    assert states(two_days) == gone
    assert Reader(two_days).trades(1)["id_lo"].tolist() == [104, 105, 106, 107]
    assert len(Reader(two_days).bars(1, 60 * 10**9)) == 2
    [one] = [one for one in Reader(two_days).certificates(1) if one.hour_ns // HOUR_NS % 24 == 21]
    assert (one.trades, one.first_id, one.missing) == (1, 101, None)
    assert one.how.startswith("its trades were let go by retention; before that: complete, ids are contiguous")
    found = completeness(two_days, BTC, None, None)
    assert [(span.state, (span.to_ns - span.from_ns) / HOUR_NS) for span in found.spans][-2:] == [
        ("complete", 3),
        ("cannot tell", 1),
    ]
    assert {span.state for span in found.spans[:-2]} == {"let go"}
    assert not found.complete


@pytest.mark.slow
def test_nothing_that_comes_later_makes_it_complete_again(two_days: Path, market) -> None:
    """Late trades, healed gaps and restarts; the hours around it go on being judged by the ids that were there."""
    let_go(two_days, "trades")
    noon = market.noon_ns
    for seq, restart in ((11, False), (12, True), (13, True)):
        trades = [
            market.trade(seq, 101 + seq - 11, 9 * HOUR_NS + seq),
            market.trade(seq, 108 + seq - 11, 17 * HOUR_NS + seq),
        ]
        span = {"from_ns": noon + 9 * HOUR_NS, "to_ns": noon + 12 * HOUR_NS}
        healed = Gap(seq=seq, known_ns=noon, instrument=1, stream="trades", from_id=101, to_id=104, healed=True, **span)
        clock = Tick(seq=seq, known_ns=noon, exchange_ns=noon + (seq + 10) * HOUR_NS)
        with Tables(two_days) as tables:
            tables.write([market.chunk(seq, seq, [healed, clock], trades=trades)])
            if not restart:
                tables.write([market.chunk(seq, seq, [healed])])
        found = states(two_days)
        assert [found[hour] for hour in (20, 21, 22, 23, 1, 2)] == ["let go"] * 4 + ["complete"] * 2
    assert (
        days_of(two_days / "tables", "trades")[0].day,
        len(Reader(two_days).trades(1, None, noon + 12 * HOUR_NS)),
    ) == (FIRST, 3)


@pytest.mark.slow
def test_a_moment_of_the_past_does_not_pretend_to_have_it_either(two_days: Path, market) -> None:
    then = market.noon_ns + 17 * HOUR_NS + 5
    query = "SELECT count(*) AS n FROM certificates WHERE state = 'let go'"
    with Tables(two_days) as tables:
        tables.write([market.chunk(11, 11, trades=[market.trade(11, 108, 17 * HOUR_NS)])])
    assert {one.state for one in Reader(two_days, then).certificates(1)} == {"complete", "cannot tell"}
    assert Reader(two_days, then - 1).certificates(1) == []
    let_go(two_days, "trades")
    for moment in (then, then - 1):  # the second lies before anybody certified anything
        assert [one.state for one in Reader(two_days, moment).certificates(1)][:4] == ["let go"] * 4
        assert sql(two_days, query, as_of_ns=moment).to_pylist() == [{"n": 4}]


def test_the_checksums_of_a_let_go_day_are_not_compared_and_those_of_others_are(two_days: Path) -> None:
    tables = two_days / "tables"

    def sums() -> Sums:
        found = Sums("trades")
        for rows, n in stored(tables, "trades", 0, 100):
            found.fold(rows, n)
        return found

    before = sums()
    let_go(two_days, "trades")
    gone = let_go_days(tables)
    assert {kind: len(found) for kind, found in gone.items()} == {"trades": 1}
    assert differing(before, sums()) != []
    assert differing(before, sums(), gone["trades"]) == []
    with Tables(two_days) as writer:
        writer._tables["trades"].let_go([SECOND])  # without a note: lost
    assert [part.day for part in differing(before, sums(), gone["trades"])] == [19_724]


@pytest.mark.parametrize("killed_in", ["_let_certificates_go", "_tables"])
def test_killed_on_the_way_nothing_is_pretended_and_the_next_run_goes_on(
    two_days: Path, monkeypatch: pytest.MonkeyPatch, killed_in: str
) -> None:
    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    with Tables(two_days) as tables, monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(*((Table, "let_go") if killed_in == "_tables" else (Tables, killed_in)), kill)
        tables.let_go("trades", days_of(two_days / "tables", "trades")[:1], 7)
    noted = killed_in == "_tables"
    assert len(Reader(two_days).trades(1)) == 8
    assert (let_go_of(two_days / "tables") != {}, states(two_days)[21] == "let go") == (noted, noted)
    let_go(two_days, "trades")
    assert let_go_of(two_days / "tables") == {"trades": {FIRST: 7}}
    assert len(Reader(two_days).trades(1)) == 4


def test_who_holds_an_older_version_can_read_it_for_a_while_and_then_the_space_comes_back(
    two_days: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = stored_files(two_days / "tables", "trades")
    size = sum(file.bytes for file in held if file.day == FIRST)
    let_go(two_days, "trades")
    with Tables(two_days) as tables:
        assert tables.sweep() == 0
        assert scan("trades", held, None).num_rows == 8
        monkeypatch.setattr("ninefold.store.delta.KEEP_HOURS", 0)
        assert tables.sweep() == size > 0
        assert tables.sweep() == 0
    assert not any(Path(file.path).exists() for file in held if file.day == FIRST)
    assert len(Reader(two_days).trades(1)) == 4


def test_the_writer_goes_on_where_it_was(two_days: Path, market) -> None:
    for kind in ("trades", "bars"):
        let_go(two_days, kind)
    again = market.chunk(2, 10, trades=[market.trade(9, 107, (15 * 60 + 30) * 60 * 10**9)])
    with Tables(two_days) as tables:
        assert tables.position() == 10
        assert tables.write([again]).rows == 0
        assert tables.write([market.chunk(11, 11, trades=[market.trade(11, 108, 16 * HOUR_NS)])]).rows == 1
    assert Reader(two_days).trades(1)["id_lo"].tolist() == [104, 105, 106, 107, 108]


def test_a_note_that_cannot_be_read_is_told(two_days: Path) -> None:
    (two_days / "tables" / LET_GO).write_text("{")
    with pytest.raises(WrongFormat, match="names the days that were let go; put it back from a backup"):
        let_go_of(two_days / "tables")
