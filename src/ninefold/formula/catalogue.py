"""Every function of the language by name. To add one: one line in `arithmetic`, `windows` or `indicators`."""

from __future__ import annotations

from ninefold.formula.arithmetic import ARITHMETIC
from ninefold.formula.function import Function
from ninefold.formula.indicators import INDICATORS, PATTERNS
from ninefold.formula.windows import WINDOWS

FUNCTIONS: dict[str, Function] = {
    function.name: function for function in (*ARITHMETIC, *WINDOWS, *INDICATORS, *PATTERNS)
}
