"""Vector operations: compiled, they do what their Python bodies say."""

import numba
import numpy as np
import pytest

from sparsecode import _simd, _tiled_rows
from sparsecode._aligned import aligned, aligned_empty

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="compares with compiled code")


def _compiled(function):
    """The operation as kernels call it."""
    names = ", ".join(function.__code__.co_varnames[: function.__code__.co_argcount])
    scope = {"function": function}
    exec(f"def call({names}):\n    return function({names})", scope)
    return numba.njit(scope["call"])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_columns", [1, 15, 16, 40, 64, 131])
@pytest.mark.parametrize("count", [0, 1, 5])
def test_rows_are_subtracted_at_any_width(n_columns, count, dtype):
    rng = np.random.default_rng(0)
    start, rows = rng.standard_normal(n_columns), rng.standard_normal((9, n_columns))
    start, rows = start.astype(np.float32), rows.astype(dtype)
    picked, weights = rng.permutation(9), rng.standard_normal(9)
    out = np.full(n_columns, np.nan, dtype)
    _compiled(_simd.subtract_rows)(start, rows, picked, weights, count, out)
    expected = start - weights[:count] @ rows[picked[:count]].astype(np.float64)
    np.testing.assert_allclose(out, expected, atol=20 * np.finfo(dtype).eps)


@pytest.mark.parametrize("n_tiles", [1, 3])
def test_tiles_hold_the_rows_of_a_product(n_tiles):
    rng = np.random.default_rng(0)
    size = n_tiles * _simd.WIDTH
    rows, scales = rng.standard_normal((_tiled_rows.TILE_ROWS, size)), rng.standard_normal(9)
    tiles = np.zeros((n_tiles + 2, _tiled_rows.TILE_ROWS * _simd.WIDTH))
    for r, row in enumerate(rows):
        _compiled(_tiled_rows.put_in_tiles)(tiles, 1, 1 + n_tiles, r, row)
    vector, out = rng.standard_normal(size), np.ones(size)
    expected = out + (rows @ vector * scales[2 : 2 + _tiled_rows.TILE_ROWS]) @ rows
    plain = out.copy()
    _tiled_rows.add_tiled(tiles, 1, 1 + n_tiles, scales, 2, vector, plain)
    _compiled(_tiled_rows.add_tiled)(tiles, 1, 1 + n_tiles, scales, 2, vector, out)
    np.testing.assert_allclose(out, expected, rtol=1e-12)
    np.testing.assert_allclose(plain, expected, rtol=1e-12)
    assert (tiles[0] == 0).all() and (tiles[-1] == 0).all()


@pytest.mark.parametrize("count", [0, 3, 8, 13])
def test_sums_run_over_whole_vectors(count):
    rng = np.random.default_rng(0)
    left, right = rng.standard_normal((2, 16))
    whole = -(-count // _simd.WIDTH) * _simd.WIDTH
    assert _compiled(_simd.padded_dot)(left, right, count) == pytest.approx(
        left[:whole] @ right[:whole]
    )
    expected = right.copy()
    expected[:whole] += 0.5 * left[:whole]
    _compiled(_simd.add_scaled)(0.5, left, count, right)
    np.testing.assert_allclose(right, expected, rtol=1e-14)


@pytest.mark.parametrize("shape", [(3,), (5, 16), (1, 4)])
def test_arrays_begin_where_cache_lines_do(shape):
    assert aligned_empty(shape, np.float32).ctypes.data % 64 == 0
    array = np.ones(shape)
    copy = aligned(array, np.float32)
    assert copy.dtype == np.float32 and copy.ctypes.data % 64 == 0
    np.testing.assert_array_equal(copy, array)
