"""A replay of free code and of windows over the own position: the same again, killed or not, explained, and found out where not."""

import subprocess
import sys
from pathlib import Path

import pytest

from ninefold.backtest.models import LatencyModel
from ninefold.config import Strategies
from ninefold.execution.booked import Booked
from ninefold.execution.reasons import HIDDEN
from ninefold.market.records import Fill, Order
from ninefold.market.strategy_records import StrategyFailed
from ninefold.services.explain import explain
from ninefold.services.parity import Report, parity
from ninefold.services.replay import replay
from ninefold.store.ledger import LedgerReader

from .knowing import MINE
from .recorded import write_session
from .test_exits_replayed import ENDED

pytestmark = pytest.mark.slow

IDLE = ("daily", "weekly")
NAMES = ("cools", "counts", "shared", "breaks", *IDLE)
KILLED = ENDED.replace("left = 6", "left = 1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("knowing")
    (folder / "mine.py").write_text(MINE)
    write_session(folder / "session.jsonl.gz", 14)
    write_session(folder / "short.jsonl.gz", 6)
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Path:
    """Not to be changed."""
    played(folder, folder / "data", NAMES)
    return folder / "data"


def played(folder: Path, data_dir: Path, names: tuple[str, ...], session: str = "session.jsonl.gz") -> None:
    chosen = Strategies(names=names, folder=str(folder / "mine.py"))
    replay(folder / session, data_dir, latency=LatencyModel(), strategies=chosen)


def report_of(data_dir: Path) -> Report:
    return parity(data_dir, lambda what, done, total: None)


def account_of(data_dir: Path) -> list[object]:
    return [one for one in LedgerReader(data_dir).events() if isinstance(one, Order | Fill | StrategyFailed)]


def got(data_dir: Path) -> list[object]:
    """Fills and failures: of an order under way a restart is told once more how it stands."""
    return [one for one in account_of(data_dir) if not isinstance(one, Order)]


def test_it_trades_and_parity_finds_no_difference(run: Path):
    report = report_of(run)
    traded = {name for one in account_of(run) if isinstance(one, Order) and one.filled for name in one.strategies}
    assert traded >= {"cools", "counts", "shared", "breaks"}
    assert report.recorded.differences == [] == report.simulated.differences
    assert report.recorded.compared["failure"] == 1
    assert report.bars.differences == []
    assert report.bars.compared["target"] == report.recorded.compared["target"] > 90


def test_where_it_trades_alone_each_fill_of_a_back_test_of_its_targets_has_a_reason(folder: Path, tmp_path: Path):
    played(folder, tmp_path, ("counts", *IDLE))
    report = report_of(tmp_path)
    found = [one for one in report.bars.differences if one.kind == "bar fill"]
    assert report.unexplained == 0
    assert len(found) == report.bars.compared["bar fill"] > 3 and {one.strategy for one in found} == {"counts"}
    assert any(one.reason == "fill model" and "bps from the next open" in one.why for one in found)


@pytest.mark.torture
def test_a_replay_that_was_killed_and_went_on_has_the_same_account(folder: Path, run: Path, tmp_path: Path):
    asked = [str(folder / "session.jsonl.gz"), str(tmp_path), str(folder / "mine.py"), *NAMES]
    assert subprocess.run([sys.executable, "-c", KILLED, *asked], timeout=120).returncode == 9
    before = len(got(tmp_path))
    played(folder, tmp_path, NAMES)
    assert 0 < before < len(got(run)) and got(tmp_path) == got(run)
    assert report_of(tmp_path).differences == []


def test_an_order_of_free_code_is_explained_and_decided_the_same_again(run: Path):
    order = [one for one in account_of(run) if isinstance(one, Order) and "counts" in one.strategies][-1]
    found = explain(run, order.client_order_id, lambda what, done, total: None)
    assert found.same, found.differences
    wish = next(wish for wish in found.wishes if wish.strategy == "counts")
    assert wish.own is not None and wish.own["bars_held"] >= 0 and "self.seen % 7" in wish.formula


def test_one_that_failed_is_told_where_and_has_given_back_what_it_held(run: Path):
    (failed,) = (one for one in account_of(run) if isinstance(one, StrategyFailed))
    line = MINE.splitlines().index("        return 0.2 if self.seen < 8 else [][0]") + 1
    assert (failed.strategy, failed.place) == ("breaks", f"mine.py:{line}")
    assert "IndexError" in failed.text and "1s bar of binance:" in failed.text
    booked = Booked()
    for event in LedgerReader(run).events():
        booked.fold(event)
    assert booked.account.attribution.fills["breaks"] > 1
    assert "breaks" not in {name for name, _ in booked.account.attribution.entries.of}


def test_one_that_decides_by_chance_is_found_and_named(folder: Path, tmp_path: Path):
    played(folder, tmp_path, ("hidden", "cools", *IDLE), "short.jsonl.gz")
    report = report_of(tmp_path)
    first = report.recorded.differences[0]
    assert (first.kind, first.strategy, first.reason, first.why) == ("target", "hidden", "UNEXPLAINED", HIDDEN)
    assert {(one.kind, one.strategy) for one in report.bars.differences} == {("target", "hidden")}
    assert report.unexplained >= 2
