"""The peer's side of `streaming`: indicators of talipp, one bar at a time. Runs in the peer's own environment.

In:  columns of bars as JSON on standard input.
Out: JSON: version, microseconds of processor time a bar, the last value of each indicator under the name it has here.
"""

import importlib.metadata
import json
import sys
import time

from talipp.indicators import ATR, CCI, DEMA, EMA, HMA, OBV, ROC, RSI, SMA, TEMA, WMA, StdDev, Williams
from talipp.ohlcv import OHLCV

HISTORY = 1_000
OF_CLOSE = {
    "sma(close, 20)": SMA(20),
    "sma(close, 50)": SMA(50),
    "ema(close, 12)": EMA(12),
    "ema(close, 26)": EMA(26),
    "wma(close, 20)": WMA(20),
    "dema(close, 20)": DEMA(20),
    "tema(close, 20)": TEMA(20),
    "rsi(close, 14)": RSI(14),
    "roc(close, 10)": ROC(10),
    "stddev(close, 20)": StdDev(20),
    "hma(close, 16)": HMA(16),
}
OF_BAR = {"atr(14)": ATR(14), "cci(14)": CCI(14), "willr(14)": Williams(14), "obv(close)": OBV()}

columns = json.load(sys.stdin)
bars = [
    OHLCV(*bar) for bar in zip(*(columns[name] for name in ("open", "high", "low", "close", "volume")), strict=True)
]
for place, bar in enumerate(bars):
    if place == HISTORY:
        before = time.process_time()
    for indicator in OF_CLOSE.values():
        indicator.add(bar.close)
    for indicator in OF_BAR.values():
        indicator.add(bar)
spent = time.process_time() - before
json.dump(
    {
        "version": importlib.metadata.version("talipp"),
        "us_a_bar": spent / (len(bars) - HISTORY) * 1e6,
        "values": {name: float(indicator[-1]) for name, indicator in (OF_CLOSE | OF_BAR).items()},
    },
    sys.stdout,
)
