"""Ridge codes in closed form: against scikit-learn, their gradient and their certificate."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from sparsecode import Dictionary, certify
from sparsecode.penalties import L1, ElasticNet
from sparsecode.prediction.ridge import RidgeEncoder, is_ridge


@pytest.mark.parametrize("n_atoms", [5, 12])
def test_codes_are_those_of_scikit_learn_and_stationary(n_atoms, rng):
    atoms, X = rng.standard_normal((n_atoms, 8)), rng.standard_normal((300, 8))
    penalty = ElasticNet(0.3, l1_ratio=0)
    codes = RidgeEncoder(penalty, Dictionary(atoms)).encode(X)
    expected = Ridge(alpha=0.3, fit_intercept=False).fit(atoms.T, X.T).coef_
    np.testing.assert_allclose(codes, expected, atol=1e-9)
    gradient = (codes @ atoms - X) @ atoms.T + 0.3 * codes
    assert np.abs(gradient).max() < 1e-10
    assert certify(X, codes, atoms, penalty).relative_gap.max() < 1e-10


def test_float32_stays_and_threads_do_not_matter(rng):
    atoms, X = rng.standard_normal((5, 8)), rng.standard_normal((700, 8))
    single = RidgeEncoder(ElasticNet(0.3, 0), Dictionary(atoms.astype(np.float32)))
    assert single.encode(X.astype(np.float32)).dtype == np.float32
    double = RidgeEncoder(ElasticNet(0.3, 0), Dictionary(atoms))
    np.testing.assert_array_equal(double.encode(X, n_jobs=1), double.encode(X, n_jobs=2))


def test_what_is_a_ridge():
    assert is_ridge(ElasticNet(0.1, l1_ratio=0))
    others = [L1(0.1), ElasticNet(0.1), ElasticNet(0.0, 0), ElasticNet(0.1, 0, positive=True)]
    assert not any(map(is_ridge, others))
