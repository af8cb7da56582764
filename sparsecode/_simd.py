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

# Entries of a row that a product works on at once, and columns of a search.
WIDTH, LANES = 8, 32
VECTOR = ir.VectorType(ir.DoubleType(), WIDTH)
ARRAY_1D = numba.types.Array(numba.float64, 1, "C")
ARRAY_2D = numba.types.Array(numba.float64, 2, "C")


def subtract_rows(start, rows, picked, weights, count, out):
    """Set `out` to ``start - weights[:count] @ rows[picked[:count]]``."""
    out[:] = start
    for k in range(count):
        out -= out.dtype.type(weights[k]) * rows[picked[k]]


def padded_dot(left, right, count):
    """Sum of the first products of two rows, of which `count` is rounded up to `WIDTH`."""
    here = slice(0, -(-count // WIDTH) * WIDTH)
    return left[here] @ right[here]


def add_scaled(scale, row, count, out):
    """Add a multiple of the first entries of `row`; `count` is rounded up to `WIDTH`."""
    here = slice(0, -(-count // WIDTH) * WIDTH)
    out[here] += scale * row[here]


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


@overload(subtract_rows)
def _typed_subtract_rows(start, rows, picked, weights, count, out):
    real = out.dtype
    many, few = 256 // (real.bitwidth // 8), 16

    def implementation(start, rows, picked, weights, count, out):
        at, n = 0, out.shape[0]
        while at + many <= n:
            _subtract_many(start, rows, picked, weights, count, at, out)
            at += many
        while at + few <= n:
            _subtract_few(start, rows, picked, weights, count, at, out)
            at += few
        while at < n:
            total = real(start[at])
            for k in range(count):
                total -= real(weights[k]) * rows[picked[k], at]
            out[at] = total
            at += 1

    return implementation


@overload(padded_dot)
def _typed_padded_dot(left, right, count):
    def implementation(left, right, count):
        return _padded_dot(left, right, count)

    return implementation


@overload(add_scaled)
def _typed_add_scaled(scale, row, count, out):
    def implementation(scale, row, count, out):
        _add_scaled(scale, row, count, out)

    return implementation


@intrinsic
def _padded_dot(context, left, right, count):
    def generate(context, builder, signature, arguments):
        left, right, count = arguments
        total = cgutils.alloca_once_value(builder, ir.Constant(VECTOR, [0.0] * WIDTH))
        with cgutils.for_range_slice(builder, count.type(0), count, count.type(WIDTH)) as (at, _):
            a, b = (
                load_vector(builder, address_of(context, builder, row, at)) for row in (left, right)
            )
            builder.store(multiply_add(builder, a, b, builder.load(total)), total)
        return sum_of(builder, builder.load(total))

    return numba.float64(ARRAY_1D, ARRAY_1D, numba.intp), generate


@intrinsic
def _add_scaled(context, scale, row, count, out):
    def generate(context, builder, signature, arguments):
        scale, row, count, out = arguments
        scale = splat(builder, scale)
        with cgutils.for_range_slice(builder, count.type(0), count, count.type(WIDTH)) as (at, _):
            place = address_of(context, builder, out, at)
            values = load_vector(builder, address_of(context, builder, row, at))
            store_vector(
                builder, multiply_add(builder, scale, values, load_vector(builder, place)), place
            )
        return context.get_dummy_value()

    return numba.void(numba.float64, ARRAY_1D, numba.intp, ARRAY_1D), generate


def sum_of(builder, vector):
    name = f"llvm.vector.reduce.fadd.v{WIDTH}f64"
    kind = ir.FunctionType(ir.DoubleType(), [ir.DoubleType(), vector.type])
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    return builder.call(
        function, [ir.Constant(ir.DoubleType(), 0.0), vector], fastmath=("reassoc",)
    )


@intrinsic
def _subtract_many(context, start, rows, picked, weights, count, at, out):
    # As many as fill the registers of most processors, with some to spare.
    kinds = (start, rows, picked, weights, count, at, out)
    return numba.void(*kinds), _subtract_strip(256 // (out.dtype.bitwidth // 8))


@intrinsic
def _subtract_few(context, start, rows, picked, weights, count, at, out):
    return numba.void(start, rows, picked, weights, count, at, out), _subtract_strip(16)


def _subtract_strip(width):
    def generate(context, builder, signature, arguments):
        start, rows, picked, weights, out = (
            context.make_array(signature.args[i])(context, builder, arguments[i])
            for i in (0, 1, 2, 3, 6)
        )
        count, at = arguments[4:6]
        real = out.data.type.pointee
        begin = vector_at(builder, start.data, at, width)
        if begin.type.element != real:
            begin = builder.fpext(begin, ir.VectorType(real, width))
        total = cgutils.alloca_once_value(builder, begin)
        n_columns = builder.extract_value(rows.shape, 1)
        with cgutils.for_range(builder, count) as loop:
            j = builder.load(builder.gep(picked.data, [loop.index]))
            row = vector_at(builder, rows.data, builder.add(builder.mul(j, n_columns), at), width)
            weight = builder.load(builder.gep(weights.data, [loop.index]))
            if weight.type != real:
                weight = builder.fptrunc(weight, real)
            weight = splat(builder, builder.fneg(weight), row.type)
            builder.store(multiply_add(builder, weight, row, builder.load(total)), total)
        place = builder.bitcast(builder.gep(out.data, [at]), begin.type.as_pointer())
        builder.store(builder.load(total), place, align=4)
        return context.get_dummy_value()

    return generate


@intrinsic
def _lane_maxima(context, bits, mask, tops):
    vector = ir.VectorType(ir.IntType(bits.dtype.bitwidth), LANES)

    def generate(context, builder, signature, arguments):
        bits, mask, tops = arguments
        rows = context.make_array(signature.args[0])(context, builder, bits)
        mask = splat(builder, mask, vector)
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
        bars = splat(builder, bar, values.type)
        return _as_bits(builder, builder.fcmp_ordered(comparison, values, bars))

    return numba.int64(row, numba.intp, row.dtype), generate


@intrinsic
def _lowest_bit(context, mask):
    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), True))

    return numba.int64(numba.int64), generate


def address_of(context, builder, array, start):
    """Address of the vector from `start`."""
    data = context.make_array(ARRAY_1D)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [start]), VECTOR.as_pointer())


def _lanes_at(context, builder, array_type, array, start):
    """The `LANES` entries of a row from `start`."""
    data = context.make_array(array_type)(context, builder, array).data
    return vector_at(builder, data, start, LANES)


def vector_at(builder, data, start, width):
    vector = ir.VectorType(data.type.pointee, width)
    place = builder.bitcast(builder.gep(data, [start]), vector.as_pointer())
    return builder.load(place, align=4)


def _as_bits(builder, lanes):
    return builder.zext(builder.bitcast(lanes, ir.IntType(LANES)), ir.IntType(64))


def scalar_at(context, builder, array, index):
    view = context.make_array(ARRAY_1D)(context, builder, array)
    return builder.load(builder.gep(view.data, [index]))


def splat(builder, scalar, vector=VECTOR):
    """A vector of equal entries."""
    undefined, zero = ir.Constant(vector, ir.Undefined), ir.Constant(ir.IntType(32), 0)
    first = builder.insert_element(undefined, scalar, zero)
    mask = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
    return builder.shuffle_vector(first, undefined, mask)


def multiply_add(builder, a, b, c):
    return builder.fadd(builder.fmul(a, b, flags=("contract",)), c, flags=("contract",))


def load_vector(builder, place):
    return builder.load(place, align=8)


def store_vector(builder, value, place):
    builder.store(value, place, align=8)
