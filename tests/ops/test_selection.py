"""The largest entries of rows and of columns, against sorting."""

import numpy as np
import pytest
from scipy import sparse

from sparsecode.ops import lifetime_topk_forward, topk_forward
from sparsecode.ops._largest import largest_entries

rng = np.random.default_rng(0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k", [1, 3, 30])
def test_columns_are_rows_of_the_transpose(dtype, k):
    # More columns than a block has, and values with ties.
    A = rng.integers(-4, 5, size=(20, 150)).astype(dtype)
    order = np.argsort(-A, axis=0, kind="stable")[:k]
    expected = np.zeros_like(A)
    np.put_along_axis(expected, order, np.take_along_axis(A, order, axis=0), axis=0)
    expected = np.maximum(expected, 0)
    out, _ = lifetime_topk_forward(A, k=k)
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(topk_forward(np.ascontiguousarray(A.T), k=k)[0], expected.T)
    same = A.copy()
    assert lifetime_topk_forward(same, k=k, out=same)[0] is same
    np.testing.assert_array_equal(same, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(
    "shape, k", [((30, 700), 5), ((30, 1100), 32), ((9, 64), 1), ((9, 70), 64)]
)
@pytest.mark.parametrize("ties", [False, True])
# Infinity times 0 is how the kernel finds it; uncompiled, NumPy would warn.
@np.errstate(invalid="ignore")
def test_rows_are_those_of_a_stable_sort(dtype, signed, shape, k, ties):
    A = rng.standard_normal(shape).astype(dtype)
    if ties:
        A = np.round(A)
    A[0] = -abs(A[0])
    A[1] = 0
    A[2, 3], A[2, 40] = np.inf, 1e-42
    sizes = np.abs(A) if signed else np.maximum(A, 0)
    order = np.argsort(-sizes, axis=1, kind="stable")[:, :k]
    expected = np.zeros_like(A)
    np.put_along_axis(expected, order, np.take_along_axis(A, order, axis=1), axis=1)
    expected = expected if signed else np.maximum(expected, 0)
    np.testing.assert_array_equal(topk_forward(A, k=k, signed=signed)[0], expected)
    values, columns, counts = largest_entries(A, k, signed)
    entries = sparse.csr_array((values, columns, np.r_[0, np.cumsum(counts)]), shape=shape)
    np.testing.assert_array_equal(entries.toarray(), expected)
    assert np.all(values != 0)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("n", [40, 1000])
def test_what_is_no_number_is_kept(n, sign):
    A = np.ones((1, n))
    A[0, 30] = np.copysign(np.nan, sign)
    assert np.isnan(topk_forward(A, k=2)[0][0, 30])


def test_rows_of_other_layouts():
    A = rng.standard_normal((40, 300))
    expected = topk_forward(A, k=3)[0]
    np.testing.assert_array_equal(topk_forward(np.asfortranarray(A), k=3)[0], expected)
    wide = np.zeros((40, 600))
    wide[:, ::2] = A
    assert topk_forward(wide[:, ::2], k=3, out=wide[:, ::2])[0].base is wide
    np.testing.assert_array_equal(wide[:, ::2], expected)
