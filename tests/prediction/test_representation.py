"""Representations with an occlusion: one problem in codes and errors, split again."""

import numpy as np
import pytest
from sklearn.linear_model import Lasso

from sparsecode import Dictionary
from sparsecode.penalties import L1, KSparse
from sparsecode.prediction.representation import Representation, with_identity


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("positive", [False, True])
def test_codes_and_errors_minimise_the_objective_with_both(positive, rng):
    atoms, X = unit(rng.standard_normal((7, 6))), unit(rng.standard_normal((4, 6)))
    weights = rng.uniform(0.5, 2, 7)
    model = Representation(Dictionary(atoms), L1(0.05, weights, positive), None, 0.08)
    _, codes, errors = model.parts(X)
    codes, errors = codes.toarray(), errors.toarray()
    value = 0.5 * np.sum((X - codes @ atoms - errors) ** 2, axis=1)
    value += 0.05 * np.abs(codes) @ weights + 0.08 * np.abs(errors).sum(axis=1)
    certificate = model.certify(X)
    np.testing.assert_allclose(certificate.objective, value)
    assert certificate.relative_gap.max() < 1e-5 and errors.any()
    assert not positive or (codes.min() >= 0 and errors.min() < 0)
    # scikit-learn has one weight for all, so columns are scaled instead.
    columns = np.concatenate([atoms / weights[:, None], np.eye(6) * 0.05 / 0.08])
    columns = np.concatenate([columns, -columns[-6:]]) if positive else columns
    lasso = Lasso(0.05 / 6, fit_intercept=False, positive=positive, tol=1e-10, max_iter=10**5)
    for x, found in zip(X, value, strict=True):
        z = lasso.fit(columns.T, x).coef_
        best = 0.5 * np.sum((x - z @ columns) ** 2) + 0.05 * np.abs(z).sum()
        np.testing.assert_allclose(found, best, rtol=1e-5)


def test_a_large_weight_is_no_occlusion(rng):
    atoms, X = unit(rng.standard_normal((7, 6))), rng.standard_normal((4, 6))
    plain = Representation(Dictionary(atoms), L1(0.05))
    occluded = Representation(Dictionary(atoms), L1(0.05), None, 10.0)
    np.testing.assert_allclose(plain.encode(X), occluded.encode(X), atol=1e-4)
    assert occluded.parts(X).errors.nnz == 0 and plain.parts(X).errors is None


def test_an_occlusion_needs_a_weight():
    for penalty in (KSparse(2), L1(0.0)):
        with pytest.raises(ValueError, match=r"penalty is .* occlusion is 0.1; expected an L1"):
            with_identity(Dictionary(np.eye(3)), penalty, 0.1)
