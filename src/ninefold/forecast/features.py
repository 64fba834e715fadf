"""What a model is told about a bar: a table of formulas, all pure numbers, most in units of the trailing volatility.

In:  columns of bars as formulas see them (ticks and lots as float64, NaN in unknown bars), and the instrument's scale.
Out: one row of numbers a bar, NaN until every formula has warmed up.

Everything is divided by the volatility of the moment, so that one model serves a coin that moves 0.01 % a second and
one that moves 1 % an hour: what it learns is shape, not size. The volatility itself is kept out of the trees; it is
what turns their answer back into a return.
"""

import math
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from ninefold.formula import Evaluator, Scale, parse

Floats = NDArray[np.float64]
Columns = Mapping[str, Floats]
Row = Mapping[str, float]

NO_MOOD = 0.0  # no news is no mood: the one unknown that has a meaning here
NEEDED = ("open", "high", "low", "close", "volume", "buy_volume")

# Volatility of one bar: root mean square of the last 30 log returns, at least a tenth of a basis point.
VOLATILITY = "max(realized_volatility(close, 30) / 5.477225575051661, 0.00001)"
# Denominators that may be zero in a quiet market get a floor: sizes one hundred-millionth of a coin, prices 0.1 bps.
FEATURES: dict[str, str] = {
    "return_1": "(close / lag(close, 1) - 1) / V",
    "return_3": "(close / lag(close, 3) - 1) / V",
    "return_5": "(close / lag(close, 5) - 1) / V",
    "return_15": "(close / lag(close, 15) - 1) / V",
    "rsi_14": "rsi(close, 14) / 100 - 0.5",
    "above_mean_20": "(close / sma(close, 20) - 1) / V",
    "above_mean_60": "(close / sma(close, 60) - 1) / V",
    "volatility_ratio": "max(realized_volatility(close, 5) / 2.23606797749979, 0.00001) / V",
    "range": "(high - low) / close / V",
    "body": "(close - open) / max(high - low, close * 0.00001)",
    "place_in_range_20": "(close - lowest(low, 20)) / max(highest(high, 20) - lowest(low, 20), close * 0.00001)",
    "macd": "macd_hist(close, 12, 26, 9) / close / V",
    "volume_ratio": "volume / max(sma(volume, 20), 0.00000001)",
    "volume_trend": "sma(volume, 5) / max(sma(volume, 60), 0.00000001)",
    "buy_share": "(buy_volume * 2 - volume) / max(volume, 0.00000001)",
    "buy_share_10": "(sma(buy_volume, 10) * 2 - sma(volume, 10)) / max(sma(volume, 10), 0.00000001)",
    "sentiment": "sentiment",
}
TEXTS: dict[str, str] = {"volatility": VOLATILITY} | {
    name: text.replace("V", VOLATILITY) for name, text in FEATURES.items()
}


class Series(msgspec.Struct, frozen=True):
    """Stored bars of one instrument and width, oldest first, none left out: an unknown bar is there, with NaN.

    name:     such as 'binance:BTC/USDT 1m'. close_ns: shape (n,), ends of the bars, in even steps.
    columns:  shape (n,) each: open high low close volume buy_volume, and sentiment where there is some.
    """

    name: str
    scale: Scale
    close_ns: NDArray[np.int64]
    columns: Columns


def matrix(series: Series) -> Floats:
    """All features of stored bars.

    returns: shape (n, len(TEXTS)), the volatility first; NaN in rows that have not warmed up.
    raises:  ValueError if a bar is left out, if columns differ in length, or if one that is needed is missing.
    """
    check(series)
    return FeatureStream(tuple(TEXTS.values()), series.scale).warm(series.columns)


class FeatureStream:
    """The features of one instrument and width, one bar at a time or many at once, to the same bits."""

    def __init__(self, texts: Sequence[str], scale: Scale) -> None:
        self._evaluator = Evaluator([parse(text) for text in texts], scale)

    def warm(self, columns: Columns) -> Floats:
        """Take many bars, oldest first; returns shape (n, k)."""
        mood = columns.get("sentiment", np.zeros(len(columns["close"])))
        return self._evaluator.warm({**columns, "sentiment": np.where(np.isnan(mood), NO_MOOD, mood)}).T

    def foresee(self, row: Row) -> None:
        """A bar that may come next."""
        self._evaluator.foresee(_with_mood(row))

    def update(self, row: Row) -> Floats:
        """Take one bar; returns shape (k,)."""
        return self._evaluator.update(_with_mood(row))


def _with_mood(row: Row) -> Row:
    mood = row.get("sentiment", NO_MOOD)
    return {**row, "sentiment": NO_MOOD if math.isnan(mood) else mood}


def check(series: Series) -> None:
    count = len(series.close_ns)
    if count < 2:
        raise ValueError(f"{series.name}: {count} bars; it takes at least 2")
    steps = np.diff(series.close_ns)
    if np.any(steps != steps[0]) or steps[0] <= 0:
        at = int(np.argmax((steps != steps[0]) | (steps <= 0))) + 1
        raise ValueError(
            f"{series.name}: bar {at} ends {steps[at - 1]} ns after the one before it, bar 1 {steps[0]} ns; "
            "put unknown bars (NaN) where bars are missing"
        )
    missing = [name for name in NEEDED if name not in series.columns]
    if missing:
        raise ValueError(f"{series.name}: columns {', '.join(missing)} are missing; needed are {', '.join(NEEDED)}")
    for name, column in series.columns.items():
        if len(column) != count:
            raise ValueError(f"{series.name}: {name} has {len(column)} values for {count} bars")
