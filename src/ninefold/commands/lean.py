"""Load libraries as if others were not installed that they only look for: a command then reports a second sooner.

In:  nothing. Out: libraries loaded. TA-Lib and pyarrow look for pandas and polars to take and give frames, numba for scipy to
     multiply matrices in compiled loops; research does neither.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from types import ModuleType

LOOKED_FOR = ("pandas", "polars", "scipy")


def load_libraries() -> None:
    """Before anything else loads them."""
    with _hidden(LOOKED_FOR):
        importlib.import_module("talib.abstract")
        importlib.import_module("numba.np.arraymath")
        importlib.import_module("pyarrow").array([0])  # it looks for pandas once, when it first meets a value


class _Hiding(MetaPathFinder):
    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        """Nothing for other names, so that they are looked for elsewhere."""
        if name.partition(".")[0] in self._names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


@contextmanager
def _hidden(names: Sequence[str]) -> Iterator[None]:
    hiding = _Hiding([name for name in names if name not in sys.modules])
    sys.meta_path.insert(0, hiding)
    try:
        yield
    finally:
        sys.meta_path.remove(hiding)
