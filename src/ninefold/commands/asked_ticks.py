"""The options that commands on trades and books share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

MS = 1_000_000

Trades = Annotated[Path | None, typer.Option(help="a Parquet file of trades: time, price, size")]
Each = Annotated[str, typer.Option(help="on trades, what the formula of a target is of: bar, trade")]
FeedMs = Annotated[int, typer.Option(help="on trades and books: how long a trade takes to become known")]
OrderMs = Annotated[int, typer.Option(help="on trades and books: how long an order takes to the venue")]
QueueModel = Annotated[str, typer.Option("--queue", help="who leaves a level before us: back, proportional")]
MakerFee = Annotated[str | None, typer.Option(help="of quotes that were filled; as the taker's if left out")]


def ticks_said(said: dict[str, Any]) -> dict[str, Any]:
    """These options out of a command's, as `WantedTicks` has them."""
    return {
        "file": said["trades"],
        "each": said["each"],
        "feed_ns": said["feed_ms"] * MS,
        "order_ns": said["order_ms"] * MS,
        "queue": said["queue"],
        "maker_fee": said["maker_fee"],
    }
