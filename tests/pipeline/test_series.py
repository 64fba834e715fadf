"""`/api/v1/series` of a running demo against the formula core on exported bars."""

from __future__ import annotations

import csv
import math
from urllib.parse import urlencode

import numpy as np
import pytest

from ninefold.formula import Scale, batch, parse, to_quote
from tests.conftest import Demo

from .running import exported, stored, until

pytestmark = pytest.mark.slow

NAME = "binance:BTC/USDT"
BARS = 60
FORMULAS = (
    "close",
    "rsi(close, 14)",
    "sma(close, 5) - ema(close, 13)",
    "volume / sma(volume, 10)",
    "close > sma(close, 20)",
)
COLUMNS = ("open", "high", "low", "close", "volume", "buy_volume")


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_series_is_the_formula_over_the_exported_bars(demo: Demo, formula: str) -> None:
    until(lambda: len(_bars(demo)) >= BARS, f"{BARS} bars are stored")
    query = urlencode({"instrument": NAME, "timeframe": "1s", "formula": formula, "limit": 5000})
    answer = demo.get(f"/api/v1/series?{query}")
    last_ns = int(answer["columns"]["open_ns"][-1])
    until(lambda: int(_bars(demo)[-1]["open_ns"]) >= last_ns, "the store has what the API showed", 20.0)
    expected = _computed(demo, formula)
    found = dict(zip(map(int, answer["columns"]["open_ns"]), answer["columns"]["value"], strict=True))
    assert found == {open_ns: value for open_ns, value in expected.items() if open_ns <= last_ns}
    assert sum(value is not None for value in found.values()) >= BARS // 2


def _bars(demo: Demo) -> list[dict[str, str]]:
    return list(csv.DictReader(exported(demo.data_dir, "bars", NAME, "1s").decode().splitlines()))


def _computed(demo: Demo, formula: str) -> dict[int, float | None]:
    """Values in quote and base units by the open of the bar, from the first stored bar on."""
    (of,) = stored(demo.data_dir, f"select price_unit, size_unit from instruments where name = '{NAME}'")
    scale, bars = Scale(_decimals(of["price_unit"]), _decimals(of["size_unit"])), _bars(demo)
    columns = {name: _units(bars, name) for name in COLUMNS}
    term = parse(formula)
    values = to_quote(term, batch(term, columns, scale), scale)
    opens = [int(bar["open_ns"]) for bar in bars]
    return {
        open_ns: value if math.isfinite(value) else None for open_ns, value in zip(opens, values.tolist(), strict=True)
    }


def _units(bars: list[dict[str, str]], name: str) -> np.ndarray:
    """Exported text has all decimals of the instrument, so without its point it is whole ticks or lots. Unknown bars are NaN."""
    return np.array([math.nan if bar["state"] == "unknown" else float(bar[name].replace(".", "")) for bar in bars])


def _decimals(unit: float) -> int:
    return round(math.log10(unit))
