"""The largest entries of rows and batches, against sorting."""

import numpy as np
import pytest

from sparsecode.ops import batch_topk_forward, topk_forward


def by_sorting(values, n):
    """The `n` largest positive values, the first of equal ones."""
    order = np.argsort(-values, kind="stable")[:n]
    out = np.zeros_like(values)
    out[order] = np.maximum(values[order], 0)
    return out


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k", [1, 3, 8])
@pytest.mark.parametrize("digits", [1, 8])
def test_largest_against_sorting(rng, dtype, k, digits):
    """With so few digits that many are equal, and with all different."""
    A = rng.standard_normal((7, 8)).round(digits).astype(dtype)
    expected = by_sorting(A.ravel(), k * len(A)).reshape(A.shape)
    np.testing.assert_array_equal(batch_topk_forward(A, k=k)[0], expected)
    rows = np.array([by_sorting(row, k) for row in A])
    np.testing.assert_array_equal(topk_forward(A, k=k)[0], rows)


def test_all_equal_and_none_positive():
    np.testing.assert_array_equal(
        batch_topk_forward(np.ones((2, 3)), k=2)[0], [[1, 1, 1], [1, 0, 0]]
    )
    assert not batch_topk_forward(-np.ones((2, 3)), k=2)[0].any()
