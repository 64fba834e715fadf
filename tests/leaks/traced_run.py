"""A strategy of the corpus run on traced bars, for what it gives rather than for what it knew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ninefold.backtest.leaks.check import Columns
from ninefold.backtest.leaks.check_frames import frame_of_bars, run_of
from ninefold.backtest.leaks.labelled import plain_of
from ninefold.backtest.leaks.source import load
from ninefold.backtest.leaks.taken import Taken
from ninefold.backtest.leaks.traced import Traced
from ninefold.services.leak_check_bars import START_NS
from ninefold.services.leak_check_forms import frame_libraries
from tests.leaks.corpus import BARS, FRAME, FRAME_HELD, columns


def traced_result(text: str, path: str, name: str, frame: bool = True) -> tuple[Any, Any]:
    """What a function of a file gives on traced bars, and the run."""
    taken = Taken()
    run = run_of(taken, START_NS + 60_000_000_000 * np.arange(BARS))
    names = load(text, path, taken, frame_libraries(run))
    decide = names["CASES"][name].run if "CASES" in names else names[name]
    if frame:
        return decide(frame_of_bars(run, columns())), run
    return decide(Columns(**{key: Traced(one, np.arange(BARS), taken) for key, one in columns().items()})), run


def result_when_traced(module: Any, name: str) -> Any:
    """The plain values of that."""
    frame = module.CASES[name].form in (FRAME, FRAME_HELD)
    path = module.__file__
    return plain_of(traced_result(Path(path).read_text(encoding="utf-8"), path, name, frame)[0])
