"""Thirty-two bytes of memory at once, for compiled loops (compiled.py).

In:  addresses; as many bytes as a function takes must be there: nothing is looked at.
Out: which of the bytes are of a kind, as the bits of a uint64 of which the lowest is the first byte's; or copies, or what a
     checksum needs.
Where the processor has no such wide registers the compiler takes narrower ones.
"""

from __future__ import annotations

from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

WIDE = 32


@intrinsic
def equal(context: Any, at: Any, byte: Any) -> Any:
    """Which of 32 bytes are `byte`, a uint8."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        lanes = ir.VectorType(ir.IntType(8), 32)
        bytes_ = builder.load(builder.inttoptr(arguments[0], lanes.as_pointer()), align=1)
        one = builder.insert_element(ir.Constant(lanes, ir.Undefined), arguments[1], ir.IntType(32)(0))
        wanted = builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(ir.IntType(32), 32), [0] * 32))
        found = builder.bitcast(builder.icmp_unsigned("==", bytes_, wanted), ir.IntType(32))
        return builder.zext(found, ir.IntType(64))

    return types.uint64(types.int64, types.uint8), build


@intrinsic
def not_digits(context: Any, at: Any) -> Any:
    """Which of 32 bytes are not 0 to 9."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        lanes = ir.VectorType(ir.IntType(8), 32)
        bytes_ = builder.load(builder.inttoptr(arguments[0], lanes.as_pointer()), align=1)
        values = builder.sub(bytes_, ir.Constant(lanes, [48] * 32))
        found = builder.bitcast(builder.icmp_unsigned(">", values, ir.Constant(lanes, [9] * 32)), ir.IntType(32))
        return builder.zext(found, ir.IntType(64))

    return types.uint64(types.int64), build


@intrinsic
def not_plain(context: Any, at: Any) -> Any:
    """Which of 32 bytes text of JSON does not have as they are, or not in ASCII: controls, backslashes, 128 and more."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        lanes = ir.VectorType(ir.IntType(8), 32)
        bytes_ = builder.load(builder.inttoptr(arguments[0], lanes.as_pointer()), align=1)
        low = builder.icmp_signed("<", bytes_, ir.Constant(lanes, [32] * 32))
        slash = builder.icmp_signed("==", bytes_, ir.Constant(lanes, [92] * 32))
        return builder.zext(builder.bitcast(builder.or_(low, slash), ir.IntType(32)), ir.IntType(64))

    return types.uint64(types.int64), build


@intrinsic
def same(context: Any, at: Any, text: Any, mask: Any) -> Any:
    """Whether 32 bytes at two addresses are the same in all bits that are set at a third one."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        lanes = ir.VectorType(ir.IntType(64), 4)
        one, other, wanted = (builder.load(builder.inttoptr(place, lanes.as_pointer()), align=1) for place in arguments)
        different = builder.and_(builder.xor(one, other), wanted)
        return builder.icmp_unsigned("==", builder.bitcast(different, ir.IntType(256)), ir.IntType(256)(0))

    return types.boolean(types.int64, types.int64, types.int64), build


@intrinsic
def copy(context: Any, source: Any, target: Any) -> Any:
    """Copy 32 bytes."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        lanes = ir.VectorType(ir.IntType(8), 32).as_pointer()
        bytes_ = builder.load(builder.inttoptr(arguments[0], lanes), align=1)
        builder.store(bytes_, builder.inttoptr(arguments[1], lanes), align=1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), build


@intrinsic
def folded(context: Any, low: Any, high: Any, more: Any, at: Any, blocks: Any, by_low: Any, by_high: Any) -> Any:
    """128 bits (low, high) times polynomials over two elements, plus the next 16 bytes, again for each of so many blocks; `more`
    is added to the first block's low half. All but `at` and `blocks` are uint64. Only where FOLDS.
    """

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        low, high, more, at, blocks, by_low, by_high = arguments
        pair, whole = ir.VectorType(ir.IntType(64), 2), ir.IntType(32)
        kind = ir.FunctionType(pair, [pair, pair, ir.IntType(8)])
        multiply = builder.module.declare_intrinsic("llvm.x86.pclmulqdq", fnty=kind)

        def both(first: Any, second: Any) -> Any:
            one = builder.insert_element(ir.Constant(pair, ir.Undefined), first, whole(0))
            return builder.insert_element(one, second, whole(1))

        by, keep = both(by_low, by_high), cast(Any, cgutils).alloca_once_value
        so_far = keep(builder, both(low, high))
        added = keep(builder, both(more, ir.IntType(64)(0)))
        with cgutils.for_range(builder, blocks, intp=ir.IntType(64)) as loop:
            place = builder.add(at, builder.mul(loop.index, ir.IntType(64)(16)))
            block = builder.load(builder.inttoptr(place, pair.as_pointer()), align=1)
            value = builder.load(so_far)
            products = [builder.call(multiply, [value, by, ir.IntType(8)(half)]) for half in (0x00, 0x11)]
            total = builder.xor(builder.xor(*products), builder.xor(block, builder.load(added)))
            builder.store(total, so_far)
            builder.store(ir.Constant(pair, [0, 0]), added)
        total = builder.load(so_far)
        parts = [builder.extract_element(total, whole(half)) for half in (0, 1)]
        return context.make_tuple(builder, signature.return_type, parts)

    word, place = types.uint64, types.int64
    return cast(Any, types).UniTuple(word, 2)(word, word, word, place, place, word, word), build
