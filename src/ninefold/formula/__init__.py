"""The expression language: terms over bars, indicators, patterns; batch and one-at-a-time evaluation. Pure."""

from ninefold.formula.aligned import Aligned, Bars, sources
from ninefold.formula.catalogue import CATALOGUE, FUNCTIONS
from ninefold.formula.columns import COLUMNS
from ninefold.formula.elsewhere import Elsewhere, at, on
from ninefold.formula.errors import FormulaError
from ninefold.formula.evaluate import Evaluator, batch, to_quote, update_all
from ninefold.formula.parse import parse
from ninefold.formula.term import Call, Column, Literal, Term, call
from ninefold.formula.units import BOOL, COUNT, PRICE, RATIO, SIZE, Scale, Unit

__all__ = [
    "BOOL",
    "CATALOGUE",
    "COLUMNS",
    "COUNT",
    "FUNCTIONS",
    "PRICE",
    "RATIO",
    "SIZE",
    "Aligned",
    "Bars",
    "Call",
    "Column",
    "Elsewhere",
    "Evaluator",
    "FormulaError",
    "Literal",
    "Scale",
    "Term",
    "Unit",
    "at",
    "batch",
    "call",
    "on",
    "parse",
    "sources",
    "to_quote",
    "update_all",
]
