"""`ninefold certify --data-dir D [--instrument NAME] [--json]`: how complete each hour of each instrument is, and which part of
what is stored says so: what was captured, downloaded or imported, or several of them together.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from ninefold.commands.failing import plainly
from ninefold.market.instruments import UnknownInstrument
from ninefold.market.numbers import INT64_MAX
from ninefold.market.records import Gap
from ninefold.market.time import HOUR_NS, TIMEFRAME_OF
from ninefold.store.beside_certificates import BESIDE, DOWNLOADED, PROVEN, certified, parts_of
from ninefold.store.certificates import Certificate
from ninefold.store.completeness import how_imported, how_told
from ninefold.store.completeness_told import utc
from ninefold.store.data_dir import NoDataDir, WrongFormat
from ninefold.store.forms import instruments_wanted
from ninefold.store.read import Reader
from ninefold.store.told_bars import Told, told_bars, widths_told


def run(
    data_dir: Annotated[
        Path, typer.Option(help="the data dir of a pipeline, a replay, a download or an import")
    ] = Path("data"),
    instrument: Annotated[str | None, typer.Option(help="such as binance:BTC/USDT; all if left out")] = None,
    json_: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """The certificate of every hour, newest hours last: complete, healed, gap known, or cannot tell."""
    with plainly(NoDataDir, WrongFormat, UnknownInstrument):
        lines = sorted(_lines(data_dir, instrument), key=lambda one: (one.hour_ns, one.instrument, one.width_ns))
    if json_:
        print(json.dumps({"certificates": [_plain(one) for one in lines]}))
        return
    shown = [("hour (UTC)", "instrument", "of", "part", "state", "trades", "missing", "from", "to", "how")]
    for one in lines:
        trades, missing = ("?" if count is None else f"{count:,}" for count in (one.trades, one.missing))
        span = f"{utc(one.from_ns):%H:%M:%S}", f"{utc(one.to_ns):%H:%M:%S}"
        of = one.instrument, one.of, one.part, one.state
        shown.append((f"{utc(one.hour_ns):%Y-%m-%d %H:%M}", *of, trades, missing, *span, one.how))
    print_columns(shown)


class Line(NamedTuple):
    """of: "trades", or "bars 1m" where bars of an hour stand there whose trades are not proven. part: where they come from.

    trades: None of bars; missing: trades or bars, None where nobody can count.
    """

    hour_ns: int
    instrument: str
    width_ns: int
    of: str
    part: str
    state: str
    first_id: int | None
    last_id: int | None
    trades: int | None
    missing: int | None
    from_ns: int
    to_ns: int
    how: str
    revision: int


def _lines(data_dir: Path, instrument: str | None) -> Iterator[Line]:
    reader = Reader(data_dir)
    wanted = instruments_wanted(reader.registry(), instrument)
    gaps = [one for one in reader.records([Gap]) if isinstance(one, Gap) and one.stream == "trades"]
    parts = parts_of(reader, wanted)
    for name, versions in wanted.items():
        ids = {one.id for one in versions}
        mine = [one for one in gaps if one.instrument in ids]
        proven = set()
        for found, part in certified(reader, versions, parts[name], mine, 0, INT64_MAX):
            yield _of_trades(name, found, part)
            if found.state in PROVEN:
                proven.add(found.hour_ns)
        for part, place in BESIDE.items():
            for width_ns in widths_told(reader, versions, place):
                for told in told_bars(reader, versions, width_ns, place).hours():
                    if not proven.issuperset(range(told.from_ns // HOUR_NS * HOUR_NS, told.to_ns, HOUR_NS)):
                        yield _of_bars(name, width_ns, part, told)


def _of_trades(name: str, one: Certificate, part: str) -> Line:
    ids, count = (one.first_id, one.last_id), (one.trades, one.missing)
    return Line(
        one.hour_ns, name, 0, "trades", part, one.state, *ids, *count, one.from_ns, one.to_ns, one.how, one.revision
    )


def _of_bars(name: str, width_ns: int, part: str, told: Told) -> Line:
    hour, timeframe = told.from_ns // HOUR_NS * HOUR_NS, TIMEFRAME_OF[width_ns]
    whole, how = ("complete", how_told) if part == DOWNLOADED else ("cannot tell", how_imported)
    state, span = "gap known" if told.lost else whole, (told.from_ns, told.to_ns)
    if told.lost_from_ns is not None and told.lost_to_ns is not None:
        span = told.lost_from_ns, told.lost_to_ns
    missing = told.lost if told.lost or part == DOWNLOADED else None
    said = how(told, timeframe)
    return Line(hour, name, width_ns, f"bars {timeframe}", part, state, None, None, None, missing, *span, said, 0)


def print_columns(lines: Sequence[Sequence[str]]) -> None:
    """Cells below each other, never cut: the last column may be long."""
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _plain(one: Line) -> dict[str, object]:
    """Times and ids as text: they exceed what a number in JSON can hold exactly."""
    exact = ("hour_ns", "from_ns", "to_ns", "first_id", "last_id")
    texts = {name: None if (value := getattr(one, name)) is None else str(value) for name in exact}
    hour = f"{utc(one.hour_ns):%Y-%m-%dT%H:%M:%SZ}"
    return {"hour": hour} | {name: value for name, value in one._asdict().items() if name != "width_ns"} | texts
