"""OMP against scikit-learn, brute force over supports, and exact recovery."""

import itertools

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import orthogonal_mp, orthogonal_mp_gram

from sparsecode import Dictionary
from sparsecode.penalties import L1, KSparse
from sparsecode.solvers import OMP


@pytest.fixture
def X():
    return np.random.default_rng(0).standard_normal((12, 12))


@pytest.fixture
def dictionary():
    return Dictionary.random(40, 12, random_state=1)


def best_error(x, atoms, size):
    """Squared error of the best support of a size."""
    errors = []
    for support in itertools.combinations(range(len(atoms)), size):
        active = atoms[list(support)].T
        errors.append(((x - active @ np.linalg.lstsq(active, x, rcond=None)[0]) ** 2).sum())
    return min(errors)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 9, 12])
def test_scikit_learn_by_count(X, dictionary, count):
    expected = orthogonal_mp(dictionary.atoms.T, X.T, n_nonzero_coefs=count).T
    codes = OMP().solve(X, dictionary, KSparse(count)).codes
    np.testing.assert_allclose(codes, expected, atol=1e-10)


@pytest.mark.parametrize("share", [0.5, 0.1, 1e-3])
def test_scikit_learn_by_error(X, dictionary, share):
    squared_norm = (X**2).sum(axis=1)
    result = OMP().solve(X, dictionary, KSparse(None, share * squared_norm))
    for x, code, target in zip(X, result.codes, share * squared_norm, strict=True):
        corr = (dictionary.atoms @ x)[:, None]
        expected = orthogonal_mp_gram(dictionary.gram, corr, tol=target, norms_squared=[x @ x])
        np.testing.assert_allclose(code, expected, atol=1e-10)


def test_whichever_target_comes_first(X, dictionary):
    squared_norm = (X**2).sum(axis=1)
    by_error = OMP().solve(X, dictionary, KSparse(None, 0.2 * squared_norm)).codes
    by_count = OMP().solve(X, dictionary, KSparse(3)).codes
    both = OMP().solve(X, dictionary, KSparse(3, 0.2 * squared_norm))
    few = (by_error != 0).sum(axis=1) <= 3
    assert few.any() and not few.all()
    np.testing.assert_allclose(both.codes, np.where(few[:, None], by_error, by_count), atol=1e-12)
    assert both.converged.all()


def test_one_atom_is_the_best_one_of_all(X, dictionary):
    error = 2 * OMP().solve(X, dictionary, KSparse(1)).certificate.objective
    np.testing.assert_allclose(error, [best_error(x, dictionary.atoms, 1) for x in X], rtol=1e-12)


def test_recovers_what_an_incoherent_dictionary_made(rng):
    """Tropp: k nonzeros are found if ``k < (1 + 1 / coherence) / 2``."""
    basis = np.linalg.qr(rng.standard_normal((16, 16)))[0]
    hadamard = np.array([[1.0]])
    for _ in range(4):
        hadamard = np.block([[hadamard, hadamard], [hadamard, -hadamard]]) / np.sqrt(2)
    dictionary = Dictionary(np.vstack([np.eye(16), hadamard]) @ basis)
    assert dictionary.coherence <= 0.2500001  # So that 2 nonzeros are certain.
    codes = np.zeros((20, 32))
    for row in codes:
        row[rng.choice(32, 2, replace=False)] = rng.standard_normal(2)
    result = OMP().solve(codes @ dictionary.atoms, dictionary, KSparse(2))
    np.testing.assert_allclose(result.codes, codes, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_norms_of_atoms_do_not_matter(X, dictionary, dtype, rng):
    norms = np.exp(rng.uniform(-5, 5, 40))
    penalty = KSparse(4, 0.05 * (X**2).sum(axis=1))
    scaled = (dictionary.atoms * norms[:, None]).astype(dtype)
    codes = OMP().solve(X.astype(dtype), scaled, penalty).codes
    expected = OMP().solve(X, dictionary, penalty).codes
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(codes * norms, expected, atol=200 * eps)


def test_permuted_atoms(X, dictionary, rng):
    order = rng.permutation(40)
    codes = OMP().solve(X, dictionary.atoms[order], KSparse(5)).codes
    expected = OMP().solve(X, dictionary, KSparse(5)).codes
    np.testing.assert_allclose(codes, expected[:, order], atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("copies", ["exact", "negated", "near"])
def test_repeated_atoms_are_passed_over(X, dictionary, dtype, copies):
    noise = {"exact": 0, "negated": 0, "near": np.finfo(dtype).eps}[copies]
    noise = noise * np.random.default_rng(5).standard_normal(dictionary.atoms.shape)
    twin = (-1 if copies == "negated" else 1) * dictionary.atoms + noise
    atoms = np.vstack([dictionary.atoms, twin, np.zeros((1, 12))]).astype(dtype)
    result = OMP().solve(X.astype(dtype), atoms, KSparse(12))
    assert result.converged.all() and np.isfinite(result.codes).all()
    used = (result.codes[:, :40] != 0) & (result.codes[:, 40:80] != 0)
    assert not used.any() and (result.codes[:, -1] == 0).all()
    # Twelve independent atoms span all features.
    squared_norm = (X**2).sum(axis=1)
    assert (result.certificate.objective <= 1e-6 * squared_norm).all()


def test_ends_when_nothing_is_left(rng):
    """A sample in the span of two atoms takes two, not the five that it may."""
    atoms = np.linalg.qr(rng.standard_normal((8, 8)))[0]
    X = rng.standard_normal((4, 2)) @ atoms[2:4]
    result = OMP().solve(X, atoms, KSparse(5))
    assert (result.n_iter == 2).all()
    assert ((result.codes != 0).sum(axis=1) == 2).all()


def test_start_enters_first(X, dictionary):
    start = np.zeros((len(X), 40))
    start[:, 7], start[:, 3] = 1.0, -2.0
    codes = OMP().solve(X, dictionary, KSparse(3), codes=start).codes
    assert (codes[:, [3, 7]] != 0).all() and ((codes != 0).sum(axis=1) == 3).all()
    one = OMP().solve(X, dictionary, KSparse(1), codes=start).codes
    np.testing.assert_allclose(one[:, 3], X @ dictionary.atoms[3], atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_near_copy_in_the_start_is_passed_over(X, dictionary, dtype):
    """What rounding leaves of it would get a huge coefficient."""
    noise = 3 * np.finfo(dtype).eps * np.random.default_rng(5).standard_normal((40, 12))
    atoms = np.vstack([dictionary.atoms, dictionary.atoms + noise]).astype(dtype)
    start = np.zeros((len(X), 80))
    start[:, 7], start[:, 47] = 2.0, 1.0
    result = OMP().solve(X.astype(dtype), atoms, KSparse(3), codes=start)
    assert (result.codes[:, 7] != 0).all() and (result.codes[:, 47] == 0).all()
    assert (result.n_iter == 3).all() and np.abs(result.codes).max() < 20


def test_history_is_that_of_every_count(X, dictionary):
    history = OMP().solve(X, dictionary, KSparse(4), record=True).history
    for count in (1, 2, 3, 4):
        objective = OMP().solve(X, dictionary, KSparse(count)).certificate.objective
        np.testing.assert_allclose(history["objective"][count], objective, rtol=1e-10)
    cosines = (X @ dictionary.atoms.T) / np.linalg.norm(X, axis=1, keepdims=True)
    np.testing.assert_allclose(history["stop"][0], np.abs(cosines).max(axis=1), rtol=1e-12)
    assert (history["stop"][-1] == 0).all()


def test_small_errors_are_met_in_float32_and_claimed_only_if_they_are(dictionary, X):
    X, single = X.astype(np.float32), dictionary.astype(np.float32)
    squared_norm = (X.astype(float) ** 2).sum(axis=1)
    result = OMP().solve(X, single, KSparse(None, 1e-8 * squared_norm))
    assert result.converged.all() and (result.codes != 0).sum(axis=1).max() <= 12
    assert (2 * result.certificate.objective <= 1e-8 * squared_norm).all()
    with pytest.warns(ConvergenceWarning, match=r"OMP: 12 of 12 samples did not reach their error"):
        result = OMP().solve(X, single, KSparse(None, 1e-17 * squared_norm))
    assert not result.converged.any()


def test_refuses(X, dictionary):
    with pytest.raises(TypeError, match=r"OMP needs the constraint KSparse; got L1\. Use FISTA"):
        OMP().solve(X, dictionary, L1())
    with pytest.raises(ValueError, match=r"error of KSparse has 3 entries but there are 12"):
        OMP().solve(X, dictionary, KSparse(3, [1.0, 1.0, 1.0]))
    with pytest.raises(ValueError, match="tol is 2"):
        OMP(tol=2.0).solve(X, dictionary, KSparse(3))
