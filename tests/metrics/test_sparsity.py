"""Sparsity against its definition on small cases and SciPy."""

import numpy as np
import pytest
from scipy import sparse, stats

from sparsecode.metrics import kurtosis, l0

rng = np.random.default_rng(0)


def test_l0_counts_above_the_threshold():
    codes = np.array([[0.0, -0.5, 2.0], [0.1, 0.0, 0.0]])
    assert l0(codes).tolist() == [2, 1]
    assert l0(codes, threshold=0.5).tolist() == [1, 0]
    with pytest.raises(ValueError, match="threshold"):
        l0(codes, threshold=-1)


def test_kurtosis_of_symmetric_codes_is_the_sample_kurtosis():
    half = rng.laplace(size=(200, 5))
    codes = np.vstack([half, -half])
    assert kurtosis(codes) == pytest.approx(stats.kurtosis(codes, axis=None))
    assert np.isnan(kurtosis(np.zeros((3, 2))))
    few = np.where(np.abs(codes) > 1, codes, 0)
    assert kurtosis(sparse.csr_array(few)) == pytest.approx(kurtosis(few))
    assert np.isnan(kurtosis(sparse.csr_array((3, 2))))


def test_kurtosis_has_no_unit():
    codes = rng.standard_normal((5, 7)) * (rng.uniform(size=(5, 7)) < 0.4)
    for scale in (2.0**-1050, 1e-160, 1e160, 1e300):
        np.testing.assert_allclose(kurtosis(codes * scale), kurtosis(codes), rtol=1e-3)
    np.testing.assert_allclose(kurtosis(sparse.csr_array(codes * 1e200)), kurtosis(codes))
