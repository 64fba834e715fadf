"""`ninefold collect --check VENUE`: connect to a venue's public data for a while and say what came.

Recording is what `ninefold up` and `ninefold service collect` do.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Column, Table

from ninefold.commands.failing import plainly
from ninefold.config import BadConfig, Config, Venue, validated
from ninefold.services.check import Report, check
from ninefold.venues.refused import Refused

PAIRS = ("BTC/USDT", "ETH/USDT")


def run(
    check_: Annotated[str, typer.Option("--check", metavar="VENUE", help="the venue, as `ninefold venues` lists it")],
    pairs: Annotated[list[str] | None, typer.Option(help="such as BTC/USDT ETH/USDT, which is the default")] = None,
    seconds: Annotated[float, typer.Option(min=2.0, max=3600.0, help="how long to listen")] = 15.0,
    rest_url: Annotated[str, typer.Option(help="only to ask another address, such as a simulated exchange")] = "",
    stream_url: Annotated[str, typer.Option(help="only to listen at another address")] = "",
    json_: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Listen to a venue and report. Exit status 1 if anything was wrong; nothing is kept."""
    with plainly(BadConfig, Refused):
        venue = Venue(name=check_, pairs=tuple(pairs or PAIRS), rest_url=rest_url, stream_url=stream_url)
        validated(Config(venue=venue), "ninefold collect")
        report = asyncio.run(_watched(venue, seconds, json_))
    if json_:
        print(msgspec.json.encode(report).decode())
    else:
        _show(report)
    sys.exit(1 if report.problems else 0)


async def _watched(venue: Venue, seconds: float, quiet: bool) -> Report:
    checking = asyncio.ensure_future(check(venue, seconds))
    console = Console(stderr=True)
    for _ in track(range(round(seconds)), f"listening to {venue.name}", console=console, disable=quiet, transient=True):
        done, _ = await asyncio.wait({checking}, timeout=1.0)
        if done:
            break
    return await checking


def _show(report: Report) -> None:
    console = Console()
    offset = "unknown" if report.clock_offset_s is None else f"{report.clock_offset_s * 1000:+.0f} ms (delay included)"
    console.out(
        f"{report.venue}: {'connected' if report.connected else 'NOT CONNECTED'}, {report.frames:,} frames in "
        f"{report.seconds:.0f} s, our clock less theirs {offset}"
    )
    table = Table(Column("instrument", no_wrap=True), "trades", "book changes", "quotes", "bid", "ask", "rules")
    for one in report.instruments:
        numbers = (f"{number:,}" for number in (one.trades, one.book_changes, one.quotes))
        table.add_row(one.instrument, *numbers, one.bid, one.ask, "known" if one.rules_known else "UNKNOWN")
    if report.instruments:
        console.print(table)
    streams = Table("stream", "last frame")
    for name, age_s in report.streams.items():
        streams.add_row(name, "none yet" if age_s is None else f"{age_s:.1f} s ago")
    if report.streams:
        console.print(streams)
    for problem in report.problems:
        console.out(f"WRONG: {problem}", style="bold")
