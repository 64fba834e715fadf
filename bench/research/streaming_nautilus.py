"""The other peer's side of `streaming`: indicators of nautilus_trader, one bar at a time. Runs in that peer's own environment.

In:  columns of bars as JSON on standard input.
Out: JSON: version, microseconds of processor time a bar, the last value of each indicator under the name it has here.
"""

import importlib.metadata
import json
import sys
import time

from nautilus_trader.indicators import (
    AroonOscillator,
    AverageTrueRange,
    BollingerBands,
    ChandeMomentumOscillator,
    CommodityChannelIndex,
    DonchianChannel,
    DoubleExponentialMovingAverage,
    ExponentialMovingAverage,
    HullMovingAverage,
    LinearRegression,
    MovingAverageConvergenceDivergence,
    MovingAverageType,
    RelativeStrengthIndex,
    SimpleMovingAverage,
    WeightedMovingAverage,
)

HISTORY = 1_000
WILDER = MovingAverageType.WILDER
OF_CLOSE = {
    "sma(close, 20)": SimpleMovingAverage(20),
    "sma(close, 50)": SimpleMovingAverage(50),
    "ema(close, 12)": ExponentialMovingAverage(12),
    "ema(close, 26)": ExponentialMovingAverage(26),
    "wma(close, 20)": WeightedMovingAverage(20, list(range(1, 21))),
    "dema(close, 20)": DoubleExponentialMovingAverage(20),
    "hma(close, 16)": HullMovingAverage(16),
    "rsi(close, 14)": RelativeStrengthIndex(14, WILDER),
    "cmo(close, 14)": ChandeMomentumOscillator(14, WILDER),
    "macd(close, 12, 26, 9)": MovingAverageConvergenceDivergence(12, 26),
    "linearreg_slope(close, 14)": LinearRegression(14),
}
OF_RANGE = {"aroonosc(14)": AroonOscillator(14), "donchian_upper(20)": DonchianChannel(20)}
OF_BAR = {"atr(14)": AverageTrueRange(14, WILDER), "cci(14)": CommodityChannelIndex(14)}
BANDS = {"bbands_upper(close, 20, 2, 2)": BollingerBands(20, 2.0)}  # of the typical price: given the close three times
ANSWERS = {
    "linearreg_slope(close, 14)": "slope",
    "donchian_upper(20)": "upper",
    "bbands_upper(close, 20, 2, 2)": "upper",
}
TIMES = {"rsi(close, 14)": 100}  # theirs is 0 to 1

columns = json.load(sys.stdin)
bars = list(zip(*(columns[name] for name in ("high", "low", "close")), strict=True))
for place, (high, low, close) in enumerate(bars):
    if place == HISTORY:
        before = time.process_time()
    for indicator in OF_CLOSE.values():
        indicator.update_raw(close)
    for indicator in OF_RANGE.values():
        indicator.update_raw(high, low)
    for indicator in OF_BAR.values():
        indicator.update_raw(high, low, close)
    for indicator in BANDS.values():
        indicator.update_raw(close, close, close)
spent = time.process_time() - before
every = OF_CLOSE | OF_RANGE | OF_BAR | BANDS
json.dump(
    {
        "version": importlib.metadata.version("nautilus_trader"),
        "us_a_bar": spent / (len(bars) - HISTORY) * 1e6,
        "values": {
            name: getattr(indicator, ANSWERS.get(name, "value")) * TIMES.get(name, 1)
            for name, indicator in every.items()
        },
    },
    sys.stdout,
)
