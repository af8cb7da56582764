"""Simplex codes: projection, optimum and certificate against independent implementations."""

from itertools import combinations

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.utils import check_random_state

from sparsecode import Dictionary, DictionaryLearning, SparseCoder, certify
from sparsecode.constraints import Free
from sparsecode.penalties import L1, Simplex
from sparsecode.solvers import ADMM, FISTA, ISTA, CoordinateDescent


def problem(seed=0, n_samples=12, n_components=7, n_features=5, shift=0.0):
    rng = check_random_state(seed)
    atoms = rng.standard_normal((n_components, n_features)) + shift
    return rng.standard_normal((n_samples, n_features)) + shift, atoms


def projection_by_sorting(row, radius):
    """The threshold is where the largest entries, lowered by the same number, have the sum."""
    largest = np.sort(row)[::-1]
    thresholds = (np.cumsum(largest) - radius) / np.arange(1, len(row) + 1)
    return np.maximum(row - thresholds[np.flatnonzero(largest > thresholds)[-1]], 0)


def best_by_faces(x, atoms, radius):
    """Least objective over all faces of the simplex, each by its linear system."""
    best = np.inf
    for size in range(1, len(atoms) + 1):
        for face in combinations(range(len(atoms)), size):
            some = atoms[list(face)]
            system = np.block([[some @ some.T, np.ones((size, 1))], [np.ones((1, size)), 0]])
            right = np.append(some @ x, radius)
            code = np.linalg.lstsq(system, right, rcond=None)[0][:-1]
            if (code >= -1e-12).all() and abs(code.sum() - radius) < 1e-9:
                best = min(best, ((x - code @ some) ** 2).sum() / 2)
    return best


@pytest.mark.parametrize("radius", [1.0, 0.05, 30.0])
@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_prox_is_the_projection(radius, size):
    V = size * check_random_state(0).standard_normal((40, 9))
    V[0], V[1] = 0.0, 3.0
    expected = [projection_by_sorting(row, radius) for row in V]
    found = Simplex(radius).prox(V)
    np.testing.assert_allclose(found, expected, atol=1e-9 * max(size, 1) * radius)
    np.testing.assert_allclose(found.sum(axis=1), radius, rtol=1e-13)
    assert (found >= 0).all()


@pytest.mark.parametrize("solver", [FISTA(tol=1e-10), ISTA(50000, 1e-9), ADMM(tol=1e-9)])
def test_codes_are_the_best_over_all_faces(solver):
    X, atoms = problem()
    result = solver.solve(X, atoms, Simplex(1.5))
    assert result.converged.all()
    expected = [best_by_faces(x, atoms, 1.5) for x in X]
    np.testing.assert_allclose(result.certificate.objective, expected, atol=1e-8)
    np.testing.assert_allclose(result.codes.sum(axis=1), 1.5)


def test_codes_against_scipy():
    X, atoms = problem(1, n_samples=4, n_components=15, n_features=10)
    codes = FISTA(tol=1e-10).solve(X, atoms, Simplex()).codes
    for x, code in zip(X, codes, strict=True):
        found = minimize(
            lambda z, x=x: ((x - z @ atoms) ** 2).sum() / 2,
            np.full(15, 1 / 15),
            jac=lambda z, x=x: (z @ atoms - x) @ atoms.T,
            bounds=[(0, None)] * 15,
            constraints={"type": "eq", "fun": lambda z: z.sum() - 1, "jac": np.ones_like},
            options={"ftol": 1e-13, "maxiter": 500},
        )
        np.testing.assert_allclose(((x - code @ atoms) ** 2).sum() / 2, found.fun, rtol=1e-7)


def test_codes_are_those_of_spams():
    spams = pytest.importorskip("spams")
    X, atoms = problem(2, n_samples=50, n_components=30, n_features=10)
    theirs = spams.decompSimplex(np.asfortranarray(X.T), np.asfortranarray(atoms.T))
    theirs = theirs.toarray().T
    ours = FISTA(tol=1e-9).solve(X, atoms, Simplex()).certificate.objective
    objective = ((X - theirs @ atoms) ** 2).sum(axis=1) / 2
    np.testing.assert_allclose(ours, objective, rtol=1e-5)


def test_gap_bounds_how_far_any_code_is_from_the_optimum():
    X, atoms = problem(3)
    best = np.array([best_by_faces(x, atoms, 2.0) for x in X])
    for seed in range(5):
        codes = Simplex(2.0).prox(check_random_state(seed).standard_normal((12, 7)))
        certificate = certify(X, codes, atoms, Simplex(2.0))
        residual = X - codes @ atoms
        np.testing.assert_allclose(certificate.objective, (residual**2).sum(axis=1) / 2)
        assert (certificate.objective - best <= certificate.gap + 1e-12).all()
        correlations = residual @ atoms.T
        expected = 2 * correlations.max(axis=1) - (codes * correlations).sum(axis=1)
        np.testing.assert_allclose(certificate.gap, expected)
    for wrong in (np.zeros((12, 7)), codes * 1.1, codes - 0.1):
        assert np.isinf(certify(X, wrong, atoms, Simplex(2.0)).objective).all()


@pytest.mark.parametrize("shift", [10.0, -1e4])
def test_moving_samples_and_atoms_changes_nothing(shift):
    X, atoms = problem(4)
    tol = 1e-7 if shift == 10 else 1e-6
    expected = FISTA(tol=tol).solve(X, atoms, Simplex())
    moved = FISTA(tol=tol).solve(X + shift, atoms + shift, Simplex())
    assert moved.converged.all()
    np.testing.assert_allclose(moved.codes, expected.codes, atol=2e-3)
    gaps = moved.certificate.relative_gap
    np.testing.assert_allclose(gaps, expected.certificate.relative_gap, atol=tol)


def test_relations():
    X, atoms = problem(5)
    codes = FISTA(tol=1e-11).solve(X, atoms, Simplex()).codes
    order = check_random_state(0).permutation(7)
    permuted = FISTA(tol=1e-11).solve(X, atoms[order], Simplex()).codes
    np.testing.assert_allclose(permuted, codes[:, order], atol=1e-4)
    larger = FISTA(tol=1e-11).solve(3 * X, atoms, Simplex(3.0)).codes
    np.testing.assert_allclose(larger, 3 * codes, atol=3e-4)
    for scale in (1e-200, 1e200):
        scaled = FISTA(tol=1e-11).solve(scale * X, scale * atoms, Simplex()).codes
        np.testing.assert_allclose(scaled, codes, atol=1e-4)


def test_samples_inside_the_hull_are_reproduced():
    _, atoms = problem(6)
    shares = check_random_state(0).dirichlet(np.ones(7), 20)
    result = FISTA(tol=1e-10).solve(shares @ atoms, atoms, Simplex())
    assert result.certificate.objective.max() < 1e-8


def test_an_offset_a_sample_of_zero_and_equal_atoms():
    X, atoms = problem(7)
    X[0] = 0
    plain = FISTA(tol=1e-10).solve(X, atoms, Simplex()).codes
    offset = np.arange(5.0)
    shifted = FISTA(tol=1e-10).solve(X + offset, Dictionary(atoms, offset), Simplex()).codes
    np.testing.assert_allclose(shifted, plain, atol=1e-4)
    for same in (np.ones((4, 5)), np.zeros((4, 5)), np.ones((1, 5))):
        result = FISTA().solve(X, same, Simplex())
        assert result.converged.all()
        np.testing.assert_allclose(result.codes.sum(axis=1), 1)


def test_missing_entries_are_left_out():
    X, atoms = problem(8)
    X[0, :2] = np.nan
    X[1] = np.nan
    result = FISTA(tol=1e-10).solve(X, atoms, Simplex(), missing=True)
    assert result.converged.all()
    assert result.certificate.objective[0] == pytest.approx(
        best_by_faces(X[0, 2:], atoms[:, 2:], 1.0), abs=1e-9
    )
    np.testing.assert_allclose(result.codes[1], 1 / 7)


def test_float32_keeps_the_simplex():
    X, atoms = problem(9, n_samples=50, n_components=60)
    result = FISTA().solve(X.astype(np.float32), atoms.astype(np.float32), Simplex())
    assert result.codes.dtype == np.float32 and result.converged.all()
    assert np.isfinite(certify(X, result.codes, atoms, Simplex()).objective).all()


def test_sparse_codes():
    X, atoms = problem(10)
    dense = FISTA().solve(X, atoms, Simplex())
    codes = FISTA().solve(X, atoms, Simplex(), sparse_output=True).codes
    np.testing.assert_array_equal(codes.toarray(), dense.codes)
    np.testing.assert_array_equal(
        certify(X, codes, atoms, Simplex()).gap, dense.certificate.gap
    )  # fmt: skip


def test_coder_and_learning():
    rng = check_random_state(0)
    corners = rng.standard_normal((4, 8))
    X = rng.dirichlet(np.full(4, 0.3), 200) @ corners + 0.01 * rng.standard_normal((200, 8))
    codes = SparseCoder(corners, penalty=Simplex).fit_transform(X)
    np.testing.assert_allclose(codes.sum(axis=1), 1)
    model = DictionaryLearning(4, penalty=Simplex, constraint=Free(), n_epochs=30, random_state=0)
    model.fit(X)
    objective = model.history_["objective"]
    assert objective[-1] < 0.1 * objective[0]
    assert np.isfinite(model.score(X))


@pytest.mark.parametrize("radius", [0.0, -1.0, np.nan, np.inf, "1", None])
def test_a_bad_radius_is_refused(radius):
    with pytest.raises((TypeError, ValueError), match="radius of Simplex"):
        Simplex(radius).prox(np.ones((1, 3)))


def test_what_does_not_fit_is_refused():
    X, atoms = problem()
    with pytest.raises(ValueError, match=r"Simplex is a constraint.*alpha is 0\.5.*radius"):
        SparseCoder(atoms, penalty=Simplex(), alpha=0.5).fit(X)
    with pytest.raises(TypeError, match=r"CoordinateDescent needs a separable.*Simplex.*FISTA"):
        CoordinateDescent().solve(X, atoms, Simplex())
    with pytest.raises(TypeError, match="no alpha_max"):
        Simplex().alpha_max(X)
    assert L1().origin(5) == 0
