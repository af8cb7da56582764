"""The largest entries of rows and of columns, against sorting."""

import numpy as np
import pytest

from sparsecode.ops import lifetime_topk_forward, topk_forward

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
