"""Imports go one way, and the pure folders touch no socket, clock or file: docs/design.md says why.

In:  every Python file under src/ninefold, read as syntax, never imported.
Out: a failure that names file, line, what was found and what the folder may import.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "src" / "ninefold"

PURE = {
    "market": set[str](),
    "formula": {"market"},
    "strategy": {"market", "formula"},
    "backtest": {"market", "formula", "strategy", "execution"},  # paper orders pass the same gate as live ones
    "forecast": {"market", "formula", "strategy", "backtest"},
    "evolve": {"market", "formula", "strategy", "backtest"},
    "execution": {"market"},
    "report": {"market", "backtest"},  # what is shown of a run
    "sentiment": {"market"},
    "freqtrade": set[str](),  # strategies of others: by their rules, in their numbers
}
OUTSIDE = {
    "venues": {*PURE, "journal"},  # an adapter parses the inputs that the journal holds, live and in replay alike
    "journal": set(PURE),
    "bus": set(PURE),
    "store": {*PURE, "journal"},  # tables are made from the journal
    "imports": {"market", "journal", "store", "venues"},  # other programs' data into the store
    "api": {*PURE, "store", "journal", "bus"},  # shows what is stored, what is not stored yet, and how services do
}
WIRING = {
    "__init__": {"market", "store"},  # load_bars, for notebooks
    "__main__": {"cli"},
    "config": {"market", "venues"},  # which venues there are
    "simulator": {"market"},  # not venues: an adapter and a simulator that share code agree on the same mistake
    "history": {"market", "journal", "venues", "store"},  # downloads from venues into the store, with no pipeline
    "services": {*PURE, *OUTSIDE, "config", "history"},
    "commands": {*PURE, *OUTSIDE, "config", "services", "simulator", "history"},
    "cli": set[str](),  # it imports the one command that is called, by name
}
MAY_IMPORT = {**PURE, **OUTSIDE, **WIRING}

IMPURE_MODULES = {
    *("asyncio", "concurrent", "multiprocessing", "selectors", "signal", "subprocess", "threading"),  # when it runs
    *("aiohttp", "http", "nats", "picows", "requests", "socket", "ssl", "urllib", "uvloop"),  # who is there
    *("time",),  # what time it is
    *("deltalake", "duckdb", "io", "os", "pathlib", "shutil", "sqlite3", "tempfile"),  # what is on disk
    *("random", "secrets", "uuid"),  # chance that no seed decides; numpy's generators take one
}
IMPURE_CALLS = {"open", "input", "datetime.now", "datetime.utcnow", "datetime.today", "date.today"}
IMPURE_WORDS = {name.rpartition(".")[2] for name in IMPURE_CALLS}
BLOCKS = {"body", "orelse", "finalbody", "handlers", "cases"}
MAY_CALL = re.compile(rf"\b(?:{'|'.join(sorted(IMPURE_WORDS))})\s*\(")  # where it is not, no call need be looked at


@pytest.mark.slow
def test_imports_go_one_way_and_pure_folders_touch_nothing():
    found = violations(PACKAGE)
    assert not found, "\n".join(found)


PLANTED = {
    "market imports what stands on it": ("market/a.py", "from ninefold.formula import terms", "imports formula"),
    "relative imports count": ("market/a.py", "from ..store import tables", "imports store"),
    "a package named in a from counts": ("formula/a.py", "from ninefold import strategy", "imports strategy"),
    "the simulator shares no code with adapters": ("simulator/a.py", "import ninefold.venues", "imports venues"),
    "services do not know the command line": ("services/a.py", "import ninefold.cli", "imports cli"),
    "a pure folder has no sockets": ("execution/deep/a.py", "import socket", "uses socket"),
    "a pure folder has no event loop": ("backtest/a.py", "from asyncio import sleep", "uses asyncio"),
    "a pure folder reads no clock": ("formula/a.py", "now = datetime.now()", "calls datetime.now"),
    "nor by its full name": ("formula/a.py", "now = datetime.datetime.now()", "calls datetime.now"),
    "a pure folder opens no file": ("sentiment/a.py", "words = open('words')", "calls open"),
    "type checking is no excuse": ("market/a.py", "if TYPE_CHECKING:\n    import ninefold.api", "imports api"),
    "a circle is not dodged in a function": ("services/a.py", "def f():\n    import ninefold.api", "inside a function"),
    "an unknown folder has no rule": ("extras/a.py", "x = 1", "no rule"),
    "an unknown module has no rule": ("extras.py", "x = 1", "no rule"),
}


@pytest.mark.parametrize(("file", "text", "expected"), PLANTED.values(), ids=PLANTED)
def test_a_planted_violation_is_found(tmp_path, file, text, expected):
    plant(tmp_path, file, text)
    [found] = violations(tmp_path)
    assert file in found
    assert expected in found


ALLOWED = {
    "what it stands on": ("strategy/a.py", "from ninefold.formula import terms\nfrom ..market.arrays import Trades"),
    "its own folder": ("market/a.py", "from . import arrays\nfrom .time import SECOND_NS"),
    "a module of its own called time": ("market/a.py", "from ninefold.market import time"),
    "the version": ("api/a.py", "from ninefold import __version__"),
    "sockets outside the pure folders": ("venues/a.py", "import asyncio, time\nx = open('y')"),
    "a built front end is no Python": ("api/static/index.html", "import socket"),
}


@pytest.mark.parametrize(("file", "text"), ALLOWED.values(), ids=ALLOWED)
def test_what_is_allowed_is_not_complained_about(tmp_path, file, text):
    plant(tmp_path, file, text)
    assert violations(tmp_path) == []


def plant(package: Path, file: str, text: str) -> None:
    path = package / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def violations(package: Path) -> list[str]:
    """One line for each broken rule in `package`, a folder laid out as src/ninefold."""
    return [line for path in sorted(package.rglob("*.py")) for line in violations_of(path, package)]


def violations_of(path: Path, package: Path) -> Iterator[str]:
    relative = path.relative_to(package)
    room = relative.parts[0].removesuffix(".py")
    if room not in MAY_IMPORT:
        yield f"{relative}: {room} has no rule; say in tests/test_architecture.py and docs/design.md what it may import"
        return
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text, filename=str(path))
    allowed = MAY_IMPORT[room] | {room, "__init__"}
    here = ("ninefold", *relative.parts[:-1])
    for line, module, in_function in imports(tree, here):
        top, _, rest = module.partition(".")
        if top == "ninefold" and room_of(rest) not in allowed:
            yield f"{relative}:{line}: {room} imports {room_of(rest)}; it may import {sorted(MAY_IMPORT[room])}"
        if room in PURE and top in IMPURE_MODULES:
            yield f"{relative}:{line}: {room} is pure and uses {top}; that belongs in {sorted(OUTSIDE)}"
        if top == "ninefold" and in_function and room != "__init__":
            yield f"{relative}:{line}: imports ninefold inside a function; the shared type belongs one layer lower"
    if room in PURE and MAY_CALL.search(text):
        for line, name in impure_calls(tree):
            yield f"{relative}:{line}: {room} is pure and calls {name}; have it passed in as a value"


def room_of(dotted: str) -> str:
    """The folder or module directly under ninefold; names that are neither are the package's own, `__version__` say."""
    first = dotted.split(".")[0]
    return first if first in MAY_IMPORT else "__init__"


def imports(tree: ast.AST, here: tuple[str, ...]) -> Iterator[tuple[int, str, bool]]:
    """Line and full dotted name of everything imported anywhere in `tree`, whose package is `here`; whether in a function."""
    for node, in_function in statements(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name, in_function) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = here[: len(here) - node.level + 1] if node.level else ()
            source = ".".join([*package, *filter(None, [node.module])])
            if source == "ninefold":
                yield from ((node.lineno, f"ninefold.{name.name}", in_function) for name in node.names)
            else:
                yield node.lineno, source, in_function


def statements(tree: ast.AST) -> Iterator[tuple[ast.AST, bool]]:
    """All that stands in `tree` however deep, and whether in a function; no expression: those are most of a file."""
    left = [(tree, False)]
    while left:
        node, in_function = left.pop()
        yield node, in_function
        in_function = in_function or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for block in BLOCKS.intersection(node._fields):
            left.extend((inner, in_function) for inner in getattr(node, block))


def impure_calls(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and last_word(node.func) in IMPURE_WORDS:
            name = ".".join(ast.unparse(node.func).split(".")[-2:])
            if name in IMPURE_CALLS:
                yield node.lineno, name


def last_word(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
