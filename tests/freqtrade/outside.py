"""Run a case through freqtrade, if there is one.

In:  NINEFOLD_FREQTRADE, the Python of an environment with freqtrade; a case. Out: its trade lists by strategy.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow.feather import write_feather

from ninefold.freqtrade.series import wider
from tests.freqtrade.cases import STRATEGIES, WIDTHS, Case

SECONDS = 500.0


def python_of_freqtrade() -> str | None:
    return os.environ.get("NINEFOLD_FREQTRADE") or None


def run_freqtrade(case: Case, folder: Path) -> dict[str, list[dict[str, Any]]]:
    data = folder / "data"
    data.mkdir(parents=True)
    for pair, series in case.series.items():
        for name, width_s in WIDTHS.items():
            file = data / f"{pair.replace('/', '_')}-{name}.feather"  # as JSON it would read numbers only nearly
            write_feather(pa.Table.from_pandas(wider(series, width_s).frame(None, None)), file)
    job = {
        "data": str(data),
        "strategy_path": str(STRATEGIES),
        "strategies": list(case.strategies),
        "pairs": list(case.series),
        "stake_currency": next(iter(case.series)).partition("/")[2],
        "timerange": None if case.timerange is None else "{}-{}".format(*case.timerange),
        **{name: getattr(case, name) for name in ("stake_amount", "max_open_trades", "wallet", "fee")},
        **{name: getattr(case, name) for name in ("price_step", "amount_step")},
    }
    found: dict[str, list[dict[str, Any]]] = asked("peer.py", job, folder)
    return found


def asked(script: str, given: Any, folder: Path) -> Any:
    """What a script beside this file answers in freqtrade's environment; fails with what it printed."""
    (folder / "given.json").write_text(json.dumps(given))
    command = [str(python_of_freqtrade()), str(Path(__file__).with_name(script))]
    done = subprocess.run(
        [*command, str(folder / "given.json"), str(folder / "answer.json")],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )
    assert done.returncode == 0, done.stderr[-6000:]
    return json.loads((folder / "answer.json").read_text())
