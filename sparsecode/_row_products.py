"""Products of rows with a matrix that round each row alike, whatever other rows there are.

A BLAS rounds a row by its place among the others and by their number: a tile of the product that is
not full is computed by other instructions. Codes of a block of samples would then depend on where
the block begins. Here each entry is one sum, in the order of the features.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import intrinsic, overload

from sparsecode import _jit
from sparsecode._aligned import aligned_empty
from sparsecode._simd import splat, vector_at

# Bytes of a row of a panel: two of the longest vectors that processors have.
_PANEL_BYTES, _VECTORS = 128, 2
# Features that are summed before the next rows: such a piece of a panel stays in the first cache.
_DEPTH = 512
# Bytes of panels that are made at a time of a matrix that does not stay as panels.
_SLAB_BYTES = 2**19
# Largest matrix of which panels are kept beside it, and rows from which that pays.
_MOST_KEPT_BYTES, _MANY_ROWS = 2**26, 512
# Rows up to which a matrix is read as it lies.
_FEW_ROWS = 3
# Columns whose sums are made at once, where the entries of a column lie side by side.
_CHAINS = 16


class Panels(NamedTuple):
    """Columns of a matrix in panels: of each feature, the entries of a few columns side by side.

    `flat` holds one panel after another, with zeros after the last column.
    """

    flat: np.ndarray
    n_columns: int

    @classmethod
    def of(cls, matrix: np.ndarray) -> Any:
        """Return the panels of a matrix of shape (n_features, n_columns), in any order."""
        (n_features, n_columns), width = matrix.shape, _PANEL_BYTES // matrix.itemsize
        panels = aligned_empty((-(-n_columns // width), n_features, width), matrix.dtype)
        _fill_panels(*_as_it_lies(matrix), n_columns, panels)
        return cls(_unwritable(panels.reshape(-1)), n_columns)

    def matrix(self, n_features: int) -> np.ndarray:
        """Return the matrix (n_features, n_columns) that these are the panels of."""
        width = _PANEL_BYTES // self.flat.itemsize
        panels = self.flat.reshape(-1, n_features, width)
        return panels.transpose(1, 0, 2).reshape(n_features, -1)[:, : self.n_columns]


def panels_to_keep(matrix, n_rows=_MANY_ROWS):
    """Panels of a matrix for products of so many rows; the matrix itself where they do not pay."""
    pays = matrix.nbytes <= _MOST_KEPT_BYTES and n_rows >= _MANY_ROWS
    return Panels.of(matrix) if pays and not numba.config.DISABLE_JIT else matrix


def row_product(left, right, out=None):
    """``left @ right``, of which a row is the same in every block of rows, bit for bit.

    Parameters
    ----------
    left : ndarray of shape (n_rows, n_features)
    right : ndarray of shape (n_features, n_columns) or Panels
        In any order of memory.
    out : C-contiguous ndarray of shape (n_rows, n_columns) or None, default=None

    Returns
    -------
    out : ndarray of shape (n_rows, n_columns)
    """
    if numba.config.DISABLE_JIT:
        return np.matmul(left, right, out=out)
    is_panels = isinstance(right, Panels)
    if is_panels and np.result_type(left, right.flat) != right.flat.dtype:
        # Panels of another type have another number of columns.
        right, is_panels = right.matrix(left.shape[1]), False
    matrix, n_columns = right if is_panels else (right, right.shape[1])
    if out is None:
        out = aligned_empty((len(left), n_columns), np.result_type(left, matrix))
    dtype = out.dtype
    if left.dtype != dtype or not (left.flags.c_contiguous and left.flags.aligned):
        left = np.array(left, dtype, order="C")
    left, matrix = _unwritable(left), matrix.astype(dtype, copy=False)
    if not is_panels and len(left) <= _FEW_ROWS:
        _multiply_few(left, *_as_it_lies(matrix), out)
        return out
    width = _PANEL_BYTES // dtype.itemsize
    # The last columns, which do not fill a panel.
    rest = np.empty((len(left) if n_columns % width else 0, width), dtype)
    if is_panels:
        _multiply(left, matrix, 0, n_columns, out, rest)
        return out
    step = width * max(_SLAB_BYTES // (_PANEL_BYTES * max(len(right), 1)), 1)
    for first in range(0, n_columns, step):
        part = Panels.of(matrix[:, first : first + step])
        _multiply(left, *part[:1], first, part.n_columns, out, rest)
    return out


def _as_it_lies(matrix):
    """The entries of a matrix, and how far apart those of a column and of a row are."""
    n_features, n_columns = matrix.shape
    if matrix.flags.f_contiguous and matrix.flags.aligned:
        return _unwritable(matrix.T.reshape(-1)), 1, n_features
    flat = np.require(matrix, requirements="CA").reshape(-1)
    return _unwritable(flat), n_columns, 1


def _unwritable(array):
    """A view to read: a kernel is compiled for such arrays or for others."""
    view = array.view()
    view.flags.writeable = False
    return view


def multiply_tile(left, i, flat, start, stride, first, last, out, j):
    """Add the products of some features to a tile of `out`, which begins with the first of them.

    From `start`, `flat` has the entries of the columns of a feature side by side, and those of the
    next feature a `stride` away. Returns the number of rows of the tile: as many as fill the
    registers, or one.
    """
    width = _PANEL_BYTES // out.itemsize
    for k in range(first, last):
        before = out[i, j : j + width] if k > 0 else 0
        at = start + k * stride
        out[i, j : j + width] = before + left[i, k] * flat[at : at + width]
    return 1


def multiply_chains(count, left, i, flat, start, steps, out, j):
    """Write `count` entries of `out`, `_CHAINS` or one: sums over all features.

    From `start`, an entry of the next feature and of the next column are `steps` away.
    """
    for c in range(count):
        column = flat[start + c * steps[1] :][:: max(steps[0], 1)][: left.shape[1]]
        out[i, j + c] = left[i] @ column


@overload(multiply_tile)
def _typed_multiply_tile(left, i, flat, start, stride, first, last, out, j):
    size = rows_of_tile()
    many, one = _tile_of(size), _tile_of(1)

    def implementation(left, i, flat, start, stride, first, last, out, j):
        if i + size <= left.shape[0]:
            many(left, i, flat, start, stride, first, last, out, j)
            return size
        one(left, i, flat, start, stride, first, last, out, j)
        return 1

    return implementation


@overload(multiply_chains)
def _typed_multiply_chains(count, left, i, flat, start, steps, out, j):
    many, one = _chains_of(_CHAINS), _chains_of(1)

    def implementation(count, left, i, flat, start, steps, out, j):
        if count > 1:
            many(left, i, flat, start, steps[0], steps[1], out, j)
        else:
            one(left, i, flat, start, steps[0], steps[1], out, j)

    return implementation


def rows_of_tile():
    """Rows of a tile whose sums fit in the registers of this processor."""
    if _has("avx512f"):
        return 8
    return 3 if _has("avx2") or _has("neon") else 1


def _has(feature):
    return f"+{feature}" in cpu_target.target_context.codegen().magic_tuple()[2]


@functools.cache
def _tile_of(n_rows):
    @intrinsic
    def multiply(context, left, i, flat, start, stride, first, last, out, j):
        kinds = (left, i, flat, start, stride, first, last, out, j)
        return numba.void(*kinds), functools.partial(_write_tile, n_rows)

    return multiply


@functools.cache
def _chains_of(count):
    @intrinsic
    def multiply(context, left, i, flat, start, feature_step, column_step, out, j):
        kinds = (left, i, flat, start, feature_step, column_step, out, j)
        return numba.void(*kinds), functools.partial(_write_chains, count)

    return multiply


def _write_tile(n_rows, context, builder, signature, arguments):
    """Write the code of a tile: a sum for each of its rows and vectors, in a register."""
    _, i, _, start, stride, first, last, _, j = arguments
    left, flat, out = _arrays(context, builder, signature, arguments, (0, 2, 7))
    real = left.data.type.pointee
    lanes = _PANEL_BYTES // (signature.args[0].dtype.bitwidth // 8) // _VECTORS
    vector = ir.VectorType(real, lanes)
    rows = [builder.add(i, i.type(r)) for r in range(n_rows)]
    ends = [
        builder.bitcast(_place(builder, out, row, j, v * lanes), vector.as_pointer())
        for row in rows
        for v in range(_VECTORS)
    ]
    is_first = builder.icmp_signed("==", first, first.type(0))
    sums = [cgutils.alloca_once(builder, vector) for _ in ends]
    with builder.if_else(is_first) as (begins, goes_on):
        with begins:
            for total in sums:
                builder.store(ir.Constant(vector, [0.0] * lanes), total)
        with goes_on:
            for total, end in zip(sums, ends, strict=True):
                builder.store(builder.load(end, align=4), total)
    starts = [_place(builder, left, row, i.type(0)) for row in rows]
    with cgutils.for_range_slice(builder, first, last, first.type(1)) as (k, _):
        at = builder.add(start, builder.mul(k, stride))
        columns = [
            vector_at(builder, flat.data, builder.add(at, k.type(v * lanes)), lanes)
            for v in range(_VECTORS)
        ]
        for r, begin in enumerate(starts):
            weight = splat(builder, builder.load(builder.gep(begin, [k])), vector)
            for v, column in enumerate(columns):
                total = sums[r * _VECTORS + v]
                builder.store(_fused(builder, weight, column, builder.load(total)), total)
    for total, end in zip(sums, ends, strict=True):
        builder.store(builder.load(total), end, align=4)
    return context.get_dummy_value()


def _write_chains(count, context, builder, signature, arguments):
    """Write the code of a few sums at once, each of which waits for itself alone."""
    _, i, _, start, feature_step, column_step, _, j = arguments
    left, flat, out = _arrays(context, builder, signature, arguments, (0, 2, 6))
    zero = ir.Constant(left.data.type.pointee, 0.0)
    sums = [cgutils.alloca_once_value(builder, zero) for _ in range(count)]
    begin = _place(builder, left, i, i.type(0))
    columns = [builder.add(start, builder.mul(column_step, i.type(c))) for c in range(count)]
    n_features = builder.extract_value(left.shape, 1)
    with cgutils.for_range(builder, n_features) as loop:
        weight = builder.load(builder.gep(begin, [loop.index]))
        for total, column in zip(sums, columns, strict=True):
            at = builder.add(column, builder.mul(loop.index, feature_step))
            entry = builder.load(builder.gep(flat.data, [at]))
            builder.store(_fused(builder, weight, entry, builder.load(total)), total)
    for c, total in enumerate(sums):
        builder.store(builder.load(total), _place(builder, out, i, j, c))
    return context.get_dummy_value()


def _arrays(context, builder, signature, arguments, which):
    return (context.make_array(signature.args[n])(context, builder, arguments[n]) for n in which)


def _place(builder, array, row, column, more=0):
    """Address of an entry of a matrix."""
    at = builder.mul(row, builder.extract_value(array.shape, 1))
    return builder.gep(array.data, [builder.add(builder.add(at, column), column.type(more))])


def _fused(builder, a, b, c):
    """``a * b + c``, always or never with a rounding between: a compiler would choose by place."""
    if not (_has("fma") or _has("neon")):
        return builder.fadd(builder.fmul(a, b), c)
    is_vector = isinstance(a.type, ir.VectorType)
    kind = {"float": "f32", "double": "f64"}[str(a.type.element if is_vector else a.type)]
    name = f"llvm.fma.v{a.type.count}{kind}" if is_vector else f"llvm.fma.{kind}"
    function = ir.FunctionType(a.type, [a.type] * 3)
    return builder.call(cgutils.get_or_insert_function(builder.module, function, name), [a, b, c])


@_jit.kernel
def _fill_panels(flat, feature_step, column_step, n_columns, panels):
    # One of the steps is 1.
    n_panels, n_features, width = panels.shape
    for p in range(n_panels):
        start = p * width
        count = min(width, n_columns - start)
        if column_step == 1:
            for k in range(n_features):
                for c in range(count):
                    panels[p, k, c] = flat[k * feature_step + start + c]
        else:
            for c in range(count):
                for k in range(n_features):
                    panels[p, k, c] = flat[k + (start + c) * column_step]
        for k in range(n_features):
            for c in range(count, width):
                panels[p, k, c] = 0


@_jit.exact_kernel
def _multiply(left, flat, start, n_columns, out, rest):
    (n_rows, n_features), width = left.shape, rest.shape[1]
    n_whole = n_columns // width
    n_panels = n_whole + (n_columns > n_whole * width)
    for first in range(0, max(n_features, 1), _DEPTH):
        last = min(first + _DEPTH, n_features)
        for p in range(n_panels):
            i, at, j = 0, p * n_features * width, start + p * width
            while i < n_rows:
                if p < n_whole:
                    i += multiply_tile(left, i, flat, at, width, first, last, out, j)
                else:
                    i += multiply_tile(left, i, flat, at, width, first, last, rest, 0)
    first = n_whole * width
    for i in range(n_rows):
        for j in range(first, n_columns):
            out[i, start + j] = rest[i, j - first]


@_jit.exact_kernel
def _multiply_few(left, flat, feature_step, column_step, out):
    n_features, n_columns = left.shape[1], out.shape[1]
    width = _PANEL_BYTES // out.itemsize
    steps = feature_step, column_step
    for i in range(left.shape[0]):
        row, j = left[i : i + 1], 0
        if column_step == 1:
            while j + width <= n_columns:
                multiply_tile(row, 0, flat, j, feature_step, 0, n_features, out[i : i + 1], j)
                j += width
        else:
            while j + _CHAINS <= n_columns:
                multiply_chains(_CHAINS, left, i, flat, j * column_step, steps, out, j)
                j += _CHAINS
        while j < n_columns:
            multiply_chains(1, left, i, flat, j * column_step, steps, out, j)
            j += 1
