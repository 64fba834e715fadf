"""A strategy's text changed where running it as it is would lose sight of the bars; lines stay where they are.

In:  the syntax of a Python file.
Out: the same, but for calls of the functions named here:
     LISTED   lists are made by it, so that they remember what their elements know;
     NUMBER   float(x) and int(x) of bars stay bars;
     GUARD    a test that only raises an error decides nothing;
     BRANCH   a test outside loops is noted in the function's WHY, and so is what compares (CHOICE); BECAUSE gives what the
              function returns all of that.
A test within a loop is met by what the loop writes; if the loop leaves a name behind that a test chose (the best of several
windows), it is noted as well.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

LISTED, NUMBER, GUARD, BECAUSE = "__listed__", "__number__", "__guard__", "__because__"
BRANCH, CHOICE = "__branch__", "__choice__"
WHY = "__why__"
CHOOSING = ("max", "min", "sorted")  # compare what they are given
HARMLESS = (ast.Pass, ast.Expr)  # before a raise: a message is written
SCOPES = ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom  # would mean something else in a function of its own


class Rewriter(ast.NodeTransformer):
    """_branching: whether tests here are noted; _noted: whether one was."""

    _branching = False
    _noted = False
    _choosing = False  # within a loop that leaves a choice
    _function: ast.AST

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        before = self._branching, self._noted, self._choosing, getattr(self, "_function", node)
        self._branching, self._noted, self._choosing, self._function = True, False, False, node
        self.generic_visit(node)
        if self._noted:
            _Returns().because(node.body)
            first = node.body[0]
            why = ast.Assign([ast.Name(WHY, ast.Store())], ast.List([], ast.Load()))
            node.body.insert(0, ast.copy_location(why, first))
        self._branching, self._noted, self._choosing, self._function = before
        return node

    def visit_For(self, node: ast.For) -> ast.AST:
        return self._loop(node)

    def visit_While(self, node: ast.While) -> ast.AST:
        leaves = self._branching and leaves_a_choice(node, self._function)
        self._loop(node)
        if leaves:
            self._noted, node.test = True, _deferred(BRANCH, node.test, [_name(WHY, node.test)])
        return node

    def _loop(self, node: ast.For | ast.While) -> ast.AST:
        within = self._choosing
        self._choosing = within or (self._branching and leaves_a_choice(node, self._function))
        if not self._choosing:
            return self._inside(node)
        self.generic_visit(node)
        self._choosing = within
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return self._inside(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        return self._inside(node)

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        return self._inside(node)

    def visit_SetComp(self, node: ast.SetComp) -> ast.AST:
        return self._inside(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._inside(node)

    def _inside(self, node: ast.AST) -> ast.AST:
        before, self._branching = self._branching, False
        self.generic_visit(node)
        self._branching = before
        return node

    def visit_List(self, node: ast.List) -> ast.AST:
        self.generic_visit(node)
        names = node.elts and all(isinstance(one, ast.Constant) and isinstance(one.value, str) for one in node.elts)
        return node if names or not isinstance(node.ctx, ast.Load) else _call(LISTED, node, [node])

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        self._inside(node)
        return _call(LISTED, node, [ast.copy_location(ast.GeneratorExp(node.elt, node.generators), node)])

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in CHOOSING and self._branching:
            self._noted = True
            return _deferred(CHOICE, node, [_name(WHY, node)])
        if not isinstance(node.func, ast.Name) or len(node.args) != 1 or node.keywords:
            return node
        if node.func.id in ("float", "int"):
            return _call(NUMBER, node, [node.func, node.args[0]])
        return _call(LISTED, node, [node.args[0]]) if node.func.id == "list" else node

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        self.generic_visit(node)
        node.test = _deferred(GUARD, node.test, [])
        return node

    def visit_If(self, node: ast.If) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.body[-1], ast.Raise) and all(isinstance(one, HARMLESS) for one in node.body[:-1]):
            node.test = _deferred(GUARD, node.test, [])
        else:
            node.test = self._branch(node.test)
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        node.test = self._branch(node.test)
        return node

    def _branch(self, test: ast.expr) -> ast.expr:
        if not self._branching:
            return test
        self._noted = True
        return _deferred(BRANCH, test, [_name(WHY, test)])


class _Returns(ast.NodeTransformer):
    """Of one function, not of those within it."""

    def because(self, body: Sequence[ast.stmt]) -> None:
        for one in body:
            self.visit(one)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return node

    def visit_Return(self, node: ast.Return) -> ast.AST:
        if node.value is not None:
            node.value = _call(BECAUSE, node.value, [_name(WHY, node.value), node.value])
        return node


def leaves_a_choice(loop: ast.For | ast.While, function: ast.AST) -> bool:
    """Whether a name that a test within the loop gave its value is read after the loop before it is given another."""
    tests = [one for one in ast.walk(loop) if isinstance(one, ast.If)]
    ends_early = isinstance(loop, ast.While) or any(isinstance(one, ast.Break) for one in ast.walk(loop))
    chosen = {name.id for part in ([loop] if ends_early else tests) for name in _names(part, ast.Store)}
    after = sorted(
        (one for one in _names(function) if one.lineno > (loop.end_lineno or 0)),
        key=lambda one: (one.lineno, isinstance(one.ctx, ast.Store), one.col_offset),
    )
    first: dict[str, ast.Name] = {}
    for one in after:
        first.setdefault(one.id, one)
    return any(name in first and isinstance(first[name].ctx, ast.Load) for name in chosen)


def _names(node: ast.AST, kind: type[ast.expr_context] = ast.expr_context) -> list[ast.Name]:
    return [one for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, kind)]


def _name(name: str, at: ast.expr) -> ast.Name:
    return ast.copy_location(ast.Name(name, ast.Load()), at)


def _call(name: str, at: ast.expr, arguments: list[ast.expr]) -> ast.Call:
    function = ast.copy_location(ast.Name(name, ast.Load()), at)
    return ast.copy_location(ast.Call(function, arguments, []), at)


def _deferred(name: str, test: ast.expr, arguments: list[ast.expr]) -> ast.expr:
    """The test as a function, so that what it looks at can be told apart."""
    if any(isinstance(one, SCOPES) for one in ast.walk(test)):
        return test
    nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    return _call(name, test, [*arguments, ast.copy_location(ast.Lambda(nothing, test), test)])
