"""Residuals of classes and the concentration of codes, against the plain formulas."""

import numpy as np
from scipy import sparse

from sparsecode import Dictionary
from sparsecode.prediction.class_residuals import class_residuals, class_spans, concentration

CLASSES = np.array([0, 0, 1, 2, 2, 2])
SPANS = class_spans(CLASSES, 3)


def test_residuals_are_those_of_each_class_alone(rng):
    atoms, X, Z = (rng.standard_normal(shape) for shape in ((6, 4), (9, 4), (9, 6)))
    E = rng.standard_normal((9, 4))
    expected = [
        np.linalg.norm(X - E - np.where(c == CLASSES, Z, 0) @ atoms, axis=1) for c in range(3)
    ]
    for codes, errors in ((Z, E), (sparse.csr_array(Z), sparse.csr_array(E))):
        found = class_residuals(X, codes, Dictionary(atoms), SPANS, errors=errors)
        np.testing.assert_allclose(found, np.transpose(expected))
    norms = [np.linalg.norm(Z[:, c == CLASSES], axis=1) for c in range(3)]
    found = class_residuals(X, Z, Dictionary(atoms), SPANS, errors=E, divided=True)
    np.testing.assert_allclose(found, np.transpose(expected) / np.transpose(norms))


def test_a_code_of_zero_is_divided_by_nothing(rng):
    X = np.array([[1.0, 0.0], [0.0, 0.0]])
    found = class_residuals(X, np.zeros((2, 6)), Dictionary(np.ones((6, 2))), SPANS, divided=True)
    assert np.isfinite(found).all()


def test_concentration():
    codes = np.array([[0, 0, -2.0, 0, 0, 0], [1, -1, 2, 0, 1, 1], [0] * 6, [1, 1, 1, 0, 1, 0]])
    expected = [1, 0, 0, (3 * 0.5 - 1) / 2]
    np.testing.assert_allclose(concentration(codes, SPANS), expected, atol=1e-15)
    np.testing.assert_allclose(concentration(sparse.csr_array(codes), SPANS), expected, atol=1e-15)
