"""TA-Lib's statistics over the last bars. They keep running sums; `rolling` has those that any window rebuilds."""

from __future__ import annotations

from ninefold.formula.indicators.line import OF_RATIO, PURE, SAME, SQUARE, Line

STATISTIC: tuple[Line, ...] = (
    # name, TA-Lib's function, which of its outputs, unit, description
    ("stddev", "STDDEV", 0, SAME, "standard deviation (population) times nbdev"),
    ("var", "VAR", 0, SQUARE, "variance (population)"),
    ("percentile", "PERCENTILE", 0, SAME, "the value at a percentile, nearest rank"),
    ("percentrank", "PERCENTRANK", 0, PURE, "share of the bars before that lie below, 0 to 100"),
    ("linearreg", "LINEARREG", 0, SAME, "end of the regression line"),
    ("linearreg_slope", "LINEARREG_SLOPE", 0, SAME, "slope of the regression line, a bar"),
    ("linearreg_intercept", "LINEARREG_INTERCEPT", 0, SAME, "start of the regression line"),
    ("linearreg_angle", "LINEARREG_ANGLE", 0, OF_RATIO, "slope of the regression line of a ratio, in degrees"),
    ("tsf", "TSF", 0, SAME, "the regression line one bar on"),
    ("correl", "CORREL", 0, PURE, "Pearson's correlation of x and y, -1 to 1"),
    ("beta", "BETA", 0, PURE, "slope of the returns of y on those of x"),
)
