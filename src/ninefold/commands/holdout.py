"""`ninefold holdout seal --from 20240101 --looks 3`, `ninefold holdout status [--json]`."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ninefold.commands import asked as options
from ninefold.commands.asked import asked, print_json
from ninefold.services.backtest_holdout import holdout_status, seal


class Do(StrEnum):
    seal = "seal"
    status = "status"


def run(
    do: Annotated[Do, typer.Argument(help="seal: put up the wall; status: where it is and how many looks are left")],
    from_: Annotated[
        str | None, typer.Option("--from", help="rows known after this moment are sealed: 20240101")
    ] = None,
    looks: Annotated[
        int, typer.Option(help="how often what is behind may be looked at, by all strategies together")
    ] = 3,
    data_dir: options.DataDir = Path("data"),
    json_: options.Json = False,
) -> None:
    """Seal what is known after a moment, for all files and instruments of a data dir: research then refuses these bars, and
    each look at them is counted."""
    with asked():
        if do is Do.seal:
            seal(data_dir, from_, looks, time.time_ns())
        found = holdout_status(data_dir)
    if json_:
        print_json(found)
    else:
        _print(found)


def _print(found: dict[str, Any]) -> None:
    if found["sealed_from"] is None:
        print("No holdout is sealed; `ninefold holdout seal --from 20240101 --looks 3` does it.")
        return
    print(
        f"Bars that close after {found['sealed_from']} are sealed; {found['looks_left']} of {found['looks']} looks are left."
    )
    for look in found["taken"]:
        print(f"look at {look['time']} by trial {look['trial']}: {look['why']}")
