"""Convolutional codes against exact codes on the explicit matrix of all shifted atoms."""

import numpy as np
import pytest
from planted import planted
from sklearn.exceptions import ConvergenceWarning

from sparsecode import Dictionary, alpha_max, certify
from sparsecode.convolutional import (
    ConvolutionalDictionary,
    ConvolutionalFISTA,
    LocallyGreedy,
)
from sparsecode.penalties import L1, KSparse
from sparsecode.solvers import FeatureSign

CASES = [((40,), (7,), 1), ((30,), (5,), 3), ((12, 13), (3, 4), 2)]
cases = pytest.mark.parametrize(("shape", "support", "n_channels"), CASES)
PENALTIES = [L1(0.8), L1(0.5, positive=True), L1(0.7, weights=[1, 2, np.inf, 0.5])]
penalties = pytest.mark.parametrize("penalty", PENALTIES, ids=["l1", "positive", "weights"])
EXACT = LocallyGreedy(tol=1e-10)


def problem(shape, support, n_channels, dtype=np.float64):
    dictionary = ConvolutionalDictionary.random(
        4, support, n_channels=n_channels, random_state=0, dtype=dtype
    )
    X = np.random.default_rng(0).standard_normal((3, n_channels, *shape)).astype(dtype)
    return X, dictionary


def of_positions(penalty, n_components):
    """The penalty of the explicit problem, where every position is an atom."""
    if penalty.weights is None:
        return penalty
    return penalty._replace(weights=np.repeat(penalty.weights, n_components // 4))


@pytest.mark.needs_jit("the explicit problem is large")
@penalties
@cases
def test_codes_are_those_of_the_explicit_problem(shape, support, n_channels, penalty):
    X, dictionary = problem(shape, support, n_channels)
    matrix = dictionary.matrix(shape)
    result = EXACT.solve(X, dictionary, penalty)
    explicit = of_positions(penalty, matrix.n_components)
    exact = FeatureSign(tol=1e-12).solve(X.reshape(3, -1), matrix, explicit)
    mine = certify(X, result.codes, dictionary, penalty).objective
    np.testing.assert_allclose(mine, exact.certificate.objective, rtol=1e-9)
    assert result.converged.all()


@pytest.mark.needs_jit("the explicit problem is large")
@penalties
@cases
def test_codes_of_observed_entries(shape, support, n_channels, penalty):
    X, dictionary = problem(shape, support, n_channels)
    X[np.random.default_rng(1).random(X.shape) < 0.2] = np.nan
    matrix = dictionary.matrix(shape)
    result = EXACT.solve(X, dictionary, penalty, missing=True)
    explicit = of_positions(penalty, matrix.n_components)
    exact = FeatureSign(tol=1e-12).solve(X.reshape(3, -1), matrix, explicit, missing=True)
    mine = certify(X, result.codes, dictionary, penalty, missing=True)
    np.testing.assert_allclose(mine.objective, exact.certificate.objective, rtol=1e-9)
    assert mine.relative_gap.max() < 1e-9


@penalties
@cases
def test_certificates_are_those_of_the_explicit_problem(shape, support, n_channels, penalty):
    X, dictionary = problem(shape, support, n_channels)
    matrix = dictionary.matrix(shape)
    rng = np.random.default_rng(2)
    codes = dictionary.correlate(X) * (rng.random((3, 4, *dictionary.correlate(X).shape[2:])) < 0.1)
    codes = np.maximum(codes, 0)
    codes[:, 2] = 0
    mine = certify(X, codes, dictionary, penalty)
    explicit = of_positions(penalty, matrix.n_components)
    other = certify(X.reshape(3, -1), codes.reshape(3, -1), matrix, explicit)
    for name in ("objective", "half_squared_norm", "correlation"):
        np.testing.assert_allclose(getattr(mine, name), getattr(other, name), rtol=1e-10)
    # Both bound the same distance, each with its own multiple of the residual.
    optimum = EXACT.solve(X, dictionary, penalty).certificate.objective
    assert (mine.gap >= mine.objective - optimum - 1e-9).all()
    # The bound of the eigenvalues is larger for signals of any size.
    assert (mine.residual >= other.residual * (1 - 1e-9)).all()


@cases
def test_alpha_max_is_where_codes_begin(shape, support, n_channels):
    X, dictionary = problem(shape, support, n_channels)
    for positive in (False, True):
        largest = alpha_max(X, dictionary, L1(positive=positive))
        assert not EXACT.solve(X, dictionary, L1(1.001 * largest, positive=positive)).codes.any()
        assert EXACT.solve(X, dictionary, L1(0.99 * largest, positive=positive)).codes.any()


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_codes_do_not_depend_on_threads_nor_on_other_signals(n_jobs):
    X, dictionary = problem((300,), (9,), 1)
    all_codes = LocallyGreedy().solve(X, dictionary, L1(0.5), n_jobs=n_jobs).codes
    alone = LocallyGreedy().solve(X[1:2], dictionary, L1(0.5), n_jobs=1).codes
    np.testing.assert_array_equal(all_codes[1:2], alone)


@cases
def test_sparse_codes_and_lists(shape, support, n_channels):
    X, dictionary = problem(shape, support, n_channels)
    dense = LocallyGreedy().solve(X, dictionary, L1(0.5)).codes
    rows = LocallyGreedy().solve(X, dictionary, L1(0.5), sparse_output=True)
    for code, row in zip(dense, rows.codes, strict=True):
        np.testing.assert_array_equal(row.toarray().T, code.reshape(4, -1))
    np.testing.assert_allclose(
        rows.certificate.objective, certify(X, dense, dictionary, L1(0.5)).objective
    )
    cut = [X[0], X[1][..., :-1, :] if len(shape) == 2 else X[1][..., :-1]]
    with pytest.raises(ValueError, match=r"2 sizes.*sparse_output=True"):
        LocallyGreedy().solve(cut, dictionary, L1(0.5))
    result = LocallyGreedy().solve(cut, dictionary, L1(0.5), sparse_output=True)
    np.testing.assert_array_equal(result.codes[0].toarray(), rows.codes[0].toarray())
    assert result.certificate.relative_gap.max() <= 1.01e-4


def test_a_start_saves_rounds_and_changes_nothing():
    X, dictionary = planted(0, (1000,), (30,))
    penalty = L1(0.1 * alpha_max(X, dictionary))
    first = LocallyGreedy(tol=1e-8).solve(X, dictionary, penalty)
    again = LocallyGreedy(tol=1e-8).solve(X, dictionary, penalty, codes=first.codes)
    assert again.converged.all()
    np.testing.assert_allclose(again.codes, first.codes)


@pytest.mark.parametrize("solver", [LocallyGreedy, ConvolutionalFISTA])
class TestStartsThatAreWrong:
    def test_negative_starts_of_codes_that_must_not_be(self, solver):
        X, dictionary = problem((40,), (5,), 1)
        start = solver(tol=1e-8).solve(X, dictionary, L1(0.3)).codes
        result = solver(tol=1e-8).solve(X, dictionary, L1(0.3, positive=True), codes=start)
        expected = EXACT.solve(X, dictionary, L1(0.3, positive=True)).codes
        np.testing.assert_allclose(result.codes, expected, atol=1e-3)

    def test_zero_signals(self, solver):
        result = solver().solve(
            np.zeros((1, 1, 20)), np.ones((2, 1, 5)), L1(0.1), codes=np.ones((1, 2, 16))
        )
        assert not result.codes.any()

    def test_atoms_that_see_nothing(self, solver):
        X = np.ones((1, 1, 15))
        X[..., 5:10] = np.nan
        start = np.zeros((1, 1, 13))
        start[..., 6] = 5
        atoms = np.full((1, 1, 3), 3**-0.5)
        result = solver().solve(X, atoms, L1(0.1), codes=start, missing=True)
        assert result.converged.all() and result.codes[0, 0, 6] == 0


def test_float32_stays_and_arguments_are_not_written_to():
    X, dictionary = problem((50,), (6,), 1, np.float32)
    before = X.copy()
    codes = LocallyGreedy().solve(X, dictionary, L1(0.5)).codes
    assert codes.dtype == np.float32
    np.testing.assert_array_equal(X, before)
    assert certify(X, codes, dictionary, L1(0.5)).relative_gap.max() < 1.1e-4


def test_scales_and_order():
    X, dictionary = problem((60,), (7,), 2)
    codes = EXACT.solve(X, dictionary, L1(0.5)).codes
    np.testing.assert_allclose(EXACT.solve(3 * X, dictionary, L1(1.5)).codes, 3 * codes, atol=1e-5)
    turned = ConvolutionalDictionary(dictionary.atoms[::-1])
    np.testing.assert_allclose(EXACT.solve(X, turned, L1(0.5)).codes, codes[:, ::-1], atol=1e-5)
    back = ConvolutionalDictionary(dictionary.atoms[..., ::-1])
    np.testing.assert_allclose(
        EXACT.solve(X[..., ::-1], back, L1(0.5)).codes, codes[..., ::-1], atol=1e-5
    )


def test_zero_signals():
    result = LocallyGreedy().solve(np.zeros((1, 1, 20)), np.ones((2, 1, 3)), L1(0.1))
    assert not result.codes.any() and result.converged.all()


def test_too_few_rounds_are_said():
    X, dictionary = planted(0, (1000,), (30,))
    with pytest.warns(ConvergenceWarning, match="2 of 2 signals did not reach tol=1e-08"):
        result = LocallyGreedy(max_iter=1, tol=1e-8).solve(X, dictionary, L1(0.1))
    assert not result.converged.any() and "converged: 0" in repr(result)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"X": np.ones((1, 1, 4))}, ValueError, "at least the size of an atom"),
        (
            {"X": np.ones((1, 2, 20))},
            ValueError,
            "channels of signal 0 of X is 2; expected 1, as",
        ),
        ({"X": np.ones((1, 30, 20))}, ValueError, "more channels than times.*transpose"),
        (
            {"X": [np.ones((1, 20)), np.ones((2, 20))]},
            ValueError,
            "channels of signal 1 of X is 2",
        ),
        ({"X": []}, ValueError, "number of signals in X is 0"),
        ({"X": np.ones(20)}, ValueError, "array of 1 dimensions"),
        ({"X": np.ones((1, 1, 1, 1, 20))}, ValueError, "array of 5 dimensions"),
        (
            {"X": [[np.nan] * 20]},
            ValueError,
            "number of NaN in .* is 20.*missing='mask'",
        ),
        (
            {"X": [[np.nan] * 20], "missing": True},
            ValueError,
            "number of observed entries of .* is 0",
        ),
        ({"penalty": L1(0.0)}, ValueError, "above 0 for every atom"),
        ({"penalty": L1(1.0, weights=[1.0, 0.0])}, ValueError, "above 0 for every atom"),
        ({"penalty": KSparse(2)}, TypeError, "expected an L1 penalty"),
        ({"codes": np.ones((1, 2, 3))}, ValueError, r"codes have the shape \(1, 2, 3, 1\)"),
        ({"codes": np.ones((2, 2, 16))}, ValueError, "those of 2 signals; expected 1"),
        ({"dictionary": Dictionary(np.eye(3))}, TypeError, "ConvolutionalDictionary"),
        ({"dictionary": None}, TypeError, "dictionary is None"),
        ({"X": np.full((1, 1, 20), 1e200)}, ValueError, r"largest entry of signal 0.*1e\+140"),
    ],
)
def test_wrong_arguments(change, error, message):
    given = {"X": np.ones((1, 1, 20)), "dictionary": np.ones((2, 1, 5)), "penalty": L1(0.5)}
    with pytest.raises(error, match=message):
        LocallyGreedy().solve(**(given | change))
