"""`ninefold demo --tape`: recordings instead of a generated market, faster than they were."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from itertools import islice
from pathlib import Path

import pytest

from .conftest import BTC, FIVE_MINUTES, Taped
from .running import Program, Result, all_stored, count, ledger, stored

pytestmark = pytest.mark.slow

CRYPTOFEED = "raw/cryptofeed/BINANCE_2021-04-05.jsonl.gz"
LINES = 4_000  # of it


@pytest.mark.torture
def test_a_raw_capture_plays_at_full_speed_to_its_last_trade(tmp_path: Path, recording: Callable[[str], Path]) -> None:
    tape = tmp_path / "BINANCE_2021-04-05.jsonl.gz"
    with gzip.open(recording(CRYPTOFEED)) as lines, gzip.open(tape, "wb", 1) as kept:
        begin = list(islice(lines, LINES))
        kept.writelines(begin)
    data_dir = tmp_path / "data"
    arguments = ("--tape", tape, "--speed", "max", "--json", "--port", "0", "--data-dir", data_dir)
    program = Program(tmp_path, "demo", *arguments)
    try:
        program.url()
        program.until(lambda: all_stored(data_dir), "the tape is at its end and all its trades are stored")
        program.interrupt()
    finally:
        program.end()
    result = program.result()
    assert result.status == 0, result.err
    assert result.json["trades"] == sum(b"@aggTrade" in line for line in begin if b'"dir":"recv"' in line) > 300
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
        frames = [json.loads(json.loads(line)["msg"]) for line in islice(lines, FIVE_MINUTES) if "@trade" in line]
    deals = [frame["data"] for frame in frames]
    recorded = {deal["t"]: (Decimal(deal["p"]), Decimal(deal["q"]), deal["T"], deal["m"]) for deal in deals}
    assert len(recorded) == 9213
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
    assert len(rows) == len(kept) == 9213
    assert kept == recorded


def test_five_minutes_of_tape_yield_bars_targets_and_orders(taped: Taped) -> None:
    assert taped.result.status == 0, taped.result.err
    _check_traded(taped.data_dir, taped.result)
    (span,) = stored(taped.data_dir, "select (max(exchange_ns) - min(exchange_ns)) / 1e9 as seconds from trades")
    assert span["seconds"] > 300
    for width_ns in (10**9, 5 * 10**9):
        assert count(taped.data_dir, f"bars where state <> 2 and width_ns = {width_ns}") > 50
        assert count(taped.data_dir, f"targets where width_ns = {width_ns}") > 50
