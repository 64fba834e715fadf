"""`ninefold up` with an exchange through ccxt, and what its journal gives on a machine without ccxt.

ccxt's binanceus speaks Binance spot's protocol, and so does the simulated exchange.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import missing

from .running import Program, Row, ask, count, exported, ninefold, records, stored

pytestmark = pytest.mark.slow

PAIRS = ("BTC/USDT", "ETH/USDT")
ENOUGH = 300
ABSENT = 'raise ModuleNotFoundError("No module named \'ccxt\'", name="ccxt")\n'


class Captured:
    """What a pipeline stored of an exchange through ccxt, and the exchange's truth."""

    def __init__(self, folder: Path) -> None:
        self.data_dir = folder / "data"
        exchange = Program(folder / "exchange", "--data-dir", folder / "exchange", module="ninefold.simulator")
        try:
            at = json.loads(exchange.line())
            config = config_of(folder, self.data_dir, at["rest"], at["stream"])
            program = Program(folder / "up", "up", "--config", config, "--json")
            try:
                program.url()
                program.until(
                    lambda: count(self.data_dir, "trades") > ENOUGH and self.bars(), "trades and bars are stored"
                )
                program.interrupt()
            finally:
                program.end()
            self.result = program.result()
            self.truth = {pair: trades_of(at["rest"], pair) for pair in PAIRS}
        finally:
            exchange.end()

    def bars(self) -> int:
        return count(self.data_dir, "bars where state = 0")

    def instruments(self) -> dict[str, Row]:
        return {one["instrument"]["symbol"]: one["instrument"] for one in records(self.data_dir, "listed")}


def config_of(folder: Path, data_dir: Path, rest: str, stream: str) -> Path:
    path = folder / "ninefold.toml"
    path.write_text(
        f'data_dir = "{data_dir}"\n[venue]\nname = "ccxt.binanceus"\npairs = {list(PAIRS)}\n'
        f'rest_url = "{rest}"\nstream_url = "{stream}"\n[serve]\nport = 0\n'
    )
    return path


def trades_of(rest: str, pair: str) -> dict[int, Any]:
    told = ask(f"{rest}/sim/v1/trades?symbol={pair.replace('/', '')}&limit=100000")
    return {row["id"]: row for row in told}


def e10(text: str) -> int:
    whole, _, part = text.partition(".")
    return int(whole) * 10**10 + int(part.ljust(10, "0"))


@pytest.fixture
def without_ccxt(tmp_path: Path) -> dict[str, str]:
    """The environment of a program that cannot import it."""
    (tmp_path / "absent" / "ccxt").mkdir(parents=True)
    (tmp_path / "absent" / "ccxt" / "__init__.py").write_text(ABSENT)
    return {"PYTHONPATH": os.pathsep.join([str(tmp_path / "absent"), os.environ.get("PYTHONPATH", "")])}


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Captured]:
    if importlib.util.find_spec("ccxt") is None:
        missing("ccxt is not installed: pip install 'ninefold[ccxt]'")
    yield Captured(tmp_path_factory.mktemp("ccxt"))


@pytest.mark.torture
def test_the_stored_trades_are_the_exchanges(captured: Captured) -> None:
    assert captured.result.status == 0, captured.result.err
    assert (captured.result.json["malformed"], captured.result.json["gaps"]) == (0, 0)
    for pair in PAIRS:
        of, truth = captured.instruments()[pair], captured.truth[pair]
        assert (of["venue"], of["rules_known"]) == ("ccxt.binanceus", True)
        rows = stored(captured.data_dir, f"select * from trades where instrument = {of['id']} order by id_lo")
        ids = [row["id_lo"] for row in rows]
        assert ids == list(range(ids[0], ids[-1] + 1)), f"{pair}: a hole or a double"
        for row in rows:
            same = truth[row["id_lo"]]
            assert row["price"] * 10 ** (10 - of["price_decimals"]) == e10(same["price"])
            assert row["size"] * 10 ** (10 - of["size_decimals"]) == e10(same["qty"])
            assert row["exchange_ns"] == same["time"] * 10**6
            assert row["taker_side"] == (-1 if same["isBuyerMaker"] else 1)


@pytest.mark.torture
def test_a_replay_without_ccxt_gives_the_same_trades_to_the_byte(
    captured: Captured, tmp_path: Path, without_ccxt: dict[str, str]
) -> None:
    again = tmp_path / "again"
    program = Program(
        tmp_path / "replay", "replay", captured.data_dir, "--data-dir", again, "--json", extra=without_ccxt
    )
    done = program.result()
    assert done.status == 0, done.err
    assert exported(again, "trades") == exported(captured.data_dir, "trades")


@pytest.mark.torture
def test_certificates_of_ids_that_may_skip_cannot_tell(captured: Captured) -> None:
    done = ninefold("certify", "--data-dir", captured.data_dir, "--json")
    assert done.status == 0, done.err
    rows = done.json["certificates"]
    assert {row["instrument"] for row in rows} == {f"ccxt.binanceus:{pair}" for pair in PAIRS}
    assert {row["state"] for row in rows} == {"cannot tell"}
    assert all("no ids to count by" in row["how"] for row in rows)


def test_without_ccxt_a_pipeline_says_how_to_have_it(tmp_path: Path, without_ccxt: dict[str, str]) -> None:
    config = config_of(tmp_path, tmp_path / "data", "http://127.0.0.1:9", "ws://127.0.0.1:9")
    done = Program(tmp_path / "hot", "hot", "--config", config, extra=without_ccxt).result()
    assert done.status == 2
    assert 'pip install "ninefold[ccxt]"' in " ".join(done.err.split())
