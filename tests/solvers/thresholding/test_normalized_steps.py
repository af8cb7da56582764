"""Parts of the kernels of hard thresholding against NumPy, and starts that are worth nothing."""

import numpy as np
import pytest

from sparsecode import Dictionary, certify
from sparsecode.penalties import KSparse
from sparsecode.solvers import IHT, OLS
from sparsecode.solvers.thresholding.normalized_steps import (
    Workspace,
    _exact_length,
    _keep_largest,
    _repeats,
    _working_set,
)


@pytest.mark.parametrize("most", [1, 3, 6])
@pytest.mark.parametrize("values", [[0, 2, -3, 0, 2, 1], [0, 0, 0, 0, -1, 0], [0] * 6], ids=str)
def test_largest_are_kept_in_order_and_zeros_never(values, most):
    values = np.array(values, dtype=float)
    kept = np.full(len(values), -1)
    count = _keep_largest(values, most, kept)
    order = np.argsort(-np.abs(values), kind="stable")[:most]
    np.testing.assert_array_equal(kept[:count], order[values[order] != 0])


@pytest.mark.parametrize("most", [1, 2, 4, 6])
def test_working_set_is_the_support_and_the_most_correlated_others(most):
    code = np.array([0, 1.5, 0, 0, -2, 0, 0, 0])
    residual = np.array([0.1, 9, -3, 2, 8, 0, -0.5, 1])
    work = Workspace.of(8, most, float)
    used = _working_set(code, residual, most, work.point, work.support, work.is_in)
    others = [j for j in (2, 3, 7, 6, 0) if code[j] == 0]
    expected = [1, 4, *others[: max(most - 2, 0)]]
    np.testing.assert_array_equal(work.support[:used], expected)
    np.testing.assert_array_equal(np.flatnonzero(work.is_in), sorted(expected))


@pytest.mark.parametrize("shape", [(5, 9), (9, 5)], ids=str)
@pytest.mark.parametrize("support", [[3], [0, 2, 4], [4, 1, 0, 2, 3]], ids=str)
def test_exact_length_is_the_ratio_of_the_squares(shape, support, rng):
    atoms, direction = rng.standard_normal(shape), rng.standard_normal(shape[0])
    along = np.zeros_like(direction)
    along[support] = direction[support]
    expected = along @ along / ((along @ atoms) ** 2).sum()
    for products in (atoms @ atoms.T, atoms.T)[: 1 if shape[0] <= shape[1] else 2]:
        found = _exact_length(direction, products, np.array(support), len(support))
        assert found == pytest.approx(expected, rel=1e-12)
    assert _exact_length(0 * direction, atoms @ atoms.T, np.array(support), 1) == np.inf


def test_a_move_repeats_the_support_if_it_changes_no_zero():
    code, support = np.array([2.0, 0, -1, 3]), np.array([0, 1, 2, 3])
    assert _repeats(code, np.array([1.0, 0, 4, -1]), support, 4)
    for changed in ([-2.0, 0, 0, 0], [0, 1.0, 0, 0], [0, 0, 0, -3.0]):
        assert not _repeats(code, np.array(changed), support, 4)
    # Beyond the first two atoms nothing is read.
    assert _repeats(code, np.array([0, 0, 0, -3.0]), support, 2)


def test_starts_worse_than_0_are_0_and_better_ones_are_kept(rng):
    solver = IHT(max_iter=5, tol=0)
    X, penalty = rng.standard_normal((4, 6)), KSparse(2)
    dictionary = Dictionary.random(9, 6, random_state=0)
    best = OLS().solve(X, dictionary, penalty).codes
    cold = solver.solve(X, dictionary, penalty)
    far = solver.solve(X, dictionary, penalty, codes=-best)
    np.testing.assert_array_equal(far.codes, cold.codes)
    kept = solver.solve(X, dictionary, penalty, codes=best, record=True)
    expected = certify(X, best, dictionary, penalty).objective
    np.testing.assert_allclose(kept.history["objective"][0], expected)
