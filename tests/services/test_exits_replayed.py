"""A replay whose strategy has exits: they are traded on paper, explained, and come out the same again, also over a restart."""

import subprocess
import sys
from pathlib import Path

import pytest

from ninefold.backtest.models import LatencyModel
from ninefold.config import Strategies
from ninefold.market.records import Decision, Fill, Order
from ninefold.market.strategy_records import Guard
from ninefold.services.explain import explain
from ninefold.services.parity import Report, parity
from ninefold.services.replay import replay
from ninefold.store.ledger import LedgerReader

from .recorded import write_session

pytestmark = pytest.mark.slow

MINE = '''
from ninefold.strategy import Exits, Strategy


class Stopped(Strategy):
    """Long from a bar that rises, until it loses a little, wins a little more, or after four bars."""

    timeframe = "1s"
    entry = "close > open"
    exits = Exits(stop_loss="0.0003", take_profit="0.0006", trailing="0.0004", bars=4)


class Plain(Strategy):
    """Long while the close is above its mean."""

    timeframe = "1s"
    target = "where(close > sma(close, 3), 1, 0)"


class Elsewhere(Strategy):
    """Long from a bar after which the other instrument has risen over five seconds, until it has fallen."""

    timeframe = "1s"
    entry = 'at("binance:ETH/USDT", on("5s", close > open))'
    exit = 'at("binance:ETH/USDT", on("5s", close < open))'
    exits = Exits(bars=3)


class Daily(Strategy):
    """Nothing yet, with a part of the capital, so that an order of the others is within the limits."""

    timeframe = "1d"
    target = "0 * close / close"


class Weekly(Daily):
    """The same."""


class Knowing(Strategy):
    """Long from a bar that rises, for three bars."""

    timeframe = "1s"
    target = "where(position > 0, where(bars_held >= 3, 0, 1), where(close > open, 1, 0))"
'''
ALONE = (
    MINE
    + """

class Joining(Strategy):
    '''Long from a bar that rises while the other instrument did over five seconds, for three bars or until it loses a little.'''

    timeframe = "1s"
    entry = '(close > open) & at("binance:ETH/USDT", on("5s", close > open))'
    exit = "bars_held >= 3"
    exits = Exits(stop_loss="0.0002")


class Monthly(Daily):
    '''The same.'''


class Yearly(Daily):
    '''The same.'''
"""
)
NAMES = ("stopped", "plain", "elsewhere", "daily", "weekly", "knowing")
ENDED = """
import os, sys
from pathlib import Path
from ninefold.config import Strategies
from ninefold.services.replay import replay
left = 6

def ends():
    global left
    left -= 1
    if left < 0:
        os._exit(9)
    return 150

source, data_dir, folder, *names = sys.argv[1:]
replay(Path(source), Path(data_dir), ends, strategies=Strategies(names=tuple(names), folder=folder))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exits")
    (folder / "mine.py").write_text(MINE)
    write_session(folder / "session.jsonl.gz", 40)
    return folder


def chosen(folder: Path) -> Strategies:
    return Strategies(names=NAMES, folder=str(folder / "mine.py"))


@pytest.fixture(scope="module")
def run(folder: Path) -> Path:
    """Not to be changed."""
    replay(folder / "session.jsonl.gz", folder / "data", latency=LatencyModel(), strategies=chosen(folder))
    return folder / "data"


def report_of(data_dir: Path) -> Report:
    return parity(data_dir, lambda what, done, total: None)


def test_each_kind_of_exit_goes_off_and_sells(run: Path):
    events = LedgerReader(run).events()
    left = [event.left for event in events if isinstance(event, Guard) and event.left]
    assert {"stop loss", "take profit", "time exit"} <= set(left)
    sales = [
        one for one in events if isinstance(one, Order) and one.status == "filled" and "stopped set off" in one.reason
    ]
    assert sales and all(one.side < 0 for one in sales)
    filled = {event.client_order_id for event in events if isinstance(event, Fill)}
    assert {one.client_order_id for one in sales} <= filled


def test_an_exit_is_explained_and_decided_the_same_again(run: Path):
    events = LedgerReader(run).events()
    sale = next(one for one in events if isinstance(one, Order) and "stopped set off" in one.reason)
    found = explain(run, sale.client_order_id, lambda what, done, total: None)
    assert found.same, found.differences
    wish = next(wish for wish in found.wishes if wish.strategy == "stopped")
    assert wish.target == 0 and wish.left is not None and wish.left.left in sale.reason
    assert isinstance(found.decided, Decision) and found.decided.targets["stopped"] == 0


def test_the_run_is_the_same_again_and_every_difference_has_a_reason(run: Path):
    report = report_of(run)
    assert report.recorded is not None and report.bars is not None and report.simulated is not None
    assert report.recorded.compared["exit"] > 10
    assert report.recorded.differences == [] == report.simulated.differences
    assert report.unexplained == 0, [one for one in report.differences if one.reason == "UNEXPLAINED"][:3]
    assert [one for one in report.bars.differences if one.again.startswith("stop loss: sell")]


def test_a_strategy_that_reads_another_instrument_and_width_trades_and_is_the_same_again(run: Path):
    report = report_of(run)
    assert report.bars is not None
    targets = [one for one in report.bars.differences if one.strategy == "elsewhere" and one.kind.startswith("target")]
    assert targets == [] and 200 < report.bars.compared["target"] == report.recorded.compared["target"]
    assert {one.left for one in exits_of(run) if one.strategy == "elsewhere"} == {"time exit", ""}


@pytest.mark.torture
def test_a_replay_that_was_killed_and_went_on_leaves_and_enters_as_if_it_had_not(
    folder: Path, run: Path, tmp_path: Path
):
    asked = [str(folder / "session.jsonl.gz"), str(tmp_path), str(folder / "mine.py"), *NAMES]
    assert subprocess.run([sys.executable, "-c", ENDED, *asked], timeout=120).returncode == 9
    begun = exits_of(tmp_path)
    replay(folder / "session.jsonl.gz", tmp_path, strategies=chosen(folder))
    assert 0 < len(begun) < len(exits_of(run)) and exits_of(tmp_path) == exits_of(run)
    assert report_of(tmp_path).unexplained == 0


def test_one_that_knows_what_it_holds_reads_other_series_and_leaves_by_its_exits(folder: Path, tmp_path: Path):
    (tmp_path / "mine.py").write_text(ALONE)
    alone = Strategies(names=("joining", "daily", "weekly", "monthly", "yearly"), folder=str(tmp_path / "mine.py"))
    replay(folder / "session.jsonl.gz", tmp_path / "data", latency=LatencyModel(), strategies=alone)
    report = report_of(tmp_path / "data")
    assert report.bars is not None and report.recorded is not None
    assert report.recorded.differences == [] == [one for one in report.bars.differences if one.kind != "bar fill"]
    assert report.unexplained == 0 and report.bars.compared["target"] > 50
    assert {one.left for one in exits_of(tmp_path / "data")} == {"stop loss", ""}
    orders = [one for one in LedgerReader(tmp_path / "data").events() if isinstance(one, Order)]
    assert any("stop loss of joining" in one.reason for one in orders if one.status == "filled")


def exits_of(data_dir: Path) -> list[Guard]:
    return [event for event in LedgerReader(data_dir).events() if isinstance(event, Guard)]
