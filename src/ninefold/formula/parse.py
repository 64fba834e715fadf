"""Text to terms: `parse("sma(close, 10) > sma(close, 30)")`.

The text is a Python expression of a small subset: names, numbers, calls, + - * /, < <= > >=, and & | ~ (and, or, not).
Python's own parser reads it; nothing of it is ever executed. `str(term)` parses back to an equal term.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from ninefold.formula.catalogue import FUNCTIONS
from ninefold.formula.columns import COLUMNS
from ninefold.formula.elsewhere import at, on
from ninefold.formula.errors import FormulaError, did_you_mean
from ninefold.formula.term import Column, Literal, Operand, Term, call

LONGEST_TEXT = 10_000
_ALLOWED_TEXT = re.compile(r'(?:[A-Za-z0-9_ ().,+\-*/<>=&|~\s]+|"[A-Za-z0-9$:/._-]*")*', re.ASCII)

_BINARY: dict[type[ast.AST], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.BitAnd: "both",
    ast.BitOr: "either",
    ast.And: "both",
    ast.Or: "either",
    ast.Gt: "greater",
    ast.GtE: "at_least",
    ast.Lt: "less",
    ast.LtE: "at_most",
}
_UNARY: dict[type[ast.AST], str] = {ast.USub: "negative", ast.Invert: "negation", ast.Not: "negation"}


def parse(text: str, numbers: Mapping[str, float] | None = None) -> Term:
    """The term a text stands for.

    numbers: names that stand for numbers, such as the parameters of a strategy.
    raises:  FormulaError saying where, what was found and what is allowed.

    >>> parse("sma(close,10)>sma(close,30)").warm_up
    29
    """
    if len(text) > LONGEST_TEXT:
        raise FormulaError(f"the formula has {len(text)} characters; allowed are {LONGEST_TEXT}")
    good = _ALLOWED_TEXT.match(text)
    if good is None or good.end() < len(text):
        place = good.end() if good else 0
        raise FormulaError(
            f"character {place + 1} is {text[place]!r}; a formula has letters, digits and ( ) . , + - * / < > = & | ~"
        )
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        where = f"at character {error.offset}" if error.offset else "at its end"
        raise FormulaError(
            f"not a formula {where}: {error.msg}; write for example sma(close, 10) > sma(close, 30)"
        ) from None
    except (RecursionError, MemoryError, ValueError):
        raise FormulaError("the formula is nested too deeply; use fewer parentheses") from None
    return _whole(_Named(numbers).visit(tree) if numbers else tree)


class _Named(ast.NodeTransformer):
    """Puts numbers in the place of their names."""

    def __init__(self, numbers: Mapping[str, float]) -> None:
        self._numbers = numbers

    def visit_Name(self, node: ast.Name) -> ast.expr:
        found = self._numbers.get(node.id)
        return node if found is None else ast.copy_location(ast.Constant(found), node)


def _whole(tree: ast.expr) -> Term:
    try:
        found = _read(tree)
    except RecursionError:
        raise FormulaError("the formula is nested too deeply; use fewer parentheses") from None
    return found if isinstance(found, Term) else Literal(found)


def _read(node: ast.expr) -> Operand:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return _number(value)
        case ast.Name(id=name):
            return _name(name)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _read(operand)
        case ast.UnaryOp(op=operator, operand=operand) if type(operator) in _UNARY:
            return _applied(_UNARY[type(operator)], operand)
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _BINARY:
            return _applied(_BINARY[type(operator)], left, right)
        case ast.BoolOp(op=operator, values=values):
            return _joined(_BINARY[type(operator)], values)
        case ast.Compare(left=left, ops=[operator], comparators=[right]) if type(operator) in _BINARY:
            return _applied(_BINARY[type(operator)], left, right)
        case ast.Compare(ops=[_, _, *_]):
            raise FormulaError(
                f"{ast.unparse(node)!r} compares twice; put each comparison in parentheses: (a < b) & (b < c)"
            )
        case ast.Call(func=ast.Name(id=("at" | "on") as name), args=arguments, keywords=keywords):
            return _elsewhere(name, arguments, keywords)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=keywords):
            named = {keyword.arg or "**": _plain(keyword.value) for keyword in keywords}
            return call(name, *[_read(argument) for argument in arguments], **named)
    raise FormulaError(
        f"{ast.unparse(node)!r} is not part of the language; "
        "allowed are columns, numbers, functions, + - * / < <= > >= & | ~"
    )


def _elsewhere(name: str, arguments: list[ast.expr], keywords: list[ast.keyword]) -> Term:
    match arguments:
        case [ast.Constant(value=str() as where), inner] if not keywords:
            return at(where, _read(inner)) if name == "at" else on(where, _read(inner))
    raise FormulaError(f"{name} takes a text and a term: " + 'at("binance:ETH/USDT", close), on("5m", sma(close, 20))')


def _applied(name: str, *operands: ast.expr) -> Term:
    return call(name, *[_read(operand) for operand in operands])


def _joined(name: str, operands: list[ast.expr]) -> Term:
    joined = _read(operands[0])
    for operand in operands[1:]:
        joined = call(name, joined, _read(operand))
    return joined if isinstance(joined, Term) else Literal(joined)


def _name(name: str) -> Term:
    if name in FUNCTIONS and name not in COLUMNS:
        raise FormulaError(f"{name!r} is a function; it is called as {FUNCTIONS[name].signature}")
    if name not in COLUMNS:
        hint = did_you_mean(name, [*COLUMNS, *FUNCTIONS])
        raise FormulaError(f"there is no column {name!r}{hint}; columns are {' '.join(COLUMNS)}")
    return Column(name)


def _plain(node: ast.expr) -> float:
    value = _read(node)
    if isinstance(value, Literal):
        return value.value
    if isinstance(value, Term):
        raise FormulaError(f"{value} stands where a plain number must; only a function's first arguments are terms")
    return value


def _number(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        raise FormulaError("a number in the formula is too large; allowed are finite numbers below 1.8e308") from None
