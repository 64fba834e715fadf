"""Positions, money and fees by strategy, as rows for people and programs.

In:  the account as its events tell it; what amounts are worth, if somebody knows. Out: JSON-ready rows that sum to the account.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ninefold.api.rows import Json, money_text
from ninefold.execution.attribution import total
from ninefold.execution.booked import Booked

Worth = Callable[[str, int], int | None]  # asset and amount to its worth in the account's quote


def attribution(booked: Booked, worth: Worth | None = None) -> Json:
    """worth: leaves the key out where it is not given."""
    mine, account = booked.account.attribution, booked.account
    rows: list[Json] = []
    for name in mine.strategies:
        amounts = mine.amounts[name]
        row = {
            "strategy": name or None,
            "fills": mine.fills.get(name, 0),
            "amounts": _texts(amounts),
            "fees": _texts(mine.fees.get(name, {})),
            "positions": _positions(booked, mine.positions(name)),
        }
        rows.append(row if worth is None else {**row, "worth": _sum(amounts, worth)})
    sums = total(mine.amounts.values())
    return {
        "strategies": rows,
        "account": {"amounts": _texts(account.traded), "positions": _positions(booked, account.positions)},
        "adds_up": {asset: amount for asset, amount in sums.items() if amount}
        == {asset: amount for asset, amount in account.traded.items() if amount},
    }


def _texts(amounts: Mapping[str, int]) -> Json:
    return {asset: money_text(amount) for asset, amount in sorted(amounts.items()) if amount}


def _positions(booked: Booked, amounts: Mapping[int, int]) -> Json:
    return {booked.registry[one].name: money_text(amount) for one, amount in sorted(amounts.items()) if amount}


def _sum(amounts: Mapping[str, int], worth: Worth) -> str | None:
    found = [worth(asset, amount) for asset, amount in amounts.items() if amount]
    known = [one for one in found if one is not None]
    return money_text(sum(known)) if len(known) == len(found) else None
