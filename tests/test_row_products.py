"""A row of a product is the same bits, whatever rows are beside it."""

import numba
import numpy as np
import pytest

from sparsecode._parallel import product, rows_alike
from sparsecode._row_products import Panels, panels_to_keep, row_product, rows_of_tile

compiled = pytest.mark.skipif(
    bool(numba.config.DISABLE_JIT), reason="plain Python leaves products to BLAS"
)
SHAPES = [(1, 1, 1), (3, 7, 12), (37, 64, 128), (50, 100, 300), (9, 1100, 70), (5, 0, 4), (0, 3, 4)]


def matrices(n_rows, n_features, n_columns, dtype=np.float64):
    rng = np.random.default_rng(n_rows)
    left = rng.standard_normal((n_rows, n_features)).astype(dtype)
    return left, rng.standard_normal((n_features, n_columns)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_product_is_that_of_numpy(shape, dtype):
    left, right = matrices(*shape, dtype)
    exact = left.astype(np.float64) @ right.astype(np.float64)
    found = row_product(left, right)
    assert found.dtype == dtype
    bound = max(shape[1], 1) * np.finfo(dtype).eps * (abs(left) @ abs(right)).max(initial=0)
    assert np.abs(found - exact).max(initial=0) <= bound


@compiled
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(37, 64, 128), (50, 100, 300), (9, 1100, 70)])
def test_a_row_does_not_depend_on_the_others(shape, dtype):
    left, right = matrices(*shape, dtype)
    whole = row_product(left, right)
    for size in (1, 2, 3, 4, 5, 8, 13):
        for first in range(0, len(left), size):
            part = slice(first, first + size)
            assert np.array_equal(row_product(left[part], right), whole[part])
    order = np.random.default_rng(0).permutation(len(left))
    assert np.array_equal(row_product(left[order], right), whole[order])


@compiled
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nor_on_the_order_of_memory(dtype, monkeypatch):
    left, right = matrices(11, 40, 131, dtype)
    whole = row_product(left, right)
    wide = np.empty((40, 200), dtype)
    wide[:, 5:136] = right
    for same in (np.asfortranarray(right), wide[:, 5:136], Panels.of(right)):
        assert np.array_equal(row_product(left, same), whole)
    assert np.array_equal(row_product(np.asfortranarray(left), right), whole)
    place = np.empty(left.nbytes + 1, np.uint8)[1:].view(dtype).reshape(left.shape)
    place[...] = left
    assert np.array_equal(row_product(place, right), whole)
    for few in (slice(0, 2), slice(4, 5)):
        for same in (right, np.asfortranarray(right), wide[:, 5:136], Panels.of(right)):
            assert np.array_equal(row_product(left[few], same), whole[few])
    # A few columns at a time, as of a matrix that is too large for panels beside it.
    monkeypatch.setattr("sparsecode._row_products._SLAB_BYTES", 1)
    assert np.array_equal(row_product(left, right), whole)


@compiled
def test_an_entry_is_a_sum_in_the_order_of_the_features():
    dtype, wider = np.float32, np.float64
    left, right = matrices(rows_of_tile() + 1, 600, 40, dtype)
    once, twice = np.zeros((2, len(left), 40), dtype)
    for k in range(600):
        terms = left[:, k, None].astype(wider) * right[k].astype(wider)
        # With one rounding, as far as the wider type holds a product and a sum, or with two.
        once = (once + terms).astype(dtype)
        twice += left[:, k, None] * right[k]
    found = row_product(left, right)
    assert max(np.mean(found == once), np.mean(found == twice)) > 0.9


@compiled
@pytest.mark.parametrize("types", [(np.float32, np.float64), (np.float64, np.float32)])
@pytest.mark.parametrize("shape", [(1, 9, 6), (20, 9, 6), (600, 64, 130)])
def test_panels_of_another_precision(shape, types):
    left, right = matrices(*shape)
    left, right = left.astype(types[0]), right.astype(types[1])
    found = row_product(left, panels_to_keep(right))
    assert found.dtype == np.float64
    np.testing.assert_allclose(row_product(left, Panels.of(right)), left @ right, atol=1e-4)
    np.testing.assert_allclose(found, left @ right, atol=1e-4)


def test_mixed_precision_is_the_wider_one():
    left, right = matrices(4, 6, 5)
    found = row_product(left.astype(np.float32), right)
    assert found.dtype == np.float64
    assert np.allclose(found, left.astype(np.float32) @ right, rtol=1e-12)


@compiled
def test_infinite_entries_stay_in_their_row():
    left, right = matrices(10, 6, 5)
    left[3, 2], right[1, 4] = np.inf, np.nan
    found = row_product(left, right)
    assert np.isnan(found[:, 4]).all()
    others = np.delete(found[:, :4], 3, axis=0)
    assert np.isfinite(others).all()
    assert np.isinf(found[3, :4]).all()


@compiled
def test_a_product_of_blocks_of_samples_is_one():
    left, right = matrices(40, 100, 300, np.float32)
    whole = row_product(left, right)
    assert np.array_equal(product(left, Panels.of(right)), whole)
    with rows_alike():
        assert np.array_equal(product(left[3:20], right), whole[3:20])


@compiled
def test_panels_are_kept_of_matrices_that_are_used_often():
    right = np.ones((3, 4))
    assert isinstance(panels_to_keep(right), Panels)
    assert panels_to_keep(right, 10) is right
    large = np.broadcast_to(np.float64(1), (2**12, 2**12))
    assert panels_to_keep(large) is large
