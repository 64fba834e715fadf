"""What the tests of a demo's account look at: orders, what is held and owed, in our ledger and at the exchange.

In:  a data dir. Out: orders as people see them, balances in units of 10**-8, and whether something has happened yet.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from ninefold.services.asked_for import family, lines, plain
from ninefold.services.selling import booked

from .running import Row, ask, ledger, ninefold, rest_of, until

E8 = 10**8
OPEN = {"intended", "sent", "unknown", "working", "partly_filled"}
Units = dict[str, int]  # asset to 10**-8 of it


def order(data_dir: Path, *words: str) -> list[dict[str, Any]]:
    """What became of an order by hand, taken again while the market is not known yet."""

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


def account(rest: str) -> Units:
    """What the exchange says is held, free and locked."""
    balances = ask(f"{rest}/sim/v1/state")["account"]["balances"]
    return {asset: e8(Decimal(one["free"])) + e8(Decimal(one["locked"])) for asset, one in balances.items()}


def locked(data_dir: Path) -> str:
    """What the exchange keeps for resting orders."""
    return str(ask(f"{rest_of(data_dir)}/sim/v1/state")["account"]["balances"]["USDT"]["locked"])


def e8(amount: Decimal) -> int:
    units = amount * E8
    assert units == int(units), f"{amount} is finer than the exchange counts"
    return int(units)


def balances(data_dir: Path) -> Units:
    """The last that were told."""
    return {one["asset"]: one["free"] + one["locked"] for one in ledger(data_dir, "balance")}


def worth(data_dir: Path) -> list[int]:
    """The equity each time it was told."""
    return [int(event["value"]) for event in ledger(data_dir, "equity") if event["value"] is not None]


def refusals(data_dir: Path) -> list[Row]:
    """Orders that were refused because of the halt."""
    refused = [one for one in ledger(data_dir, "order") if one["status"] == "refused"]
    return [one for one in refused if one["reason"].startswith("kill switch")]


def is_filled_by_hand(data_dir: Path) -> bool:
    return any(one["status"] == "filled" and one["strategies"] == ["hand"] for one in ledger(data_dir, "order"))


def is_nothing_open(data_dir: Path) -> bool:
    newest = {one["client_order_id"]: one["status"] for one in ledger(data_dir, "order")}
    return OPEN.isdisjoint(newest.values())


def intended_after(data_dir: Path, seq: int) -> list[Row]:
    return [one for one in ledger(data_dir, "order") if one["status"] == "intended" and one["seq"] > seq]
