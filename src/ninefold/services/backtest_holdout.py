"""The sealed holdout of a data dir: put up its wall, say where it is and who looked behind it.

In:  a moment and a number of looks. Out: a document. The ledger itself refuses a look too many.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from ninefold.backtest.statistics.holdout import Wall, moment
from ninefold.services.backtest_wanted import BadBacktest
from ninefold.store.timerange import parse_moment
from ninefold.store.trials import TrialReader, Trials


def seal(data_dir: Path, from_: str | None, looks: int, now_ns: int) -> None:
    """raises: BadBacktest for a moment that is none, no looks, or a wall that would uncover what is sealed; StoreWriteFailed."""
    if from_ is None:
        raise BadBacktest("say from when on rows are sealed: --from 20240101")
    try:
        wall = Wall(parse_moment(from_), looks)
        with closing(Trials(data_dir)) as trials:
            trials.seal(wall, now_ns)
    except ValueError as error:
        raise BadBacktest(str(error)) from error


def holdout_status(data_dir: Path) -> dict[str, Any]:
    """raises: NoDataDir, WrongFormat."""
    reader = TrialReader(data_dir)
    wall = reader.wall()
    return {
        "sealed_from": None if wall is None else moment(wall.at_ns),
        "looks": 0 if wall is None else wall.looks,
        "looks_left": reader.looks_left(),
        "taken": [{"time": moment(look.known_ns), "trial": look.trial, "why": look.why} for look in reader.looks()],
    }
