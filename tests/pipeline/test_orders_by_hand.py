"""Orders by hand in a demo: `ninefold order` and `cancel` against the simulated exchange, and a kill -9 while a stop is held."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import pytest

from ninefold.services.asked_for import family, lines, plain
from ninefold.services.selling import booked
from ninefold.services.statuses import is_running

from .running import Program, ask, ninefold, rest_of, until

pytestmark = pytest.mark.slow

FAR_BELOW, FAR_ABOVE = "30000", "90000"


def started(folder: Path, data_dir: Path) -> Program:
    program = Program(folder, "demo", "--json", "--port", "0", "--data-dir", data_dir)
    program.url()
    program.until(lambda: is_running(data_dir, time.time_ns()), "it runs")
    return program


def order(data_dir: Path, *words: str) -> list[dict[str, Any]]:
    """What became of an order, taken again while the market is not known yet."""

    def taken() -> Any:
        found = ninefold("order", *words, "--json", "--data-dir", data_dir)
        return found.out and found.json["orders"] and found.status == 0 and found.json["orders"]

    return list(until(taken, f"order {words} is taken"))


def of(data_dir: Path, order_id: str) -> dict[str, Any]:
    """One order as `ninefold status` tells of it."""
    [line] = lines(
        [one for one in family(data_dir, order_id) if one.client_order_id == order_id], booked(data_dir).registry
    )
    return dict(plain([line])[0])


def locked(data_dir: Path) -> str:
    """What the exchange keeps for resting orders."""
    return str(ask(f"{rest_of(data_dir)}/sim/v1/state")["account"]["balances"]["USDT"]["locked"])


def test_orders_by_hand_reach_the_exchange_and_what_we_hold_is_held_again_after_a_kill(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    program = started(tmp_path / "first", data_dir)
    try:
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
        program.result()
    finally:
        program.end()
    program = started(tmp_path / "second", data_dir)
    try:
        assert [of(data_dir, one)["where"] for one in mine] == ["held by us"] * 3
        assert locked(data_dir) == "290.00000000", "not lost, and not there twice"
        done = ninefold("cancel", entry["order"], "--json", "--data-dir", data_dir)
        assert [one["status"] for one in done.json["orders"] if one["order"] == entry["order"]] == ["cancelled"]
        assert locked(data_dir) == "0.00000000"
        program.until(lambda: of(data_dir, stop["order"])["where"] == "over", "its exits are over with it")
        assert ninefold("cancel", held["order"], "--data-dir", data_dir).status == 0
        assert of(data_dir, held["order"])["where"] == "over"
        assert ninefold("cancel", "nf-nobody", "--data-dir", data_dir).status == 2
    finally:
        program.end()
