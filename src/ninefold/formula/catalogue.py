"""Every function of the language by name. To add one: one line in the table of the file it is akin to.

`sub`, `mult`, `div` and `ln` are TA-Lib's names of what the language has: they build the very terms.
"""

from __future__ import annotations

from ninefold.formula.analogue import ANALOGUES
from ninefold.formula.arithmetic import ARITHMETIC
from ninefold.formula.function import Function
from ninefold.formula.indicators import ARITHMETIC_TOO, BY_GROUP
from ninefold.formula.latch import LATCHES
from ninefold.formula.rolling import RISK, STATISTICS
from ninefold.formula.windows import WINDOWS

CATALOGUE: dict[str, tuple[Function, ...]] = {
    "Operators": ARITHMETIC,
    "Time and crossings": (*WINDOWS, *LATCHES),
    "Statistics": STATISTICS,
    "Regime and risk": RISK,
    "Analogues": ANALOGUES,
    **BY_GROUP,
}
FUNCTIONS: dict[str, Function] = {function.name: function for group in CATALOGUE.values() for function in group}
FUNCTIONS |= {usual.lower(): FUNCTIONS[name] for usual, name in ARITHMETIC_TOO.items()}
