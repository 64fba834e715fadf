"""Calls of qtpylib that both are asked: name, what it is given of a table of candles, further arguments. Imports nothing of either."""

BARS, CLOSE, CROSSED = "bars", "close", "close and its mean"
CALLS = [
    *((name, CROSSED, {}) for name in ("crossed_above", "crossed_below", "crossed")),
    *((name, BARS, {}) for name in ("typical_price", "mid_price", "ibs", "true_range", "heikinashi")),
    *((name, BARS, {"window": 14}) for name in ("atr", "keltner_channel", "rolling_vwap", "zscore")),
    *((name, CLOSE, {"window": 20}) for name in ("bollinger_bands", "weighted_bollinger_bands")),
    *((name, CLOSE, {"window": 9}) for name in ("rolling_mean", "rolling_std", "rolling_min", "rolling_max")),
    *(
        (name, CLOSE, {"window": 9})
        for name in ("rolling_weighted_mean", "sma", "wma", "hma", "hull_moving_average", "roc")
    ),
    *((name, CLOSE, {}) for name in ("returns", "log_returns")),
    ("awesome_oscillator", BARS, {}),
    ("awesome_oscillator", BARS, {"weighted": True}),
    ("atr", BARS, {"window": 14, "exp": True}),
]


def answers(module, bars):
    """Of each call a list of its columns, NaN as None."""
    given = {BARS: (bars,), CLOSE: (bars["close"],), CROSSED: (bars["close"], bars["close"].rolling(7).mean())}
    return [columns(getattr(module, name)(*given[what], **more)) for name, what, more in CALLS]


def columns(found):
    tables = {"": found} if found.ndim == 1 else {name: found[name] for name in found.columns}
    return {
        name: [None if one != one else float(one) for one in column.tolist()] for name, column in sorted(tables.items())
    }
