"""Legs of a paper run against back-tests of them: with the fills that were known nothing differs, and what is planted is named."""

from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from ninefold.backtest.models import LatencyModel
from ninefold.config import Strategies
from ninefold.execution.legs_moved import LegsBooked
from ninefold.execution.reasons import Difference
from ninefold.market.records import AnyRecord, Order
from ninefold.market.strategy_records import LegsMoved
from ninefold.services.parity import Report, parity
from ninefold.services.parity_legs import at_last_of_input
from ninefold.services.replay import replay

from .legged import MINE
from .recorded import write_session

pytestmark = pytest.mark.slow

PAIRS = ("BTC/USDT", "ETH/USDT")
AT_ONCE = LatencyModel(order_ns=0, patience_ns=400_000_000)
DRY = (6, 7)  # seconds in which nothing can be bought of the second leg


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("legged")
    (folder / "mine.py").write_text(MINE)
    write_session(folder / "session.jsonl.gz", 13, dry=DRY)
    played(folder, "both", "both", "daily", "weekly", "yearly")
    return folder


def played(folder: Path, out: str, *names: str) -> None:
    legs = dict.fromkeys(("both", "cheap", "uneven"), PAIRS)
    chosen = Strategies(names=names, folder=str(folder / "mine.py"), legs=legs)
    replay(folder / "session.jsonl.gz", folder / out, latency=AT_ONCE, strategies=chosen)


def report_of(data_dir: Path) -> Report:
    return parity(data_dir, lambda what, done, total: None, ("recorded",))


def found(report: Report, kind: str) -> list[Difference]:
    return [one for one in report.bars.differences if one.kind == kind]


def test_with_known_fills_no_move_differs_and_at_the_next_opens_each_leg_has_its_reason(folder: Path):
    report = report_of(folder / "both")
    assert report.unexplained == 0
    assert (report.bars.compared["legs"], report.bars.same["legs"]) == (5, 5)
    fills = found(report, "leg fill")
    assert {one.reason for one in fills} == {"fill model"} and report.bars.compared["leg fill"] == len(fills) == 11
    # a fourth of the capital of 5000 USDT times 0.4 is 500 USDT: 0.01249 BTC; 40018.50 is 14.50 or 3.62 bps above the open
    assert fills[0].run == "buy 0.01249 BTC at 40018.5 USDT" and fills[0].again.startswith(
        "buy 0.01249 BTC at 40004 USDT"
    )
    assert "+3.62 bps" in fills[0].why
    back = next(one for one in fills if one.again == "nothing")
    assert back.run.startswith("sell") and back.why == "a leg that no quote filled in time had trades in its bar"
    missed = next(one for one in fills if one.run == "nothing")
    assert missed.instrument == "binance:ETH/USDT" and missed.why == "the market showed no size in time"


def test_a_size_is_less_by_fees_and_by_no_more(folder: Path, monkeypatch: pytest.MonkeyPatch):
    first = next(one for one in found(report_of(folder / "both"), "leg fill") if one.run.startswith("sell"))
    assert "it held less, by fees" in first.why

    def half(one: AnyRecord) -> AnyRecord:
        is_sale = isinstance(one, Order) and one.seq >= 158 and one.side < 0
        return msgspec.structs.replace(one, size=one.size // 2) if is_sale else one

    alter(monkeypatch, half, fills=2)
    report = report_of(folder / "both")
    less = next(one for one in found(report, "leg fill") if one.seq == first.seq and one.run.startswith("sell 0.00"))
    assert (less.reason, less.why) == ("UNEXPLAINED", "no rule explains it")


def alter(monkeypatch: pytest.MonkeyPatch, change: Callable[[AnyRecord], AnyRecord | None], fills: int = 1) -> None:
    """What the ledger says of legs, with some of its records changed, or without them. fills: their sizes are so many times smaller."""
    of = LegsBooked.of

    def altered(events: Iterable[AnyRecord]) -> LegsBooked:
        booked = of([kept for one in events if (kept := change(one)) is not None])
        for told in booked.fills.values():
            for trade, fill in list(told.items()):
                if fill.side < 0:
                    told[trade] = msgspec.structs.replace(fill, size=fill.size // fills)
        return booked

    monkeypatch.setattr("ninefold.services.parity_legs.LegsBooked.of", altered)


def test_a_leg_that_was_filled_and_brought_the_others_back_all_the_same_is_unexplained(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    def filled(one: AnyRecord) -> AnyRecord:
        missed = isinstance(one, Order) and one.status in ("expired", "partly_filled")
        return msgspec.structs.replace(one, status="filled") if missed else one

    alter(monkeypatch, filled)
    [one] = found(report_of(folder / "both"), "legs")
    assert (one.seq, one.reason, one.why) == (214, "UNEXPLAINED", "the rule says otherwise of the same fills")
    assert one.run.startswith("brought back: 0.0124") and one.again.startswith("held: 0.0124")


def test_a_move_that_the_run_did_not_make_or_made_of_another_size_is_unexplained(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    def other(one: AnyRecord) -> AnyRecord | None:
        if isinstance(one, LegsMoved) and one.seq < 158:
            return msgspec.structs.replace(one, wanted={1: 1_300_000, 2: one.wanted[2]})
        return None if isinstance(one, LegsMoved) and one.seq >= 298 else one

    alter(monkeypatch, other)
    sizes, missing = found(report_of(folder / "both"), "legs")
    assert (sizes.reason, sizes.why) == ("UNEXPLAINED", "its part of the capital is another amount at the same quote")
    assert (missing.reason, missing.run) == ("UNEXPLAINED", "nothing")


def test_one_leg_that_risk_refuses_is_named_and_so_is_what_the_others_would_have_got(folder: Path):
    played(folder, "uneven", "uneven")
    report = report_of(folder / "uneven")
    assert report.unexplained == 0
    refused = found(report, "legs")
    assert refused and {one.reason for one in refused} == {"risk"}
    assert all("risk refused here binance:BTC/USDT: order size" in one.why for one in refused)
    assert {one.reason for one in found(report, "leg fill")} >= {"risk"}


def test_a_parameter_that_changed_since_is_named_of_each_move_that_follows(folder: Path):
    played(folder, "changed", "both", "daily", "weekly", "yearly")
    mine = folder / "mine.py"
    mine.write_text(MINE.replace('{"here": 0.4, "there": 0.4}', '{"here": 0.3, "there": 0.4}'))
    try:
        report = report_of(folder / "changed")
    finally:
        mine.write_text(MINE)
    assert report.unexplained == 0
    moved = found(report, "legs")
    assert len(moved) >= 3 and {one.reason for one in moved} == {"code"}
    assert "0.4" in moved[0].why and "0.3" in moved[0].why


def test_bars_that_became_known_with_one_input_are_decided_once_at_the_last_of_them():
    to = np.array([[7, 2, 3, 4, 5], [0, 8, 9, 1, 1]])
    assert at_last_of_input(to, np.array([5, 6, 6, 6, 9])).tolist() == [[7, 7, 7, 4, 5], [0, 0, 0, 1, 1]]
    assert at_last_of_input(to, np.array([5, 5, 5, 6, 9])).tolist() == [[0, 0, 3, 4, 5], [0, 0, 9, 1, 1]]
