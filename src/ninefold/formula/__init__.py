"""The expression language: terms over bars, indicators, patterns; batch and one-at-a-time evaluation. Pure."""

from ninefold.formula.catalogue import FUNCTIONS
from ninefold.formula.columns import COLUMNS
from ninefold.formula.errors import FormulaError
from ninefold.formula.evaluate import Evaluator, batch, to_quote
from ninefold.formula.parse import parse
from ninefold.formula.term import Call, Column, Literal, Term, call
from ninefold.formula.units import BOOL, COUNT, PRICE, RATIO, SIZE, Scale, Unit

__all__ = [
    "BOOL",
    "COLUMNS",
    "COUNT",
    "FUNCTIONS",
    "PRICE",
    "RATIO",
    "SIZE",
    "Call",
    "Column",
    "Evaluator",
    "FormulaError",
    "Literal",
    "Scale",
    "Term",
    "Unit",
    "batch",
    "call",
    "parse",
    "to_quote",
]
