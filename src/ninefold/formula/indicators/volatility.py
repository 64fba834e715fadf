"""TA-Lib's volatility indicators."""

from __future__ import annotations

from ninefold.formula.indicators.line import PURE, SAME, Line

VOLATILITY: tuple[Line, ...] = (
    # name, TA-Lib's function, which of its outputs, unit, description
    ("trange", "TRANGE", 0, SAME, "true range: the bar with the gap before it"),
    ("atr", "ATR", 0, SAME, "average true range, smoothed as Wilder does"),
    ("natr", "NATR", 0, PURE, "atr in percent of the close"),
    ("adr", "ADR", 0, SAME, "mean of high - low"),
    ("cvi", "CVI", 0, PURE, "Chaikin's volatility: change of the smoothed range in percent"),
    ("massi", "MASSI", 0, PURE, "mass index: range over its own mean, added up; bulges before turns"),
    ("rvi", "RVI", 0, PURE, "Dorsey's relative volatility: rsi of the standard deviation, 0 to 100"),
)
