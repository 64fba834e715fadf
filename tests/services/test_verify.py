"""Whatever is lost, doubled or changed in a data dir is named; what is whole is not complained about."""

import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from hypothesis import given
from hypothesis import strategies as st

from ninefold.journal.inputs import CHUNK
from ninefold.journal.reader import read
from ninefold.journal.segment import Record, pack, segments
from ninefold.journal.walk import Log, chunks_of, inputs_of
from ninefold.journal.writer import LogWriter
from ninefold.market.arrays import rows
from ninefold.market.chunk import Chunk, decode, encode
from ninefold.services import replay as replaying
from ninefold.services.compare import Check
from ninefold.services.replay import replay
from ninefold.services.verify import verify
from ninefold.store.checksums import Sums, differing
from ninefold.store.data_dir import NoDataDir
from ninefold.store.read import Reader
from ninefold.store.tables import Tables
from tests.calling import ninefold
from tests.services.recorded import START_MS, write_session

pytestmark = pytest.mark.slow

SECOND_NS = 10**9
START_NS = START_MS * 10**6
SECONDS = 40  # of the session
TRADES = 320  # in them: 4 a second, 2 instruments
SEGMENT_BYTES = 50_000


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data dir of a replay, with some segments in each log."""
    folder = tmp_path_factory.mktemp("made")
    replay(write_session(folder / "session.jsonl.gz", seconds=SECONDS), folder / "data")
    for log in ("journal", "stream"):
        rewrite(folder / "data" / log, list(read(folder / "data" / log)))
        assert len(segments(folder / "data" / log)) > 3
    return folder / "data"


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "data"))


def rewrite(folder: Path, records: list[Record]) -> None:
    """The same log with other records."""
    shutil.rmtree(folder)
    log = LogWriter(folder, SEGMENT_BYTES)
    for record in records:
        log.append(*record)
        log.flush()
    log.close()


def checks(data_dir: Path) -> dict[str, Check]:
    return {check.name: check for check in verify(data_dir, lambda what, done, total: None)}


def wrong(data_dir: Path) -> dict[str, str]:
    return {name: check.found for name, check in checks(data_dir).items() if check.ok is False}


def change(data_dir: Path, table: str, keep: np.ndarray | None = None, more: pa.Table | None = None) -> None:
    """Commit to a table what no writer of ours would: only some of its rows, or some more."""
    delta = DeltaTable(data_dir / "tables" / table)
    found = delta.to_pyarrow_table()
    if keep is not None:
        write_deltalake(delta, found.filter(pa.array(keep)), mode="overwrite")
    if more is not None:
        write_deltalake(delta, more, mode="append")


def column(data_dir: Path, table: str, name: str) -> np.ndarray:
    return DeltaTable(data_dir / "tables" / table).to_pyarrow_table().column(name).to_numpy()


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_a_whole_data_dir_is_whole(data: Path) -> None:
    found = checks(data)
    assert {name: check.ok for name, check in found.items()} == dict.fromkeys(found, True)
    tables = ["trades", "books", "quotes", "bars", "values", "forecasts", "targets", "records"]
    assert list(found) == ["journal", "stream log", "tables", "journal to trades", *tables, "ledger"]
    assert found["trades"].found.startswith(f"{TRADES} rows")
    assert found["journal to trades"].found.startswith(f"{TRADES} rows")


def test_the_command_prints_one_document_and_its_exit_status_tells(data: Path) -> None:
    said = ninefold("verify", "--data-dir", data, "--json")
    assert (said.status, said.err) == (0, "")
    assert said.json["whole"] is True
    change(data, "bars", keep=column(data, "bars", "width_ns") != 60 * SECOND_NS)
    said = ninefold("verify", "--data-dir", data)
    assert said.status == 1
    assert "WRONG bars" in said.out
    assert f"to do: `ninefold rebuild --data-dir {data}`" in said.out


def test_no_data_dir_is_told(tmp_path: Path) -> None:
    with pytest.raises(NoDataDir):
        checks(tmp_path)


@pytest.mark.parametrize(("log", "name"), [("journal", "journal"), ("stream", "stream log")])
def test_a_flipped_byte_in_a_closed_segment_is_named_and_the_rest_is_compared_up_to_there(data, log, name) -> None:
    second = segments(data / log)[1]
    flip(second, second.stat().st_size // 2)  # it may be compressed by now
    found = wrong(data)
    assert list(found) == [name]
    assert f"{second} is damaged at byte" in found[name]
    compared = "journal to trades" if log == "journal" else "trades"
    assert not checks(data)[compared].found.startswith(f"{TRADES} rows")


@pytest.mark.parametrize(("log", "name"), [("journal", "journal"), ("stream", "stream log")])
def test_a_flipped_byte_in_the_newest_segment_is_no_torn_end(data, log, name) -> None:
    last = segments(data / log)[-1]
    flip(last, 60)
    assert f"{last} is damaged at byte 20 " in wrong(data)[name]


def test_a_torn_end_is_no_damage(data: Path) -> None:
    for log in ("journal", "stream"):
        with segments(data / log)[-1].open("ab") as file:
            file.write(pack(1, 0, 10**6, 0, b"cut short")[:-3])
    assert wrong(data) == {}


def test_a_segment_that_is_gone_is_a_hole_and_without_the_newest_the_end_is_missing(data: Path) -> None:
    second, *_, last = segments(data / "journal")[1:]
    names = [int(path.stem) for path in segments(data / "journal")]
    moved = second.rename(second.with_suffix(".away"))
    assert f"seq {names[1]:,} to {names[2] - 1:,} are missing" in wrong(data)["journal"]
    moved.rename(second)
    last.unlink()
    assert (
        f"its end is missing: the stream log or the tables go up to seq {Reader(data).position():,}"
        in (wrong(data)["journal"])
    )


def test_a_receive_time_that_goes_back_is_wrong_unless_it_was_recorded_so(data: Path) -> None:
    inputs = list(read(data / "journal"))
    late = [*inputs[:-1], inputs[-1]._replace(receive_ns=inputs[-2].receive_ns - 1)]
    rewrite(data / "journal", late)
    assert "as in the recording" in checks(data)["journal"].found
    (data / "source.json").unlink()
    assert f"receive times go back at seq {inputs[-1].seq:,}" in wrong(data)["journal"]


def test_a_foreign_file_among_the_segments_is_named(data: Path) -> None:
    (data / "stream" / "00000000000000000000.nfj").write_bytes(b"something else altogether")
    assert "does not begin like a journal segment" in wrong(data)["stream log"]


def test_a_trade_stored_twice_is_named(data: Path) -> None:
    table = DeltaTable(data / "tables" / "trades").to_pyarrow_table()
    at = table.column("id_lo").to_pylist().index(1_017)
    change(data, "trades", more=table.slice(at, 1))
    found = wrong(data)
    assert list(found) == ["journal to trades", "trades"]
    for text in found.values():
        assert f"on 2024-01-01 the log has {TRADES} rows, the table {TRADES + 1}" in text
        assert "once too often: binance:" in text
        assert "id_lo 1017 " in text


def test_a_trade_with_another_price_is_named_on_both_sides(data: Path) -> None:
    table = DeltaTable(data / "tables" / "trades").to_pyarrow_table()
    price = table.column("price").to_numpy().copy()
    at = table.column("id_lo").to_pylist().index(1_017)
    price[at] += 1
    changed = table.set_column(table.schema.get_field_index("price"), table.schema.field("price"), pa.array(price))
    write_deltalake(data / "tables" / "trades", changed, mode="overwrite")
    text = wrong(data)["trades"]
    assert f"the log has {TRADES} rows, the table {TRADES}" in text
    assert f"price {price[at] - 1} " in text.partition("only in the table")[0]
    assert f"price {price[at]} " in text.partition("only in the table")[2]


def test_a_lost_bar_is_named(data: Path) -> None:
    bars = DeltaTable(data / "tables" / "bars").to_pyarrow_table()
    open_ns, width_ns = bars.column("open_ns").to_numpy(), bars.column("width_ns").to_numpy()
    lost = (
        (width_ns == SECOND_NS) & (open_ns == START_NS + 30 * SECOND_NS) & (bars.column("instrument").to_numpy() == 1)
    )
    assert lost.sum() == 1
    change(data, "bars", keep=~lost)
    found = wrong(data)
    assert list(found) == ["bars"]
    assert f"the log has {len(lost)} rows, the table {len(lost) - 1}" in found["bars"]
    assert f"binance:BTC/USDT width_ns 1000000000 open_ns {START_NS + 30 * SECOND_NS} revision 0" in found["bars"]


def test_a_file_taken_out_of_the_live_set_and_one_gone_from_the_disk_are_noticed(data: Path) -> None:
    delta = DeltaTable(data / "tables" / "quotes")
    delta.delete()
    Path(DeltaTable(data / "tables" / "books").file_uris()[0]).unlink()
    shutil.rmtree(data / "tables" / "values")
    found = wrong(data)
    assert list(found) == ["books", "quotes", "values"]
    assert "the table cannot be read" in found["books"]
    assert "the table 0; not in the table" in found["quotes"]


def test_a_lost_record_is_named(data: Path) -> None:
    types = np.array(DeltaTable(data / "tables" / "records").to_pyarrow_table().column("type").to_pylist())
    keep = np.ones(len(types), bool)
    keep[np.flatnonzero(types == "may")[0]] = False
    change(data, "records", keep=keep)
    assert "not in the table: type may known_ns" in wrong(data)["records"]


def test_tables_that_are_gone_or_broken_are_noticed(data: Path) -> None:
    shutil.rmtree(data / "tables")
    assert "nothing is stored of " in wrong(data)["tables"]
    log = data / "tables" / "certificates" / "_delta_log"
    log.mkdir(parents=True)
    (log / "00000000000000000000.json").write_text("{")
    assert "they cannot be read: " in wrong(data)["tables"]


def test_an_event_of_the_ledger_that_cannot_be_read_and_a_broken_file_are_named(data: Path) -> None:
    with sqlite3.connect(data / "ledger.db") as ledger:
        ledger.execute("DROP TRIGGER events_stay")
        ledger.execute("UPDATE events SET payload = '{' WHERE number = 3")
    ledger.close()
    assert "event 3 cannot be read" in wrong(data)["ledger"]
    (data / "ledger.db").write_bytes(b"x" * 8192)
    assert "file is not a database" in wrong(data)["ledger"]
    (data / "ledger.db").unlink()
    assert "there is no " in wrong(data)["ledger"]


def test_tables_behind_the_log_are_whole_up_to_their_position(data: Path) -> None:
    """As after a kill, and at any moment of a running pipeline."""
    shutil.rmtree(data / "tables")
    chunks = [decode(record.payload) for record in read(data / "stream")]
    with Tables(data) as tables:
        tables.write(chunks[: len(chunks) // 2])
    found = checks(data)
    assert {check.ok for check in found.values()} == {True}
    assert f"of {chunks[-1].last_seq:,}; the pipeline stores the rest" in found["tables"].found


def test_a_stream_log_that_ends_before_the_tables_or_is_gone_is_wrong(data: Path) -> None:
    segments(data / "stream")[-1].unlink()
    assert "its end is missing: the tables go up to" in wrong(data)["stream log"]
    shutil.rmtree(data / "stream")
    found = checks(data)
    assert "its end is missing" in found["stream log"].found
    assert found["journal to trades"].ok is True
    (data / "nats").mkdir()
    assert checks(data)["stream log"].ok is None


def test_the_journal_of_a_live_run_is_read_with_the_instruments_it_listed(data: Path) -> None:
    (data / "source.json").unlink()
    assert wrong(data) == {}
    assert checks(data)["journal to trades"].found.startswith(f"{TRADES} rows")


def test_a_trade_that_the_journal_has_and_the_stream_log_lost_is_no_matter_for_a_rebuild(data: Path) -> None:
    """As if the parser of then had missed it."""
    table = DeltaTable(data / "tables" / "trades").to_pyarrow_table()
    change(data, "trades", keep=np.array([id != 1_017 for id in table.column("id_lo").to_pylist()]))
    records = []
    for record in read(data / "stream"):
        chunk = decode(record.payload)
        if len(trades := chunk.rows("trades")):
            chunk.arrays["trades"] = trades[trades["id_lo"] != 1_017]
        records.append(record._replace(payload=encode(chunk)))
    rewrite(data / "stream", records)
    found = checks(data)
    assert [name for name, check in found.items() if check.ok is False] == ["journal to trades"]
    assert "a rebuild changes nothing" in found["journal to trades"].do
    assert "id_lo 1017" in found["journal to trades"].found


def test_chunks_that_begin_before_the_last_one_ended_count_once(data: Path) -> None:
    """What a replay that was killed and started again leaves in its stream log."""
    records = list(read(data / "stream"))
    one, two = (decode(record.payload) for record in records[200:202])
    both = Chunk(one.first_seq, two.last_seq, two.known_ns, dict(one.arrays), one.records + two.records)
    for kind, some in two.arrays.items():
        both.add(kind, some)
    again = Record(CHUNK, 0, two.last_seq, two.known_ns, encode(both))
    rewrite(data / "stream", [*records[:201], again, *records[202:]])
    assert wrong(data) == {}


def test_a_replay_is_whole_at_every_look_while_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session, data_dir = write_session(tmp_path / "session.jsonl.gz", SECONDS), tmp_path / "data"
    monkeypatch.setattr(replaying, "STORE_ROWS", 600)
    positions = set()
    with ThreadPoolExecutor(1) as beside:
        running = beside.submit(replay, session, data_dir)
        while not running.done():
            if (data_dir / "VERSION.json").exists():
                found = wrong(data_dir)
                found.pop("tables", None)  # nothing is stored yet
                assert found == {}
                positions.add(Reader(data_dir).position())
        running.result()
    assert len(positions) > 2
    assert wrong(data_dir) == {}


def test_walking_says_how_far_it_is(data: Path) -> None:
    for walk, folder in ((inputs_of, "journal"), (chunks_of, "stream")):
        log, steps = Log(data / folder), []
        for _ in walk(log, lambda done, total, steps=steps: steps.append((done, total))):
            pass
        total = sum(path.stat().st_size for path in segments(data / folder))
        assert steps[-1] == (total, total)
        assert (log.problem, log.segments) == ("", len(segments(data / folder)))


DAY_NS = 86_400 * SECOND_NS
SOME_TRADES = st.lists(
    st.tuples(st.integers(1, 3), st.integers(0, 3), st.integers(1, 200_000), st.integers(0, 5)), min_size=1, max_size=30
)


def trades_of(values: list[tuple[int, int, int, int]]) -> np.ndarray:
    return rows("trades", [(of, day * DAY_NS, 0, seq, 1, 0, id, 100, 1, 1) for of, day, seq, id in values])


@given(SOME_TRADES, st.randoms(use_true_random=False), st.data())
def test_sums_depend_on_the_rows_and_not_on_their_order_or_cuts(values, chance, drawn) -> None:
    one = trades_of(values)
    n = np.arange(len(one), dtype=np.int32)
    order = np.array(chance.sample(range(len(one)), len(one)))
    cut = drawn.draw(st.integers(0, len(one)))
    whole, parts = Sums("trades"), Sums("trades")
    whole.fold(one, n)
    for places in (order[:cut], order[cut:]):
        if len(places):
            parts.fold(one[places], n[places])
    assert differing(whole, parts) == []
    place = drawn.draw(st.integers(0, len(one) - 1))
    changed = one.copy()
    changed["price"][place] += drawn.draw(st.sampled_from([1, -1, 2**40]))
    for other, numbers in ((np.delete(one, place), np.delete(n, place)), (changed, n), (one[[*n, place]], [*n, place])):
        sums = Sums("trades")
        if len(other):
            sums.fold(other, np.asarray(numbers))
        assert {part.day for part in differing(whole, sums)} == {values[place][1]}
