"""A replay of strategies with legs: filled together or brought back, netted, refused as a whole, the same again, explained."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ninefold.backtest.models import LatencyModel
from ninefold.config import BadConfig, Strategies
from ninefold.execution.booked import Booked
from ninefold.execution.legs_rule import HELD, REFUSED, SENT, UNWINDING, UNWOUND
from ninefold.market.records import Crossed, Has, Order
from ninefold.market.strategy_records import LegsMoved
from ninefold.services.explain import explain
from ninefold.services.parity import parity
from ninefold.services.replay import replay
from ninefold.store.ledger import LedgerReader

from .legged import MINE
from .recorded import write_session

pytestmark = pytest.mark.slow

PAIRS = ("BTC/USDT", "ETH/USDT")
IDLE = ("daily", "weekly", "yearly")
NAMES = ("both", "cheap", "plain", *IDLE)
DRY = (6, 7)  # seconds in which nothing can be bought of the second leg
PATIENCE = LatencyModel(patience_ns=400_000_000)  # an order that gets nothing is over before the next bar


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("legged")
    (folder / "mine.py").write_text(MINE)
    write_session(folder / "session.jsonl.gz", 13, dry=DRY)
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Path:
    """Not to be changed."""
    played(folder, folder / "data")
    return folder / "data"


def played(folder: Path, data_dir: Path, names: tuple[str, ...] = NAMES, **how: object) -> None:
    chosen = Strategies(
        names=names, folder=str(folder / "mine.py"), legs=dict.fromkeys(("both", "cheap", "pair", "uneven"), PAIRS)
    )
    replay(folder / "session.jsonl.gz", data_dir, latency=PATIENCE, strategies=chosen, **how)


def of(data_dir: Path, *kinds: type) -> list:
    return [one for one in LedgerReader(data_dir).events() if isinstance(one, kinds)]


def states(data_dir: Path, name: str) -> list[str]:
    return [one.state for one in of(data_dir, LegsMoved) if one.strategy == name and one.state != "waiting"]


def test_legs_leave_at_one_tick_and_are_held_when_both_are_filled(run: Path):
    first, done = [one for one in of(run, LegsMoved) if one.strategy == "both"][1:3]
    sent = {one.instrument: one for one in of(run, Order) if one.seq == first.seq and one.status == "sent"}
    assert (first.state, done.state) == (SENT, HELD)
    assert first.orders == {number: one.client_order_id for number, one in sent.items()} and len(sent) == 2


def test_a_leg_that_could_not_be_filled_brings_the_other_one_back(run: Path):
    moved = [one for one in of(run, LegsMoved) if one.strategy == "both"]
    place = next(place for place, one in enumerate(moved) if one.state == UNWINDING)
    assert [one.state for one in moved[place - 1 : place + 3]] == [SENT, UNWINDING, UNWINDING, UNWOUND]
    assert moved[place].why == "there binance:ETH/USDT could not be filled"
    (back,) = moved[place + 1].orders.values()
    order = next(one for one in of(run, Order) if one.client_order_id == back)
    assert (order.side, order.instrument) == (-1, 1) and "both are unwound" in order.reason
    after = Booked()
    for event in LedgerReader(run).events():
        if event.seq <= moved[place + 2].seq:
            after.fold(event)
    held = {number: after.account.attribution.held("both", number) for number in (1, 2)}
    before = moved[place].before
    assert all(abs(held[number] - before[number]) < 13_000 for number in held), "less than the venue takes an order for"


def test_they_are_netted_with_other_strategies_and_sums_are_the_account(run: Path):
    assert any({"both", "plain"} <= set(one.strategies) for one in of(run, Order) if one.filled)
    assert any("cheap" in one.taken for one in of(run, Crossed))
    booked = Booked()
    for event in LedgerReader(run).events():
        booked.fold(event)
    mine = booked.account.attribution.amounts
    for asset, amount in booked.account.traded.items():
        assert sum(amounts.get(asset, 0) for amounts in mine.values()) == amount
    assert booked.account.differences() == {}


def test_parity_finds_no_difference(run: Path):
    report = parity(run, lambda what, done, total: None)
    assert [
        one for played in report.played().values() for one in played.differences if one.reason == "UNEXPLAINED"
    ] == []
    assert report.recorded.differences == [] == report.simulated.differences
    assert report.recorded.compared["legs"] > 12
    assert report.bars.compared["target"] == report.recorded.compared["target"] > 60


def test_an_order_is_explained_with_all_legs_and_decided_the_same_again(run: Path):
    order = next(one for one in of(run, Order) if one.strategies == ("both",) and "unwound" in one.reason)
    found = explain(run, order.client_order_id, lambda what, done, total: None)
    assert found.same, found.differences
    assert (
        isinstance(found.has, Has)
        and "both has the legs here binance:BTC/USDT, there binance:ETH/USDT" in found.has.text
    )
    wish = next(wish for wish in found.wishes if wish.strategy == "both")
    assert wish.legs is not None and wish.legs.state == UNWINDING and wish.legs.why in order.reason


@pytest.mark.torture
@pytest.mark.parametrize("cut", range(40, 380, 23))
def test_a_replay_that_was_killed_and_went_on_has_the_same_account(folder: Path, run: Path, tmp_path: Path, cut: int):
    asked = [str(folder / "session.jsonl.gz"), str(tmp_path), str(folder / "mine.py"), str(cut), *NAMES]
    assert subprocess.run([sys.executable, "-c", KILLED, *asked], timeout=120).returncode == 9
    played(folder, tmp_path)
    assert books(tmp_path) == books(run)
    assert parity(tmp_path, lambda what, done, total: None).unexplained == 0


def test_risk_refuses_all_legs_or_none(folder: Path, tmp_path: Path):
    played(folder, tmp_path, ("uneven",))
    refused = [one for one in of(tmp_path, Order) if one.status == "refused"]
    first = [one for one in refused if one.seq == refused[0].seq]
    assert [one.instrument for one in first] == [1, 2] and first[0].reason.startswith("order size: binance:BTC/USDT")
    assert "the legs of uneven are refused: risk refused here binance:BTC/USDT: order size" in first[1].reason
    assert REFUSED in states(tmp_path, "uneven") and not any(one.filled for one in of(tmp_path, Order))


def test_a_leg_that_would_be_short_is_refused_before_anything_starts_and_leaves_nothing_open(
    folder: Path, tmp_path: Path
):
    before = set(threading.enumerate())
    with pytest.raises(BadConfig, match="its leg there has the weight -1, and the account is one of spot"):
        played(folder, tmp_path, ("pair",))
    assert set(threading.enumerate()) <= before


def books(data_dir: Path) -> list[object]:
    """What changed the account and the legs; of an order under way a restart is told once more how it stands."""
    return [
        one
        for one in LedgerReader(data_dir).events()
        if isinstance(one, Crossed | LegsMoved) or type(one).__name__ == "Fill"
    ]


KILLED = """
import os, sys
from pathlib import Path
from ninefold.backtest.models import LatencyModel
from ninefold.config import Strategies
from ninefold.services.replay import replay

source, data_dir, mine, cut, *names = sys.argv[1:]
pairs = dict.fromkeys(("both", "cheap"), ("BTC/USDT", "ETH/USDT"))
chosen = Strategies(names=tuple(names), folder=mine, legs=pairs)
latency = LatencyModel(patience_ns=400_000_000)

def progress(count):
    if count >= int(cut):
        os._exit(9)

replay(Path(source), Path(data_dir), batch=1, progress=progress, latency=latency, strategies=chosen)
"""
