"""A strategy's text, loaded so that nothing it does with the bars goes unseen.

In:  the text of a Python file, and the libraries that stand in for those it imports.
Out: the names it defines. The file is run as it is, but for what `rewrite` changes, and an import of numpy, math, pandas
     or talib gives a library that follows the bars.
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
from ninefold.backtest.leaks.rewrite import BECAUSE, BRANCH, CHOICE, GUARD, LISTED, NUMBER, Rewriter
from ninefold.backtest.leaks.taken import Had, Taken
from ninefold.backtest.leaks.traced import Traced

NAME = "strategy_under_check"


def load(text: str, path: str, taken: Taken, libraries: Mapping[str, ModuleType], name: str = NAME) -> dict[str, Any]:
    """Run a file and return the names it defines.

    path:      as error messages should name it.
    libraries: by the name under which a file imports them; others are imported as they are.
    name:      of the module; lines of ours are not blamed.
    raises:    SyntaxError; whatever the file raises.
    """
    names: dict[str, Any] = {
        "__name__": name,
        "__file__": path,
        "__builtins__": {**vars(builtins), "__import__": _importer(libraries)},
        LISTED: lambda elements: Listed(elements, taken),
        NUMBER: _number,
        GUARD: taken.apart,
        BRANCH: taken.branch,
        CHOICE: taken.choice,
        BECAUSE: _because,
    }
    exec(compiled(text, path), names)
    return names


@functools.lru_cache(maxsize=8)
def compiled(text: str, path: str) -> CodeType:
    """The text made ready; a strategy is run several times."""
    return compile(ast.fix_missing_locations(Rewriter().visit(ast.parse(text, path))), path, "exec")


def _number(kind: Callable[[Any], Any], value: Any) -> Any:
    if isinstance(value, Traced) and value.size == 1:
        return value.reshape(()).astype(np.float64 if kind is float else np.int64)
    return kind(value)


def _because(why: list[Had], value: Any) -> Any:
    """What a function gives knows the tests that chose it."""
    return value.floored(*max(why)) if why and hasattr(value, "floored") else value


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
