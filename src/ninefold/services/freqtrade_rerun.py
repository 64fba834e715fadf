"""Run a counted trial of a freqtrade strategy again, from the ledger alone.

In:  a trial. Out: whether the result is the same, and what has changed where it is not; nothing is counted or shown.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ninefold
from ninefold.freqtrade.errors import StrategyFailed
from ninefold.freqtrade.stand_ins import standing_in
from ninefold.services.backtest_completeness import COMPLETENESS, completeness_kept
from ninefold.services.backtest_wanted import BadBacktest
from ninefold.services.freqtrade import Wanted, made_ready, play, source_of
from ninefold.services.freqtrade_completeness import completeness_of_candles
from ninefold.services.freqtrade_report import outcome_of
from ninefold.store.trials import Trial


def rerun(trial: Trial, data_dir: Path) -> dict[str, Any]:
    """raises: BadBacktest if the strategy cannot be run any more; what reading bars raises."""
    said = dict(trial.search.config)
    paths: dict[str, Any] = {
        "strategy_path": Path(said.pop("strategy_path")),
        "files": tuple(map(Path, said.pop("files"))),
    }
    wanted = Wanted(data_dir=data_dir, pairs=tuple(said.pop("pairs")), **paths, **said)
    try:
        with standing_in():
            ready = made_ready(wanted, source_of(wanted), None)
            found = play(wanted, ready)
    except StrategyFailed as error:
        raise BadBacktest(str(error)) from error
    [digest] = outcome_of(found).digests
    complete = completeness_of_candles(data_dir, found, ready.source.read)
    search = trial.search
    data = {"ledger": search.snapshot, "now": ready.snapshot}
    code = {"ledger": search.code, "now": f"{ninefold.__version__} {ready.loaded.digest}"}
    return {
        "trial": trial.number,
        "kind": search.kind,
        "strategy": wanted.strategy,
        "set": {},
        "identical": trial.digest == digest,
        "differs": [name for name, one in (("data", data), ("code", code)) if one["ledger"] != one["now"]],
        "finished": trial.digest is not None,
        "digest": {"ledger": trial.digest and trial.digest.hex(), "now": digest.hex()},
        "data": data,
        "code": code,
        COMPLETENESS: {"kept": completeness_kept(data_dir, trial.first), "now": complete},
    }
