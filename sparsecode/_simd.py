"""Vector operations (SIMD) of a fixed width, which a compiler would not generate.

A compiler vectorises a loop for many iterations. For the few entries of an active set, mostly the
slow scalar remainder of the loop runs. The operations here handle a fixed number of entries at once
in registers, so arrays are padded to a multiple of it. They compile to the vector instructions of
any processor.
"""

from __future__ import annotations

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic, overload

# Entries of a row that a product works on, and columns of a search, both at once.
WIDTH, LANES = 8, 32
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


def lane_maxima(bits, mask, tops):
    """Fill the first `LANES` entries of `tops` with the largest ``bits & mask`` of each column.

    `bits` has `LANES` columns. Returns the largest of all; it is at least 0, as all are.
    """
    tops[:LANES] = np.maximum((bits & mask).max(axis=0), 0)
    return tops[:LANES].max()


def nonzero_mask(row, start):
    """Number whose bits say which of `LANES` entries of `row` are not 0."""
    return sum(1 << int(lane) for lane in np.flatnonzero(row[start : start + LANES]))


def mask_from(row, start, bar, signed):
    """Number whose bits say which of `LANES` entries reach `bar`, in magnitude unless `signed`."""
    values = row[start : start + LANES] if signed else np.abs(row[start : start + LANES])
    return sum(1 << int(lane) for lane in np.flatnonzero(values >= bar))


def lowest_bit(mask):
    """Position of the lowest bit of a number other than 0."""
    return (mask & -mask).bit_length() - 1


@overload(lane_maxima)
def _typed_lane_maxima(bits, mask, tops):
    def implementation(bits, mask, tops):
        return _lane_maxima(bits, mask, tops)

    return implementation


@overload(nonzero_mask)
def _typed_nonzero_mask(row, start):
    def implementation(row, start):
        return _nonzero_mask(row, start)

    return implementation


@overload(mask_from)
def _typed_mask_from(row, start, bar, signed):
    def implementation(row, start, bar, signed):
        # Only values from `bar` to infinity are selected, or their negatives too.
        return _mask_from(row, start, bar) | (0 if signed else _mask_to(row, start, -bar))

    return implementation


@overload(lowest_bit)
def _typed_lowest_bit(mask):
    def implementation(mask):
        return _lowest_bit(mask)

    return implementation


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


@intrinsic
def _lane_maxima(context, bits, mask, tops):
    vector = ir.VectorType(ir.IntType(bits.dtype.bitwidth), LANES)

    def generate(context, builder, signature, arguments):
        bits, mask, tops = arguments
        rows = context.make_array(signature.args[0])(context, builder, bits)
        mask = _splat(builder, mask, vector)
        best = cgutils.alloca_once_value(builder, ir.Constant(vector, [0] * LANES))
        with cgutils.for_range(builder, builder.extract_value(rows.shape, 0)) as loop:
            place = builder.gep(rows.data, [builder.mul(loop.index, loop.index.type(LANES))])
            place = builder.bitcast(place, vector.as_pointer())
            value = builder.and_(builder.load(place, align=4), mask)
            before = builder.load(best)
            larger = builder.icmp_signed(">", value, before)
            builder.store(builder.select(larger, value, before), best)
        best = builder.load(best)
        out = context.make_array(signature.args[2])(context, builder, tops)
        builder.store(best, builder.bitcast(out.data, vector.as_pointer()), align=4)
        name = f"llvm.vector.reduce.smax.v{LANES}i{vector.element.width}"
        kind = ir.FunctionType(vector.element, [vector])
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [best])

    return bits.dtype(bits, bits.dtype, tops), generate


@intrinsic
def _nonzero_mask(context, row, start):
    def generate(context, builder, signature, arguments):
        values = _lanes_at(context, builder, signature.args[0], *arguments)
        zeros = ir.Constant(values.type, [0.0] * LANES)
        return _as_bits(builder, builder.fcmp_unordered("!=", values, zeros))

    return numba.int64(row, numba.intp), generate


@intrinsic
def _mask_from(context, row, start, bar):
    return _mask_of(">=", row)


@intrinsic
def _mask_to(context, row, start, bar):
    return _mask_of("<=", row)


def _mask_of(comparison, row):
    def generate(context, builder, signature, arguments):
        row, start, bar = arguments
        values = _lanes_at(context, builder, signature.args[0], row, start)
        bars = _splat(builder, bar, values.type)
        return _as_bits(builder, builder.fcmp_ordered(comparison, values, bars))

    return numba.int64(row, numba.intp, row.dtype), generate


@intrinsic
def _lowest_bit(context, mask):
    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), True))

    return numba.int64(numba.int64), generate


def _at(context, builder, array, row, start):
    """Address of the vector from `start`, in a row where there are several."""
    kind = _ARRAY_1D if row is None else _ARRAY_2D
    view = context.make_array(kind)(context, builder, array)
    if row is not None:
        n_columns = builder.extract_value(view.shape, 1)
        start = builder.add(builder.mul(row, n_columns), start)
    return builder.bitcast(builder.gep(view.data, [start]), _VECTOR.as_pointer())


def _lanes_at(context, builder, array_type, array, start):
    """The `LANES` entries of a row from `start`."""
    data = context.make_array(array_type)(context, builder, array).data
    vector = ir.VectorType(data.type.pointee, LANES)
    place = builder.bitcast(builder.gep(data, [start]), vector.as_pointer())
    return builder.load(place, align=4)


def _as_bits(builder, lanes):
    return builder.zext(builder.bitcast(lanes, ir.IntType(LANES)), ir.IntType(64))


def _scalar(context, builder, array, index):
    view = context.make_array(_ARRAY_1D)(context, builder, array)
    return builder.load(builder.gep(view.data, [index]))


def _splat(builder, scalar, vector=_VECTOR):
    """A vector of equal entries."""
    undefined, zero = ir.Constant(vector, ir.Undefined), ir.Constant(ir.IntType(32), 0)
    first = builder.insert_element(undefined, scalar, zero)
    mask = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
    return builder.shuffle_vector(first, undefined, mask)


def _multiply_add(builder, a, b, c):
    return builder.fadd(builder.fmul(a, b, flags=("contract",)), c, flags=("contract",))


def _load(builder, place):
    return builder.load(place, align=8)


def _store(builder, value, place):
    builder.store(value, place, align=8)
