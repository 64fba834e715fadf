"""A process loads no library that it does not need: each costs a start of everything up to a quarter of a second, and a
process that runs all day its memory.

In:  the files under src/ninefold, read as syntax: what a command's module imports, and what that imports, to the end.
Out: a failure that names the library and the way by which it came.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src"
COMPILER = {"numba", "llvmlite"}  # loaded by name where a market is busy, and by what back-tests
TABLES = {"pyarrow", "deltalake", "duckdb"}
PAGE = {"litestar", "granian", "prometheus_client"}
POSTS = {"aiohttp", "slack_sdk"}  # loaded by name with the first post
FRAMES = {"pandas", "polars", "scipy"}
NEVER = {*FRAMES, "lightgbm", "ccxt", "cryptography", "playwright"}
HIDDEN = {
    "cli": {*COMPILER, *PAGE, *TABLES, *POSTS, "nats", "talib", "numpy", "rich", "typer"},
    "commands.demo": {*COMPILER, *TABLES, *PAGE, "nats", "talib", "slack_sdk", "aiohttp", "rich"},
    "commands.up": {*COMPILER, *TABLES, *PAGE, "nats", "talib", "slack_sdk", "aiohttp"},
    "commands.hot": {
        *COMPILER,
        *PAGE,
        *TABLES,
        "nats",
        "slack_sdk",
        "rich",
        "typer",
    },  # tables when a start goes on from some
    "commands.cold": {*COMPILER, *POSTS, "duckdb", "nats", "picows", "vaderSentiment", "rich", "typer"},
    "commands.service": {*COMPILER, *TABLES, *PAGE, "talib", "slack_sdk", "aiohttp"},  # the rest when it knows which
    "services.alone": {*COMPILER, *PAGE, *TABLES, "slack_sdk", "rich", "aiohttp"},
    "services.collect_alone": {*COMPILER, *PAGE, *TABLES, "slack_sdk", "rich"},
    "services.record_alone": {*COMPILER, *PAGE, "duckdb", "slack_sdk", "talib", "vaderSentiment"},
    "services.notify_alone": {*COMPILER, *PAGE, *TABLES, *POSTS, "talib", "vaderSentiment"},
    "commands.replay": {*COMPILER, *PAGE, "duckdb", "nats", "slack_sdk"},
    "commands.verify": {*COMPILER, *PAGE, "duckdb", "nats", "slack_sdk", "talib"},
    "commands.import_": {*COMPILER, *PAGE, "duckdb", "nats", "talib", "aiohttp"},
    "commands.download": {*COMPILER, *PAGE, "duckdb", "nats", "talib"},
    "commands.status": {*COMPILER, *PAGE, "duckdb", "nats", "talib", "aiohttp"},
    "commands.halt": {*COMPILER, *PAGE, *TABLES, "nats", "talib", "aiohttp", "numpy", "rich"},
    "simulator.server": {*COMPILER, *PAGE, *TABLES, "nats", "talib", "numpy", "rich", "typer"},
}


@pytest.mark.slow
@pytest.mark.parametrize("module", HIDDEN)
def test_what_a_process_does_not_need_is_not_loaded(module):
    came_by = libraries(SOURCE, f"ninefold.{module}")
    ways = [f"{library}: {came_by[library]}" for library in sorted({*HIDDEN[module], *NEVER} & set(came_by))]
    assert not ways, "\n".join(ways)


def test_a_library_that_came_by_the_way_is_found_with_the_way(tmp_path):
    for name, text in (
        ("a", "from ninefold import b"),
        ("b", "import os\nfrom ninefold.c import x"),
        ("c", "import numba.core"),
    ):
        path = tmp_path / "ninefold" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert libraries(tmp_path, "ninefold.a")["numba"] == "ninefold.a > ninefold.b > ninefold.c"


def test_what_is_only_for_the_checker_of_types_or_inside_a_function_is_not_loaded(tmp_path):
    (tmp_path / "ninefold").mkdir()
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import numba\ndef f():\n    import duckdb"
    (tmp_path / "ninefold" / "a.py").write_text(text)
    assert set(libraries(tmp_path, "ninefold.a")) == {"typing"}


def libraries(source: Path, module: str) -> dict[str, str]:
    """Every library that a module loads, with the first way by which it comes."""
    came_by = {module: module}
    found: dict[str, str] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop(0)
        path = file_of(source, name)
        for imported in imported_by(path) if path else ():
            if not imported.startswith("ninefold"):
                found.setdefault(imported.partition(".")[0], came_by[name])
                continue
            parts = imported.split(".")
            for package in (".".join(parts[:count]) for count in range(1, len(parts) + 1)):
                if package not in came_by and file_of(source, package):
                    came_by[package] = f"{came_by[name]} > {package}"
                    waiting.append(package)
    return found


@cache
def file_of(source: Path, module: str) -> Path | None:
    """None for a name that is no module: what a module holds."""
    path = source.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return file if file.is_file() else None


@cache
def imported_by(path: Path) -> list[str]:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return [name for node in when_loaded(body) for name in names(node)]


def when_loaded(body: list[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.unparse(node.test):
            yield from when_loaded([*node.body, *node.orelse])
        elif isinstance(node, ast.Try | ast.With):
            yield from when_loaded(node.body)


def names(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    return [str(node.module), *(f"{node.module}.{name.name}" for name in node.names)]
