"""Summaries as a table for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table


def print_summary(found: Mapping[str, object]) -> None:
    """One row a key; latencies as p50 and p99 in a unit a person can read."""
    table = Table(show_header=False, box=None, pad_edge=False)
    for key, value in found.items():
        table.add_row(key.replace("_", " "), shown(value))
    Console().print(table)


def print_attribution(found: Mapping[str, Any]) -> None:
    """A row a strategy, the account last."""
    table = Table(box=None, pad_edge=False)
    for head in ("strategy", "fills", "amounts", "fees", "positions"):
        table.add_column(head, justify="right" if head == "fills" else "left")
    for row in found["strategies"]:
        parts = (shown(row[key]) for key in ("amounts", "fees", "positions"))
        table.add_row(row["strategy"] or "(nobody)", str(row["fills"]), *parts)
    account = found["account"]
    table.add_row("account", "", shown(account["amounts"]), "", shown(account["positions"]))
    Console().print(table)


def shown(value: object) -> str:
    if isinstance(value, Mapping) and set(value) == {"p50_ns", "p99_ns"}:
        return f"p50 {duration(value['p50_ns'])}, p99 {duration(value['p99_ns'])}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {shown(one)}" for key, one in value.items()) or "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(shown, value)) or "-"
    if isinstance(value, int):
        return f"{value:,}"
    return "-" if value is None else str(value)


def duration(nanoseconds: int | None) -> str:
    """
    >>> duration(1_500), duration(-1_272_000_000), duration(None)
    ('1.50 us', '-1.27 s', '-')
    """
    if nanoseconds is None:
        return "-"
    for unit, size in (("s", 10**9), ("ms", 10**6), ("us", 10**3)):
        if abs(nanoseconds) >= size:
            return f"{nanoseconds / size:.2f} {unit}"
    return f"{nanoseconds} ns"
