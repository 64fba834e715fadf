"""Load libraries as if others were not installed that they only look for: a command then begins a second sooner.

In:  what a command is made of. Out: loaded. TA-Lib and pyarrow look for pandas and polars to take and give frames, numba for
     scipy to multiply matrices in compiled loops; no command does any of that. The client of
     NATS looks for aiohttp to speak websocket, which no address of ours asks for.
"""

from __future__ import annotations

import ctypes
import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from types import ModuleType

from ninefold.services.lazily import lazily

LOOKED_FOR = ("pandas", "polars", "scipy")
LOOKED_FOR_BY_NATS = ("aiohttp",)
LATER = ("yaml",)  # the page's library and numba load it for what is not asked of them
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # glibc's names of its settings
ARRAY, KEPT = 32 << 20, 256 << 20  # bytes: the largest that glibc allows, and what may lie unused
KEPT_BY_STORE = 64 << 20
SWITCH_S = 0.0003


def load_nats() -> None:
    """Before what needs aiohttp itself."""
    with _hidden(LOOKED_FOR_BY_NATS):
        importlib.import_module("nats")


def load(module: str, *libraries: str) -> ModuleType:
    """A command's module, or one that few runs need, and all that it loads; libraries are loaded first."""
    for library in LATER:
        lazily(library)
    with _hidden(LOOKED_FOR):
        for library in libraries:
            importlib.import_module(library)
        loaded = importlib.import_module(module)
        if "pyarrow" in sys.modules:
            sys.modules["pyarrow"].array([0])  # it looks for pandas once, when it first meets a value
    return loaded


def keep_freed(most: int = KEPT) -> None:
    """What is freed stays with the process, up to `most` bytes, for one that makes one array after another: to give each back
    and be handed it again, emptied, takes longer than most of what is done with it. Only glibc can be told so."""
    tell = getattr(ctypes.CDLL(None), "mallopt", None)
    if tell is not None:
        tell(MMAP_THRESHOLD, ARRAY)
        tell(TRIM_THRESHOLD, most)


def ready_to_store() -> None:
    """For a process that stores. What is freed stays with it, Arrow's arrays too, whose own allocator gives back what was free for
    a moment. And one thread certifies in Python what another writes and a third reads: these need the interpreter for moments
    only, and would wait for it as long as the first may hold it."""
    keep_freed(KEPT_BY_STORE)
    arrow = importlib.import_module("pyarrow")
    arrow.set_memory_pool(arrow.system_memory_pool())
    sys.setswitchinterval(SWITCH_S)


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
