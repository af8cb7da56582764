"""Gradients through exact codes: closed forms, central differences, and relations."""

import numpy as np
import pytest
from scipy import sparse

from sparsecode import Dictionary, certify
from sparsecode.implicit_gradients import code_gradient
from sparsecode.penalties import L1, ElasticNet, KSparse, LogSum
from sparsecode.solvers import FeatureSign

N_SAMPLES, N_FEATURES, N_COMPONENTS = 6, 8, 12
STEP = 1e-5


def problem(seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((N_SAMPLES, N_FEATURES))
    atoms = rng.standard_normal((N_COMPONENTS, N_FEATURES))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    offset = 0.1 * rng.standard_normal(N_FEATURES)
    return X, atoms, offset, rng.standard_normal((N_SAMPLES, N_COMPONENTS))


def solve(X, atoms, offset, penalty):
    if getattr(penalty, "l1_ratio", 1) == 0:
        # The closed form; the gap of an iterative solution is the square of its error.
        system = atoms @ atoms.T + penalty.alpha * np.eye(N_COMPONENTS)
        codes = np.linalg.solve(system, atoms @ (X - offset).T).T
    else:
        codes = FeatureSign(tol=1e-11).solve(X, Dictionary(atoms, offset), penalty).codes
    assert certify(X, codes, Dictionary(atoms, offset), penalty).gap.max() < 1e-10
    return codes


def differences(function, array):
    found = np.empty_like(array)
    for entry in np.ndindex(array.shape):
        above, below = array.copy(), array.copy()
        above[entry] += STEP
        below[entry] -= STEP
        found[entry] = (function(above) - function(below)) / (2 * STEP)
    return found


WEIGHTS = np.linspace(0.5, 2, N_COMPONENTS)
PENALTIES = {
    "lasso": L1(0.3),
    "weights": L1(0.3, weights=WEIGHTS),
    "forbidden": L1(0.3, weights=np.where(np.arange(N_COMPONENTS) < 3, np.inf, WEIGHTS)),
    "positive": L1(0.2, positive=True),
    "elastic net": ElasticNet(0.3, 0.8),
    "positive elastic net": ElasticNet(0.3, 0.8, positive=True),
    "ridge": ElasticNet(0.3, 0.0),
}


@pytest.mark.needs_jit("hundreds of certified solutions")
@pytest.mark.parametrize("penalty", PENALTIES.values(), ids=PENALTIES)
def test_central_differences_of_certified_codes(penalty):
    X, atoms, offset, upstream = problem()
    codes = solve(X, atoms, offset, penalty)
    got = code_gradient(X, codes, Dictionary(atoms, offset), penalty, upstream)
    expected = {
        "X": differences(lambda x: np.vdot(upstream, solve(x, atoms, offset, penalty)), X),
        "atoms": differences(lambda a: np.vdot(upstream, solve(X, a, offset, penalty)), atoms),
        "offset": differences(lambda o: np.vdot(upstream, solve(X, atoms, o, penalty)), offset),
    }
    for name, value in expected.items():
        error = np.abs(getattr(got, name) - value).max() / np.abs(value).max()
        assert error < 1e-5, name
    weight = np.array([penalty.alpha])

    def of_weight(alpha):
        return np.vdot(upstream, solve(X, atoms, offset, penalty._replace(alpha=float(alpha[0]))))

    assert got.alpha == pytest.approx(differences(of_weight, weight)[0], rel=1e-5)


def test_orthonormal_atoms_have_a_closed_form():
    rng = np.random.default_rng(1)
    atoms = np.linalg.qr(rng.standard_normal((5, 5)))[0]
    X, upstream = rng.standard_normal((7, 5)), rng.standard_normal((7, 5))
    penalty = ElasticNet(0.4, 0.5)
    codes = penalty.prox(X @ atoms.T)
    got = code_gradient(X, codes, atoms, penalty, upstream)
    solved = np.where(codes != 0, upstream, 0) / 1.2
    np.testing.assert_allclose(got.X, solved @ atoms, atol=1e-12)
    residual = X - codes @ atoms
    np.testing.assert_allclose(got.atoms, solved.T @ residual - codes.T @ got.X, atol=1e-12)
    slopes = 0.5 * np.sign(codes) + 0.5 * codes
    assert got.alpha == pytest.approx(-np.vdot(solved, slopes))


def test_sparse_and_explicit_zeros_and_many_atoms_are_the_same(monkeypatch):
    X, atoms, offset, upstream = problem(2)
    penalty, dictionary = ElasticNet(0.3, 0.9), Dictionary(atoms, offset)
    codes = FeatureSign(tol=1e-10).solve(X, dictionary, penalty).codes
    expected = code_gradient(X, codes, dictionary, penalty, upstream)
    explicit = sparse.csr_array(np.ones_like(codes))
    explicit.data[:] = codes.ravel()
    for given in (sparse.csr_array(codes), explicit):
        got = code_gradient(sparse.csr_array(X), given, dictionary, penalty, upstream, n_jobs=2)
        for one, other in zip(got, expected, strict=True):
            np.testing.assert_array_equal(one, other)
    monkeypatch.setattr("sparsecode.implicit_gradients._GRAM_BYTES", 0)
    got = code_gradient(X, codes, dictionary, penalty, upstream)
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


def test_samples_of_a_batch_do_not_matter_to_each_other():
    X, atoms, _, upstream = problem(3)
    codes = FeatureSign(tol=1e-10).solve(X, atoms, L1(0.3)).codes
    whole = code_gradient(X, codes, atoms, L1(0.3), upstream)
    parts = [
        code_gradient(X[i : i + 1], codes[i : i + 1], atoms, L1(0.3), upstream[i : i + 1])
        for i in range(len(X))
    ]
    np.testing.assert_allclose(whole.X, np.vstack([part.X for part in parts]), atol=1e-12)
    np.testing.assert_allclose(whole.atoms, sum(part.atoms for part in parts), atol=1e-12)


def test_a_dependent_atom_of_a_support_counts_as_constant():
    atoms = np.array([[1.0, 0.0], [1.0, 0.0]])
    got = code_gradient([[3.0, 1.0]], [[1.0, 1.0]], atoms, L1(1.0), [[2.0, 5.0]])
    np.testing.assert_array_equal(got.X, [[2.0, 0.0]])
    np.testing.assert_array_equal(got.atoms, [[0.0, 2.0], [-2.0, 0.0]])


def test_float32_stays_and_zero_codes_have_no_gradient():
    X, atoms, _, upstream = problem(4)
    X, atoms = X.astype(np.float32), atoms.astype(np.float32)
    codes = FeatureSign().solve(X, atoms, L1(0.3)).codes
    got = code_gradient(X, codes, atoms, L1(0.3), upstream)
    assert got.X.dtype == got.atoms.dtype == got.offset.dtype == np.float32
    nothing = code_gradient(X, 0 * codes, atoms, L1(0.3), upstream)
    assert not nothing.X.any() and not nothing.atoms.any() and nothing.alpha == 0


def test_bad_input_is_named():
    X, atoms, _, upstream = problem()
    codes = np.zeros((N_SAMPLES, N_COMPONENTS))
    for penalty in (KSparse(2), LogSum(0.1), "l1"):
        with pytest.raises(TypeError, match="expected L1 or ElasticNet"):
            code_gradient(X, codes, atoms, penalty, upstream)
    with pytest.raises(ValueError, match="dcodes has 3 columns; expected 12"):
        code_gradient(X, codes, atoms, L1(0.1), upstream[:, :3])
    with pytest.raises(ValueError, match="dcodes has 2 rows but codes has 6"):
        code_gradient(X, codes, atoms, L1(0.1), upstream[:2])
    with pytest.raises(ValueError, match="codes has shape"):
        code_gradient(X, codes[:2], atoms, L1(0.1), upstream)
