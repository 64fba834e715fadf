"""`ninefold cancel ORDER`: take back an order, or all slices of a whole that have not left."""

from __future__ import annotations

import getpass
import sys
import uuid
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ninefold.commands import asking
from ninefold.commands.failing import plainly
from ninefold.execution.orders import TERMINAL
from ninefold.journal.inputs import Command
from ninefold.market.records import CancelAsked
from ninefold.services.asked_for import family, open_orders
from ninefold.store.data_dir import NoDataDir, WrongFormat, check_data_dir


def run(
    order: Annotated[str, typer.Argument(help="its id, as `ninefold order` and `ninefold status` show it")],
    data_dir: Annotated[Path, typer.Option(help="the data dir of the running pipeline")] = Path("data"),
    wait: Annotated[float, typer.Option(min=0, help="seconds to wait until it is over")] = 10.0,
    json_: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Cancel an order. What we hold is over at once; what is at the venue when the venue says so, and may be filled before.
    Exit status 1: it is not over yet, or nobody took it.
    """
    with plainly(NoDataDir, WrongFormat):
        check_data_dir(data_dir)
        known = family(data_dir, order)
    if not known:
        still = ", ".join(one.client_order_id for one in open_orders(data_dir)) or "none"
        print(f"ninefold: there is no order {order!r} in the ledger of {data_dir}; open ones: {still}", file=sys.stderr)
        sys.exit(2)
    asked = CancelAsked(seq=0, known_ns=0, by=f"{getpass.getuser()} (command line)", client_order_id=order)
    command = Command("cancel", asked.by, body=msgspec.json.encode(asked).decode())
    wanted = {one.client_order_id for one in known if order == one.client_order_id or one.order_type == "slice"}
    found = asking.asked(
        data_dir,
        command,
        uuid.uuid4().hex,
        order,
        lambda orders: all(one.status in TERMINAL for one in orders if one.client_order_id in wanted),
        wait,
    )
    asking.show(data_dir, order, found, json_)
    if any(one.status not in TERMINAL for one in found if one.client_order_id in wanted):
        sys.exit(asking.NOBODY)
