"""`/api/v1/series` of a running demo against the formula core on exported bars."""

from __future__ import annotations

import csv
import math
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest

from ninefold.formula import Scale, batch, parse, to_quote
from tests.conftest import Demo

from .running import exported, stored, until

pytestmark = pytest.mark.slow

NAME = "binance:BTC/USDT"
WIDTH_NS = 10**9
VALUES = f"\"values\" where instrument = (select id from instruments where name = '{NAME}') and width_ns = {WIDTH_NS}"
BARS = 40
FORMULAS = (
    "close",
    "rsi(close, 14)",
    "sma(close, 5) - ema(close, 13)",
    "volume / sma(volume, 10)",
    "close > sma(close, 20)",
    "close * (1 + sentiment)",
)
COLUMNS = ("open", "high", "low", "close", "volume", "buy_volume")


class Settled:
    """What the API showed of each formula, and the stored bars and moods, looked at once the store had all that was shown."""

    def __init__(self, demo: Demo) -> None:
        until(lambda: len(_bars(demo)) >= BARS, f"{BARS} bars are stored")
        self.answers = {formula: _asked(demo, formula) for formula in FORMULAS}
        last_ns = max(_opens(answer)[-1] for answer in self.answers.values())
        until(lambda: _stored_until(demo) >= last_ns + WIDTH_NS, "the store has what the API showed", 20.0)
        (of,) = stored(demo.data_dir, f"select price_unit, size_unit from instruments where name = '{NAME}'")
        self.scale, bars = Scale(_decimals(of["price_unit"]), _decimals(of["size_unit"])), _bars(demo)
        self.columns = {name: _units(bars, name) for name in COLUMNS}
        self.columns["sentiment"] = _moods(demo, [int(bar["close_ns"]) for bar in bars])
        self.opens = [int(bar["open_ns"]) for bar in bars]

    def computed(self, formula: str) -> dict[int, float | None]:
        """Values in quote and base units by the open of the bar, from the first stored bar on."""
        term = parse(formula)
        values = to_quote(term, batch(term, self.columns, self.scale), self.scale).tolist()
        return {
            open_ns: value if math.isfinite(value) else None for open_ns, value in zip(self.opens, values, strict=True)
        }


@pytest.fixture(scope="module")
def settled(demo: Demo) -> Settled:
    return Settled(demo)


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_series_is_the_formula_over_the_exported_bars(settled: Settled, formula: str) -> None:
    answer = settled.answers[formula]
    opens = _opens(answer)
    found = dict(zip(opens, answer["columns"]["value"], strict=True))
    assert found == {open_ns: value for open_ns, value in settled.computed(formula).items() if open_ns <= opens[-1]}
    assert sum(value is not None for value in found.values()) >= BARS // 2


def _asked(demo: Demo, formula: str) -> Any:
    query = urlencode({"instrument": NAME, "timeframe": "1s", "formula": formula, "limit": 5000})
    return demo.get(f"/api/v1/series?{query}")


def _opens(answer: Any) -> list[int]:
    return list(map(int, answer["columns"]["open_ns"]))


def _stored_until(demo: Demo) -> int:
    """The newest close whose values are stored; its bar was before them."""
    (row,) = stored(demo.data_dir, f"select max(close_ns) as newest from {VALUES}")
    return int(row["newest"] or 0)


def _bars(demo: Demo) -> list[dict[str, str]]:
    return list(csv.DictReader(exported(demo.data_dir, "bars", NAME, "1s").decode().splitlines()))


def _moods(demo: Demo, closes: list[int]) -> np.ndarray:
    """The stored mood at each close; NaN before the first headline."""
    rows = stored(demo.data_dir, f"select close_ns, value from {VALUES} and term = 'sentiment'")
    known = {row["close_ns"]: row["value"] for row in rows}
    return np.array([known.get(close_ns, math.nan) for close_ns in closes])


def _units(bars: list[dict[str, str]], name: str) -> np.ndarray:
    """Exported text has all decimals of the instrument, so without its point it is whole ticks or lots. Unknown bars are NaN."""
    return np.array([math.nan if bar["state"] == "unknown" else float(bar[name].replace(".", "")) for bar in bars])


def _decimals(unit: float) -> int:
    return round(math.log10(unit))
