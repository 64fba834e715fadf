"""A replay of a strategy that quotes beside another one: its quotes rest, are replaced, are its own, and come out the same again."""

import subprocess
import sys
from pathlib import Path

import pytest

from ninefold.backtest.models import LatencyModel
from ninefold.config import Strategies
from ninefold.execution.booked import Booked
from ninefold.market.records import Crossed, Fill, Order
from ninefold.services.explain import explain
from ninefold.services.parity import parity
from ninefold.services.replay import replay
from ninefold.store.ledger import LedgerReader

from .quoting import MINE
from .recorded import write_session

pytestmark = pytest.mark.slow

NAMES = ("around", "plain")
TICK, LOT = 100, 1_000  # in the units of this recording


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quoting")
    (folder / "mine.py").write_text(MINE)
    write_session(folder / "session.jsonl.gz", 13)
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Path:
    """Not to be changed."""
    played(folder, folder / "data")
    return folder / "data"


def played(folder: Path, data_dir: Path) -> None:
    chosen = Strategies(names=NAMES, folder=str(folder / "mine.py"))
    replay(folder / "session.jsonl.gz", data_dir, latency=LatencyModel(), strategies=chosen)


def of(data_dir: Path, *kinds: type) -> list:
    return [one for one in LedgerReader(data_dir).events() if isinstance(one, kinds)]


def quotes(data_dir: Path, status: str) -> list[Order]:
    return [one for one in of(data_dir, Order) if one.strategies == ("around",) and one.status == status]


def test_a_bid_rests_two_ticks_below_the_best_and_an_ask_only_of_what_is_held(run: Path):
    first = next(one for one in quotes(run, "sent") if one.instrument == 1)
    assert (first.side, first.order_type, first.size) == (1, "post_only", 10 * 100 * LOT)
    assert first.price % TICK == 0
    ask = next(one for one in quotes(run, "sent") if one.instrument == 1 and one.side < 0)
    held = sum(one.size for one in of(run, Fill) if one.client_order_id == first.client_order_id)
    fee = held // 1_000
    assert ask.size == (held - fee) // LOT * LOT, "of what was bought, less the fee"
    assert all(
        one.maker
        for one in of(run, Fill)
        if one.client_order_id in {each.client_order_id for each in quotes(run, "sent")}
    )


def test_one_side_has_one_quote_at_a_time_and_the_next_leaves_when_the_old_one_is_over(run: Path):
    resting: dict[tuple[int, int], str] = {}
    replaced = 0
    for one in of(run, Order):
        if one.strategies != ("around",):
            continue
        key = (one.instrument, one.side)
        if one.status == "sent":
            assert key not in resting, "the old one is still there"
            resting[key] = one.client_order_id
        elif one.status in ("filled", "cancelled", "rejected", "expired"):
            assert resting.pop(key) == one.client_order_id
            replaced += one.status == "cancelled"
    assert replaced >= 4


def test_what_quotes_brought_is_theirs_and_sums_are_the_account(run: Path):
    booked = Booked()
    for event in LedgerReader(run).events():
        booked.fold(event)
    attribution = booked.account.attribution
    assert attribution.fills["around"] > 3 and attribution.fills["plain"] > 3
    assert not any("around" in one.taken for one in of(run, Crossed))
    for asset, amount in booked.account.traded.items():
        assert sum(amounts.get(asset, 0) for amounts in attribution.amounts.values()) == amount
    most = 3_000_000  # 0.03 of base
    held = 0
    for one in of(run, Fill):
        if one.instrument == 1 and one.client_order_id in {each.client_order_id for each in quotes(run, "sent")}:
            held += one.side * one.size
            assert 0 <= held <= most * 10


def test_parity_finds_no_difference_without_a_reason(run: Path):
    report = parity(run, lambda what, done, total: None)
    assert report.unexplained == 0
    assert report.recorded.differences == [] == report.simulated.differences
    assert report.recorded.compared["order"] > 60
    differ = [one for one in report.bars.differences if one.kind == "quote fill"]
    assert {one.reason for one in differ} == {"fill model"}, "quotes met it that a queue would not have"
    assert report.bars.compared["quote fill"] == len(quotes(run, "sent")) > report.bars.same["quote fill"] > 20


def test_a_quote_is_explained_and_decided_the_same_again(run: Path):
    found = explain(run, quotes(run, "cancelled")[-1].client_order_id, lambda what, done, total: None)
    assert found.same, found.differences
    wish = next(wish for wish in found.wishes if wish.strategy == "around")
    assert "min(bid, close) - 2 * tick" in wish.formula and wish.bar is not None


@pytest.mark.torture
@pytest.mark.parametrize("cut", range(40, 360, 23))
def test_a_replay_that_was_killed_and_went_on_is_explained(folder: Path, run: Path, tmp_path: Path, cut: int):
    """A cancel that was under way is told once more, and later: fills may differ by that, their sums are the account still."""
    asked = [str(folder / "session.jsonl.gz"), str(tmp_path), str(folder / "mine.py"), str(cut), *NAMES]
    assert subprocess.run([sys.executable, "-c", KILLED, *asked], timeout=120).returncode == 9
    played(folder, tmp_path)
    assert parity(tmp_path, lambda what, done, total: None).unexplained == 0
    booked = Booked()
    for event in LedgerReader(tmp_path).events():
        booked.fold(event)
    assert booked.account.differences() == {}


KILLED = """
import os, sys
from pathlib import Path
from ninefold.config import Strategies
from ninefold.backtest.models import LatencyModel
from ninefold.services.replay import replay

source, data_dir, mine, cut, *names = sys.argv[1:]

def progress(count):
    if count >= int(cut):
        os._exit(9)

chosen = Strategies(names=tuple(names), folder=mine)
replay(Path(source), Path(data_dir), batch=1, progress=progress, latency=LatencyModel(), strategies=chosen)
"""
