"""TA-Lib's indicators and candle patterns by their usual names, a table for each of TA-Lib's own groups.

What is arithmetic stands in ARITHMETIC_TOO; a test holds that nothing is missing.
"""

from __future__ import annotations

from ninefold.formula.function import Function
from ninefold.formula.indicators.cycle import CYCLE
from ninefold.formula.indicators.line import PURE, Line, indicator
from ninefold.formula.indicators.mathematics import MATHEMATICS
from ninefold.formula.indicators.momentum import MOMENTUM
from ninefold.formula.indicators.overlap import OVERLAP
from ninefold.formula.indicators.pattern import CANDLES
from ninefold.formula.indicators.price import PRICE
from ninefold.formula.indicators.statistic import STATISTIC
from ninefold.formula.indicators.volatility import VOLATILITY
from ninefold.formula.indicators.volume import VOLUME

# TA-Lib's functions that the language has by itself, under its own names: one routine, so one result, and one term.
ARITHMETIC_TOO: dict[str, str] = {
    "ADD": "add",
    "SUB": "subtract",
    "MULT": "multiply",
    "DIV": "divide",
    "EXP": "exp",
    "LN": "log",
    "SQRT": "sqrt",
}
GROUPS: dict[str, tuple[Line, ...]] = {
    "Overlap studies": OVERLAP,
    "Momentum": MOMENTUM,
    "Volume": VOLUME,
    "Volatility": VOLATILITY,
    "Cycles": CYCLE,
    "Statistics of TA-Lib": STATISTIC,
    "Prices": PRICE,
    "Mathematics": MATHEMATICS,
    "Candle patterns": tuple((name.lower(), name, 0, PURE, description) for name, description in CANDLES),
}
BY_GROUP: dict[str, tuple[Function, ...]] = {
    group: tuple(indicator(line) for line in lines) for group, lines in GROUPS.items()
}
