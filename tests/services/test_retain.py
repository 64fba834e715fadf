"""`ninefold retain`: limits from the config, whole days and segments, and never what is still needed."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from ninefold.config import BadConfig, Config, Keep, Retention, parse
from ninefold.journal.inputs import CHUNK, TICK
from ninefold.journal.reader import read
from ninefold.journal.segment import segments
from ninefold.journal.writer import LogWriter
from ninefold.market.arrays import rows
from ninefold.market.chunk import Chunk, encode
from ninefold.market.instruments import Registry, listed
from ninefold.market.records import Listed
from ninefold.market.time import DAY_NS, HOUR_NS
from ninefold.services import snapshot
from ninefold.services.retain import Retainer, needed, retain
from ninefold.store.data_dir import AlreadyWritten
from ninefold.store.read import Reader
from ninefold.store.retention import days_of
from ninefold.store.tables import Tables
from tests.calling import ninefold

NOON_NS = 1_704_110_400_000_000_000  # 2024-01-01 12:00 UTC
NOW_NS = NOON_NS + 4 * DAY_NS
DAYS = ("2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A trade and a quote at noon of each of four days, each in a segment of its own in both logs."""
    made = Registry().add(listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.00001"))
    chunks = [Chunk(1, 1, NOON_NS, {}, [Listed(seq=1, known_ns=NOON_NS, instrument=made)])]
    for number in range(4):
        seq, at = 2 + number, NOON_NS + number * DAY_NS
        trade, quote = (1, at, at, seq, 1, 0, seq, 10, 5, 1), (1, at, at, seq, seq, 9, 1, 11, 1)
        chunks.append(Chunk(seq, seq, at, {"trades": rows("trades", [trade]), "quotes": rows("quotes", [quote])}))
    journal, stream = (LogWriter(tmp_path / log, segment_bytes=1) for log in ("journal", "stream"))
    for chunk in chunks:
        journal.append(TICK, 0, chunk.last_seq, chunk.known_ns, b"")
        stream.append(CHUNK, 0, chunk.last_seq, chunk.known_ns, encode(chunk))
        journal.flush()
        stream.flush()
    journal.close()
    stream.close()
    with Tables(tmp_path) as tables:
        tables.write(chunks)
    return tmp_path


def kept_days(data_dir: Path, kind: str) -> list[str]:
    return [one.day.isoformat() for one in days_of(data_dir / "tables", kind)]


def went(found: dict[str, object]) -> dict[str, list[str]]:
    let_go = found["let_go"]
    assert isinstance(let_go, list)
    return {one["kind"]: list(one["parts"]) for one in let_go}


def test_by_default_everything_is_kept(data: Path) -> None:
    assert went(retain(data, Config().retention, NOW_NS + 10_000 * DAY_NS, dry_run=False)) == {}
    assert (kept_days(data, "trades"), len(segments(data / "journal"))) == (list(DAYS), 5)


def test_each_kind_has_its_own_limits_and_a_dry_run_only_says_what_would_go(data: Path) -> None:
    limits = Retention(trades=Keep(days=3), quotes=Keep(gigabytes=1e-9))
    expected = {"trades": [DAYS[0]], "quotes": list(DAYS[:3])}  # the first day ended three and a half days ago
    with Tables(data):  # a pipeline runs
        assert went(retain(data, limits, NOW_NS, dry_run=True)) == expected
        with pytest.raises(AlreadyWritten):
            retain(data, limits, NOW_NS, dry_run=False)
    assert (kept_days(data, "trades"), kept_days(data, "quotes")) == (list(DAYS), list(DAYS))
    assert went(retain(data, limits, NOW_NS, dry_run=False)) == expected
    assert (kept_days(data, "trades"), kept_days(data, "quotes")) == (list(DAYS[1:]), [DAYS[3]])
    assert went(retain(data, limits, NOW_NS, dry_run=False)) == {}
    assert Reader(data).certificates(1)[0].state == "let go"


def test_the_recorder_does_it_once_an_hour_and_not_at_all_without_limits(data: Path) -> None:
    limits = Retention(trades=Keep(days=3))
    with Tables(data) as tables:
        assert Retainer(data, Retention()).now_and_then(tables, NOW_NS) == []
        retainer = Retainer(data, limits)
        assert [one.parts for one in retainer.now_and_then(tables, NOW_NS) if one.parts] == [DAYS[:1]]
        later = NOW_NS + DAY_NS
        assert retainer.now_and_then(tables, NOW_NS + HOUR_NS - 1) == []
        assert [one.parts for one in retainer.now_and_then(tables, later) if one.parts] == [DAYS[1:2]]
        tables.write([Chunk(6, 6, NOW_NS, {"trades": rows("trades", [(1, NOW_NS, NOW_NS, 6, 1, 0, 6, 10, 5, 1)])})])
    assert Reader(data).trades(1)["seq"].tolist() == [4, 5, 6]


def test_what_cannot_go_is_told_and_recording_goes_on(data: Path) -> None:
    retainer = Retainer(data, Retention(trades=Keep(days=3), journal=Keep(days=1)))
    (data / "state").mkdir()
    (data / "journal" / "let-go.json").write_text("{")
    snapshot.write(data, "hot", 5, {})
    with Tables(data) as tables:
        assert retainer.now_and_then(tables, NOW_NS) == []
        assert "let-go.json cannot be read" in retainer.problem
        tables.write([Chunk(6, 6, NOW_NS, {"trades": rows("trades", [(1, NOW_NS, NOW_NS, 6, 1, 0, 6, 10, 5, 1)])})])
        (data / "journal" / "let-go.json").unlink()
        retainer.now_and_then(tables, NOW_NS + HOUR_NS)
        assert retainer.problem == ""
    assert [record.seq for record in read(data / "journal")] == [5]


def test_of_a_log_stays_what_a_start_or_the_tables_may_need(data: Path) -> None:
    limits = Retention(journal=Keep(days=0.5), stream=Keep(days=0.5))
    [stream, journal] = retain(data, limits, NOW_NS, dry_run=False)["let_go"]  # type: ignore[misc]
    assert (stream["parts"], stream["held_by"]) == ((), "a start without a snapshot")
    snapshot.write(data, "hot", 3, {})
    assert needed(data, "journal") == {"tables": 5, "the snapshot of hot": 3, "the stream log": 5}
    [stream, journal] = retain(data, limits, NOW_NS, dry_run=True)["let_go"]  # type: ignore[misc]
    names = [f"{seq:020d}.nfj" for seq in (1, 2, 3)]
    assert [(one["kind"], list(one["parts"]), one["held_by"]) for one in (stream, journal)] == [
        *(("stream", names, "the snapshot of hot"), ("journal", names, "the snapshot of hot")),
    ]
    assert [record.seq for record in read(data / "journal")] == [1, 2, 3, 4, 5]
    found = retain(data, limits, NOW_NS, dry_run=False)
    assert int(str(found["freed_bytes"])) == stream["bytes"] + journal["bytes"] > 0
    assert [record.seq for record in read(data / "journal")] == [4, 5]
    assert [record.seq for record in read(data / "stream")] == [4, 5]


def test_limits_are_read_from_the_config_and_what_they_may_be_is_told() -> None:
    found = parse(
        "[retention]\nbooks = { days = 30, gigabytes = 200 }\n[retention.trades]\ngigabytes = 0.5\n"
    ).retention
    assert (found.books, found.trades, found.bars) == (Keep(days=30, gigabytes=200), Keep(gigabytes=0.5), Keep())
    for text, says in {
        "books = { day = 3 }": "retention.books.day'; did you mean 'days'?",
        "candles = { days = 3 }": "no key 'retention.candles'.* Allowed here: journal, stream, trades",
        "books = { days = 0 }": r"retention.books.days: found 0",
        "books = 30": "retention.books: found 30",
    }.items():
        with pytest.raises(BadConfig, match=says):
            parse(f"[retention]\n{text}\n")


@pytest.mark.slow
def test_the_command_reads_the_config_of_the_last_run_and_prints_one_document(data: Path) -> None:
    config = Config(data_dir=str(data), retention=Retention(trades=Keep(days=2)))
    assert "running.json" in ninefold("retain", "--data-dir", data, "--json").err
    (data / "running.json").write_bytes(msgspec.json.encode(config))
    said = ninefold("retain", "--data-dir", data, "--dry-run").out.splitlines()
    assert [line.split()[:2] for line in said] == [["kind", "would"], ["trades", "3"]]
    assert kept_days(data, "trades") == list(DAYS)
    document = json.loads(ninefold("retain", "--data-dir", data, "--json").out)
    assert (went(document), document["dry_run"]) == ({"trades": list(DAYS[:3])}, False)
    assert kept_days(data, "trades") == [DAYS[3]]
    assert ninefold("retain", "--data-dir", data).out == "nothing is beyond the limits of [retention]\n"
    assert ninefold("retain", "--data-dir", data / "nowhere").status == 2
