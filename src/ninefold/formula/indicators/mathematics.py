"""TA-Lib's operators and transforms, as far as the language has no operator of its own for them.

Rounding and angles are of ratios: of a price they would depend on the size of a tick.
"""

from __future__ import annotations

from ninefold.formula.indicators.line import OF_RATIO, PURE, SAME, Line

MATHEMATICS: tuple[Line, ...] = (
    # name, TA-Lib's function, which of its outputs, unit, description
    ("sum", "SUM", 0, SAME, "sum of the last bars"),
    ("cumsum", "CUMSUM", 0, SAME, "sum since the anchor"),
    ("highest", "MAX", 0, SAME, "highest of the last bars"),  # `max` and `min` are of two terms, as in Python
    ("lowest", "MIN", 0, SAME, "lowest of the last bars"),
    ("minmax_min", "MINMAX", 0, SAME, "lowest of the last bars, computed together with minmax_max"),
    ("minmax_max", "MINMAX", 1, SAME, "highest of the last bars, computed together with minmax_min"),
    ("maxindex", "MAXINDEX", 0, PURE, "when the highest of the last bars was, counted from the anchor, bar 0"),
    ("minindex", "MININDEX", 0, PURE, "when the lowest of the last bars was, counted from the anchor, bar 0"),
    ("minmaxindex_min", "MINMAXINDEX", 0, PURE, "as minindex, computed together with minmaxindex_max"),
    ("minmaxindex_max", "MINMAXINDEX", 1, PURE, "as maxindex, computed together with minmaxindex_min"),
    ("acos", "ACOS", 0, OF_RATIO, "angle whose cosine is x; unknown outside -1 to 1"),
    ("asin", "ASIN", 0, OF_RATIO, "angle whose sine is x; unknown outside -1 to 1"),
    ("atan", "ATAN", 0, OF_RATIO, "angle whose tangent is x"),
    ("ceil", "CEIL", 0, OF_RATIO, "next whole number up"),
    ("cos", "COS", 0, OF_RATIO, "cosine"),
    ("cosh", "COSH", 0, OF_RATIO, "hyperbolic cosine"),
    ("floor", "FLOOR", 0, OF_RATIO, "next whole number down"),
    ("log10", "LOG10", 0, OF_RATIO, "logarithm to base 10; unknown where x is not positive"),
    ("sin", "SIN", 0, OF_RATIO, "sine"),
    ("sinh", "SINH", 0, OF_RATIO, "hyperbolic sine"),
    ("tan", "TAN", 0, OF_RATIO, "tangent"),
    ("tanh", "TANH", 0, OF_RATIO, "hyperbolic tangent: squeezes a ratio into -1 to 1"),
)
