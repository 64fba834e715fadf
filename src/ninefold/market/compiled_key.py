"""What a compiled loop is made of, as a key: so that one kept on disk is not taken after any part of it has changed.

In:  a function that is compiled.
Out: a text, another one whenever its machine code may be another one: of the bytecode and the constants of the function and
     of all that it calls, in whatever file, and of the values that they find in their modules. No file's time counts.
What it cannot tell of is an error and no guess: a loop that it passed over would be taken for what it was long ago.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

OWN = "ninefold"
PLAIN = (int, float, str, bytes, bool, type(None), type(...), np.generic)


def made_of(function: Any) -> str:
    """raises: TypeError naming what is used that is neither a function, a number, a text, an array nor a tuple of those."""
    digest = blake2b(digest_size=16)
    for part in _value(function, []):
        digest.update(f"{len(part)}:{part};".encode())
    return digest.hexdigest()


def _value(value: Any, met: list[Any]) -> Iterator[str]:
    """met: the functions so far; one that is met again is told by its place."""
    function = _function_of(value)
    if function is not None:
        if function in met:
            yield f"function {met.index(function)}"
        else:
            met.append(function)
            yield from _function(function, met)
    elif isinstance(value, PLAIN):
        yield f"{type(value).__name__} {value!r}"
    elif isinstance(value, tuple | frozenset):
        yield f"{type(value).__name__} {len(value)}"
        for one in sorted(value, key=repr) if isinstance(value, frozenset) else value:
            yield from _value(one, met)
    elif isinstance(value, np.ndarray):
        yield f"array {value.dtype} {value.shape} {value.tobytes().hex()}"
    elif isinstance(value, type):
        yield f"class {value.__module__}.{value.__qualname__} {getattr(value, '_fields', ())}"
    elif isinstance(value, CodeType):
        yield from _code(value, met)
    elif isinstance(value, ModuleType) and value.__name__.partition(".")[0] != OWN:
        yield f"module {value.__name__} {getattr(value, '__version__', '')}"
    else:
        raise TypeError(
            f"a compiled loop uses {value!r}, and nobody could tell whether that has changed; allowed are functions, numbers, "
            "texts, arrays, tuples of those, and classes: import these by name"
        )


def _function_of(value: Any) -> FunctionType | None:
    """What is compiled (py_func) and what makes instructions (_defn) are functions in a shell."""
    inner = getattr(value, "py_func", None) or getattr(value, "_defn", None) or value
    return inner if isinstance(inner, FunctionType) else None


def _function(function: FunctionType, met: list[Any]) -> Iterator[str]:
    yield f"function {function.__qualname__}"
    yield from _code(function.__code__, met)
    inside = [cell.cell_contents for cell in function.__closure__ or ()]
    defaults = [*(function.__defaults__ or ()), *sorted((function.__kwdefaults__ or {}).items())]
    for value in (*inside, *defaults):
        yield from _value(value, met)
    for name in sorted(_names(function.__code__) & function.__globals__.keys()):
        yield f"name {name}"
        yield from _value(function.__globals__[name], met)


def _code(code: CodeType, met: list[Any]) -> Iterator[str]:
    yield f"code {code.co_code.hex()} {code.co_names}"
    for value in code.co_consts:
        yield from _value(value, met)


def _names(code: CodeType) -> set[str]:
    """All that a function may look up in its module, those within it too."""
    inner = (_names(value) for value in code.co_consts if isinstance(value, CodeType))
    return set(code.co_names).union(*inner)
