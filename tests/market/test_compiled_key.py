"""What a compiled loop is made of: any change of it is noticed, in whatever file, and nothing else is."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from numba.core import config

from ninefold.journal import pack_loop
from ninefold.market.compiled_key import made_of
from ninefold.venues import quick_loop, quick_message, quick_names, quick_numbers, quick_words

FILES = {
    "told.py": "import numpy as np\nSCALE = 3\nTABLE = np.array([1, 2, 3])\n",
    "called.py": """
from typing import NamedTuple
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from ninefold.market.compiled import compiled
from told import SCALE, TABLE

class Pair(NamedTuple):
    low: int
    high: int

@intrinsic
def one(context):
    def build(context, builder, signature, arguments):
        return ir.Constant(ir.IntType(64), 1)
    return types.int64(), build

@compiled
def scaled(x, more=5):  # a remark
    return Pair(x * SCALE + 7 + more, TABLE[1] + one())

def not_called():
    return 1
""",
    "caller.py": """
from ninefold.market.compiled import compiled
from called import scaled

@compiled
def total(x):
    pair = scaled(x)
    return pair.low * 100 + pair.high

def told():
    return total(2), sum(total.stats.cache_hits.values())
""",
}
CHANGES = {
    "a number of another file": ("told.py", "SCALE = 3", "SCALE = 4"),
    "an entry of another file's array": ("told.py", "1, 2, 3", "1, 9, 3"),
    "a number in what is called": ("called.py", "+ 7", "+ 8"),
    "an operation in what is called": ("called.py", "x *", "x -"),
    "a default of what is called": ("called.py", "more=5", "more=6"),
    "the fields of what is returned": ("called.py", "low: int\n    high: int", "high: int\n    low: int"),
    "an instruction": ("called.py", "(64), 1)", "(64), 2)"),
    "the function itself": ("caller.py", "* 100", "* 10"),
}
OTHERS = {
    "a remark": ("called.py", "a remark", "another"),
    "what is not called": ("called.py", "return 1", "return 2"),
    "nothing": ("caller.py", "", ""),
}


def write(folder: Path, change: tuple[str, str, str] | None = None) -> Path:
    """The files, with one text in place of another; always of the same time."""
    for name, text in FILES.items():
        if change is not None and name == change[0]:
            assert change[1] in text
            text = text.replace(change[1], change[2])
        (folder / name).write_text(text)
        os.utime(folder / name, (10**9, 10**9))
    return folder


@contextmanager
def loaded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module of the last file, for as long as the block lasts."""
    with monkeypatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.setattr(sys, "dont_write_bytecode", True)  # Python's own files know a source by its time
        try:
            yield importlib.import_module("caller")
        finally:
            for name in FILES:
                del sys.modules[name.removesuffix(".py")]


def key_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    with loaded(folder, monkeypatch) as caller:
        return made_of(caller.total)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_changes_the_machine_code_changes_the_key(
    tmp_path: Path, monkeypatch, change: tuple[str, str, str]
) -> None:
    before = key_of(write(tmp_path), monkeypatch)
    assert key_of(write(tmp_path, change), monkeypatch) != before


@pytest.mark.parametrize("change", OTHERS.values(), ids=OTHERS)
def test_what_does_not_leaves_it(tmp_path: Path, monkeypatch, change: tuple[str, str, str]) -> None:
    before = key_of(write(tmp_path), monkeypatch)
    assert key_of(write(tmp_path, change), monkeypatch) == before


@pytest.mark.slow
def test_code_kept_on_disk_is_taken_again_until_another_file_changes(tmp_path: Path, monkeypatch) -> None:
    """Of another process too. With the same size and time the files look as they did."""
    code, kept = tmp_path / "code", tmp_path / "kept"
    code.mkdir()
    monkeypatch.setattr(config, "CACHE_DIR", str(kept))

    def run() -> tuple[int, int]:
        with loaded(code, monkeypatch) as caller:
            return tuple(caller.told())

    def run_elsewhere() -> str:
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(kept), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-c", "import caller; print(*caller.told())"]
        done = subprocess.run(command, cwd=code, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    write(code)
    assert run() == (1803, 0)  # (2 * 3 + 7 + 5) * 100 + 2 + 1, compiled
    assert run_elsewhere() == "1803 1", "taken from disk"
    assert run() == (1803, 1)
    write(code, CHANGES["a number of another file"])
    assert run() == (2003, 0)


def test_a_value_of_which_nobody_could_tell_whether_it_changed_is_named() -> None:
    def one() -> object:
        return pack_loop.PADDING

    with pytest.raises(TypeError, match=r"uses <module 'ninefold.journal.pack_loop'.*import these by name"):
        made_of(one)


@pytest.mark.parametrize("module", [pack_loop, quick_loop, quick_message, quick_names, quick_numbers, quick_words])
def test_all_loops_can_be_told(module: ModuleType) -> None:
    loops = [value for value in vars(module).values() if hasattr(value, "py_func")]
    assert len({made_of(loop) for loop in loops}) == len(loops) > 1
