"""`ninefold demo` as a person runs it: the summary, the next start, Ctrl-C, recordings instead of a generated market."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import psutil
import pytest

from .conftest import BTC, Taped
from .running import STOP_S, Program, Result, all_stored, ask, count, ledger, records, stored

pytestmark = pytest.mark.slow

COUNTS = (
    "frames",
    "trades",
    "book_changes",
    "bars",
    "indicators",
    "forecasts",
    "targets",
    "may",
    "has",
    "orders",
    "fills",
    "gaps",
)
LATENCIES = ("exchange_to_receive", "receive_to_store", "receive_to_decision")
CRYPTOFEED = "raw/cryptofeed/BINANCE_2021-04-05.jsonl.gz"
IDS = "select instrument, min(id_lo) as first, max(id_lo) as last, count(*) as rows, count(distinct id_lo) as ids from trades group by 1"


class Begun:
    """A generated market that ran for 8 seconds."""

    def __init__(self, folder: Path) -> None:
        self.data_dir = folder / "data"
        self.arguments = ("--json", "--port", "0", "--data-dir", self.data_dir)
        self.result: Result = Program(folder, "demo", "--seconds", "8", "--rate", "100", *self.arguments).result()


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Begun:
    return Begun(tmp_path_factory.mktemp("begun"))


def _played_whole(folder: Path, tape: Path, speed: str) -> tuple[Path, Result]:
    """Play a tape until every trade that the exchange told of is stored; the data dir and what was said at the end."""
    data_dir = folder / "data"
    program = Program(folder, "demo", "--tape", tape, "--speed", speed, "--json", "--port", "0", "--data-dir", data_dir)
    try:
        program.url()
        program.until(lambda: all_stored(data_dir), "the tape is at its end and all its trades are stored")
        program.interrupt()
    finally:
        program.end()
    return data_dir, program.result()


def test_it_prints_one_json_document_with_every_promised_key(begun: Begun) -> None:
    assert begun.result.status == 0, begun.result.err
    said = begun.result.json
    for key in COUNTS:
        assert isinstance(said[key], int) and said[key] >= 0, (key, said)
    for key in ("frames", "trades", "book_changes", "bars", "indicators", "targets"):
        assert said[key] > 0, (key, said)
    for key in LATENCIES:
        assert said[key]["p50_ns"] <= said[key]["p99_ns"], (key, said)
    assert Decimal(said["equity"]) > 0
    assert said["shift_ns"] == "0", "a generated market shifts nothing"


def test_the_summary_counts_what_is_stored(begun: Begun) -> None:
    said = begun.result.json
    for table, key in (("trades", "trades"), ("bars", "bars"), ("targets", "targets"), ("books", "book_changes")):
        assert count(begun.data_dir, table) == said[key], key
    assert len(records(begun.data_dir, "may")) == said["may"]
    assert len(records(begun.data_dir, "has")) == said["has"]


def test_the_next_start_goes_on_and_ctrl_c_ends_it_at_once_with_no_process_left(begun: Begun, tmp_path: Path) -> None:
    before = {row["instrument"]: row for row in stored(begun.data_dir, IDS)}
    last_seq = stored(begun.data_dir, "select max(seq) as seq from books")[0]["seq"]
    worth = _worth(begun.data_dir)
    program = Program(tmp_path, "demo", *begun.arguments)
    try:
        url = program.url()
        program.until(lambda: _more_trades(begun.data_dir, before), "all that traded has more stored trades")
        program.until(lambda: len(_worth(begun.data_dir)) > len(worth), "equity is told again")
        program.until(lambda: ask(f"{url}/api/v1/status"), "the API answers")
        family = program.family()
        took_s = program.interrupt()
    finally:
        program.end()
    result = program.result()
    assert result.status == 0, result.err
    assert took_s < STOP_S
    assert len(family) >= 4, "the command, the exchange, the hot and the cold process"
    assert [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE] == []
    assert result.json["trades"] > 0
    _check_it_went_on(begun.data_dir, before, last_seq, worth)


def _more_trades(data_dir: Path, before: dict[int, dict[str, int]]) -> bool:
    now = {row["instrument"]: row for row in stored(data_dir, IDS)}
    grown = sum(now[one]["rows"] > before[one]["rows"] for one in before)
    return bool(grown >= len(before) - 1)  # one instrument is quiet


def _check_it_went_on(data_dir: Path, before: dict[int, dict[str, int]], last_seq: int, worth: list[int]) -> None:
    after = {row["instrument"]: row for row in stored(data_dir, IDS)}
    for instrument, row in after.items():
        assert row["rows"] == row["ids"] == row["last"] - row["first"] + 1, (
            f"instrument {instrument}: a hole or a double in {row}"
        )
        if instrument in before:
            assert row["first"] == before[instrument]["first"]
    started = records(data_dir, "started")
    assert len(started) == 2 and started[1]["seq"] > last_seq, "the numbers go on"
    waiting: dict[int, int] = {}  # instrument to open gaps
    for gap in records(data_dir, "gap"):
        if gap["stream"] == "trades":
            waiting[gap["instrument"]] = 0 if gap["healed"] else waiting.get(gap["instrument"], 0) + 1
    assert not any(waiting.values()), f"gaps that were not healed: {waiting}"
    now = _worth(data_dir)
    assert len(now) > len(worth) > 0
    assert abs(now[len(worth)] / worth[-1] - 1) < 0.02, f"equity went from {worth[-1]} to {now[len(worth)]}"


def _worth(data_dir: Path) -> list[int]:
    return [int(event["value"]) for event in ledger(data_dir, "equity") if event["value"] is not None]


def test_a_raw_capture_plays_at_full_speed_to_its_last_trade(tmp_path: Path, recording: Callable[[str], Path]) -> None:
    _, result = _played_whole(tmp_path, recording(CRYPTOFEED), "max")
    assert result.status == 0, result.err
    assert result.json["trades"] == 1240, "aggregated trades in the capture"
    assert result.json["shift_ns"] != "0"
    assert result.json["malformed"] == 0, "every frame of a real venue can be read"


def _check_traded(data_dir: Path, result: Result) -> None:
    said = result.json
    refused = Counter(event["reason"] for event in ledger(data_dir, "order") if event["status"] == "refused")
    for key in ("trades", "bars", "targets", "orders", "fills", "may", "has"):
        assert said[key] > 0, f"no {key} in {result.out}; refused were: {refused.most_common(5)}"
    assert said["shift_ns"] != "0"
    assert said["malformed"] == 0, "every frame of a real venue can be read"


def test_every_trade_of_the_tape_is_stored_exactly(taped: Taped, recording: Callable[[str], Path]) -> None:
    data_dir, result = taped.data_dir, taped.result
    assert result.status == 0, result.err
    with gzip.open(recording(BTC), "rt") as lines:
        frames = [json.loads(json.loads(line)["msg"]) for line in lines]
    streamed = [frame for frame in frames if isinstance(frame, dict) and "stream" in frame]
    deals = [frame["data"] for frame in streamed if frame["stream"].endswith("@trade")]
    recorded = {deal["t"]: (Decimal(deal["p"]), Decimal(deal["q"]), deal["T"], deal["m"]) for deal in deals}
    assert len(recorded) == 9757
    shift_ms = int(result.json["shift_ns"]) // 10**6
    (of,) = stored(data_dir, "select id, price_unit, size_unit from instruments where name = 'binance:BTC/USDT'")
    wanted = f"select id_lo, price, size, exchange_ns, taker_side from trades where instrument = {of['id']}"
    rows = stored(data_dir, wanted)
    kept = {
        row["id_lo"]: (
            Decimal(row["price"]) / int(of["price_unit"]),
            Decimal(row["size"]) / int(of["size_unit"]),
            row["exchange_ns"] // 10**6 - shift_ms,
            row["taker_side"] == -1,
        )
        for row in rows
    }
    assert len(rows) == len(kept) == 9757
    assert kept == recorded


def test_five_minutes_of_tape_yield_bars_targets_and_orders(taped: Taped) -> None:
    assert taped.result.status == 0, taped.result.err
    _check_traded(taped.data_dir, taped.result)
    (span,) = stored(taped.data_dir, "select (max(exchange_ns) - min(exchange_ns)) / 1e9 as seconds from trades")
    assert span["seconds"] > 300
    for width_ns in (10**9, 5 * 10**9):
        assert count(taped.data_dir, f"bars where state <> 2 and width_ns = {width_ns}") > 50
        assert count(taped.data_dir, f"targets where width_ns = {width_ns}") > 50
