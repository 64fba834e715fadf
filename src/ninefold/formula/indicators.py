"""TA-Lib's indicators and candle patterns, by their usual names: one line each.

Arguments, defaults and warm-up come from TA-Lib's own description of itself; the line adds the name, which output it is
and its unit. Left out: functions that answer positions from the start of the data (MAXINDEX), whose value depends on
the size of a tick (LINEARREG_ANGLE), moving-average-type switches (write the average you mean), and plain arithmetic.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import talib
import talib.abstract

from ninefold.formula.function import Function, Numbers, Parameter, UnitRule, combined_units, same_units
from ninefold.formula.talib_kernel import TaLib
from ninefold.formula.units import RATIO, SIZE, Unit
from ninefold.formula.windows import LONGEST

# Allowed values where they are not those of a period of bars (2 to LONGEST).
_ALLOWED: dict[str, tuple[float, float]] = {
    "signalperiod": (1, LONGEST),
    "fastk_period": (1, LONGEST),
    "slowk_period": (1, LONGEST),
    "slowd_period": (1, LONGEST),
    "fastd_period": (1, LONGEST),
    "nbdev": (0.01, 100.0),
    "nbdevup": (0.01, 100.0),
    "nbdevdn": (0.01, 100.0),
    "multiplier": (0.01, 100.0),
    "vfactor": (0.0, 1.0),
    "acceleration": (0.0001, 1.0),
    "maximum": (0.0001, 1.0),
    "fastlimit": (0.01, 0.99),
    "slowlimit": (0.01, 0.99),
    "percentile": (0.0, 100.0),
    "penetration": (0.0, 10.0),
}

_describe: Any = talib.abstract.Function  # type: ignore[attr-defined]  # talib's stubs leave it out
_groups: Any = talib.get_function_groups
_INPUT = same_units()  # the unit of what goes in
_PERCENT = combined_units(lambda units: RATIO)
_LOTS = combined_units(lambda units: SIZE)
_SQUARE = combined_units(lambda units: units[0].times(units[0]))


def _product(units: tuple[Unit, ...]) -> Unit:
    return units[0].times(units[1])


def _first(units: tuple[Unit, ...]) -> Unit:
    return units[0]


_FIRST = combined_units(_first)  # the unit of the first input, whatever the others have
_PRODUCT = combined_units(_product)

_TABLE: tuple[tuple[str, str, int, UnitRule], ...] = (
    # name, TA-Lib's function, which of its outputs, unit
    ("sma", "SMA", 0, _INPUT),
    ("ema", "EMA", 0, _INPUT),
    ("wma", "WMA", 0, _INPUT),
    ("dema", "DEMA", 0, _INPUT),
    ("tema", "TEMA", 0, _INPUT),
    ("trima", "TRIMA", 0, _INPUT),
    ("kama", "KAMA", 0, _INPUT),
    ("t3", "T3", 0, _INPUT),
    ("hma", "HMA", 0, _INPUT),
    ("rma", "RMA", 0, _INPUT),
    ("zlema", "ZLEMA", 0, _INPUT),
    ("vwma", "VWMA", 0, _FIRST),
    ("mama", "MAMA", 0, _INPUT),
    ("fama", "MAMA", 1, _INPUT),
    ("ht_trendline", "HT_TRENDLINE", 0, _INPUT),
    ("midpoint", "MIDPOINT", 0, _INPUT),
    ("midprice", "MIDPRICE", 0, _INPUT),
    ("sar", "SAR", 0, _INPUT),
    ("supertrend", "SUPERTREND", 0, _INPUT),
    ("supertrend_direction", "SUPERTREND", 1, _PERCENT),
    ("bbands_upper", "BBANDS", 0, _INPUT),
    ("bbands_middle", "BBANDS", 1, _INPUT),
    ("bbands_lower", "BBANDS", 2, _INPUT),
    ("donchian_upper", "DONCHIAN", 0, _INPUT),
    ("donchian_middle", "DONCHIAN", 1, _INPUT),
    ("donchian_lower", "DONCHIAN", 2, _INPUT),
    ("keltner_upper", "KC", 0, _INPUT),
    ("keltner_middle", "KC", 1, _INPUT),
    ("keltner_lower", "KC", 2, _INPUT),
    ("rsi", "RSI", 0, _PERCENT),
    ("cmo", "CMO", 0, _PERCENT),
    ("mom", "MOM", 0, _INPUT),
    ("roc", "ROC", 0, _PERCENT),
    ("macd", "MACD", 0, _INPUT),
    ("macd_signal", "MACD", 1, _INPUT),
    ("macd_hist", "MACD", 2, _INPUT),
    ("apo", "APO", 0, _INPUT),
    ("ppo", "PPO", 0, _PERCENT),
    ("trix", "TRIX", 0, _PERCENT),
    ("tsi", "TSI", 0, _PERCENT),
    ("er", "ER", 0, _PERCENT),
    ("vhf", "VHF", 0, _PERCENT),
    ("stochrsi_k", "STOCHRSI", 0, _PERCENT),
    ("stochrsi_d", "STOCHRSI", 1, _PERCENT),
    ("stoch_k", "STOCH", 0, _PERCENT),
    ("stoch_d", "STOCH", 1, _PERCENT),
    ("stochf_k", "STOCHF", 0, _PERCENT),
    ("stochf_d", "STOCHF", 1, _PERCENT),
    ("willr", "WILLR", 0, _PERCENT),
    ("cci", "CCI", 0, _PERCENT),
    ("ultosc", "ULTOSC", 0, _PERCENT),
    ("ao", "AO", 0, _INPUT),
    ("bop", "BOP", 0, _PERCENT),
    ("aroon_down", "AROON", 0, _PERCENT),
    ("aroon_up", "AROON", 1, _PERCENT),
    ("aroonosc", "AROONOSC", 0, _PERCENT),
    ("adx", "ADX", 0, _PERCENT),
    ("adxr", "ADXR", 0, _PERCENT),
    ("dx", "DX", 0, _PERCENT),
    ("plus_di", "PLUS_DI", 0, _PERCENT),
    ("minus_di", "MINUS_DI", 0, _PERCENT),
    ("vortex_plus", "VORTEX", 0, _PERCENT),
    ("vortex_minus", "VORTEX", 1, _PERCENT),
    ("trange", "TRANGE", 0, _INPUT),
    ("atr", "ATR", 0, _INPUT),
    ("natr", "NATR", 0, _PERCENT),
    ("avgdev", "AVGDEV", 0, _INPUT),
    ("stddev", "STDDEV", 0, _INPUT),
    ("var", "VAR", 0, _SQUARE),
    ("sum", "SUM", 0, _INPUT),
    ("highest", "MAX", 0, _INPUT),  # `max` and `min` are of two terms, as in Python
    ("lowest", "MIN", 0, _INPUT),
    ("percentile", "PERCENTILE", 0, _INPUT),
    ("percentrank", "PERCENTRANK", 0, _PERCENT),
    ("linearreg", "LINEARREG", 0, _INPUT),
    ("linearreg_slope", "LINEARREG_SLOPE", 0, _INPUT),
    ("linearreg_intercept", "LINEARREG_INTERCEPT", 0, _INPUT),
    ("tsf", "TSF", 0, _INPUT),
    ("correl", "CORREL", 0, _PERCENT),
    ("beta", "BETA", 0, _PERCENT),
    ("avgprice", "AVGPRICE", 0, _INPUT),
    ("medprice", "MEDPRICE", 0, _INPUT),
    ("typprice", "TYPPRICE", 0, _INPUT),
    ("wclprice", "WCLPRICE", 0, _INPUT),
    ("obv", "OBV", 0, _LOTS),
    ("ad", "AD", 0, _LOTS),
    ("adosc", "ADOSC", 0, _LOTS),
    ("mfi", "MFI", 0, _PERCENT),
    ("cmf", "CMF", 0, _PERCENT),
    ("efi", "EFI", 0, _PRODUCT),
    ("vwap", "VWAP", 0, _FIRST),
    ("pvo", "PVO", 0, _PERCENT),
    ("ht_dcperiod", "HT_DCPERIOD", 0, _PERCENT),
    ("ht_trendmode", "HT_TRENDMODE", 0, _PERCENT),
)


def _lookback(talib_name: str, names: tuple[str, ...]) -> Callable[[Numbers], int]:
    @functools.lru_cache(maxsize=1024)
    def lookback(numbers: Numbers) -> int:
        return int(_describe(talib_name, **dict(zip(names, numbers, strict=True))).lookback)

    return lookback


def _parameter(name: str, default: float) -> Parameter:
    low, high = _ALLOWED.get(name, (2, LONGEST))
    return Parameter(name, default, low, high, whole=isinstance(default, int))


def _indicator(name: str, talib_name: str, output: int, units: UnitRule) -> Function:
    about: dict[str, Any] = _describe(talib_name).info
    given = [kind for kind in about["input_names"].values() if isinstance(kind, str)]
    read = [column for kind in about["input_names"].values() if not isinstance(kind, str) for column in kind]
    parameters = tuple(
        _parameter(key, default) for key, default in about["parameters"].items() if not key.endswith("matype")
    )
    names = tuple(parameter.name for parameter in parameters)
    lookback = _lookback(talib_name, names)
    outputs = len(about["output_names"])

    def kernel(inputs: tuple[int, ...], slot: int, numbers: Numbers) -> TaLib:
        return TaLib(inputs, slot, talib_name, dict(zip(names, numbers, strict=True)), lookback(numbers), outputs)

    return Function(
        name=name,
        series=("x",) if len(given) == 1 else ("x", "y")[: len(given)],
        units=units,
        kernel=kernel,
        lookback=lookback,
        description=about["display_name"],
        columns=tuple(read),
        parameters=parameters,
        family=talib_name,
        output=output,
    )


INDICATORS: tuple[Function, ...] = tuple(_indicator(*line) for line in _TABLE)
PATTERNS: tuple[Function, ...] = tuple(  # +100 or -100 (some 200, 80) where the pattern ends, 0 elsewhere
    _indicator(name.lower(), name, 0, _PERCENT) for name in _groups()["Pattern Recognition"]
)
