"""One demo of the generated market through three starts: its summary, the ledger against the exchange's own account, the
halt switch, orders by hand, a kill -9 while stops are held, Ctrl-C."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psutil
import pytest

from ninefold.services.statuses import is_running

from .running import STOP_S, Program, Result, ask, count, fills, ledger, ninefold, records, rest_of, stored
from .trading import (
    Units,
    account,
    balances,
    e8,
    intended_after,
    is_filled_by_hand,
    is_nothing_open,
    locked,
    of,
    order,
    refusals,
    worth,
)

pytestmark = pytest.mark.slow

SECOND_NS = 10**9
FAR_BELOW, FAR_ABOVE = "30000", "90000"
COUNTS = (
    *("frames", "trades", "book_changes", "bars", "indicators", "forecasts", "targets"),
    *("may", "has", "orders", "fills", "gaps"),
)
LATENCIES = ("exchange_to_receive", "receive_to_store", "receive_to_decision")
IDS = "select instrument, min(id_lo) as first, max(id_lo) as last, count(*) as rows, count(distinct id_lo) as ids from trades group by 1"


class Begun:
    """The first start: seven seconds, unattended. opening: the exchange's account before the first order."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data_dir = folder, folder / "data"
        program = self.start("first", "--seconds", "7")
        try:
            program.url()
            assert ask(f"{rest_of(self.data_dir)}/sim/v1/state")["orders"] == 0, "looked at before the first order"
            self.opening: Units = account(rest_of(self.data_dir))
            self.result: Result = program.result()
        finally:
            program.end()
        self.ids = {row["instrument"]: row for row in stored(self.data_dir, IDS)}
        self.last_seq = stored(self.data_dir, "select max(seq) as seq from books")[0]["seq"]
        self.worth = worth(self.data_dir)

    def start(self, name: str, *options: str) -> Program:
        arguments = ("--rate", "100", "--json", "--port", "0", "--data-dir", self.data_dir)
        return Program(self.folder / name, "demo", *options, *arguments)

    def has_more(self) -> bool:
        """Whether trades and equity were told again since the first start."""
        now = {row["instrument"]: row for row in stored(self.data_dir, IDS)}
        grown = sum(now[one]["rows"] > self.ids[one]["rows"] for one in self.ids)
        return grown >= len(self.ids) - 1 and len(worth(self.data_dir)) > len(self.worth)  # one instrument is quiet


class Trading:
    """The second start: it has traded and was then halted from the command line."""

    def __init__(self, program: Program, data_dir: Path, resting: Units) -> None:
        self.program, self.data_dir = program, data_dir
        self.resting = resting  # the exchange's account while halted, nothing under way


class Killed:
    """The third start, after a kill -9, and its end. mine: orders that we hold, for whom it must hold them again."""

    def __init__(self, begun: Begun, entry: str, mine: list[str]) -> None:
        self.data_dir = begun.data_dir
        program = begun.start("third")
        try:
            program.url()
            program.until(lambda: is_running(self.data_dir, time.time_ns()), "it runs")
            self.held = [of(self.data_dir, one)["where"] for one in mine]
            self.locked = locked(self.data_dir)
            self.cancelled = ninefold("cancel", entry, "--json", "--data-dir", self.data_dir).json
            self.locked_then = locked(self.data_dir)
            for exit_ in mine[:2]:
                program.until(
                    lambda exit_=exit_: of(self.data_dir, exit_)["where"] == "over", "its exits are over with it"
                )
            self.statuses = [
                ninefold("cancel", one, "--data-dir", self.data_dir).status for one in (mine[2], "nf-nobody")
            ]
            self.left = of(self.data_dir, mine[2])["where"]
            self.family = program.family()
            self.took_s = program.interrupt()
        finally:
            program.end()
        self.result = program.result()


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Begun:
    return Begun(tmp_path_factory.mktemp("account"))


@pytest.fixture(scope="module")
def halted(begun: Begun) -> Iterator[Trading]:
    data_dir, program = begun.data_dir, begun.start("second")
    try:
        program.url()
        program.until(begun.has_more, "trades of all but the quiet instrument, and equity, are told again")
        program.until(lambda: len(fills(data_dir)) >= 3, "three fills")
        order(data_dir, "buy", "0.01", "BTC/USDT")
        program.until(lambda: is_filled_by_hand(data_dir), "what was bought by hand is held")
        assert ninefold("halt", "--data-dir", data_dir, "--reason", "to count").status == 0
        program.until(lambda: refusals(data_dir), "an order is refused because of the halt")
        program.until(lambda: is_nothing_open(data_dir), "no order is under way")
        resting = account(rest_of(data_dir))
        program.until(lambda: balances(data_dir) == resting, f"the last balances that were told are {resting}", 20.0)
        yield Trading(program, data_dir, resting)
    finally:
        program.end()


@pytest.fixture(scope="module")
def killed(begun: Begun, halted: Trading) -> Killed:
    """Of the second start, trading again, while an order rests there and stops are held by us."""
    data_dir, program = begun.data_dir, halted.program
    [bought] = order(data_dir, "buy", "0.005", "BTC/USDT")
    program.until(lambda: of(data_dir, bought["order"])["where"] == "over", "a market order is filled")
    entry, stop, target = order(
        data_dir, "buy", "0.005", "BTC/USDT", "--type", "limit", "--price", "58000",
        "--stop", FAR_BELOW, "--take-profit", FAR_ABOVE,
    )  # fmt: skip
    program.until(lambda: of(data_dir, entry["order"]).get("status") == "working", "the limit rests there")
    assert locked(data_dir) == "290.00000000"
    [held] = order(data_dir, "sell", "0.005", "BTC/USDT", "--type", "stop", "--trigger", FAR_BELOW, "--reduce-only")
    mine = [stop["order"], target["order"], held["order"]]
    assert [of(data_dir, one)["where"] for one in mine] == ["held by us"] * 3
    [hot] = [one for one in program.family() if "hot" in one.cmdline()]
    hot.send_signal(signal.SIGKILL)
    assert program.result().status != 0
    return Killed(begun, entry["order"], mine)


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


def test_opening_balances_and_fills_less_fees_are_the_exchanges_account_to_the_last_unit(
    begun: Begun, halted: Trading
) -> None:
    of = {row["id"]: row for row in stored(halted.data_dir, "select * from instruments")}
    held = dict(begun.opening)
    for fill in fills(halted.data_dir).values():
        instrument = of[fill["instrument"]]
        price = Decimal(fill["price"]) / int(instrument["price_unit"])
        size = Decimal(fill["size"]) / int(instrument["size_unit"])
        held[instrument["base"]] += fill["side"] * e8(size)
        held[instrument["quote"]] -= fill["side"] * e8(price * size)
        held[fill["fee_asset"]] -= fill["fee"]
    assert held == halted.resting


def test_the_exchange_counts_the_same_fills(halted: Trading) -> None:
    assert ask(f"{rest_of(halted.data_dir)}/sim/v1/state")["fills"] == len(fills(halted.data_dir))


def test_no_order_was_intended_more_than_a_second_after_the_halt(halted: Trading) -> None:
    since_ns = json.loads((halted.data_dir / "halt.json").read_bytes())["since_ns"]
    later = [
        one
        for one in ledger(halted.data_dir, "order")
        if one["status"] == "intended" and one["known_ns"] > since_ns + SECOND_NS
    ]
    assert later == []


def test_refusals_say_who_halted_and_why(halted: Trading) -> None:
    for refused in refusals(halted.data_dir):
        assert "to count" in refused["reason"] and "ninefold resume" in refused["reason"]


def test_flatten_sells_all_that_is_held_although_trading_is_halted(halted: Trading) -> None:
    found = ninefold("flatten", "--json", "--data-dir", halted.data_dir)
    said = found.json
    assert (found.status, said["flat"], said["running"]) == (0, True, True)
    assert all("least" in line for line in said["left"]), said
    held = {name: one for name, one in said["held"].items() if not any(name in line for line in said["left"])}
    assert held == {}
    assert ledger(halted.data_dir, "flattened")[-1]["by"] == ledger(halted.data_dir, "flatten")[-1]["by"]
    sold = [one for one in ledger(halted.data_dir, "order") if one["strategies"] == ["flatten"]]
    assert sold and {one["side"] for one in sold} == {-1} and all(one["reduce_only"] for one in sold)


def test_strategies_together_are_the_account_to_the_last_unit(halted: Trading) -> None:
    url = halted.program.url()
    for found in (
        ninefold("status", "--json", "--data-dir", halted.data_dir).json["attribution"],
        ask(f"{url}/api/v1/attribution"),
    ):
        assert found["adds_up"] is True and found["strategies"]
        for asset, amount in found["account"]["amounts"].items():
            parts = [Decimal(one["amounts"].get(asset, "0")) for one in found["strategies"]]
            assert sum(parts) == Decimal(amount)
    assert "account" in str(ninefold("status", "--attribution", "--data-dir", halted.data_dir).out)


def test_status_shows_the_halt_and_resume_lets_orders_go_on(halted: Trading) -> None:
    shown = ninefold("status", "--json", "--data-dir", halted.data_dir).json
    assert shown["halted"]["reason"] == "to count" and shown["running"] is True
    assert shown["open_orders"] == 0
    assert ninefold("resume", "--data-dir", halted.data_dir).status == 0
    resumed = halted.program.until(lambda: ledger(halted.data_dir, "resumed"), "the pipeline has resumed")
    halted.program.until(
        lambda: intended_after(halted.data_dir, resumed[-1]["seq"]), "an order is intended again", 60.0
    )
    assert ninefold("status", "--json", "--data-dir", halted.data_dir).json["halted"] is None


def test_orders_by_hand_reach_the_exchange_and_what_we_hold_is_held_again_after_a_kill(killed: Killed) -> None:
    assert killed.held == ["held by us"] * 3
    assert killed.locked == "290.00000000", "not lost, and not there twice"
    assert _cancelled(killed.cancelled) and killed.locked_then == "0.00000000"
    assert killed.statuses == [0, 2] and killed.left == "over"


def _cancelled(said: Any) -> bool:
    return "cancelled" in [one["status"] for one in said["orders"]]


def test_ctrl_c_ends_it_at_once_with_no_process_left(killed: Killed) -> None:
    assert killed.result.status == 0, killed.result.err
    assert killed.took_s < STOP_S
    assert len(killed.family) >= 4, "the command, the exchange, the hot and the cold process"
    assert [one for one in killed.family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE] == []
    assert killed.result.json["trades"] > 0


def test_the_next_start_goes_on(begun: Begun, killed: Killed) -> None:
    for instrument, row in {row["instrument"]: row for row in stored(killed.data_dir, IDS)}.items():
        whole = row["last"] - row["first"] + 1
        assert row["rows"] == row["ids"] == whole, f"instrument {instrument}: a hole or a double in {row}"
        if instrument in begun.ids:
            assert row["first"] == begun.ids[instrument]["first"]
    started = records(killed.data_dir, "started")
    assert len(started) == 3 and started[1]["seq"] > begun.last_seq, "the numbers go on"
    waiting: dict[int, int] = {}  # instrument to open gaps
    for gap in records(killed.data_dir, "gap"):
        if gap["stream"] == "trades":
            waiting[gap["instrument"]] = 0 if gap["healed"] else waiting.get(gap["instrument"], 0) + 1
    assert not any(waiting.values()), f"gaps that were not healed: {waiting}"
    now, before = worth(killed.data_dir), begun.worth
    assert len(now) > len(before) > 0
    assert abs(now[len(before)] / before[-1] - 1) < 0.02, f"equity went from {before[-1]} to {now[len(before)]}"


def test_the_run_decides_the_same_again_and_other_fills_are_explained_in_full(killed: Killed) -> None:
    found = ninefold("parity", killed.data_dir, "--json")
    said = found.json
    assert (found.status, said["unexplained"], said["notes"]) == (0, 0, [])
    recorded, simulated = said["recorded"], said["simulated"]
    assert recorded["differences"] == [] and recorded["same"] == recorded["compared"]
    assert recorded["compared"]["fill"] >= 3 and recorded["compared"]["refusal"] >= 1
    assert recorded["equity"] == said["equity"]
    assert set(simulated["by_reason"]) == {"fill model"}
    assert said["bars"]["same"]["target"] == said["bars"]["compared"]["target"] > 0
