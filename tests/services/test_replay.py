"""Replays of real recordings: what is stored is what the file says, and the same input gives the same bytes however it is cut."""

import gzip
import json
import random
import shutil
import subprocess
import sys
from decimal import Decimal
from io import BytesIO
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from ninefold.market.arrays import CLEAR_BOOK
from ninefold.market.book import Book
from ninefold.market.instruments import Instrument
from ninefold.services.replay import OtherSource, replay
from ninefold.services.verify import verify
from ninefold.store.export import export
from ninefold.store.read import Reader
from tests.calling import ninefold
from tests.recorded import thinned

BTC = "orderbook/binance_spot_btcusdt_20240808.jsonl.gz"
CAPTURE = "raw/cryptofeed/BINANCE_2021-04-05.jsonl.gz"
LINES = 2000  # of the recording, for the tests that replay many times


def beginning(whole: Path, folder: Path, lines: int | None) -> Path:
    """The first lines of a recording, or all of it, under its own name."""
    with gzip.open(whole) as file, gzip.GzipFile(folder / whole.name, "wb", 1, mtime=0) as out:
        out.writelines(islice(file, lines))
    return folder / whole.name


def exports(data_dir: Path) -> dict[str, bytes]:
    made = {}
    for what in ("trades", "bars", "targets", "orders", "fills"):
        for form in ("csv", "parquet"):
            out = BytesIO()
            export(data_dir, what, None, None, None, form, out)
            made[f"{what}.{form}"] = out.getvalue()
    return made


@pytest.fixture(scope="module")
def tape(recording, tmp_path_factory) -> Path:
    """All trades and changes of the book of the recording."""
    return thinned(recording(BTC), tmp_path_factory.mktemp("tape"))


@pytest.fixture(scope="module")
def lines(tape) -> list[dict]:
    with gzip.open(tape, "rt") as file:
        return [json.loads(line) for line in file]


@pytest.fixture(scope="module")
def whole(tape, tmp_path_factory) -> tuple[dict, Path]:
    """The summary and data dir of a replay of it."""
    data_dir = tmp_path_factory.mktemp("whole")
    return replay(tape, data_dir), data_dir


@pytest.fixture(scope="module")
def short(recording, tmp_path_factory) -> Path:
    """The first minute or so of the recording, under its own name."""
    return beginning(recording(BTC), tmp_path_factory.mktemp("short"), LINES)


@pytest.fixture(scope="module")
def straight(short, tmp_path_factory) -> tuple[Path, dict[str, bytes]]:
    """A data dir of an uninterrupted replay of the short recording, and its exports."""
    data_dir = tmp_path_factory.mktemp("straight")
    replay(short, data_dir)
    return data_dir, exports(data_dir)


@pytest.fixture(scope="module")
def broken_off(short, tmp_path_factory) -> tuple[Path, int]:
    """A folder of replays that are not through, and how often one of them was killed."""
    folder = tmp_path_factory.mktemp("broken off")
    program = Path(__file__).with_name("killed_replay.py")
    done = subprocess.run([sys.executable, program, short, folder], check=True, stdout=subprocess.PIPE, timeout=120)
    return folder, int(done.stdout)


@pytest.mark.slow
def test_every_recorded_trade_is_stored_once_with_the_price_and_size_of_its_text(whole, lines):
    said, data_dir = whole
    expected = []
    for line in lines:
        if line["channel"].endswith("@trade"):
            trade = json.loads(line["msg"])["data"]
            side = -1 if trade["m"] else 1
            expected.append(
                (trade["t"], Decimal(trade["p"]), Decimal(trade["q"]), trade["T"] * 10**6, line["ts_ns"], side)
            )
    assert len(expected) == said["trades"] == 9757
    reader = Reader(data_dir)
    of = reader.registry().named("binance:BTC/USDT")
    fields = ["id_lo", "price", "size", "exchange_ns", "receive_ns", "taker_side"]
    stored = [
        (id, Decimal(price).scaleb(-of.price_decimals), Decimal(size).scaleb(-of.size_decimals), *rest)
        for id, price, size, *rest in reader.trades(of.id)[fields].tolist()
    ]
    assert sorted(stored) == sorted(expected)
    assert (said["malformed"], said["gaps"]) == (0, 0)


@pytest.mark.slow
def test_the_stored_book_equals_one_rebuilt_straight_from_the_file_and_never_crosses(whole, lines):
    reader = Reader(whole[1])
    of = reader.registry().named("binance:BTC/USDT")
    stored = reader.books(of.id)
    updates = np.unique(stored["update_id"][stored["action"] != CLEAR_BOOK])
    chosen = set(np.random.default_rng(8).choice(updates, 100, replace=False).tolist())
    truth = books_of_file(lines, of, chosen)
    assert truth.keys() == chosen
    book, seen, start = Book(), set(), 0
    ends = [*(np.flatnonzero(np.diff(stored["update_id"])) + 1).tolist(), len(stored)]
    for end in ends:
        book.apply(stored[start:end])
        start = end
        [(bid, _)], [(ask, _)] = book.top()
        assert bid < ask
        if book.update_id in chosen:
            seen.add(book.update_id)
            assert (book.bids, book.asks) == truth[book.update_id]
    assert seen == chosen


def books_of_file(lines: list[dict], of: Instrument, chosen: set[int]) -> dict[int, tuple[dict, dict]]:
    """Both sides after each chosen update id, by the venue's rule, from the text alone."""
    changes, snapshot, found = [], None, {}
    for line in lines:
        if line["channel"] == "rest_depth_snapshot" and snapshot is None:
            snapshot = json.loads(line["msg"])
        elif line["channel"].endswith("@depth@100ms"):
            changes.append(json.loads(line["msg"])["data"])
    sides = tuple(
        {units(p, of.price_decimals): units(q, of.size_decimals) for p, q in snapshot[name]}
        for name in ("bids", "asks")
    )
    for change in changes:
        if change["u"] <= snapshot["lastUpdateId"]:
            continue
        for side, name in zip(sides, ("b", "a"), strict=True):
            for p, q in change[name]:
                price, size = units(p, of.price_decimals), units(q, of.size_decimals)
                side[price] = size
                if not size:
                    del side[price]
        if change["u"] in chosen:
            found[change["u"]] = tuple(dict(side) for side in sides)
    return found


def units(text: str, decimals: int) -> int:
    """A decimal as a whole number of 10^-decimals, exactly."""
    exact = Decimal(text).scaleb(decimals)
    assert exact == int(exact)
    return int(exact)


@pytest.mark.slow
def test_the_receiving_clock_was_1272_ms_behind_and_it_is_told_not_clipped(whole, lines):
    said, _ = whole
    lags = []
    for line in lines:
        data = json.loads(line["msg"]).get("data", {})
        if "E" in data:
            lags.append(line["ts_ns"] - data["E"] * 10**6)
    assert abs(np.median(lags) + 1_272_000_000) < 1_000_000
    assert abs(said["exchange_to_receive"]["p50_ns"] - np.median(lags)) < 1_000_000
    assert said["clock_offset_ns"].keys() == {"1"}
    assert abs(said["clock_offset_ns"]["1"] + 1_272_000_000) < 5_000_000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lines", "frames", "trades"), [(4_000, 3_988, 411), pytest.param(None, 11_357, 1_240, marks=pytest.mark.torture)]
)
def test_a_captured_session_of_ten_instruments_replays_without_a_malformed_message(
    recording, tmp_path, lines, frames, trades
):
    said = replay(beginning(recording(CAPTURE), tmp_path, lines), tmp_path / "data")
    assert (said["malformed"], said["frames"], said["trades"], said["gaps"]) == (0, frames, trades, 0)
    assert len(Reader(tmp_path / "data").registry()) == 10


@pytest.mark.slow
def test_the_same_recording_gives_the_same_bytes_however_it_is_cut(short, straight, tmp_path):
    _, expected = straight
    assert expected["trades.csv"].count(b"\n") > 100
    assert expected["targets.csv"].count(b"\n") > 10
    assert expected["orders.csv"].count(b"\n") > 1
    rng = random.Random(1)
    for place, batch in enumerate((1, lambda: rng.randint(1, 900))):
        replay(short, tmp_path / str(place), batch)
        made = exports(tmp_path / str(place))
        assert {name for name in made if made[name] != expected[name]} == set()


@pytest.mark.slow
def test_the_same_recording_again_stores_nothing_new_and_another_one_is_refused(short, straight, recording, tmp_path):
    data_dir, expected = straight
    copy = Path(shutil.copytree(data_dir, tmp_path / "copy"))
    assert replay(short, copy)["trades"] > 0
    assert Reader(copy).counts() == Reader(data_dir).counts()
    assert exports(copy) == expected
    with pytest.raises(OtherSource, match=r"already holds a replay of .*replay into an empty --data-dir"):
        replay(recording(CAPTURE), copy)


@pytest.mark.slow
def test_a_replay_that_was_killed_goes_on_to_the_same_bytes(short, straight, broken_off):
    _, expected = straight
    folder, kills = broken_off
    assert kills >= 2
    assert ninefold("replay", short, "--data-dir", folder / "killed", "--json").json["malformed"] == 0
    made = exports(folder / "killed")
    assert {name for name in made if made[name] != expected[name]} == set()


@pytest.mark.slow
@pytest.mark.parametrize("stores", [3, pytest.param(0, marks=pytest.mark.torture)])
def test_a_replay_that_ended_before_its_tables_had_what_its_logs_have_is_whole_after_the_next(
    short, broken_off, stores
):
    data_dir = broken_off[0] / f"ended {stores}"
    replay(short, data_dir)
    assert [check for check in verify(data_dir, lambda what, done, all: None) if check.ok is False] == []


@pytest.mark.slow
def test_the_journal_of_a_replay_replays_to_the_same_bytes(straight, tmp_path):
    data_dir, expected = straight
    replay(data_dir, tmp_path)
    made = exports(tmp_path)
    assert {name for name in made if made[name] != expected[name]} == set()
