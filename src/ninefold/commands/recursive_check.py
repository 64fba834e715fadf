"""`ninefold recursive-check --strategy trend_ema_1m --bars btc.parquet [--json]`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ninefold.commands import asked as options
from ninefold.commands.asked import asked, print_json, wanted_of
from ninefold.services.backtest_recursive import recursive_check

MOST_LENGTHS = 6  # columns of the table; --json has all


def run(
    strategy: options.Strategy,
    strategies: options.Strategies = None,
    set_: options.Settings = None,
    bars: options.BarsFile = None,
    instrument: options.Instrument = None,
    timerange: options.Timerange = None,
    timeframe: options.Timeframe = "1m",
    holes: options.AHoles = "refuse",
    data_dir: options.DataDir = Path("data"),
    json_: options.Json = False,
) -> None:
    """Which values of a strategy's formula change when less history is loaded, and how much history it takes that none does."""
    wanted = wanted_of(locals())
    with asked():
        found = recursive_check(wanted)
    if json_:
        print_json(found)
    else:
        _print(found)


def _print(found: dict[str, Any]) -> None:
    print(
        f"{found['strategy']}: the last {found['compared']} values, from {found['compared_from']} on, with less history than all "
        f"{found['bars']:,} bars"
    )
    step = -(-len(found["lengths"]) // MOST_LENGTHS)
    shown = [length for length in found["lengths"][::step]]
    lines = Table(
        "part of the formula",
        "warm-up",
        *(f"{length:,} before" for length in shown),
        "same from",
        box=None,
        pad_edge=False,
    )
    for term in found["terms"]:
        same = "never" if term["agrees_from"] is None else f"{term['agrees_from']:,} bars"
        lines.add_row(term["term"], f"{term['warm_up']:,}", *map(_off, term["differs"][::step]), same)
    Console().print(lines)
    whole = found["terms"][-1]["agrees_from"]
    if whole is None:
        print("What the strategy wants still depends on how much history is loaded: load as much as the back-test had.")
    else:
        print(f"What the strategy wants is the same from {whole:,} bars of history on.")


def _off(value: float) -> str:
    if value == 0:
        return "same"
    return "unknown" if value == float("inf") else f"{value:.1e}"
