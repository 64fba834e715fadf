"""What `ninefold order` and `ninefold cancel` share: ask the running pipeline, wait for what becomes of it, show it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ninefold.journal.inputs import Command
from ninefold.market.records import Order
from ninefold.services import asking
from ninefold.services.asked_for import Line, family, lines, plain
from ninefold.services.exits_told import ExitLine
from ninefold.services.selling import booked
from ninefold.services.statuses import is_running

LOOK_S = 0.1
NOBODY = 1


def asked(
    data_dir: Path, command: Command, name: str, order_id: str, until: Callable[[list[Order]], bool], wait_s: float
) -> list[Order]:
    """Ask, and wait until the orders of this id are as `until` wants them, or the time is over. Exits with a word if no
    pipeline takes it: it is withdrawn then, and nothing comes of it later."""
    if not is_running(data_dir, time.time_ns()):
        print(
            f"ninefold: no pipeline runs on {data_dir}; start one with `ninefold up` or `ninefold demo`",
            file=sys.stderr,
        )
        sys.exit(NOBODY)
    path, end = asking.put(data_dir, command, name, time.time_ns()), time.monotonic() + wait_s
    while not until(found := family(data_dir, order_id)) and time.monotonic() < end:
        time.sleep(LOOK_S)
    if not until(found) and asking.withdraw(path):
        print(f"ninefold: the pipeline took nothing within {wait_s:.0f} s; it is withdrawn, ask again", file=sys.stderr)
        sys.exit(NOBODY)
    return found


def show(data_dir: Path, order_id: str, orders: list[Order], json_: bool) -> None:
    """The orders; exit status 1 if there are none, or the first was refused."""
    found = lines(orders, booked(data_dir).registry)
    if json_:
        print(json.dumps({"order": order_id, "orders": plain(found)}))
    else:
        print_orders(found)
        if any(line.where != "over" for line in found):
            print(f"asked as {order_id}; `ninefold cancel {order_id}` takes it back")
    if not found or found[0].status in ("refused", "rejected"):
        sys.exit(NOBODY)


def print_exits(found: list[ExitLine]) -> None:
    """A row a strategy and instrument that its exits guard, or that it was taken out of."""
    table = Table(box=None, pad_edge=False)
    for head in ("exits of", "instrument", "stop", "take profit", ""):
        table.add_column(head, justify="right" if head in ("stop", "take profit") else "left", overflow="fold")
    for one in found:
        table.add_row(one.strategy, one.instrument, one.stop or "-", one.take_profit or "-", one.out)
    Console().print(table)


def print_orders(found: list[Line]) -> None:
    """A row an order; what is to be said of one follows below."""
    table = Table(box=None, pad_edge=False)
    for column in ("order", "side", "size", "filled", "type", "at", "status"):
        table.add_column(column, justify="right" if column in ("size", "filled", "at") else "left", overflow="fold")
    for line in found:
        status = "held" if line.where == "held by us" else line.status
        at = line.trigger or line.price or "-"
        table.add_row(line.order, line.side, line.size, line.filled, line.type, at, status)
    console = Console()
    console.print(table)
    for line in found:
        if line.reason:
            console.print(f"{line.order}: {line.reason}", style="dim", soft_wrap=True)
