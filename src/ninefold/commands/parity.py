"""`ninefold parity RUN [--json] [--fills recorded|simulated]`: does a run decide the same again?"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from ninefold.commands.failing import plainly
from ninefold.commands.known import KNOWN
from ninefold.commands.progress import shown_progress
from ninefold.execution.money import DECIMALS
from ninefold.execution.reasons import Difference
from ninefold.market.numbers import to_text
from ninefold.services.identity import UnreadableIdentity
from ninefold.services.lives import NoParity
from ninefold.services.parity import FILLS, Report, parity
from ninefold.services.played import Played

SHOWN = 20  # differences of a table; --json has all
TITLES = {
    "recorded": "with the acknowledgements and fills that were recorded",
    "simulated": "with the fills of the simulated market",
    "bars": "against back-tests of each strategy alone on the bars of the run",
}


def run(
    run_: Annotated[Path, typer.Argument(metavar="RUN", help="the data dir of a run of demo, up or replay")],
    json_: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
    fills: Annotated[
        str, typer.Option(help="whose fills: recorded or simulated; left out: both, one after the other")
    ] = "",
) -> None:
    """Play the input log of a run again, only reading it, and name every decision or fill that differs, with the reason.
    Exit status 1 if a difference is not explained.
    """
    if fills not in ("", *FILLS):
        raise typer.BadParameter(f"{fills!r}; fills may be {' or '.join(FILLS)}, or left out", param_hint="--fills")
    with plainly(NoParity, UnreadableIdentity, *KNOWN), shown_progress() as progress:
        report = parity(run_, progress, (fills,) if fills else FILLS)
    if json_:
        print(json.dumps(as_json(report)))
    else:
        _print(report, Console())
    sys.exit(1 if report.unexplained else 0)


def as_json(report: Report) -> dict[str, object]:
    """Nanosecond times are strings, as everywhere in JSON; equity is in the quote asset."""
    said: dict[str, object] = {
        "run": report.run,
        "lives": report.lives,
        "equity": _money(report.equity),
        "notes": report.notes,
        "unexplained": report.unexplained,
    }
    for name, played in report.played().items():
        said[name] = {
            "compared": played.compared,
            "same": played.same,
            "by_reason": dict(Counter(one.reason for one in played.differences)),
            "equity": _money(played.equity),
            "differences": [_difference(one) for one in played.differences],
        }
    return said


def _difference(one: Difference) -> dict[str, object]:
    return {**msgspec.to_builtins(one), "known_ns": str(one.known_ns)}


def _money(amount: int | None) -> str | None:
    return None if amount is None else to_text(amount, DECIMALS)


def _print(report: Report, console: Console) -> None:
    console.print(
        f"run {report.run}, starts: {report.lives}, equity {_money(report.equity) or 'not known'}", highlight=False
    )
    for note in report.notes:
        console.print(f"  {note}", highlight=False)
    for name, played in report.played().items():
        money = "" if played.equity is None else f": equity {_money(played.equity)}"
        console.print(f"\n{TITLES[name]}{money}", highlight=False)
        console.print(_table(played))
        _print_differences(played, console)
    words = "every difference is explained" if not report.unexplained else f"UNEXPLAINED: {report.unexplained}"
    console.print(f"\n{words if report.differences else 'nothing differs'}", highlight=False)


def _table(played: Played) -> Table:
    reasons = sorted({one.reason for one in played.differences})
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for column in ("compared", "same", *reasons):
        table.add_column(column, justify="right")
    kinds = dict.fromkeys([*played.compared, *(one.kind for one in played.differences)])
    for kind in kinds:
        differ = Counter(one.reason for one in played.differences if one.kind == kind)
        numbers = (played.compared.get(kind, 0), played.same.get(kind, 0), *(differ[reason] for reason in reasons))
        table.add_row(kind, *(f"{number:,}" for number in numbers))
    return table


def _print_differences(played: Played, console: Console) -> None:
    for one in played.differences[:SHOWN]:
        who = " ".join(filter(None, (one.instrument, one.strategy)))
        console.print(f"seq {one.seq:,} {one.kind} {who} {one.what}: {one.reason} ({one.why})", highlight=False)
        console.print(f"    run: {one.run}; again: {one.again}", highlight=False)
    left = len(played.differences) - SHOWN
    if left > 0:
        console.print(f"... and {left:,} more; --json has all", highlight=False)
