"""`ninefold certify --data-dir D [--instrument NAME] [--json]`: how complete each hour of each instrument is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ninefold.commands.failing import plainly
from ninefold.market.instruments import UnknownInstrument
from ninefold.market.time import HOUR_NS, MINUTE_NS, SECOND_NS
from ninefold.store.certificates import Certificate
from ninefold.store.completeness import WORST_FIRST, Completeness
from ninefold.store.data_dir import NoDataDir, WrongFormat
from ninefold.store.forms import instruments_wanted
from ninefold.store.read import Reader

SHOWN_HOLES = 3


def run(
    data_dir: Annotated[Path, typer.Option(help="the data dir of a pipeline or a replay")] = Path("data"),
    instrument: Annotated[str | None, typer.Option(help="such as binance:BTC/USDT; all if left out")] = None,
    json_: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """The certificate of every hour with trades, newest hours last: complete, healed, gap known, or cannot tell."""
    with plainly(NoDataDir, WrongFormat, UnknownInstrument):
        reader = Reader(data_dir)
        wanted = instruments_wanted(reader.registry(), instrument)
        names = {one.id: name for name, versions in wanted.items() for one in versions}
        found = [(names[one.instrument], one) for one in reader.certificates() if one.instrument in names]
    found.sort(key=lambda pair: (pair[1].hour_ns, pair[0], pair[1].instrument))
    if json_:
        print(json.dumps({"certificates": [_plain(name, one) for name, one in found]}))
        return
    lines = [("hour (UTC)", "instrument", "state", "trades", "missing", "from", "to", "how")]
    for name, one in found:
        missing = "?" if one.missing is None else f"{one.missing:,}"
        span = f"{_utc(one.from_ns):%H:%M:%S}", f"{_utc(one.to_ns):%H:%M:%S}"
        lines.append(
            (f"{_utc(one.hour_ns):%Y-%m-%d %H:%M}", name, one.state, f"{one.trades:,}", missing, *span, one.how)
        )
    print_columns(lines)


def line_of(one: Completeness) -> str:
    """One line: what of the time is complete, and what is not."""
    if not one.spans:
        return f"{one.instrument}: no trades are stored"
    days = [f"{_utc(at):%Y-%m-%d}" for at in (one.from_ns, one.to_ns - 1)]
    same_day = days[0] == days[1]
    shown = "%H:%M:%S" if same_day else "%Y-%m-%d %H:%M:%S"
    parts = []
    for state in reversed(WORST_FIRST):
        lasted_ns = sum(span.to_ns - span.from_ns for span in one.spans if span.state == state)
        if not lasted_ns:
            continue
        part = f"{_lasted(lasted_ns)} {state}"
        if state == "gap known":
            holes = [f"{_utc(hole.from_ns):{shown}}-{_utc(hole.to_ns):%H:%M:%S}" for hole in one.holes]
            more = f" and {len(holes) - SHOWN_HOLES} more" if len(holes) > SHOWN_HOLES else ""
            gaps = "1 gap known" if len(holes) == 1 else f"{len(holes)} gaps known"
            part = f"{_lasted(lasted_ns)} with {gaps} {', '.join(holes[:SHOWN_HOLES])}{more}"
        parts.append(part)
    return f"{one.instrument} {days[0] if same_day else ' to '.join(days)}: {', '.join(parts)}"


def _lasted(duration_ns: int) -> str:
    for unit, size in (("h", HOUR_NS), ("min", MINUTE_NS)):
        if duration_ns >= size:
            return f"{round(duration_ns / size, 1):g} {unit}"
    return f"{duration_ns / SECOND_NS:.3g} s"


def print_columns(lines: Sequence[Sequence[str]]) -> None:
    """Cells below each other, never cut: the last column may be long."""
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _plain(name: str, one: Certificate) -> dict[str, object]:
    """Times and ids as text: they exceed what a number in JSON can hold exactly."""
    ids = {key: None if id is None else str(id) for key, id in (("first_id", one.first_id), ("last_id", one.last_id))}
    return {
        "instrument": name,
        "hour": f"{_utc(one.hour_ns):%Y-%m-%dT%H:%M:%SZ}",
        "hour_ns": str(one.hour_ns),
        "state": one.state,
        "from_ns": str(one.from_ns),
        "to_ns": str(one.to_ns),
        **ids,
        "trades": one.trades,
        "missing": one.missing,
        "how": one.how,
        "revision": one.revision,
    }


def _utc(time_ns: int) -> datetime:
    return datetime.fromtimestamp(time_ns // SECOND_NS, UTC)
