"""`ninefold status`: what is stored, what is halted, how the services are."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ninefold.api.attributed import attribution
from ninefold.commands.asking import print_exits, print_orders
from ninefold.commands.failing import plainly
from ninefold.commands.table import print_attribution, print_summary
from ninefold.services import halt
from ninefold.services.asked_for import lines, open_orders, plain
from ninefold.services.exits_told import exit_lines
from ninefold.services.selling import booked
from ninefold.services.statuses import is_running, read_statuses
from ninefold.services.summary import summary
from ninefold.store.data_dir import NoDataDir, WrongFormat, check_data_dir
from ninefold.store.read import Reader


def run(
    data_dir: Annotated[Path, typer.Option(help="the data dir of the pipeline")] = Path("data"),
    by_strategy: Annotated[
        bool, typer.Option("--attribution", help="show what is whose, strategy by strategy")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Stored rows, the halt switch, open orders, and the counts of the pipeline if it runs."""
    with plainly(NoDataDir, WrongFormat):
        check_data_dir(data_dir)
        stored = Reader(data_dir).counts()
    held = halt.read(data_dir)
    statuses = read_statuses(data_dir)
    running = is_running(data_dir, time.time_ns())
    account = booked(data_dir)
    orders, exits = lines(open_orders(data_dir), account.registry), exit_lines(account)
    found: dict[str, object] = {
        "running": running,
        "halted": None if held is None else {"by": held.by, "reason": held.reason, "since_ns": str(held.since_ns)},
        "selling_out": [one.instrument or "everything" for one in halt.asked(data_dir)],
        "open_orders": len(orders),
        "stored": stored,
        "services": {name: status.healthy for name, status in statuses.items()} if running else {},
        **(summary(statuses) if running else {}),
    }
    if json_:
        told = [msgspec.to_builtins(one) for one in exits]
        print(json.dumps({**found, "orders": plain(orders), "exits": told, "attribution": attribution(account)}))
        return
    print_summary(found)
    if orders:
        print_orders(orders)
    if exits:
        print_exits(exits)
    if by_strategy:
        print_attribution(attribution(account))
