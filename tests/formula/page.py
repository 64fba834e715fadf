"""docs/formulas.md: its table of functions, made of the catalogue. `python -m tests.formula.page` writes it anew."""

import re
from pathlib import Path

from ninefold.formula import BOOL, CATALOGUE, FUNCTIONS, RATIO, FormulaError, Unit
from ninefold.formula.columns import COLUMNS
from ninefold.formula.function import Function
from ninefold.formula.indicators import ARITHMETIC_TOO

PAGE = Path(__file__).parents[2] / "docs" / "formulas.md"
BEGIN, END = "<!-- functions -->", "<!-- end -->"
X, Y, SQUARE = Unit(price=7), Unit(size=5), Unit(price=22)  # stand for whatever goes in
WORDS = {str(X): "as x", str(X.times(X)): "x squared", str(X.times(Y)): "x times y", str(X.over(Y)): "x over y"}


def tables() -> str:
    """All functions by group, in Markdown; then those of TA-Lib that are arithmetic."""
    parts = []
    for group, functions in CATALOGUE.items():
        parts += [f"### {group}", "", "| written | gives | warm-up | |", "| --- | --- | --- | --- |"]
        parts += [line(function) for function in functions] + [""]
    parts += ["### TA-Lib's names of arithmetic", "", "| also written | the very term |", "| --- | --- |"]
    others = {usual.lower(): FUNCTIONS[name] for usual, name in ARITHMETIC_TOO.items()}
    parts += [f"| `{also(usual)}` | `{written(one)}` |" for usual, one in others.items() if also(usual) != written(one)]
    return "\n".join(parts)


def also(usual: str) -> str:
    return f"{usual}({', '.join(FUNCTIONS[usual].series)})"


def line(function: Function) -> str:
    shown = function.description.replace("|", "\\|")
    return f"| `{written(function)}` | {gives(function)} | {warm_up(function)} | {shown} |"


def written(function: Function) -> str:
    if not function.symbol:
        return function.signature
    symbol = function.symbol.replace("|", "\\|")
    return f"a {symbol} b" if len(function.series) == 2 else f"{symbol}x"


def gives(function: Function) -> str:
    """The unit of its values in words."""
    if function.columns and not function.series:
        return str(function.units(function.name, tuple(COLUMNS[name] for name in function.columns))[1])
    read = tuple(COLUMNS[name] for name in function.columns)
    for given in ((X, Y), (X, X), (BOOL, X, X), (SQUARE,), (RATIO, RATIO), (BOOL, BOOL, BOOL, BOOL)):
        units = given[: len(function.series)]
        if len(units) < len(function.series):
            continue
        try:
            found = str(function.units(function.name, units + read)[1])
        except FormulaError:
            continue
        return WORDS.get(found, "root of x" if given == (SQUARE,) else found)
    raise ValueError(f"{function.name}: no units fit")


def warm_up(function: Function) -> str:
    """Bars without a value at the defaults."""
    return str(function.lookback(tuple(parameter.default for parameter in function.parameters)))


def page(text: str) -> str:
    """The page with its table made anew."""
    return re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}\n{tables()}\n{END}", text, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
