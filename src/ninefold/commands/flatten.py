"""`ninefold flatten`: sell what is held, now, whatever the strategies want."""

from __future__ import annotations

import getpass
import json
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ninefold.commands.failing import plainly
from ninefold.market.instruments import UnknownInstrument
from ninefold.services import halt
from ninefold.services.selling import Selling, booked, selling
from ninefold.services.statuses import is_running
from ninefold.store.data_dir import NoDataDir, WrongFormat, check_data_dir
from ninefold.store.ledger import LedgerReader

LOOK_S = 0.2


def run(
    data_dir: Annotated[Path, typer.Option(help="the data dir of the pipeline")] = Path("data"),
    instrument: Annotated[str, typer.Option(help="only this one, for example binance:BTC/USDT")] = "",
    wait: Annotated[float, typer.Option(min=0, help="seconds to wait for the end of it")] = 30.0,
    json_: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Cancel what is on order and sell what is held, at once. All of it halts trading too; one instrument is not bought again.
    `ninefold resume` ends both. Exit status 1: something could not be sold yet, and why is said.
    """
    with plainly(NoDataDir, WrongFormat, UnknownInstrument):
        check_data_dir(data_dir)
        if instrument:
            booked(data_dir).registry.named(instrument)
    since_seq = LedgerReader(data_dir).last_seq()
    halt.flatten(data_dir, halt.Ask(f"{getpass.getuser()} (command line)", instrument, time.time_ns()))
    print(
        f"asked to sell {instrument or 'everything'}; it is not bought again until `ninefold resume`", file=sys.stderr
    )
    running = is_running(data_dir, time.time_ns())
    found = _wait(data_dir, instrument, since_seq, wait) if running else selling(data_dir, instrument, since_seq)
    if json_:
        print(json.dumps({"instrument": instrument or None, "running": running, **_plain(found)}))
    else:
        _show(found, running)
    if not found.done:
        sys.exit(1)


def _wait(data_dir: Path, instrument: str, since_seq: int, wait_s: float) -> Selling:
    until = time.monotonic() + wait_s
    while True:
        found = selling(data_dir, instrument, since_seq)
        if found.done or time.monotonic() > until:
            return found
        time.sleep(LOOK_S)


def _plain(found: Selling) -> dict[str, object]:
    return {
        "flat": found.done,
        "sold": found.sold,
        "held": found.held,
        "left": found.left,
        "refused": {} if found.done else found.refused,
    }


def _show(found: Selling, running: bool) -> None:
    table = Table(show_header=False, box=None, pad_edge=False)
    for line in found.sold:
        table.add_row("sold", line)
    for line in found.left:
        table.add_row("left", line)
    if not found.done:
        for name, held in found.held.items():
            table.add_row("held", f"{held} of {name}", found.refused.get(name, "not sold yet"))
    Console().print(table)
    if found.done:
        print("flat" if not found.left else "flat, but for what the venue does not take")
    elif running:
        print("not flat yet: it is tried again every second; ask `ninefold status`, or wait longer with --wait")
    else:
        print("no pipeline runs on this data dir: it sells when one is started")
