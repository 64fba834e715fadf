"""`ninefold download --pairs BTC/USDT ETH/USDT --timeframe 1m 5m --timerange 20240101-20240601 [--venue binance] [--json]`."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ninefold.commands.certify import print_columns
from ninefold.commands.failing import plainly
from ninefold.commands.known import KNOWN
from ninefold.commands.progress import shown_progress
from ninefold.history.download import TRADES, Wanted, download
from ninefold.history.outcome import Outcome, moment
from ninefold.history.table import HISTORIES
from ninefold.history.venue import CannotDownload
from ninefold.market.time import DAY_NS, MINUTE_NS, TIMEFRAMES
from ninefold.store.timerange import parse_timerange
from ninefold.venues.table import VENUES

DEFAULT_DAYS = 30
DEFAULT_TIMEFRAMES = ("1m", "5m")
SETTLED_NS = MINUTE_NS  # the newest minute is left to the next download: the venue may still change it
INTERRUPTED = 130
MOST_HOLES = 10  # that are listed for people; --json has all


def run(
    pairs: Annotated[list[str], typer.Option("--pairs", "-p", help="such as BTC/USDT, as many as you like")],
    timeframe: Annotated[
        list[str] | None,
        typer.Option("--timeframe", "--timeframes", "-t", help=f"{' '.join(TIMEFRAMES)}, or trades; 1m 5m if left out"),
    ] = None,
    timerange: Annotated[
        str | None, typer.Option(help="20240101-20240601, 20240101-; the last 30 days if left out")
    ] = None,
    dl_trades: Annotated[bool, typer.Option("--dl-trades", help="trades too; they alone without --timeframe")] = False,
    venue: Annotated[str, typer.Option("--venue", "--exchange", help=f"{', '.join(HISTORIES)}")] = "binance",
    data_dir: Annotated[Path, typer.Option("--data-dir", "--datadir", "-d", help="where it is kept")] = Path("data"),
    rest_url: Annotated[
        str, typer.Option(help="another address than the venue's own, for example a simulated exchange")
    ] = "",
    archive_url: Annotated[str, typer.Option(help="another address of the venue's files")] = "",
    json_: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Fetch what is missing of a range from a venue and its public archive, check it, and keep it beside what is captured.
    It may be interrupted at any moment; the same command goes on.
    """
    began = time.monotonic()
    with plainly(CannotDownload, *KNOWN):
        wanted = _wanted(venue, pairs, timeframe, dl_trades, timerange, rest_url, archive_url, time.time_ns())
        try:
            with shown_progress() as progress:
                outcomes = asyncio.run(download(wanted, data_dir, time.time_ns, progress, _tell))
        except KeyboardInterrupt:
            print("ninefold: interrupted; what came is stored, the same command goes on", file=sys.stderr)
            sys.exit(INTERRUPTED)
    if json_:
        print(json.dumps(_document(wanted, outcomes, data_dir, time.monotonic() - began)))
    else:
        _print(wanted, outcomes)


def _wanted(
    venue: str,
    pairs: Sequence[str],
    timeframes: Sequence[str] | None,
    trades: bool,
    timerange: str | None,
    rest_url: str,
    archive_url: str,
    now_ns: int,
) -> Wanted:
    """raises: CannotDownload naming what is allowed."""
    if venue not in HISTORIES:
        raise CannotDownload(f"there is no history of a venue {venue!r}; allowed are {', '.join(HISTORIES)}")
    what = tuple(timeframes or (() if trades else DEFAULT_TIMEFRAMES))
    for one in what:
        if one not in TIMEFRAMES and one != TRADES:
            raise CannotDownload(f"there is no timeframe {one!r}; allowed are {' '.join(TIMEFRAMES)} and {TRADES}")
    start_ns, end_ns = _range(timerange, now_ns)
    archive = HISTORIES[venue].archive
    if not archive_url and not rest_url and archive is not None:
        archive_url = archive.url
    return Wanted(
        venue=venue,
        pairs=tuple(pairs),
        what=(TRADES, *what) if trades else what,
        start_ns=start_ns,
        end_ns=end_ns,
        rest_url=(rest_url or VENUES[venue].rest_url).rstrip("/"),
        archive_url=archive_url.rstrip("/") if archive is not None else "",
    )


def _range(timerange: str | None, now_ns: int) -> tuple[int, int]:
    try:
        start_ns, end_ns = parse_timerange(timerange)
    except ValueError as error:
        raise CannotDownload(str(error)) from error
    if start_ns is None and timerange:
        raise CannotDownload(
            f"timerange {timerange!r} has no beginning; write START-END or START-, for example 20240101-"
        )
    start_ns = now_ns // DAY_NS * DAY_NS - DEFAULT_DAYS * DAY_NS if start_ns is None else start_ns
    if start_ns >= now_ns:
        raise CannotDownload(
            f"timerange {timerange!r} begins in the future: it is {moment(now_ns)} by this machine's clock; ask for the past"
        )
    end_ns = now_ns if end_ns is None else end_ns
    return start_ns, min(end_ns, now_ns - SETTLED_NS)


def _tell(text: str) -> None:
    print(f"ninefold: {text}", file=sys.stderr, flush=True)


def _document(wanted: Wanted, outcomes: list[Outcome], data_dir: Path, seconds: float) -> dict[str, object]:
    return {
        "venue": wanted.venue,
        "data_dir": str(data_dir),
        "from": moment(wanted.start_ns),
        "to": moment(wanted.end_ns),
        "seconds": round(seconds, 3),
        "requests": sum(one.requests for one in outcomes),
        "downloads": [{**msgspec.to_builtins(one), "missing": one.missing} for one in outcomes],
    }


def _print(wanted: Wanted, outcomes: list[Outcome]) -> None:
    print(f"{wanted.venue}, {moment(wanted.start_ns)} to {moment(wanted.end_ns)}")
    lines: list[tuple[str, ...]] = [
        ("pair", "what", "asked", "already", "stored", "missing", "verified", "as by trades", "seconds", "requests")
    ]
    for one in outcomes:
        same = f"{one.compared - one.differing:,} of {one.compared:,}" if one.compared else "-"
        counts = (f"{count:,}" for count in (one.asked, one.already, one.stored, one.missing, one.verified))
        lines.append((one.pair, one.what, *counts, same, f"{one.seconds:.1f}", f"{one.requests:,}"))
    print_columns(lines)
    for one in outcomes:
        for hole in one.holes[:MOST_HOLES]:
            print(f"missing: {one.pair} {one.what} {hole.first} to {hole.last} ({hole.count:,})")
        if len(one.holes) > MOST_HOLES:
            print(f"missing: {one.pair} {one.what}: {len(one.holes) - MOST_HOLES:,} more; --json lists all")
