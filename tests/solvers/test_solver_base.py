"""What every solver shares: results, warnings, refusals, blocks."""

import pickle

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from sparsecode import Dictionary, certify
from sparsecode.penalties import L1, Cauchy, KSparse
from sparsecode.solvers import (
    FISTA,
    ISTA,
    OMP,
    ConjugateGradient,
    CoordinateDescent,
    FeatureSign,
    Homotopy,
)


def test_certificate_is_that_of_certify(X, frame):
    dictionary = Dictionary(frame, offset=np.ones(6))
    result = FISTA().solve(X, dictionary, L1(0.3))
    expected = certify(X, result.codes, dictionary, L1(0.3))
    assert np.array_equal(result.certificate.objective, expected.objective)
    assert np.array_equal(result.certificate.gap, expected.gap)
    assert result.certificate is result.certificate


def test_result_pickles(X, frame):
    result = pickle.loads(pickle.dumps(FISTA().solve(X, frame, L1(0.3), record=True)))
    assert result.certificate.relative_gap.max() < 1e-6


def test_warning_names_the_unit_that_was_measured(X, frame):
    with pytest.warns(ConvergenceWarning, match="relative duality gap"):
        ISTA(max_iter=1).solve(X, frame, L1(0.3))
    with pytest.warns(ConvergenceWarning, match="scaled stationarity residual"):
        ISTA(max_iter=1).solve(X, frame, Cauchy(0.3))
    with pytest.warns(ConvergenceWarning, match="relative duality gap"):
        ISTA(max_iter=1).solve(X, frame, L1(0.3, weights=np.arange(9.0)))


def test_warning_points_at_the_caller(X, frame):
    with pytest.warns(ConvergenceWarning) as caught:
        ISTA(max_iter=1).solve(X, frame, L1(0.3))
    assert [warning.filename for warning in caught] == [__file__]
    with pytest.warns(ConvergenceWarning) as caught:
        OMP().solve(X, frame[:2], KSparse(None, 1e-6))
    assert [warning.filename for warning in caught] == [__file__]


def test_history_of_a_sample_that_stopped_keeps_its_last_entry(X, frame):
    result = FISTA(tol=1e-8).solve(X, frame, L1(0.1), record=True)
    for row, n_iter in enumerate(result.n_iter):
        for history in result.history.values():
            assert (history[n_iter:, row] == history[n_iter, row]).all()


@pytest.mark.needs_jit
@pytest.mark.parametrize("solver", [FISTA(), ISTA(), ConjugateGradient()], ids=repr)
def test_more_rows_than_a_block(solver, rng):
    penalty = Cauchy(0.3) if isinstance(solver, ConjugateGradient) else L1(0.5)
    X = rng.standard_normal((700, 12))
    dictionary = Dictionary.random(16, 12, random_state=0)
    result = solver.solve(X, dictionary, penalty, n_jobs=2, record=True)
    assert result.codes.shape == (700, 16) and result.history["stop"].shape[1] == 700
    np.testing.assert_allclose(result.history["objective"][-1], result.certificate.objective)


def test_lists_are_enough():
    codes = FISTA().solve([[2, 0]], [[1, 0], [0, 1]], L1(0.5)).codes
    np.testing.assert_allclose(codes, [[1.5, 0]])
    assert codes.dtype == np.float64


def test_errors_say_what_to_do(X, frame):
    with pytest.raises(
        TypeError, match=r"penalty is <class .*L1.*expected a Penalty instance.*L1\(alpha"
    ):
        FISTA().solve(X, frame, L1)
    with pytest.raises(ValueError, match="X has 5 columns; expected 6"):
        FISTA().solve(X[:, :5], frame, L1())
    with pytest.raises(ValueError, match="alpha is -1"):
        FISTA().solve(X, frame, L1(-1.0))
    with pytest.raises(ValueError, match="max_iter is 0; expected max_iter >= 1"):
        FISTA(max_iter=0).solve(X, frame, L1())
    with pytest.raises(ValueError, match=r"codes has shape .*Encode X"):
        FISTA().solve(X, frame, L1(), codes=np.zeros((len(X), 3)))
    with pytest.raises(ValueError, match="0 sample"):
        FISTA().solve(X[:0], frame, L1())


@pytest.mark.parametrize("flag", ["missing", "sparse_output", "record"])
@pytest.mark.parametrize("value", ["no", 1, None])
def test_flags_are_true_or_false(X, frame, flag, value):
    with pytest.raises(ValueError, match=f"{flag} is {value!r}; expected True or False"):
        FISTA().solve(X, frame, L1(), **{flag: value})


@pytest.mark.parametrize("cls", [FeatureSign, Homotopy, CoordinateDescent])
def test_float32_codes_claim_no_more_than_they_are(cls):
    rng = np.random.default_rng(1)
    X, atoms = rng.standard_normal((30, 16)), Dictionary.random(45, 16, random_state=1).atoms
    X, atoms = X.astype(np.float32), atoms.astype(np.float32)
    for tol in (None, 1e-6):
        result = cls(tol=tol).solve(X, atoms, L1(0.1))
        assert result.converged.all() and result.certificate.relative_gap.max() <= result.tol
    advice = "tol=1e-10 .* give X in float64. With tol below 2e-05 .* codes in float32 may be"
    with pytest.warns(ConvergenceWarning, match=advice):
        result = cls(tol=1e-10, max_iter=300).solve(X, atoms, L1(0.1))
    assert (result.converged <= (result.certificate.relative_gap <= 1e-10)).all()


@pytest.mark.parametrize(("dtype", "tol"), [(np.float32, 1e-3), (np.float64, 1e-9)])
def test_more_iterations_are_advised_where_they_help(dtype, tol):
    rng = np.random.default_rng(1)
    X, atoms = rng.standard_normal((30, 16)), Dictionary.random(45, 16, random_state=1).atoms
    with pytest.warns(ConvergenceWarning, match=r"Raise max_iter or tol\.$"):
        FISTA(tol=tol, max_iter=3).solve(X.astype(dtype), atoms.astype(dtype), L1(0.1))


@pytest.mark.parametrize("penalty", [L1(0.0), L1(0.1, np.r_[np.zeros(40), np.ones(5)])])
def test_free_atoms_in_float32_stay_finite(penalty):
    rng = np.random.default_rng(1)
    X, atoms = rng.standard_normal((30, 16)), Dictionary.random(45, 16, random_state=1).atoms
    solver = CoordinateDescent(tol=1e-6)
    result = solver.solve(X.astype(np.float32), atoms.astype(np.float32), penalty)
    assert result.converged.all() and np.isfinite(result.codes).all()
    assert result.certificate.relative_gap.max() <= 1e-6


@pytest.mark.parametrize("scale", [1e38, 1e60, 1e-30])
def test_samples_beyond_float32_are_coded(scale):
    rng = np.random.default_rng(1)
    X, dictionary = rng.standard_normal((20, 16)), Dictionary.random(45, 16, random_state=1)
    expected = FeatureSign().solve(X, dictionary, L1(0.1)).codes
    X[3:] *= scale
    X.flags.writeable = False
    result = FeatureSign().solve(X[3:], dictionary, L1(0.1 * scale))
    assert result.converged.all() and result.certificate.relative_gap.max() <= 1e-6
    np.testing.assert_allclose(result.codes / scale, expected[3:], atol=1e-6)
