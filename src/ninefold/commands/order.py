"""`ninefold order buy 0.01 BTC/USDT`: an order by hand, through the same gate and into the same ledger as any other."""

from __future__ import annotations

import getpass
import re
import uuid
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ninefold.commands import asking
from ninefold.commands.failing import plainly
from ninefold.execution.asked import TYPES, BadAsk
from ninefold.execution.ids import asked_id
from ninefold.journal.inputs import Command
from ninefold.market.records import Asked
from ninefold.market.time import SECOND_NS
from ninefold.services.asked_for import tried
from ninefold.services.selling import booked
from ninefold.store.data_dir import NoDataDir, WrongFormat, check_data_dir

UNITS = {"s": 1, "m": 60, "h": 3600}


class Side(StrEnum):
    buy = "buy"
    sell = "sell"


def run(
    side: Annotated[Side, typer.Argument(help="buy or sell")],
    size: Annotated[str, typer.Argument(help="in base, such as 0.01")],
    pair: Annotated[str, typer.Argument(help="such as BTC/USDT")],
    type_: Annotated[str, typer.Option("--type", help=", ".join(TYPES))] = "market",
    price: Annotated[str, typer.Option(help="the limit, of limit, post_only, ioc and fok")] = "",
    trigger: Annotated[str, typer.Option(help="the price that sets off a stop or take_profit")] = "",
    trail: Annotated[str, typer.Option(help="distance to the best price: of a trailing order, or of a bracket's")] = "",
    stop: Annotated[str, typer.Option(help="bracket: sell what was bought at or below this price")] = "",
    take_profit: Annotated[str, typer.Option(help="bracket: sell it at or above this price")] = "",
    twap: Annotated[int, typer.Option(help="in so many equal parts")] = 0,
    over: Annotated[str, typer.Option(help="over so long: 60s, 10m, 2h")] = "",
    reduce_only: Annotated[bool, typer.Option("--reduce-only", help="sell no more than is held then")] = False,
    data_dir: Annotated[Path, typer.Option(help="the data dir of the running pipeline")] = Path("data"),
    wait: Annotated[float, typer.Option(min=0, help="seconds to wait for the decision")] = 5.0,
    json_: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Ask the running pipeline for an order. It passes the risk gate like any other and is shown as it stands then; exit
    status 1: it was refused, or nobody took it.
    """
    ask_id = uuid.uuid4().hex
    asked = Asked(
        seq=0,
        known_ns=0,
        ask_id=ask_id,
        by=f"{getpass.getuser()} (command line)",
        side=1 if side is Side.buy else -1,
        size=size,
        pair=pair,
        order_type=type_.replace("-", "_"),
        price=price,
        trigger=trigger,
        trail=trail,
        stop=stop,
        take_profit=take_profit,
        slices=twap,
        over_ns=_nanoseconds(over),
        reduce_only=reduce_only,
    )
    with plainly(NoDataDir, WrongFormat, BadAsk):
        check_data_dir(data_dir)
        tried(asked, booked(data_dir).registry)
    command = Command("order", asked.by, body=msgspec.json.encode(asked).decode())
    order_id = asked_id(ask_id)
    found = asking.asked(data_dir, command, ask_id, order_id, bool, wait)
    asking.show(data_dir, order_id, found, json_)


def _nanoseconds(text: str) -> int:
    if not text:
        return 0
    found = re.fullmatch(r"(\d+)([smh])", text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no length; write 60s, 10m or 2h", param_hint="--over")
    return int(found[1]) * UNITS[found[2]] * SECOND_NS
