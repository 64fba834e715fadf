"""The ledger against the exchange's own account, and the halt switch, in a demo of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from .running import Program, Row, ask, fills, ledger, ninefold, rest_of, stored

pytestmark = pytest.mark.slow

E8 = 10**8
SECOND_NS = 10**9
OPEN = {"intended", "sent", "unknown", "working", "partly_filled"}
Units = dict[str, int]  # asset to 10**-8 of it


class Trading:
    """A demo that has traded and was then halted from the command line. opening: the exchange's account before the first order."""

    def __init__(self, program: Program, data_dir: Path, opening: Units, resting: Units) -> None:
        self.program = program
        self.data_dir = data_dir
        self.opening = opening
        self.resting = resting  # the exchange's account while halted, nothing under way


@pytest.fixture(scope="module")
def halted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trading]:
    folder = tmp_path_factory.mktemp("account")
    data_dir = folder / "data"
    program = Program(folder, "demo", "--rate", "100", "--json", "--port", "0", "--data-dir", data_dir)
    try:
        program.url()
        rest = rest_of(data_dir)
        state = ask(f"{rest}/sim/v1/state")
        assert state["orders"] == 0, "the account is looked at before the first order"
        program.until(lambda: len(fills(data_dir)) >= 3, "three fills")
        by_hand = ninefold("order", "buy", "0.01", "BTC/USDT", "--json", "--data-dir", data_dir)
        assert by_hand.status == 0, by_hand.out
        program.until(lambda: _filled_by_hand(data_dir), "what was bought by hand is held")
        assert ninefold("halt", "--data-dir", data_dir, "--reason", "to count").status == 0
        program.until(lambda: _refusals(data_dir), "an order is refused because of the halt")
        program.until(lambda: _nothing_open(data_dir), "no order is under way")
        resting = _account(rest)
        program.until(lambda: _balances(data_dir) == resting, f"the last balances that were told are {resting}", 20.0)
        yield Trading(program, data_dir, _units(state), resting)
    finally:
        program.end()


def test_opening_balances_and_fills_less_fees_are_the_exchanges_account_to_the_last_unit(halted: Trading) -> None:
    of = {row["id"]: row for row in stored(halted.data_dir, "select * from instruments")}
    held = dict(halted.opening)
    for fill in fills(halted.data_dir).values():
        instrument = of[fill["instrument"]]
        price = Decimal(fill["price"]) / int(instrument["price_unit"])
        size = Decimal(fill["size"]) / int(instrument["size_unit"])
        held[instrument["base"]] += fill["side"] * _e8(size)
        held[instrument["quote"]] -= fill["side"] * _e8(price * size)
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
    for refused in _refusals(halted.data_dir):
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
        lambda: _intended_after(halted.data_dir, resumed[-1]["seq"]), "an order is intended again", 60.0
    )
    assert ninefold("status", "--json", "--data-dir", halted.data_dir).json["halted"] is None
    halted.program.interrupt()
    assert halted.program.result().status == 0


def test_the_run_decides_the_same_again_and_other_fills_are_explained_in_full(halted: Trading) -> None:
    found = ninefold("parity", halted.data_dir, "--json")
    said = found.json
    assert (found.status, said["unexplained"], said["notes"]) == (0, 0, [])
    recorded, simulated = said["recorded"], said["simulated"]
    assert recorded["differences"] == [] and recorded["same"] == recorded["compared"]
    assert recorded["compared"]["fill"] >= 3 and recorded["compared"]["refusal"] >= 1
    assert recorded["equity"] == said["equity"]
    assert set(simulated["by_reason"]) == {"fill model"}
    assert said["bars"]["same"]["target"] == said["bars"]["compared"]["target"] > 0


def _account(rest: str) -> Units:
    return _units(ask(f"{rest}/sim/v1/state"))


def _units(state: Row) -> Units:
    balances = state["account"]["balances"]
    return {asset: _e8(Decimal(one["free"])) + _e8(Decimal(one["locked"])) for asset, one in balances.items()}


def _e8(amount: Decimal) -> int:
    units = amount * E8
    assert units == int(units), f"{amount} is finer than the exchange counts"
    return int(units)


def _balances(data_dir: Path) -> Units:
    return {one["asset"]: one["free"] + one["locked"] for one in ledger(data_dir, "balance")}


def _refusals(data_dir: Path) -> list[Row]:
    return [
        one
        for one in ledger(data_dir, "order")
        if one["status"] == "refused" and one["reason"].startswith("kill switch")
    ]


def _filled_by_hand(data_dir: Path) -> bool:
    return any(one["status"] == "filled" and one["strategies"] == ["hand"] for one in ledger(data_dir, "order"))


def _nothing_open(data_dir: Path) -> bool:
    newest = {one["client_order_id"]: one["status"] for one in ledger(data_dir, "order")}
    return OPEN.isdisjoint(newest.values())


def _intended_after(data_dir: Path, seq: int) -> list[Row]:
    return [one for one in ledger(data_dir, "order") if one["status"] == "intended" and one["seq"] > seq]
