"""Loops compiled to machine code: the decorator that all of them take, and the words they read memory by.

Whoever imports this loads a compiler (a third of a second, 100 MB): only what runs busy does. What was compiled is kept
beside the source file, or in the user's cache if that cannot be written, and is compiled anew when anything that it is made
of has changed, in whatever file (compiled_key.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from llvmlite import binding, ir
from numba import njit, types
from numba.core import config
from numba.core.caching import FunctionCache
from numba.core.runtime.nrt import rtsys
from numba.extending import intrinsic

from ninefold.market.compiled_key import made_of

F = TypeVar("F", bound=Callable[..., Any])

FOLDS = cast(Any, config).CPU_NAME is None and bool(
    binding.get_host_cpu_features().get("pclmul")
)  # whether there is `fold` here


def compiled(function: F) -> F:
    """Without the interpreter's lock; whole numbers wrap, so a loop looks before it multiplies."""
    return cast(F, kept(njit(nogil=True)(function)))


def kept(made: Any) -> Any:
    """What numba makes of a function, kept on disk as njit(cache=True) does it, but under a key of all it is made of."""
    made._cache = cast(Any, _Kept)(made.py_func)
    return made


class _Kept(FunctionCache):
    """numba's own key tells of the function's file and bytecode alone, not of what the function calls."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """numba's own also makes ready to compile whatever there is, which takes half a second: who finds nothing here does that."""
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return cast(Any, self)._load_overload(sig, target_context)

    def _index_key(self, *of: Any) -> tuple[Any, ...]:
        return (*cast(Any, super())._index_key(*of), made_of(self._py_func))


@intrinsic
def address_of(context: Any, array: Any) -> Any:
    """Where an array begins in memory, as int64. It must outlive what reads there.

    A loop hands addresses to what it calls, not arrays: of these each call would count the references.
    """

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.ptrtoint(data, ir.IntType(64))

    return types.int64(array), build


@intrinsic
def load_word(context: Any, address: Any) -> Any:
    """The eight bytes from an address on, as uint64, wherever they lie. Nothing is looked at: all eight must be there."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(builder.inttoptr(arguments[0], ir.IntType(64).as_pointer()), align=1)

    return types.uint64(types.int64), build


@intrinsic
def load_byte(context: Any, address: Any) -> Any:
    """The byte at an address, which must be there."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(builder.inttoptr(arguments[0], ir.IntType(8).as_pointer()))

    return types.uint8(types.int64), build


@intrinsic
def fetch(context: Any, address: Any) -> Any:
    """Bring what lies at an address near to the processor, for whoever reads it soon. Nobody waits; it may be anywhere."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place, whole = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [place, whole, whole, whole])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", [place], kind)
        builder.call(prefetch, [builder.inttoptr(arguments[0], place), whole(0), whole(3), whole(1)])
        return context.get_dummy_value()

    return types.void(types.int64), build


@intrinsic
def first_set(context: Any, word: Any) -> Any:
    """The place of the lowest bit that is set in a uint64, as int64; 64 if there is none."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), build


@intrinsic
def store_word(context: Any, address: Any, word: Any) -> Any:
    """Write a uint64 to an address and the seven bytes behind it, which must be there."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store(arguments[1], builder.inttoptr(arguments[0], ir.IntType(64).as_pointer()), align=1)
        return context.get_dummy_value()

    return types.void(types.int64, types.uint64), build
