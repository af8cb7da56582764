"""The joint lasso against scikit-learn, its dual, the lasso, and bad input."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import MultiTaskLasso
from sklearn.utils import check_random_state

from sparsecode import Dictionary
from sparsecode.joint import certify_joint, joint_lasso
from sparsecode.penalties import L1
from sparsecode.solvers import FISTA


@pytest.fixture
def problem():
    rng = check_random_state(0)
    return rng.standard_normal((9, 12)), rng.standard_normal((20, 12))


def objective(X, codes, atoms, alpha):
    return ((X - codes @ atoms) ** 2).sum() / 2 + alpha * np.linalg.norm(codes, axis=0).sum()


@pytest.mark.parametrize("alpha", [0.5, 3.0])
def test_the_optimum_is_that_of_scikit_learn(problem, alpha):
    X, atoms = problem
    result = joint_lasso(X, atoms, alpha, tol=1e-12)
    theirs = MultiTaskLasso(alpha / 12, fit_intercept=False, tol=1e-12, max_iter=100_000)
    expected = theirs.fit(atoms.T, X.T).coef_
    np.testing.assert_allclose(result.codes, expected, atol=1e-6)
    assert result.converged.all()
    assert result.certificate.objective[0] == pytest.approx(objective(X, expected, atoms, alpha))


def test_groups_are_solved_alone_whatever_their_labels_and_order(problem):
    X, atoms = problem
    groups = np.array(["b", "a", "b", "c", "a", "b", "c", "b", "a"])
    result = joint_lasso(X, atoms, 1.0, groups=groups, tol=1e-10)
    assert result.certificate.groups.tolist() == ["a", "b", "c"]
    for g, label in enumerate("abc"):
        rows = groups == label
        alone = joint_lasso(X[rows], atoms, 1.0, tol=1e-10)
        np.testing.assert_allclose(result.codes[rows], alone.codes, atol=1e-9)
        used = result.codes[rows] != 0
        np.testing.assert_array_equal(used, np.tile(used[:1], (rows.sum(), 1)))
        assert result.certificate.objective[g] == pytest.approx(alone.certificate.objective[0])
    two = joint_lasso(X, atoms, 1.0, groups=groups, tol=1e-10, n_jobs=2).codes
    np.testing.assert_array_equal(two, result.codes)


def test_groups_of_one_are_the_lasso(problem):
    X, atoms = problem
    result = joint_lasso(X, atoms, 0.7, groups=range(9), tol=1e-10)
    lasso = FISTA(tol=1e-10).solve(X, atoms, L1(0.7))
    np.testing.assert_allclose(result.codes, lasso.codes, atol=1e-4)
    np.testing.assert_allclose(result.certificate.gap, result.certificate.gap.clip(0))
    np.testing.assert_allclose(result.certificate.objective, lasso.certificate.objective)


def test_the_gap_bounds_the_distance_from_the_optimum(problem):
    X, atoms = problem
    best = joint_lasso(X, atoms, 1.0, tol=1e-13).certificate.objective[0]
    rng = check_random_state(1)
    for size in (0.0, 0.01, 1.0):
        codes = size * rng.standard_normal((9, 20))
        certificate = certify_joint(X, codes, atoms, 1.0)
        assert certificate.objective[0] == pytest.approx(objective(X, codes, atoms, 1.0))
        assert 0 <= certificate.objective[0] - best <= certificate.gap[0] * (1 + 1e-12)
        # The dual at the scaled residual, from its definition.
        residual = X - codes @ atoms
        u = residual * min(1, 1 / np.linalg.norm(residual @ atoms.T, axis=0).max())
        dual = ((X**2).sum() - ((X - u) ** 2).sum()) / 2
        assert certificate.gap[0] == pytest.approx(certificate.objective[0] - dual)


def test_orthonormal_atoms_shrink_norms(problem):
    X, _ = problem
    atoms = np.linalg.qr(check_random_state(2).standard_normal((12, 12)))[0]
    correlations = X @ atoms.T
    norms = np.linalg.norm(correlations, axis=0)
    expected = correlations * np.maximum(1 - 2.0 / norms, 0)
    np.testing.assert_allclose(joint_lasso(X, atoms, 2.0).codes, expected, atol=1e-12)
    limit = norms.max()
    assert (joint_lasso(X, atoms, 1.001 * limit).codes == 0).all()
    assert (joint_lasso(X, atoms, 0.99 * limit).codes != 0).any()


@pytest.mark.parametrize(("of_x", "of_atoms"), [(1e-170, 1.0), (1e160, 1e120), (1.0, 1e150)])
def test_units_do_not_matter(problem, of_x, of_atoms):
    X, atoms = problem
    expected = joint_lasso(X, atoms, 1.0, tol=1e-10).codes
    result = joint_lasso(of_x * X, of_atoms * atoms, of_x * of_atoms, tol=1e-10)
    assert result.converged.all()
    np.testing.assert_allclose(result.codes * (of_atoms / of_x), expected, atol=1e-4)


def test_types_offset_sparse_samples_and_a_start(problem):
    from scipy.sparse import csr_array

    X, atoms = problem
    plain = joint_lasso(X, atoms, 1.0)
    single = joint_lasso(X.astype(np.float32), atoms.astype(np.float32), 1.0)
    assert single.codes.dtype == np.float32 and single.converged.all()
    offset = np.arange(12.0)
    moved = joint_lasso(X + offset, Dictionary(atoms, offset), 1.0)
    np.testing.assert_allclose(moved.codes, plain.codes, atol=1e-9)
    np.testing.assert_array_equal(joint_lasso(csr_array(X), atoms, 1.0).codes, plain.codes)
    again = joint_lasso(X, atoms, 1.0, codes=plain.codes)
    assert again.n_iter[0] == 0 and "groups: 1" in repr(again)
    degenerate = np.concatenate([atoms, atoms[:1], 0 * atoms[:1]])
    result = joint_lasso(np.concatenate([X, 0 * X[:1]]), degenerate, 1.0, groups=[0] * 9 + [1])
    assert result.converged.all() and (result.codes[:, -1] == 0).all()
    assert (result.codes[-1] == 0).all()


def test_too_few_sweeps_are_told(problem):
    X, atoms = problem
    with pytest.warns(ConvergenceWarning, match=r"joint_lasso: 1 of 1 groups.*max_iter=1"):
        assert not joint_lasso(X, atoms, 0.1, max_iter=1, tol=1e-12).converged.any()
    assert joint_lasso(X, atoms, 0.1, max_iter=3, tol=0).n_iter[0] == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"alpha": 0}, "alpha is 0"),
        ({"alpha": np.nan}, "alpha is"),
        ({"groups": [0, 1]}, r"groups is an array of shape \(2,\).*9 samples"),
        ({"groups": np.full(9, np.nan)}, "groups is an array with NaN"),
        ({"groups": [0, "a", None] * 3}, "groups has labels of several types"),
        ({"codes": np.zeros((9, 3))}, "codes has"),
        ({"max_iter": 0}, "max_iter is 0"),
        ({"tol": -1}, "tol is -1"),
        ({"X": np.ones((9, 5))}, "X has 5"),
        ({"X": np.full((9, 12), np.nan)}, "NaN"),
        ({"n_jobs": 0}, "n_jobs"),
    ],
)
def test_bad_input(problem, changes, message):
    X, atoms = problem
    arguments = {"X": X, "dictionary": atoms, "alpha": 1.0} | changes
    with pytest.raises((TypeError, ValueError), match=message):
        joint_lasso(**arguments)
