"""As-of reads: what was known at a past moment, and the revision of each bar that was the newest then."""

from __future__ import annotations

import gzip
import io
import itertools
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.market.chunk import Chunk
from ninefold.market.instruments import UnknownInstrument
from ninefold.market.records import AnyRecord, Equity, Fill, Listed, Order, Tick
from ninefold.market.time import HOUR_NS, MINUTE_NS
from ninefold.services.replay import replay
from ninefold.store.export import FORMS, export
from ninefold.store.ledger import Ledger
from ninefold.store.read import Reader
from ninefold.store.sql import sql
from ninefold.store.tables import Tables
from ninefold.store.timerange import parse_moment
from tests.calling import Result, ninefold, ninefold_process
from tests.services.recorded import write_session


def exported(path: Path, as_of_ns: int | None, what: str, format: str = "csv") -> str:
    out = io.BytesIO()
    export(path, what, None, None, None, format, out, as_of_ns)
    return out.getvalue().decode()


@pytest.fixture
def restated(tmp_path: Path, market: SimpleNamespace) -> Path:
    """A bar that closes at 12:01, known 7 ns later; a late trade, received at 12:02, changed it at 12:02 and 1 ns."""
    late = (1, market.noon_ns + 5, market.noon_ns + 2 * MINUTE_NS, 3, 1, 0, 8, 6_120_310, 12, 1)
    changed = list(market.bar(3, 0, close=105, revision=1))
    changed[-2] = market.noon_ns + 2 * MINUTE_NS + 1
    with Tables(tmp_path) as tables:
        first = market.chunk(1, 2, market.listing(), trades=[market.trade(2, 7, 0)], bars=[market.bar(2, 0)])
        tables.write([first, market.chunk(3, 3, trades=[late], bars=[tuple(changed)])])
    return tmp_path


def test_each_moment_shows_the_rows_and_the_revision_that_were_known_then(restated: Path, market) -> None:
    noon = market.noon_ns
    closes = {}
    for at in (noon + MINUTE_NS + 6, noon + MINUTE_NS + 7, noon + 2 * MINUTE_NS, noon + 2 * MINUTE_NS + 1, None):
        lines = exported(restated, at, "bars").split("\n")[1:-1]
        closes[at] = [(line.split(",")[5], line.split(",")[-1]) for line in lines]
    assert list(closes.values()) == [[], [("1.00", "0")], [("1.00", "0")], [("1.05", "1")], [("1.05", "1")]]
    late = noon + 2 * MINUTE_NS
    assert [len(exported(restated, at, "trades").split("\n")) - 2 for at in (noon + 4, noon + 5, late - 1, late)] == [
        *(0, 1, 1, 2)
    ]
    assert len(Reader(restated, late - 1).trades(1)) == 1
    assert len(Reader(restated, late).bars(1, MINUTE_NS, revisions="all")) == 1


@pytest.mark.slow
def test_sql_answers_as_of_a_moment_and_shows_every_revision_with_its_time(restated: Path, market) -> None:
    query = "SELECT revision, close, known_ns FROM bars_revisions ORDER BY revision"
    first, second = market.noon_ns + MINUTE_NS + 7, market.noon_ns + 2 * MINUTE_NS + 1
    assert [tuple(row.values()) for row in sql(restated, query).to_pylist()] == [(0, 1.0, first), (1, 1.05, second)]
    assert sql(restated, query, as_of_ns=first).column("revision").to_pylist() == [0]
    then = "SELECT (SELECT count(*) FROM trades WHERE id_lo > 0) AS n, (SELECT close FROM bars_priced) AS close"
    assert sql(restated, then, as_of_ns=second - 2).to_pylist() == [{"n": 1, "close": 1.0}]
    assert sql(restated, then, as_of_ns=second).to_pylist() == [{"n": 2, "close": 1.05}]
    everything = "SELECT count(*) AS n FROM instruments, records, orders, fills"
    assert sql(restated, everything, as_of_ns=market.noon_ns - 1).to_pylist() == [{"n": 0}]


def test_what_was_not_listed_yet_is_unknown(restated: Path, market) -> None:
    with pytest.raises(UnknownInstrument):
        export(restated, "trades", "binance:BTC/USDT", None, None, "csv", io.BytesIO(), market.noon_ns - 1)


def test_a_certificate_is_the_revision_of_that_moment(tmp_path: Path, market) -> None:
    """Id 12, of 12:55 to 13:05, came at 15:00."""
    ids = [(2, 10, 5 * MINUTE_NS), (3, 11, 55 * MINUTE_NS), (4, 13, 65 * MINUTE_NS), (5, 14, 125 * MINUTE_NS)]
    with Tables(tmp_path) as tables:
        tables.write([market.chunk(1, 1, market.listing())])
        for seq, id, after_ns in ids:
            tick = Tick(seq=seq, known_ns=market.noon_ns, exchange_ns=market.noon_ns + after_ns)
            tables.write([market.chunk(seq, seq, [tick], trades=[market.trade(seq, id, after_ns)])])
        healed = (1, market.noon_ns + 64 * MINUTE_NS, market.noon_ns + 3 * HOUR_NS, 6, 1, 0, 12, 1, 1, 1)
        tables.write([market.chunk(6, 6, trades=[healed])])
    at = {
        minutes: [one.state for one in Reader(tmp_path, market.noon_ns + minutes * MINUTE_NS).certificates(1)]
        for minutes in (60, 130, 180)
    }
    gap, healed_later = ["gap known", "gap known", "cannot tell"], ["cannot tell", "complete", "cannot tell"]
    assert at == {60: ["cannot tell"], 130: gap, 180: healed_later}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-08-08T12:03:04.123456789Z", 1_723_118_584_123_456_789),
        ("2024-08-08T14:03:04.5+02:00", 1_723_118_584_500_000_000),
        ("2024-08-08 12:03", 1_723_118_580_000_000_000),
        ("20240808", 1_723_075_200_000_000_000),
        ("1723118584", 1_723_118_584_000_000_000),
        ("1723118584500", 1_723_118_584_500_000_000),
        ("1723118584123456789", 1_723_118_584_123_456_789),
    ],
)
def test_moments(text: str, expected: int) -> None:
    assert parse_moment(text) == expected


@pytest.mark.parametrize(
    "text", ["", "now", "2024-13-01", "2024-08-08T", "20240808-", "12:03", "2024-08-08T12:03:04,5Z"]
)
def test_moments_that_mean_nothing_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"the moment is|is no date"):
        parse_moment(text)


@pytest.mark.slow
def test_the_commands_take_a_moment(restated: Path) -> None:
    def said(*arguments: str) -> Result:
        call = ninefold_process if arguments[0] == "sql" else ninefold
        return call(*arguments, "--data-dir", restated)

    out = said("export", "bars", "--as-of", "2024-01-01T12:01:30Z").out
    assert (len(out.split("\n")), out.split("\n")[1].split(",")[-1]) == (3, "0")
    found = json.loads(said("sql", "select count(*) as n from trades", "--as-of", "2024-01-01T12:01:30Z", "--json").out)
    assert found == [{"n": 1}]
    refused = said("export", "bars", "--as-of", "yesterday")
    assert (refused.status, refused.out) == (2, "")
    assert "the moment is 'yesterday'; allowed are 2024-08-08T12:03:04.5Z" in refused.err


# the property: a moment of the full store is the whole of a store made from what was known by then

EVENTS = st.lists(
    st.tuples(
        st.integers(0, 3),  # ns since the event before
        st.sampled_from(["trade", "bar", "target", "order", "fill", "list", "equity"]),
        st.integers(0, 2),  # which bar, order, fill
        st.booleans(),  # a new chunk begins here
    ),
    min_size=1,
    max_size=30,
)


def fill_store(path: Path, market: SimpleNamespace, events: list, until_ns: int | None) -> None:
    """Event number i is input 2 + i; those known later than `until_ns` are left out."""
    at, chunks, ledger = market.noon_ns, [market.chunk(1, 1, market.listing()[:1])], Ledger(path)
    revisions: dict[int, int] = {}
    for seq, (gap, kind, which, cut) in enumerate(events, 2):
        at += gap
        if until_ns is not None and at > until_ns:
            break
        if cut:
            chunks.append(Chunk(seq, seq, at))
        chunk = chunks[-1]
        chunk.last_seq = seq
        if kind == "trade":
            chunk.add("trades", market.chunk(0, 0, trades=[(1, at - 100, at, seq, 1, 0, seq, 10, 5, 1)]).rows("trades"))
        elif kind == "bar":
            made = list(market.bar(seq, which * MINUTE_NS, close=100 + seq, revision=revisions.get(which, 0)))
            made[-2] = at
            revisions[which] = revisions.get(which, 0) + 1
            chunk.add("bars", market.chunk(0, 0, bars=[tuple(made)]).rows("bars"))
        elif kind == "target":
            made = (1, b"trend", MINUTE_NS, market.noon_ns + which, seq / 100, at, seq)
            chunk.add("targets", market.chunk(0, 0, targets=[made]).rows("targets"))
        else:
            record = account_record(kind, seq, at, which, market)
            chunk.records.append(record)
            ledger.append([one for one in [record] if isinstance(one, (Order, Fill))], seq)
    with Tables(path) as tables:
        tables.write(chunks)
    ledger.close()


def account_record(kind: str, seq: int, at: int, which: int, market: SimpleNamespace) -> AnyRecord:
    of = {"seq": seq, "known_ns": at}
    order = {"client_order_id": f"nf{which}", "instrument": 1, "side": 1, "size": 3}
    if kind == "order":
        return Order(**of, **order, status="working", filled=seq)
    if kind == "fill":
        return Fill(**of, **order, price=seq, fee=0, fee_asset="BNB", trade_id=f"{which}", exchange_ns=at - 7)
    return Listed(**of, instrument=market.ada) if kind == "list" else Equity(**of, quote="USDT", value=seq)


@pytest.mark.slow
@settings(max_examples=3, deadline=None)
@given(EVENTS, st.integers(0, 40))
def test_a_moment_of_the_full_store_is_the_whole_of_a_store_of_what_was_known_then(
    market: SimpleNamespace, events: list, after_ns: int
) -> None:
    moment = market.noon_ns + after_ns
    with TemporaryDirectory() as folder:
        full, cut = Path(folder) / "full", Path(folder) / "cut"
        fill_store(full, market, events, None)
        fill_store(cut, market, events, moment)
        for what in FORMS:
            assert exported(full, moment, what) == exported(cut, None, what), what
        for table, key in (("records", "seq, payload"), ("bars_revisions", "seq, known_ns, close")):
            query = f"SELECT {key} FROM {table} ORDER BY ALL"
            assert sql(full, query, as_of_ns=moment).to_pylist() == sql(cut, query).to_pylist()


@pytest.mark.slow
def test_a_moment_of_a_replay_is_a_replay_of_what_had_come_by_then(tmp_path: Path) -> None:
    session = write_session(tmp_path / "session.jsonl.gz", seconds=60)
    replay(session, tmp_path / "full")
    lines = gzip.decompress(session.read_bytes()).splitlines(keepends=True)
    for share, number in ((0.4, 1), (0.9, 2)):
        part = lines[: int(len(lines) * share)]
        last = json.loads(part[-1])["ts"]
        part = list(itertools.takewhile(lambda one, last=last: json.loads(one)["ts"] <= last, lines))
        cut = tmp_path / f"cut{number}.jsonl.gz"
        cut.write_bytes(gzip.compress(b"".join(part)))
        replay(cut, tmp_path / f"cut{number}")
        moment = round(last * 1000) * 10**6
        for what in FORMS:
            then = exported(tmp_path / "full", moment, what)
            assert then == exported(tmp_path / f"cut{number}", None, what), what
            assert len(then) < len(exported(tmp_path / "full", None, what)) or what in ("orders", "fills")
        assert exported(tmp_path / "full", moment, "bars").count("\n") > 20
