"""`ninefold rerun 17 [--json]`: run a counted trial again and prove that the result is the same."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ninefold.commands import asked as options
from ninefold.commands.asked import asked, print_json
from ninefold.services.backtest_completeness import completeness_again
from ninefold.services.backtest_rerun import rerun

WORDS = {
    "data": "the bars are others than they were",
    "code": "the strategy or the program is another version",
    "config": "this version reads the options otherwise",
}


def run(
    trial: Annotated[int, typer.Argument(help="the trial's number, as the reports tell it")],
    data_dir: options.DataDir = Path("data"),
    json_: options.Json = False,
) -> None:
    """Run a counted trial again from the ledger alone; it is not counted again. Exit status 1 if the result is another."""
    with asked():
        found = rerun(data_dir, trial)
    if json_:
        print_json(found)
    else:
        _print(found)
    sys.exit(0 if found["identical"] else 1)


def _print(found: dict[str, Any]) -> None:
    named = " ".join([found["strategy"], *(f"{name}={value}" for name, value in found["set"].items())])
    print(f"trial {found['trial']} ({found['kind']}): {named}")
    if found["identical"]:
        print(f"The result is identical: {found['digest']['now']}.")
    elif not found["finished"]:
        print(f"The trial never ended, so there is nothing to compare; now it gives {found['digest']['now']}.")
    else:
        print(f"The result DIFFERS: {found['digest']['ledger']} in the ledger, {found['digest']['now']} now.")
    for name in found["differs"]:
        print(f"{name}: {WORDS[name]}.")
    for sentence in completeness_again(found):
        print(sentence)
    if not found["identical"] and found["finished"] and not found["differs"]:
        print("Data, code and config are the same: the program itself computes otherwise; please report this.")
