"""Loops compiled to machine code: the decorator that all of them take, and the words they read memory by.

Whoever imports this loads a compiler (a third of a second, 100 MB): only what runs busy does. What was compiled is kept
beside the source file, or in the user's cache if that cannot be written; a loop and all that it calls stand in one file,
because a change of another one would not be noticed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Without the interpreter's lock; whole numbers wrap, so a loop looks before it multiplies."""
    return cast(F, njit(cache=True, nogil=True)(function))


@intrinsic
def load_word(context: Any, array: Any, at: Any) -> Any:
    """The eight bytes of a uint8 array from `at` on, as uint64, wherever they lie. All eight must be there."""
    signature = types.uint64(array, at)

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        word = ir.IntType(64)
        place = builder.bitcast(builder.gep(data, [arguments[1]]), word.as_pointer())
        return builder.load(place, align=1)

    return signature, build


@intrinsic
def load_byte(context: Any, array: Any, at: Any) -> Any:
    """The byte at `at` of a uint8 array; nothing is looked at, neither the end nor a sign."""
    signature = types.uint8(array, at)

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.load(builder.gep(data, [arguments[1]]))

    return signature, build


@intrinsic
def first_set(context: Any, word: Any) -> Any:
    """The place of the lowest bit that is set in a uint64, as int64; 64 if there is none."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), build


@intrinsic
def store_word(context: Any, array: Any, at: Any, word: Any) -> Any:
    """Write a uint64 into a uint8 array from `at` on. All eight bytes must be there."""
    signature = types.void(array, at, types.uint64)

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        place = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(64).as_pointer())
        builder.store(arguments[2], place, align=1)
        return context.get_dummy_value()

    return signature, build
