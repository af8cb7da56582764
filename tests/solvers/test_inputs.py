"""Data in every form that a solver takes, and codes in every form that it gives."""

import numpy as np
import pytest
from scipy import sparse

from sparsecode import Dictionary, certify
from sparsecode.objective import objective
from sparsecode.penalties import L0, L1, ElasticNet, GroupL1, KSparse
from sparsecode.solvers import ADMM, FISTA, HTP, OLS, OMP, CoordinateDescent, FeatureSign


@pytest.fixture
def problem(rng):
    X = rng.standard_normal((40, 9)) * (rng.uniform(size=(40, 9)) < 0.4)
    return X, Dictionary.random(12, 9, random_state=0).replace(offset=np.full(9, 0.1))


@pytest.mark.parametrize("container", ["csr_array", "csc_array", "csr_matrix", "coo_array"])
def test_sparse_samples_are_the_dense_ones(problem, container):
    X, dictionary = problem
    given = getattr(sparse, container)(X)
    before = given.copy()
    expected = FeatureSign().solve(X, dictionary, L1(0.1))
    result = FeatureSign().solve(given, dictionary, L1(0.1))
    np.testing.assert_array_equal(result.codes, expected.codes)
    np.testing.assert_array_equal(result.certificate.gap, expected.certificate.gap)
    assert (given != before).nnz == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_memory_maps_and_orders(problem, dtype, tmp_path):
    X, dictionary = problem[0].astype(dtype), problem[1].astype(dtype)
    np.save(tmp_path / "X.npy", X)
    expected = FeatureSign(tol=1e-4).solve(X, dictionary, L1(0.1)).codes
    read_only = np.asfortranarray(X)
    read_only.flags.writeable = False
    every_other = np.repeat(X, 2, axis=0)[::2]
    for given in (np.load(tmp_path / "X.npy", mmap_mode="r"), read_only, every_other):
        codes = FeatureSign(tol=1e-4).solve(given, dictionary, L1(0.1)).codes
        np.testing.assert_array_equal(codes, expected)
        assert type(codes) is np.ndarray and codes.dtype == dtype


def test_csr_codes_are_the_dense_ones(problem):
    X, dictionary = problem
    X = np.tile(X, (60, 1))
    dense = FeatureSign().solve(X, dictionary, L1(0.1), n_jobs=2)
    codes = FeatureSign().solve(X, dictionary, L1(0.1), sparse_output=True, n_jobs=2)
    assert isinstance(codes.codes, sparse.csr_array) and codes.codes.has_canonical_format
    np.testing.assert_array_equal(codes.codes.toarray(), dense.codes)
    assert codes.codes.nnz == np.count_nonzero(dense.codes)
    np.testing.assert_array_equal(codes.certificate.gap, dense.certificate.gap)
    np.testing.assert_allclose(
        dictionary.decode(codes.codes), dictionary.decode(dense.codes), atol=1e-14
    )


def test_starts_from_csr_codes(problem):
    X, dictionary = problem
    found = FISTA(tol=1e-8).solve(X, dictionary, L1(0.1), sparse_output=True)
    again = FISTA(tol=1e-8).solve(X, dictionary, L1(0.1), codes=found.codes)
    assert (again.n_iter == 0).all()
    np.testing.assert_array_equal(again.codes, found.codes.toarray())


@pytest.mark.parametrize("solver", [FeatureSign(tol=1e-8), FISTA(tol=1e-8)])
@pytest.mark.parametrize("penalty", [L1(0.1), ElasticNet(0.1, positive=True)])
def test_missing_entries_are_missing_columns(problem, rng, solver, penalty):
    X, dictionary = problem
    X[rng.uniform(size=X.shape) < 0.3] = np.nan
    X[3], X[4] = np.nan, 1.0
    result = solver.solve(X, dictionary, penalty, missing=True)
    assert result.converged.all()
    for x, code, n_iter in zip(X, result.codes, result.n_iter, strict=True):
        seen = ~np.isnan(x)
        if not seen.any():
            assert (code == 0).all() and n_iter == 0
            continue
        alone = Dictionary(dictionary.atoms[:, seen], dictionary.offset[seen])
        expected = solver.solve(x[None, seen], alone, penalty)
        atol = 1e-9 if solver.finite else 1e-3  # A small gap leaves its square root in the code.
        np.testing.assert_allclose(code, expected.codes[0], atol=atol)
        judged = certify(x[None], expected.codes, dictionary, penalty, missing=True)
        np.testing.assert_allclose(judged.objective, expected.certificate.objective, rtol=1e-12)
        np.testing.assert_allclose(judged.gap, expected.certificate.gap, atol=1e-12)
        np.testing.assert_allclose(
            judged.half_squared_norm, expected.certificate.half_squared_norm, rtol=1e-12
        )
    assert result.certificate.relative_gap.max() <= 1e-8
    np.testing.assert_allclose(
        objective(X, result.codes, dictionary, penalty, missing=True),
        result.certificate.objective,
        rtol=1e-12,
    )


def test_missing_entries_with_a_start_and_a_history(problem, rng):
    X, dictionary = problem
    X[rng.uniform(size=X.shape) < 0.2] = np.nan
    first = FISTA(tol=1e-9).solve(X, dictionary, L1(0.1), missing=True, record=True)
    assert (np.diff(first.history["objective"], axis=0) <= 1e-12).all()
    np.testing.assert_allclose(first.history["objective"][-1], first.certificate.objective)
    again = FISTA(tol=1e-9).solve(X, dictionary, L1(0.1), missing=True, codes=first.codes)
    assert (again.n_iter == 0).all()


def test_missing_entries_with_free_atoms_are_certified(problem, rng):
    X, dictionary = problem
    X[rng.uniform(size=X.shape) < 0.3] = np.nan
    for positive in (False, True):
        penalty = L1(0.1, weights=np.r_[0, 0, np.ones(10)], positive=positive)
        solver = FISTA(tol=1e-7, max_iter=50_000)
        codes = solver.solve(X, dictionary, penalty, missing=True).codes
        assert certify(X, codes, dictionary, penalty, missing=True).relative_gap.max() < 1e-5


def test_missing_entries_of_sparse_samples(problem):
    X, dictionary = problem
    X[0, X[0] != 0] = np.nan
    dense = FeatureSign().solve(X, dictionary, L1(0.1), missing=True).codes
    codes = FeatureSign().solve(sparse.csc_array(X), dictionary, L1(0.1), missing=True).codes
    np.testing.assert_array_equal(codes, dense)


def test_missing_entries_must_be_announced(problem):
    X, dictionary = problem
    X[0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        FeatureSign().solve(X, dictionary, L1(0.1))
    X[0, 0] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        FeatureSign().solve(X, dictionary, L1(0.1), missing=True)


def test_a_start_of_another_shape_is_refused(problem):
    X, dictionary = problem
    with pytest.raises(ValueError, match="Encode X with this dictionary"):
        FISTA().solve(X, dictionary, L0(0.1), codes=sparse.csr_array((40, 11)))


@pytest.mark.parametrize("solver", [OMP(), OLS(), HTP()])
def test_missing_entries_with_a_number_of_atoms(problem, rng, solver):
    X, dictionary = problem
    X[rng.uniform(size=X.shape) < 0.3] = np.nan
    counts = 1 + np.arange(len(X)) % 3
    result = solver.solve(X, dictionary, KSparse(counts), missing=True)
    assert ((result.codes != 0).sum(axis=1) <= counts).all()
    for x, code, count in zip(X, result.codes, counts, strict=True):
        seen = ~np.isnan(x)
        alone = Dictionary(dictionary.atoms[:, seen], dictionary.offset[seen])
        expected = solver.solve(x[None, seen], alone, KSparse(int(count))).codes[0]
        np.testing.assert_allclose(code, expected, atol=1e-9)
    assert result.certificate.relative_residual.max() <= 1e-6


@pytest.mark.parametrize("solver", [OMP(), OLS()])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_missing_entries_with_an_error_and_more_atoms_than_are_seen(problem, rng, solver, dtype):
    X, dictionary = problem
    X, dictionary = X.astype(dtype), dictionary.astype(dtype)
    X[rng.uniform(size=X.shape) < 0.5] = np.nan
    X[:2] = np.nan
    X[1, 0] = 2.0
    seen = ~np.isnan(X)
    errors = 0.1 * np.nansum(dictionary.center(X) ** 2, axis=1)
    penalty = KSparse(dictionary.n_components, errors)
    result = solver.solve(X, dictionary, penalty, missing=True, record=True, sparse_output=True)
    codes = result.codes.toarray()
    assert result.converged.all() and codes.dtype == dtype and not codes[0].any()
    assert (result.n_iter <= seen.sum(axis=1)).all() and result.n_iter[1] == 1
    left = 2 * certify(X, codes, dictionary, penalty, missing=True).objective
    assert (left <= errors * (1 + 1e-5)).all()
    np.testing.assert_allclose(2 * result.history["objective"][-1], left, atol=1e-4)
    # From a start the largest atoms come first, so that it may end with fewer, but not with others.
    again = solver.solve(X, dictionary, penalty, missing=True, codes=codes).codes
    assert not ((again != 0) & (codes == 0)).any()
    left = 2 * certify(X, again, dictionary, penalty, missing=True).objective
    assert (left <= errors * (1 + 1e-5)).all()


@pytest.mark.parametrize(
    "solver, penalty", [(FISTA(), GroupL1(0.1)), (CoordinateDescent(), L0(0.1)), (ADMM(), L1(0.1))]
)
def test_missing_entries_with_any_solver(problem, rng, solver, penalty):
    X, dictionary = problem
    X[rng.uniform(size=X.shape) < 0.3] = np.nan
    result = solver.solve(X, dictionary, penalty, missing=True)
    assert result.converged.all()
    certificate = result.certificate
    measure = certificate.relative_gap if penalty.convex else certificate.relative_residual
    assert measure.max() <= 2e-6
