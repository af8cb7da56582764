"""Products with a few rows, in vector operations of a fixed width.

A compiler vectorises a loop for many rounds; on the few entries of an active set what it then runs
is the scalar remainder. These work on `WIDTH` entries at once, held in registers, so arrays are
padded to a multiple of it; they become the vector instructions of whatever processor there is.
"""

from __future__ import annotations

import numba
from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic, overload

WIDTH = 8
_VECTOR = ir.VectorType(ir.DoubleType(), WIDTH)
_ARRAY_1D = numba.types.Array(numba.float64, 1, "C")
_ARRAY_2D = numba.types.Array(numba.float64, 2, "C")


def weighted_sum(rows, count, weights, start, out):
    """Set `out` to ``weights[:count] @ rows[:count]``, at the `WIDTH` entries from `start`."""
    here = slice(start, start + WIDTH)
    out[here] = weights[:count] @ rows[:count, here]


def add_outer(rows, count, weights, scale, values, start):
    """Add ``scale * weights[:count, None] * values`` to `rows`, at `WIDTH` entries from `start`."""
    here = slice(start, start + WIDTH)
    rows[:count, here] += (scale * weights[:count])[:, None] * values[here]


@overload(weighted_sum)
def _typed_weighted_sum(rows, count, weights, start, out):
    def implementation(rows, count, weights, start, out):
        _weighted_sum(rows, count, weights, start, out)

    return implementation


@overload(add_outer)
def _typed_add_outer(rows, count, weights, scale, values, start):
    def implementation(rows, count, weights, scale, values, start):
        _add_outer(rows, count, weights, scale, values, start)

    return implementation


@intrinsic
def _weighted_sum(context, rows, count, weights, start, out):
    def generate(context, builder, signature, arguments):
        rows, count, weights, start, out = arguments
        total = cgutils.alloca_once_value(builder, ir.Constant(_VECTOR, [0.0] * WIDTH))
        with cgutils.for_range(builder, count) as loop:
            row = _load(builder, _at(context, builder, rows, loop.index, start))
            weight = _splat(builder, _scalar(context, builder, weights, loop.index))
            builder.store(_multiply_add(builder, weight, row, builder.load(total)), total)
        _store(builder, builder.load(total), _at(context, builder, out, None, start))
        return context.get_dummy_value()

    integer = numba.intp
    return numba.void(_ARRAY_2D, integer, _ARRAY_1D, integer, _ARRAY_1D), generate


@intrinsic
def _add_outer(context, rows, count, weights, scale, values, start):
    def generate(context, builder, signature, arguments):
        rows, count, weights, scale, values, start = arguments
        added = _load(builder, _at(context, builder, values, None, start))
        added = builder.fmul(added, _splat(builder, scale))
        with cgutils.for_range(builder, count) as loop:
            place = _at(context, builder, rows, loop.index, start)
            weight = _splat(builder, _scalar(context, builder, weights, loop.index))
            _store(builder, _multiply_add(builder, weight, added, _load(builder, place)), place)
        return context.get_dummy_value()

    integer, real = numba.intp, numba.float64
    return numba.void(_ARRAY_2D, integer, _ARRAY_1D, real, _ARRAY_1D, integer), generate


def _at(context, builder, array, row, start):
    """Address of the vector from `start`, in a row where there are several."""
    kind = _ARRAY_1D if row is None else _ARRAY_2D
    view = context.make_array(kind)(context, builder, array)
    if row is not None:
        n_columns = builder.extract_value(view.shape, 1)
        start = builder.add(builder.mul(row, n_columns), start)
    return builder.bitcast(builder.gep(view.data, [start]), _VECTOR.as_pointer())


def _scalar(context, builder, array, index):
    view = context.make_array(_ARRAY_1D)(context, builder, array)
    return builder.load(builder.gep(view.data, [index]))


def _splat(builder, scalar):
    """A vector of equal entries."""
    undefined, zero = ir.Constant(_VECTOR, ir.Undefined), ir.Constant(ir.IntType(32), 0)
    first = builder.insert_element(undefined, scalar, zero)
    mask = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
    return builder.shuffle_vector(first, undefined, mask)


def _multiply_add(builder, a, b, c):
    return builder.fadd(builder.fmul(a, b, flags=("contract",)), c, flags=("contract",))


def _load(builder, place):
    return builder.load(place, align=8)


def _store(builder, value, place):
    builder.store(value, place, align=8)
