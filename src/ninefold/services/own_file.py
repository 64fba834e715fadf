"""A user's file as a module: always what its text says now.

In:  a file. Out: a module, run or not yet. Bytecode is neither kept nor read: Python takes what it kept for a file's if size and second of
     the last change agree, so that a number changed at once after a run would not be the one that is played.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType


class _FromText(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code


def unrun(file: Path, name: str) -> ModuleType | None:
    """Known under its name, so that its classes pickle and their source is found; None if the file is none of Python."""
    spec = importlib.util.spec_from_file_location(name, file, loader=_FromText(name, str(file)))
    if spec is None or file.suffix != ".py":
        return None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    return module


def run(module: ModuleType) -> None:
    """raises: whatever the file does."""
    assert module.__spec__ is not None and module.__spec__.loader is not None
    module.__spec__.loader.exec_module(module)
