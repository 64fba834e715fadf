"""Statistics, regime and risk over the last bars, each a function of its window alone: any window rebuilds its value.

TA-Lib's own (`sma`, `stddev`, `correl`, ...) keep running sums, which are faster and remember where they began in the
last bits. The Hurst exponent is left out: its estimators disagree; `variance_ratio` and `autocorrelation` are what they
measure. The lowest and highest of a window are `lowest` and `highest`, exact in either way.
"""

from __future__ import annotations

from collections.abc import Callable

from ninefold.formula.function import Function, Numbers, Parameter, UnitRule, combined_units, same_units
from ninefold.formula.rolling_kernel import Rolling
from ninefold.formula.units import RATIO
from ninefold.formula.windows import LONGEST_PASS

_SAME = same_units()
_PURE = combined_units(lambda units: RATIO)
_SQUARE = combined_units(lambda units: units[0].times(units[0]))
_PRODUCT = combined_units(lambda units: units[0].times(units[1]))
_BY_VALUE = combined_units(lambda units: RATIO.over(units[0].times(units[1])))
_SHARE = Parameter("share", 0.5, 0.0, 1.0, whole=False)
_PERCENT = Parameter("percent", 5.0, 0.1, 50.0, whole=False)
_LAG = Parameter("lag", 1, 1, 100)

# name, its series and `columns it reads`, unit, fewest bars of a window, bars before the window, other parameter
_Line = tuple[str, str, UnitRule, int, int, Parameter | None, str]
_STATISTICS: tuple[_Line, ...] = (
    ("mean", "x", _SAME, 1, 0, None, "plain mean"),
    ("std", "x", _SAME, 2, 0, None, "standard deviation (population)"),
    ("variance", "x", _SQUARE, 2, 0, None, "variance (population)"),
    ("skew", "x", _PURE, 3, 0, None, "skewness g1; unknown where nothing moved"),
    ("kurtosis", "x", _PURE, 4, 0, None, "excess kurtosis g2; unknown where nothing moved"),
    ("median", "x", _SAME, 1, 0, None, "middle value"),
    ("quantile", "x", _SAME, 2, 0, _SHARE, "value below which a share lies, straight lines between"),
    ("rank", "x", _PURE, 2, 0, None, "share of the other values below this one, ties half: 0 lowest, 1 highest"),
    ("argmin", "x", _PURE, 1, 0, None, "bars since the lowest, the latest of equals"),
    ("argmax", "x", _PURE, 1, 0, None, "bars since the highest, the latest of equals"),
    ("covariance", "x y", _PRODUCT, 2, 0, None, "covariance (population)"),
    ("correlation", "x y", _PURE, 2, 0, None, "Pearson's correlation, -1 to 1; unknown where one did not move"),
    ("slope", "x", _SAME, 2, 0, None, "slope of the regression on time, a bar"),
    ("r2", "x", _PURE, 3, 0, None, "share of the variance that a straight line explains"),
    ("autocorrelation", "x", _PURE, 3, 0, _LAG, "correlation with itself some bars before"),
    ("permutation_entropy", "x", _PURE, 5, 0, None, "evenness of the orders of three neighbours, 0 to 1"),
    ("variance_ratio", "x", _PURE, 4, 0, Parameter("lag", 2, 2, 100), "above 1 trends, below 1 reverts"),
)
_RISK: tuple[_Line, ...] = (
    ("parkinson", "`high low`", _PURE, 1, 0, None, "volatility of a bar from high and low"),
    ("garman_klass", "`open high low close`", _PURE, 1, 0, None, "volatility of a bar from its four prices"),
    ("drawdown", "x", _PURE, 1, 0, None, "fall from the highest, as a fraction"),
    ("max_drawdown", "x", _PURE, 1, 0, None, "largest fall within the window, as a fraction"),
    ("time_under_water", "x", _PURE, 1, 0, None, "share of the bars below the highest before them"),
    ("value_at_risk", "x", _PURE, 2, 1, _PERCENT, "loss of one bar exceeded in so many percent, a fraction"),
    ("expected_shortfall", "x", _PURE, 2, 1, _PERCENT, "mean of the losses beyond value_at_risk (CVaR)"),
    ("amihud", "`close volume`", _BY_VALUE, 1, 1, None, "illiquidity: move for each unit of value traded"),
    ("roll_spread", "x", _SAME, 3, 1, None, "spread that the bouncing of prices tells; 0 where they do not bounce"),
)


def _function(line: _Line) -> Function:
    name, reads, units, fewest, before, other, description = line
    columns = tuple(reads.strip("`").split()) if reads.startswith("`") else ()
    parameters = (Parameter("window", 20, fewest, LONGEST_PASS), *((other,) if other else ()))
    lookback = _lookback(before, other is not None and other.name == "lag")

    def kernel(inputs: tuple[int, ...], slot: int, numbers: Numbers) -> Rolling:
        return Rolling(inputs, slot, name, lookback(numbers) + 1, numbers[1] if other else 0.0)

    return Function(
        name=name,
        series=() if columns else tuple(reads.split()),
        units=units,
        kernel=kernel,
        lookback=lookback,
        description=description,
        columns=columns,
        parameters=parameters,
        family=name,
    )


def _lookback(before: int, lag_too: bool) -> Callable[[Numbers], int]:
    def lookback(numbers: Numbers) -> int:
        return int(numbers[0]) - 1 + before + (int(numbers[1]) if lag_too else 0)

    return lookback


STATISTICS: tuple[Function, ...] = tuple(_function(line) for line in _STATISTICS)
RISK: tuple[Function, ...] = tuple(_function(line) for line in _RISK)
