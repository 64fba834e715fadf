"""TA-Lib's indicators and candle patterns by their usual names, a table for each of TA-Lib's own groups.

What is not there, and why, stands in LEFT_OUT; a test holds that nothing is missing unsaid.
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

LEFT_OUT: dict[str, str] = {
    "MAXINDEX": "answers a position counted from the start of the data; argmax says how many bars ago",
    "MININDEX": "answers a position counted from the start of the data; argmin says how many bars ago",
    "MINMAXINDEX": "answers positions counted from the start of the data; argmin and argmax say how many bars ago",
    "ADD": "write a + b",
    "SUB": "write a - b",
    "MULT": "write a * b",
    "DIV": "write a / b",
    "EXP": "write exp(x), which the language has already: one routine, so one result",
    "LN": "write log(x), which the language has already: one routine, so one result",
    "SQRT": "write sqrt(x), which the language has already: one routine, so one result",
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
