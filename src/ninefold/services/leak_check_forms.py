"""In which form a strategy is written, and how one run of it is judged.

In:  FILE.py, FILE.py:NAME, or the name of a strategy of the library.
Out: `Found`: the form, and a function that loads the file anew and judges one run.

A file may hold `target(bars)` (decided at each close), `held(bars)` (held during each bar), `on_bar(bars, row)`,
classes of `Strategy`, or a class with populate_indicators as freqtrade has them. A function is given a pandas frame if
its file imports pandas or its argument is called df, dataframe or data; else columns of numpy.
"""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from ninefold.backtest.leaks.check import Leak, callback_once, columns_once
from ninefold.backtest.leaks.libraries import math_library, numpy_library
from ninefold.backtest.leaks.source import load
from ninefold.backtest.leaks.taken import Taken
from ninefold.services.leak_check_classes import is_freqtrade, not_judged, timeframe_of
from ninefold.services.strategies import known_strategies
from ninefold.strategy.forms import BookCode, TradeCode
from ninefold.strategy.library import Kinds, strategy_named
from ninefold.strategy.parameters import BadStrategy
from ninefold.strategy.plan import Code
from ninefold.strategy.strategy import plan_of

FORMULA, CODE = "formula", "one bar at a time"
COLUMNS, HELD, CALLBACK = "columns", "columns held during their bar", "callback"
FRAME, FRAME_HELD, FREQTRADE = "frame", "frame held during its bar", "freqtrade"
FRAMES = ("df", "dataframe", "data")
NAMES = {"target": COLUMNS, "held": HELD, "on_bar": CALLBACK}
PANDAS = "ninefold.backtest.leaks."  # modules that need pandas, which not every user has

Once = Callable[[Mapping[str, np.ndarray], np.ndarray], Leak | None]


class Found(NamedTuple):
    """once:  judges one run, given columns and when each bar opens.
    timeframe: of the bars it is made for, "" if it does not say. besides: what of it is not judged, in words."""

    name: str
    form: str
    path: str
    once: Once
    timeframe: str = ""
    besides: str = ""


def form_of(strategy: str, folder: Path | None = None, held: bool = False) -> Found:
    """folder: strategies of the user's own. held: what a function gives is held during its own bar, as if it were called `held`.

    raises: BadStrategy if there is no such strategy, or nothing in the file that can be run.
    """
    path, _, name = strategy.rpartition(":") if ".py:" in strategy else (strategy, "", "")
    if not path.endswith(".py"):
        return _of_classes("", {strategy: strategy_named(strategy, known_strategies(folder))})
    if not Path(path).is_file():
        raise BadStrategy(f"there is no file {path}; give a Python file, FILE.py:NAME, or the name of a strategy")
    text = Path(path).read_text(encoding="utf-8")
    try:
        tree = _parsed(text, path)
    except SyntaxError as error:
        raise BadStrategy(f"{path}:{error.lineno}: {error.msg}: {(error.text or '').strip()}") from error
    return _of_file(path, text, tree, name, held)


@functools.lru_cache(maxsize=8)
def _parsed(text: str, path: str) -> ast.Module:
    """A file may hold many strategies, each of which is asked for by its name."""
    return ast.parse(text, path)


def _of_file(path: str, text: str, tree: ast.Module, name: str, held: bool) -> Found:
    functions = {one.name: one for one in tree.body if isinstance(one, ast.FunctionDef)}
    wanted = name or next((one for one in NAMES if one in functions), "")
    if wanted in functions:
        return _of_function(path, text, tree, functions[wanted], held)
    for one in tree.body:
        if isinstance(one, ast.ClassDef) and is_freqtrade(one) and name in ("", one.name):
            once = _frames(path, text, one.name, FREQTRADE)
            return Found(one.name, FREQTRADE, path, once, timeframe_of(one, tree), not_judged(one))
    classes = [one.name for one in tree.body if isinstance(one, ast.ClassDef)]
    if any(
        isinstance(one, ast.ClassDef) and any("Strategy" in ast.unparse(base) for base in one.bases)
        for one in tree.body
    ):
        own = {
            known: kind
            for known, kind in known_strategies(Path(path)).items()
            if kind.__module__.startswith("strategies.")
        }
        chosen = {known: kind for known, kind in own.items() if name in ("", known, kind.__name__)}
        if chosen:
            return _of_classes(path, chosen)
    raise BadStrategy(
        f"{path} holds {f'no {name}' if name else 'nothing to check'}; name a function as {path}:NAME, or call it "
        f"{', '.join(NAMES)}; found {', '.join([*functions, *classes]) or 'no functions'}"
    )


def _of_classes(path: str, kinds: Kinds) -> Found:
    """Strategies that cannot look ahead by the way they are made, if they can be made at all.

    raises: BadStrategy, FormulaError: a formula that is none, or names what there is not.
    """
    plans = [plan_of(kind) for kind in kinds.values()]
    form = CODE if any(isinstance(one.wants, Code | TradeCode | BookCode) for one in plans) else FORMULA
    return Found(", ".join(kinds), form, path, lambda columns, open_ns: None)


def _of_function(path: str, text: str, tree: ast.Module, function: ast.FunctionDef, held: bool) -> Found:
    arguments = [one.arg for one in function.args.args]
    form = CALLBACK if len(arguments) == 2 else HELD if held else NAMES.get(function.name, COLUMNS)
    if not arguments or len(arguments) > 2:
        raise BadStrategy(
            f"{path}:{function.lineno}: {function.name} takes {len(arguments)} arguments; a strategy takes the bars, or the "
            "bars and the row that is now"
        )
    if form != CALLBACK and (_imports(tree, "pandas") or arguments[0] in FRAMES):
        form = FRAME_HELD if form == HELD else FRAME
        return Found(function.name, form, path, _frames(path, text, function.name, form))

    def once(columns: Mapping[str, np.ndarray], open_ns: np.ndarray) -> Leak | None:
        taken = Taken()
        names = load(text, path, taken, libraries(taken))
        if form == CALLBACK:
            return callback_once(names[function.name], columns)
        return columns_once(names[function.name], columns, taken, form == HELD)

    return Found(function.name, form, path, once)


def _frames(path: str, text: str, name: str, form: str) -> Once:
    """Judges one run of what takes a pandas frame."""
    if importlib.util.find_spec("pandas") is None:
        raise BadStrategy(f"{path} needs pandas, which is not installed; `pip install pandas` and run it again")
    frames: Any = importlib.import_module(f"{PANDAS}check_frames")
    freqtrade: Any = importlib.import_module("ninefold.services.leak_check_freqtrade") if form == FREQTRADE else None

    def once(columns: Mapping[str, np.ndarray], open_ns: np.ndarray) -> Leak | None:
        taken = Taken()
        run = frames.run_of(taken, open_ns, numbered=form == FREQTRADE)
        known = frame_libraries(run)
        if form == FREQTRADE:
            known |= freqtrade.freqtrade_libraries(run, known)
        names = load(text, path, taken, known)
        decided = freqtrade.decide(names[name], run, known) if form == FREQTRADE else names[name]
        found: Leak | None = frames.leak_in_frame(decided, run, columns, form == FRAME_HELD)
        return found

    return once


def libraries(taken: Taken) -> dict[str, ModuleType]:
    return {"numpy": numpy_library(taken), "math": math_library()}


def frame_libraries(run: Any) -> dict[str, ModuleType]:
    """Those of a strategy that is written with pandas."""
    talib = importlib.import_module(f"{PANDAS}talib_library").talib_library()
    pandas = importlib.import_module(f"{PANDAS}pandas_library").pandas_library(run)
    return {**libraries(run.taken), "pandas": pandas, "talib": talib, "talib.abstract": talib.abstract}


def _imports(tree: ast.Module, module: str) -> bool:
    return any(
        (isinstance(one, ast.Import) and any(name.name.partition(".")[0] == module for name in one.names))
        or (isinstance(one, ast.ImportFrom) and (one.module or "").partition(".")[0] == module)
        for one in ast.walk(tree)
    )
