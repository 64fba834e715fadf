"""A run played again: nothing differs, and what is planted is found and named by its reason."""

import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import msgspec
import numpy as np
import pytest

from ninefold.backtest.models import LatencyModel
from ninefold.commands.parity import run as command
from ninefold.config import Account, Config, Risk, Sizing
from ninefold.journal.inputs import FRAME, TICK, Run
from ninefold.journal.reader import read
from ninefold.journal.segment import Record
from ninefold.journal.writer import LogWriter
from ninefold.market.chunk import decode, encode
from ninefold.services.identity import decode_identity, encode_identity, identity_of
from ninefold.services.lives import NoParity
from ninefold.services.parity import Report, parity
from ninefold.services.replay import Source, replay
from ninefold.store.data_dir import open_data_dir
from ninefold.strategy.library import default_strategies
from ninefold.strategy.plan import plan

from .recorded import write_session

pytestmark = pytest.mark.slow

SECONDS = 24
CHANGED = "trend_sma_1s"


@pytest.fixture(scope="module")
def session(tmp_path_factory) -> Path:
    return write_session(tmp_path_factory.mktemp("session") / "session.jsonl.gz", SECONDS)


@pytest.fixture(scope="module")
def run(session, tmp_path_factory) -> Path:
    """A paper run with no latency, cut at every input; played again it is cut at ticks. Not to be changed."""
    data_dir = tmp_path_factory.mktemp("run") / "data"
    replay(session, data_dir, batch=1, latency=LatencyModel(order_ns=0))
    return data_dir


@pytest.fixture
def copy(run, tmp_path) -> Path:
    return Path(shutil.copytree(run, tmp_path / "copy"))


@pytest.fixture(scope="module")
def report(run) -> Report:
    return report_of(run)


def report_of(data_dir: Path) -> Report:
    return parity(data_dir, lambda what, done, total: None)


def reasons(report: Report, way: str = "recorded") -> set[str]:
    return {one.reason for one in report.played()[way].differences}


def test_a_paper_run_without_latency_decides_and_fills_the_same_again(report):
    compared = report.recorded.compared
    assert min(compared[kind] for kind in ("tick", "bar", "target", "may", "order", "fill", "has")) > 0
    assert report.recorded.differences == report.simulated.differences == []
    assert report.recorded.same == compared and report.simulated.same == report.simulated.compared
    assert 0 < report.simulated.compared["fill"] <= compared["fill"], "by order there, each fill by itself here"
    assert report.equity == report.recorded.equity == report.simulated.equity
    assert report.notes == []


def contents(folder: Path) -> dict[str, str]:
    """All but what SQLite's readers share: an index, and an empty log."""
    shared = (".db-shm", ".db-wal")
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix not in shared]
    return {str(path): sha256(path.read_bytes()).hexdigest() for path in files}


def test_its_targets_are_those_of_the_formulas_and_its_orders_differ_from_a_back_test_for_stated_reasons(report):
    played = report.bars
    assert played.same["target"] == played.compared["target"] > 100
    assert played.same["target on bars as they stand"] == played.compared["target on bars as they stand"]
    assert {one.kind for one in played.differences} == {"bar fill"}
    assert {one.reason for one in played.differences} <= {"fill model", "netting", "risk"}


def test_a_changed_parameter_is_a_difference_of_code_and_what_follows_from_it_too(run, monkeypatch):
    other = plan(CHANGED, "1s", "sign(sma(close, 4) - sma(close, 20))", "trend", "Changed since.")
    plans = tuple(other if one.name == CHANGED else one for one in default_strategies())
    monkeypatch.setattr("ninefold.services.build.default_strategies", lambda: plans)
    report = report_of(run)
    found = report.recorded.differences
    assert found and reasons(report) == {"code"} and report.unexplained == 0
    assert {one.strategy for one in found if one.kind == "target"} == {CHANGED}
    assert "sma(close, 5)" in found[0].why and "sma(close, 4)" in found[0].why
    assert any(CHANGED in note for note in report.notes)
    follows = [one for one in found if one.kind == "order"]
    assert follows and all("follows from" in one.why for one in follows)
    assert reasons(report, "bars") >= {"code"}


def test_how_much_a_run_may_trade_is_kept_with_it(tmp_path):
    account = Account(capital="77", canary_quote=5.0, canary_orders=3)
    config = Config(account=account, sizing=Sizing(method="volatility"), risk=Risk(position_quote=7.0))
    kept = identity_of(config, tmp_path).config
    assert (kept.account, kept.sizing, kept.risk) == (account, config.sizing, config.risk)


def test_a_late_trade_differs_only_from_the_bars_as_they_stand(session, tmp_path):
    late = tmp_path / "session.jsonl.gz"
    rewrite_lines(session, late, 1_083)  # the last one of its second, two seconds later
    replay(late, tmp_path / "data")
    report = report_of(tmp_path / "data")
    assert report.recorded.differences == report.simulated.differences == []
    found = [one for one in report.bars.differences if one.kind == "target on bars as they stand"]
    assert found and {one.reason for one in found} == {"late data"}
    assert all("restated" in one.why for one in found)
    assert report.bars.same["target"] == report.bars.compared["target"]
    assert report.unexplained == 0


def rewrite_lines(session: Path, out: Path, trade_id: int) -> None:
    """One trade happened two seconds before it was told, far from the others' price."""
    with gzip.open(session, "rt") as lines, gzip.open(out, "wt") as written:
        for line in lines:
            told = json.loads(line)
            message = json.loads(told["msg"])
            data = message.get("data", {})
            if data.get("t") == trade_id and data["s"] == "BTCUSDT":
                data["T"] -= 2_000
                data["p"] = "41000.00"
                told["msg"] = json.dumps(message)
            written.write(f"{json.dumps(told)}\n")


def test_another_fill_is_the_fill_models_and_what_follows_from_it_names_its_order(copy):
    noted(copy, LatencyModel())
    before = contents(copy)
    report = report_of(copy)
    assert contents(copy) == before, "a run is only read"
    assert report.recorded.differences == []
    found = report.simulated.differences
    assert {one.reason for one in found} == {"fill model"}
    fills = [one for one in found if one.kind == "fill"]
    assert fills and all("latency" in one.why for one in fills)
    orders = {one.what for one in found}
    assert all(one.why.split("order ")[1].split()[0] in orders for one in found if one.kind == "order")
    assert report.equity != report.simulated.equity


def noted(data_dir: Path, latency: LatencyModel) -> None:
    """Let a replay say that it was made with another latency than it was."""
    path = data_dir / "source.json"
    source = msgspec.json.decode(path.read_bytes(), type=Source)
    for begun in source.begun:
        identity = msgspec.structs.replace(decode_identity(begun.identity), latency=latency)
        begun.identity = encode_identity(identity)
    path.write_bytes(msgspec.json.encode(source))


def test_a_clock_that_jumped_is_found_at_its_first_tick(copy):
    records = list(read(copy / "journal"))
    jumped = len(records) // 2
    rewrite(copy / "journal", [one if at < jumped else later(one, 700_000_000) for at, one in enumerate(records)])
    report = report_of(copy)
    found = report.recorded.differences
    assert found[0].kind == "tick" and found[0].seq >= records[jumped].seq
    assert reasons(report) == {"clock"} and report.unexplained == 0


def later(record: Record, by_ns: int) -> Record:
    return record._replace(receive_ns=record.receive_ns + by_ns)


def test_an_input_that_was_dropped_is_named_and_so_is_all_behind_it(copy):
    records = list(read(copy / "journal"))
    frames = [one for one in records if one.kind == FRAME and b"@trade" in one.payload]
    dropped = frames[len(frames) // 2]
    rewrite(copy / "journal", [one for one in records if one is not dropped])
    report = report_of(copy)
    found = report.recorded.differences
    assert found and reasons(report) == {"missing input"} and report.unexplained == 0
    assert min(one.seq for one in found) >= dropped.seq
    assert f"{dropped.seq:,}" in found[0].why
    assert any("lacks the inputs" in note for note in report.notes)


def test_a_target_that_nothing_explains_is_said_to_be_unexplained_and_the_command_fails(copy, capsys):
    def other(rows: np.ndarray) -> None:
        rows["target"][0] = 0.25

    alter_stream(copy, "targets", other)
    with pytest.raises(SystemExit) as ended:
        command(copy, json_=True, fills="recorded")
    said = json.loads(capsys.readouterr().out)
    assert ended.value.code == 1
    assert said["unexplained"] == 2, "once again from the inputs, once from the bars"
    [found] = said["recorded"]["differences"]
    assert (found["kind"], found["reason"]) == ("target", "UNEXPLAINED")
    assert "target 0.25" in found["run"]
    assert "simulated" not in said


def test_what_cannot_be_played_again_is_refused_with_the_reason(tmp_path):
    open_data_dir(tmp_path)
    with pytest.raises(NoParity, match="holds no journal"):
        report_of(tmp_path)
    rewrite(tmp_path / "journal", [Record(TICK, 0, 1, 1, b"")])
    with pytest.raises(NoParity, match="its services ran over NATS"):
        report_of(tmp_path)
    rewrite(tmp_path / "stream", [Record(TICK, 0, 1, 1, b"")])
    with pytest.raises(NoParity, match="notes no start"):
        report_of(tmp_path)


def test_a_run_that_does_not_say_how_it_was_made_is_still_compared(copy):
    path = copy / "source.json"
    said = json.loads(path.read_bytes())
    del said["begun"]
    path.write_text(json.dumps(said))
    report = report_of(copy)
    assert report.recorded.differences == []
    assert "does not say what it was made with" in report.notes[0]


def test_a_start_that_an_older_version_noted_is_read():
    older = msgspec.msgpack.encode(["a", False, "binance"])
    assert msgspec.msgpack.decode(older, type=Run) == Run("a", False, "binance", None)


ENDED = """
import os, sys
from pathlib import Path
from ninefold.services.replay import replay
left = 4

def ends():
    global left
    left -= 1
    if left < 0:
        os._exit(9)
    return 200

replay(Path(sys.argv[1]), Path(sys.argv[2]), ends)
"""


@pytest.mark.torture  # pipeline/test_account.py holds it of a run that was killed
def test_a_replay_that_was_interrupted_and_went_on_is_the_same_again(session, tmp_path):
    ended = subprocess.run([sys.executable, "-c", ENDED, str(session), str(tmp_path)], timeout=120)
    assert ended.returncode == 9
    replay(session, tmp_path)
    report = report_of(tmp_path)
    assert report.lives == 2
    assert report.recorded.differences == report.simulated.differences == []
    assert report.unexplained == 0


def rewrite(folder: Path, records: list[Record]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    writer = LogWriter(folder)
    for record in records:
        writer.append(*record)
    writer.flush()
    writer.close()


def alter_stream(data_dir: Path, kind: str, change: Callable[[np.ndarray], None]) -> None:
    """Change rows of the first chunk of a stream log that has some of a kind."""
    records, changed = [], False
    for record in read(data_dir / "stream"):
        chunk = decode(record.payload)
        if len(chunk.rows(kind)) and not changed:
            changed = True
            rows = chunk.rows(kind).copy()
            change(rows)
            chunk.arrays[kind] = rows
        records.append(record._replace(payload=encode(chunk)))
    rewrite(data_dir / "stream", records)
