"""The options that commands on trades and books share, and which of them such a command is asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ninefold.services.backtest_wanted import BadBacktest, Wanted, plays_on_ticks
from ninefold.services.lazily import lazily

if TYPE_CHECKING:
    from ninefold.services import ticks_sweep
    from ninefold.services.backtest_ticks import WantedTicks
else:
    ticks_sweep = lazily("ninefold.services.ticks_sweep")  # what is on bars does without

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


def meant(wanted: Wanted, said: dict[str, Any]) -> Wanted | WantedTicks:
    """What is asked for: of bars, or of trades and books where --trades is given, or the strategy is played there alone.

    raises: as `plays_on_ticks` and `ticks_of`."""
    if said["trades"] is None and not plays_on_ticks(wanted):
        return wanted
    return ticks_sweep.ticks_of(wanted, **ticks_said(said))


def beside_bars(wanted: Wanted, said: dict[str, Any]) -> WantedTicks | None:
    """Where quotes and free code on trades play while the rest plays on bars; None: nowhere. raises: as `ticks_of`."""
    if not said["ticks"] and said["trades"] is None:
        return None
    if said["ticks"] and (wanted.instrument is None or said["trades"] is not None):
        raise BadBacktest("--ticks is what is stored of --instrument; of a file give --trades FILE.parquet alone")
    if wanted.several:
        raise BadBacktest(
            "quotes and free code on trades play on one market; give one, or leave --ticks and --trades out"
        )
    instrument = wanted.instrument if said["ticks"] else None
    of = replace(wanted, file=None, instrument=instrument, holes="refuse", strategy="")
    return ticks_sweep.ticks_of(of, **ticks_said({**said, "each": "bar"}))


def refused(wanted: Wanted | WantedTicks) -> tuple[type[Exception], ...]:
    """What people can mend of trades and books alone."""
    return () if isinstance(wanted, Wanted) else (ValueError,)
