"""How a strategy of the corpus is written, and what a check must say of it.

In:  functions marked with how they are run. `COLUMNS` gives all rows at once, decided at each bar's close; `HELD` gives
     what is held during each bar; `CALLBACK` is called at each close with all columns and the row that is now.
Out: `planted` and `clean`: strategies by name. Columns: open, high, low, close, volume; 240 bars of one minute.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

COLUMNS, HELD, CALLBACK = "columns", "held", "callback"
FRAME, FRAME_HELD = "frame", "frame, held"
BARS = 240


class Case(NamedTuple):
    run: Callable[..., Any]
    form: str
    kind: str


def collector() -> tuple[dict[str, Case], Callable[..., Callable[..., Any]]]:
    cases: dict[str, Case] = {}

    def case(kind: str, form: str = COLUMNS) -> Callable[..., Any]:
        def mark(function: Callable[..., Any]) -> Callable[..., Any]:
            cases[function.__name__] = Case(function, form, kind)
            return function

        return mark

    return cases, case


def columns(seed: int = 1) -> dict[str, np.ndarray]:
    """A market by chance; whether a strategy leaks does not depend on it."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.002, BARS)))
    opening = np.concatenate([[100.0], close[:-1]])
    spread = rng.random(BARS)
    return {
        "open": opening,
        "high": np.maximum(opening, close) + spread,
        "low": np.minimum(opening, close) - spread,
        "close": close,
        "volume": rng.integers(1, 100, BARS).astype(float),
    }
