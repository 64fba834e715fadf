"""The strategies there are: the library's, and those of a user's files.

In:  a folder of Python files, or one file. Out: classes of strategies by name.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from ninefold.services import own_file
from ninefold.strategy.library import Kinds, library, load_modules
from ninefold.strategy.parameters import BadStrategy


def known_strategies(path: Path | None = None) -> Kinds:
    """The library, and what the files of a folder (or a single file) add to it.

    raises: BadStrategy naming file and line of what cannot be imported.
    """
    if path is None:
        return library()
    if not path.exists():
        raise BadStrategy(f"{path} does not exist; give a folder with strategies, or one file of them")
    files = sorted(path.glob("*.py")) if path.is_dir() else [path]
    if not files:
        raise BadStrategy(f"{path} has no *.py files; write a class of Strategy into one")
    return load_modules([_module(file) for file in files], library())


def _module(file: Path) -> ModuleType:
    module = own_file.unrun(file, f"strategies.{file.stem}")
    if module is None:
        raise BadStrategy(f"{file} cannot be imported as Python; strategies are in files that end in .py")
    try:
        own_file.run(module)
    except Exception as error:
        raise BadStrategy(f"{_where(error, file)}: {type(error).__name__}: {error}") from error
    return module


def _where(error: Exception, file: Path) -> str:
    """File and line at which the user's own code failed."""
    if isinstance(error, SyntaxError):
        return f"{file}:{error.lineno}"
    lines, trace = [], error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == str(file):
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    return f"{file}:{lines[-1]}" if lines else str(file)
