"""Feature-sign search against scikit-learn, brute force over supports, and hard dictionaries."""

import itertools
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNet as SklearnElasticNet
from sklearn.linear_model import Lasso

from sparsecode import Dictionary, certify
from sparsecode.penalties import L1, ElasticNet
from sparsecode.solvers import FISTA, FeatureSign
from sparsecode.solvers._batch.problem import Block
from sparsecode.solvers.feature_sign.search import search_rows


@pytest.fixture
def X():
    return np.random.default_rng(0).standard_normal((40, 10))


@pytest.fixture
def dictionary():
    return Dictionary.random(25, 10, random_state=1)


def lasso_by_supports(x, atoms, alpha):
    """The lasso over all signs of all supports of at most three of a few atoms."""
    best, best_value = np.zeros(len(atoms)), x @ x / 2
    for size in (1, 2, 3):
        for support in itertools.combinations(range(len(atoms)), size):
            active = atoms[list(support)]
            for signs in itertools.product((-1, 1), repeat=size):
                z = np.linalg.solve(active @ active.T, active @ x - alpha * np.array(signs))
                value = ((x - z @ active) ** 2).sum() / 2 + alpha * np.abs(z).sum()
                if value < best_value:
                    best, best_value = np.zeros(len(atoms)), value
                    best[list(support)] = z
    return best


def test_brute_force_over_supports():
    rng = np.random.default_rng(3)
    atoms = Dictionary.random(6, 3, random_state=0).atoms
    X = rng.standard_normal((10, 3))
    expected = [lasso_by_supports(x, atoms, 0.4) for x in X]
    codes = FeatureSign(tol=1e-10).solve(X, atoms, L1(0.4)).codes
    np.testing.assert_allclose(codes, expected, atol=1e-8)


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("alpha", [0.01, 0.1, 0.5])
def test_scikit_learn_lasso(X, dictionary, alpha, positive):
    oracle = Lasso(alpha / 10, fit_intercept=False, tol=1e-14, max_iter=100_000, positive=positive)
    expected = [oracle.fit(dictionary.atoms.T, x).coef_ for x in X]
    codes = FeatureSign(tol=1e-12).solve(X, dictionary, L1(alpha, positive=positive)).codes
    np.testing.assert_allclose(codes, expected, atol=1e-6)


def test_scikit_learn_elastic_net(X, dictionary):
    oracle = SklearnElasticNet(
        0.3 / 10, l1_ratio=0.7, fit_intercept=False, tol=1e-14, max_iter=100_000
    )
    expected = [oracle.fit(dictionary.atoms.T, x).coef_ for x in X]
    codes = FeatureSign(tol=1e-12).solve(X, dictionary, ElasticNet(0.3, 0.7)).codes
    np.testing.assert_allclose(codes, expected, atol=1e-6)


@pytest.mark.parametrize(("dtype", "tol"), [(np.float32, 1e-4), (np.float32, 1e-6), (float, 1e-9)])
@pytest.mark.parametrize("copies", ["exact", "near", "negated"])
def test_repeated_atoms(X, dictionary, dtype, tol, copies):
    noise = 1e-7 * np.random.default_rng(5).standard_normal(dictionary.atoms.shape)
    twin = {
        "exact": dictionary.atoms,
        "near": dictionary.atoms + noise,
        "negated": -dictionary.atoms,
    }
    atoms = np.vstack([dictionary.atoms, twin[copies]]).astype(dtype)
    result = FeatureSign(tol=tol).solve(X.astype(dtype), atoms, L1(0.05))
    assert result.certificate.relative_gap.max() <= tol
    assert result.converged.all()


def test_the_second_search_forgets_what_the_first_one_found(dictionary, monkeypatch):
    """Codes of the float32 search outside the final support must not survive in the answer."""
    X = np.random.default_rng(0).standard_normal((40, 10)).astype(np.float32)
    monkeypatch.setattr("sparsecode.solvers.feature_sign.solver.SINGLE_TOL", 0.3)
    for samples, atoms in ((X, dictionary.astype(np.float32)), (X.astype(float), dictionary)):
        result = FeatureSign(tol=1e-6).solve(samples, atoms, L1(0.05))
        assert result.certificate.relative_gap.max() <= 1e-6


@pytest.mark.parametrize("penalty", [L1(0.05), L1(0.05, positive=True), ElasticNet(0.05, 0.5)])
@pytest.mark.parametrize("tol", [1e-6, 2e-5])
def test_codes_rounded_to_float32_are_judged_as_they_are(X, dictionary, tol, penalty):
    solver, single = FeatureSign(tol=tol), dictionary.astype(np.float32)
    problem = solver._check_problem(X.astype(np.float32), single, penalty, None, False)
    block = Block.empty(np.zeros(problem.shape, np.float32), np.empty((40, 2, 0)))
    solver._search(problem, solver._prepare(problem), block)
    gap = certify(problem.X, block.codes, single, penalty).relative_gap
    assert block.proven.mean() > 0.9 and (gap[block.proven] <= tol).all()
    # From 2e-5 on it is a bound; the gap of an elastic net is below that of its plain lasso.
    assert (gap <= block.stop + 1e-10)[block.proven].all()
    if tol == 1e-6 and isinstance(penalty, L1):
        np.testing.assert_allclose(block.stop[block.proven], gap[block.proven], atol=1e-10)


@pytest.mark.needs_jit("about the compiler")
def test_the_search_is_compiled_once_for_samples_of_a_type(X, dictionary):
    """What a problem is like must not show in the types of the arguments: each takes seconds."""
    copies = np.vstack([dictionary.atoms, dictionary.atoms + 1e-6, dictionary.atoms[:5]])
    fixed = X.copy()
    fixed.flags.writeable = False
    for dtype in (np.float64, np.float32):
        solve = FeatureSign().solve
        samples, atoms = X.astype(dtype), dictionary.astype(dtype)
        before = len(search_rows.signatures)
        first = solve(samples, atoms, L1(0.1)).codes
        solve(fixed.astype(dtype, copy=False), Dictionary(copies.astype(dtype)), L1(0.01))
        solve(samples, Dictionary(atoms.atoms, offset=0.1 * samples[0]), L1(0.1, positive=True))
        solve(samples, atoms, L1(0.1, np.linspace(0.5, 2, 25)), codes=first)
        solve(samples, atoms, ElasticNet(0.1, 0.7), sparse_output=True, record=True)
        # None, if another test came before.
        assert len(search_rows.signatures) <= before + 1


def test_samples_that_float32_does_not_finish_are_searched_with_care(dictionary, monkeypatch):
    """Near copies of atoms: no other solver is needed for what float32 takes for dependent."""
    calls = []
    monkeypatch.setattr(
        "sparsecode.solvers._lasso.fallback.CoordinateDescent",
        lambda **options: pytest.fail("another solver was needed"),
    )
    noise = np.random.default_rng(5).standard_normal(dictionary.atoms.shape)
    careful = FeatureSign._search_carefully
    monkeypatch.setattr(
        FeatureSign,
        "_search_carefully",
        lambda self, *args: calls.append(len(args[2])) or careful(self, *args),
    )
    samples = np.random.default_rng(0).standard_normal((400, 10))
    for size in (3e-3, 1e-3):
        atoms = np.vstack([dictionary.atoms, dictionary.atoms + size * noise])
        for penalty in (L1(0.02), L1(0.02, positive=True), ElasticNet(0.02, 0.99999)):
            result = FeatureSign(tol=1e-9).solve(samples, atoms, penalty)
            assert result.converged.all() and result.certificate.relative_gap.max() <= 1e-9
    assert sum(calls) > 5


def test_weights_of_infinity_and_zero(X, dictionary):
    weights = np.linspace(0.5, 2, 25)
    weights[3] = np.inf
    for free in (False, True):
        weights[7] = 0 if free else 1
        result = FeatureSign(tol=1e-8).solve(X, dictionary, L1(0.3, weights))
        expected = FISTA(tol=1e-10, max_iter=100_000).solve(X, dictionary, L1(0.3, weights))
        assert (result.codes[:, 3] == 0).all()
        np.testing.assert_allclose(
            result.certificate.objective, expected.certificate.objective, rtol=1e-7
        )


def test_a_weight_next_to_0(X, dictionary):
    weights = np.ones(dictionary.n_components)
    codes = []
    for weights[3] in (0.0, 1e-50):
        with warnings.catch_warnings():
            # No certificate is that fine.
            warnings.simplefilter("ignore", ConvergenceWarning)
            codes.append(FeatureSign().solve(X, dictionary, L1(0.1, weights)).codes)
    np.testing.assert_allclose(codes[1], codes[0], rtol=1e-4, atol=1e-4)


def test_dense_codes_of_a_tiny_alpha(X, dictionary):
    result = FeatureSign(tol=1e-9).solve(X, dictionary, L1(1e-4))
    assert ((result.codes != 0).sum(axis=1) >= 9).all()
    assert result.certificate.relative_gap.max() <= 1e-9


def test_zero_samples_and_zero_atoms(X, dictionary):
    atoms = np.vstack([dictionary.atoms, np.zeros((1, 10))])
    samples = np.vstack([X, np.zeros((2, 10))])
    result = FeatureSign().solve(samples, atoms, L1(0.1))
    assert (result.codes[-2:] == 0).all() and (result.codes[:, -1] == 0).all()
    assert result.certificate.relative_gap.max() <= 1e-6


def test_random_problems_of_every_shape():
    rng = np.random.default_rng(7)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(40):
            n_components, n_features = rng.integers(1, 70), rng.integers(1, 40)
            atoms = rng.standard_normal((n_components, n_features)) * rng.uniform(0.1, 10)
            samples = rng.standard_normal((5, n_features))
            penalty = L1(float(rng.uniform(0.01, 1)) * np.abs(samples @ atoms.T).max())
            codes = FeatureSign(tol=1e-7).solve(samples, atoms, penalty).codes
            assert certify(samples, codes, atoms, penalty).relative_gap.max() <= 1e-7


def test_what_a_dictionary_keeps_for_a_penalty_follows_the_penalty(X, dictionary):
    """Number by number, also of arrays that are changed in place between calls."""
    weights = np.linspace(0.5, 2, 25)
    penalties = [L1(0.1), L1(0.3), L1(0.3, positive=True), ElasticNet(0.3, 0.9), L1(0.3, weights)]
    for penalty in [*penalties, *penalties[::-1]]:
        weights *= 1.1
        result = FeatureSign().solve(X[:3], dictionary, penalty)
        fresh = FeatureSign().solve(X[:3], Dictionary(dictionary.atoms), penalty)
        np.testing.assert_array_equal(result.codes, fresh.codes)
