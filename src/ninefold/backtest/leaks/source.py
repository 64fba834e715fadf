"""A strategy's text, loaded so that nothing it does with the bars goes unseen.

In:  the text of a Python file, and the libraries that stand in for those it imports.
Out: the names it defines. The file is run as it is, but for four things that would lose sight of the bars: its lists
     remember what their elements know, float(x) and int(x) of bars stay bars, a test that only raises an error decides
     nothing, and an import of numpy, math, pandas or talib gives a library that follows the bars.
"""

from __future__ import annotations

import ast
import builtins
import functools
from collections.abc import Callable, Mapping
from types import CodeType, ModuleType
from typing import Any

import numpy as np

from ninefold.backtest.leaks.lists import Listed
from ninefold.backtest.leaks.taken import Taken
from ninefold.backtest.leaks.traced import Traced

NAME = "strategy_under_check"
LISTED, NUMBER, GUARD = "__listed__", "__number__", "__guard__"
HARMLESS = (ast.Pass, ast.Expr)  # before a raise: a message is written


def load(text: str, path: str, taken: Taken, libraries: Mapping[str, ModuleType]) -> dict[str, Any]:
    """Run a file and return the names it defines.

    path:      as error messages should name it.
    libraries: by the name under which a file imports them; others are imported as they are.
    raises:    SyntaxError; whatever the file raises.
    """
    names: dict[str, Any] = {
        "__name__": NAME,
        "__file__": path,
        "__builtins__": {**vars(builtins), "__import__": _importer(libraries)},
        LISTED: lambda elements: Listed(elements, taken),
        NUMBER: _number,
        GUARD: taken.apart,
    }
    exec(compiled(text, path), names)
    return names


@functools.lru_cache(maxsize=8)
def compiled(text: str, path: str) -> CodeType:
    """The text made ready; a strategy is run several times."""
    return compile(ast.fix_missing_locations(Rewriter().visit(ast.parse(text, path))), path, "exec")


class Rewriter(ast.NodeTransformer):
    """Lists, numbers and guards as said above; lines stay where they are."""

    def visit_List(self, node: ast.List) -> ast.AST:
        self.generic_visit(node)
        names = node.elts and all(isinstance(one, ast.Constant) and isinstance(one.value, str) for one in node.elts)
        return node if names or not isinstance(node.ctx, ast.Load) else _call(LISTED, node, node)

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        self.generic_visit(node)
        return _call(LISTED, node, ast.copy_location(ast.GeneratorExp(node.elt, node.generators), node))

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.func, ast.Name) or len(node.args) != 1 or node.keywords:
            return node
        if node.func.id in ("float", "int"):
            return _call(NUMBER, node, node.func, node.args[0])
        return _call(LISTED, node, node.args[0]) if node.func.id == "list" else node

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        self.generic_visit(node)
        node.test = _guarded(node.test)
        return node

    def visit_If(self, node: ast.If) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.body[-1], ast.Raise) and all(isinstance(one, HARMLESS) for one in node.body[:-1]):
            node.test = _guarded(node.test)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is not None:
            node.value = self.visit(node.value)
        return node


def _call(name: str, at: ast.expr, *arguments: ast.expr) -> ast.Call:
    function = ast.copy_location(ast.Name(name, ast.Load()), at)
    return ast.copy_location(ast.Call(function, list(arguments), []), at)


def _guarded(test: ast.expr) -> ast.expr:
    if any(isinstance(one, ast.NamedExpr | ast.Await | ast.Yield) for one in ast.walk(test)):
        return test
    nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    return _call(GUARD, test, ast.copy_location(ast.Lambda(nothing, test), test))


def _number(kind: Callable[[Any], Any], value: Any) -> Any:
    if isinstance(value, Traced) and value.size == 1:
        return value.reshape(()).astype(np.float64 if kind is float else np.int64)
    return kind(value)


def _importer(libraries: Mapping[str, ModuleType]) -> Callable[..., Any]:
    def imported(
        name: str, globals_: Any = None, locals_: Any = None, wanted: Any = (), level: int = 0, /, **more: Any
    ) -> Any:
        wanted, level = more.get("fromlist", wanted), more.get("level", level)
        top = name.partition(".")[0]
        if level or top not in libraries:
            return builtins.__import__(name, globals_, locals_, wanted, level)
        if not wanted:
            return libraries[top]
        if name in libraries:
            return libraries[name]
        return builtins.__import__(name, globals_, locals_, wanted, level)

    return imported
