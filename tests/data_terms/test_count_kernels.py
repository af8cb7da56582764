"""Kernels of counts: minima over one coefficient, and the gap, by SciPy and by their formulas."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import kl_div

from sparsecode.data_terms import KullbackLeibler, certify
from sparsecode.data_terms._counts import _gap, _minimise, _reconstruct
from sparsecode.penalties import L1


@pytest.fixture
def task(rng):
    """A count of each feature, some of them 0, atoms with zeros, a code, and its reconstruction."""
    atoms = rng.gamma(1.0, 1.0, (4, 6)) * (rng.random((4, 6)) < 0.7)
    atoms[3] = rng.gamma(1.0, 1.0, 6)
    x = np.array([3.0, 0.0, 5.0, 1.0, 0.0, 2.0])
    code = np.array([0.7, 0.0, 0.2, 0.9])
    return x, atoms, code, code @ atoms


@pytest.mark.parametrize("alpha", [0.1, 1.0, 30.0])
@pytest.mark.parametrize("j", range(4))
def test_minimum_over_one_coefficient(task, alpha, j):
    x, atoms, code, fit = task
    slope, before = alpha + atoms[j].sum(), code[j]
    rest = fit - before * atoms[j]

    def derivative(z):
        y, seen = rest + z * atoms[j], x > 0
        return slope - (x[seen] * atoms[j, seen] / y[seen]).sum()

    # The last atom has an entry at each feature, so that the derivatives of the others are finite.
    best = brentq(derivative, 1e-9, 1e3, xtol=1e-14) if derivative(1e-9) < 0 else 0.0
    change = _minimise(x, atoms[j], slope, code, j, fit, np.empty(6))
    assert code[j] == pytest.approx(best, rel=1e-9, abs=1e-12)
    np.testing.assert_allclose(fit, code @ atoms, rtol=1e-9, atol=1e-12)
    assert change == pytest.approx(abs(code[j] - before) / max(code[j], before, 1e-300))


def test_a_feature_without_counts_needs_no_atom():
    """Only this atom has an entry there; its coefficient is 0 all the same if it costs too much."""
    x, atoms, code = np.array([0.0, 1.0]), np.array([[2.0, 0.1], [0.0, 1.0]]), np.array([0.3, 1.0])
    fit = code @ atoms
    _minimise(x, atoms[0], 2.1, code, 0, fit, np.empty(2))
    assert code[0] == 0 and fit.tolist() == [0, 1]
    # With a count there, it cannot be 0.
    x[0], code[0] = 1.0, 0.3
    _minimise(x, atoms[0], 1e6, code, 0, code @ atoms, np.empty(2))
    assert 0 < code[0] < 1e-5


@pytest.mark.parametrize("alpha", [0.05, 3.0])
def test_gap_is_primal_less_dual(task, alpha):
    x, atoms, code, expected = task
    fit = np.full(6, 7.0)
    _reconstruct(code, atoms, fit)
    np.testing.assert_allclose(fit, expected)
    slopes = alpha + atoms.sum(axis=1)
    primal = kl_div(x, fit).sum() + alpha * code.sum()
    ratios = np.where(x > 0, x / fit, 0)
    # The ratios times the number that is best among those that keep the constraints.
    multiple = ratios / (atoms @ ratios / slopes).max()
    seen = x > 0
    dual = (x[seen] * np.log(multiple[seen])).sum()
    found = _gap(x, code, atoms, slopes, fit, x.sum())
    assert found == pytest.approx(primal - dual)
    assert _gap(0 * x, code, atoms, slopes, fit, 0.0) == np.inf


def test_a_reconstruction_of_0_where_something_was_counted():
    """Costs infinitely much, of which the certificate makes no error."""
    penalty = L1(0.3, positive=True)
    counted = [[2.0, 0.0, 3.0]], [[1.0, 0.0]], [[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    certificate = certify(*counted, KullbackLeibler(), penalty)
    assert certificate.objective[0] == certificate.gap[0] == np.inf
