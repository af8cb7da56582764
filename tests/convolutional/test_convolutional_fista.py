"""FISTA for convolutional codes, beside the locally greedy solver, which shares no step with it."""

import numpy as np
import pytest
from planted import planted
from sklearn.exceptions import ConvergenceWarning

from sparsecode import alpha_max, certify
from sparsecode._convolution.correlations import correlate
from sparsecode._convolution.products import add_atoms
from sparsecode._convolution.transforms import Transforms
from sparsecode.convolutional import (
    ConvolutionalDictionary,
    ConvolutionalDictionaryLearning,
    ConvolutionalFISTA,
    ConvolutionalSparseCoder,
    LocallyGreedy,
)
from sparsecode.penalties import L1

# The last one is by transforms.
CASES = [((60,), (7,), 1), ((50,), (5,), 3), ((12, 13), (3, 4), 2), ((400,), (31,), 6)]
cases = pytest.mark.parametrize(("shape", "support", "n_channels"), CASES)
PENALTIES = [L1(0.8), L1(0.5, positive=True), L1(0.7, weights=[1, 2, np.inf, 0.5])]
penalties = pytest.mark.parametrize("penalty", PENALTIES, ids=["l1", "positive", "weights"])
EXACT = ConvolutionalFISTA(tol=1e-9)


def problem(shape, support, n_channels, dtype=np.float64):
    dictionary = ConvolutionalDictionary.random(
        4, support, n_channels=n_channels, random_state=0, dtype=dtype
    )
    X = np.random.default_rng(0).standard_normal((2, n_channels, *shape)).astype(dtype)
    return X, dictionary


@pytest.mark.parametrize("missing", [False, True], ids=["whole", "missing"])
@penalties
@cases
def test_codes_are_those_of_the_other_solver(shape, support, n_channels, penalty, missing):
    X, dictionary = problem(shape, support, n_channels)
    if missing:
        X[np.random.default_rng(1).random(X.shape) < 0.2] = np.nan
    result = EXACT.solve(X, dictionary, penalty, missing=missing)
    other = LocallyGreedy(tol=1e-9).solve(X, dictionary, penalty, missing=missing)
    mine, theirs = result.certificate, other.certificate
    np.testing.assert_allclose(mine.objective, theirs.objective, rtol=1e-6)
    # What it says of itself is what the judge finds.
    np.testing.assert_allclose(mine.relative_gap, result.relative_gap, atol=1e-12)
    assert result.converged.all()


@pytest.mark.parametrize("sizes", [(1, 50, 1), (3, 50, 1), (2, 17, 23)])
def test_transforms_are_the_products(sizes):
    rng = np.random.default_rng(0)
    support = 9, min(sizes[2], 4)
    atoms, x = rng.standard_normal((5, sizes[0], *support)), rng.standard_normal(sizes)
    transforms = Transforms(atoms, x.shape)
    np.testing.assert_allclose(transforms.correlate(x), correlate(x, atoms), atol=1e-10)
    codes = rng.standard_normal((5, *transforms.positions))
    expected, where = np.zeros(sizes), np.nonzero(codes)
    add_atoms(expected, atoms, *where, codes[where])
    np.testing.assert_allclose(transforms.decode(codes), expected, atol=1e-10)


def test_a_start_is_where_it_begins():
    X, dictionary = planted(0, (300,), (20,))
    penalty = L1(0.1 * alpha_max(X, dictionary))
    first = EXACT.solve(X, dictionary, penalty)
    again = EXACT.solve(X, dictionary, penalty, codes=first.codes)
    assert again.converged.all()
    np.testing.assert_array_equal(again.codes, first.codes)


@pytest.mark.parametrize("shape", [(300,), (3000,)])
def test_codes_do_not_depend_on_threads(shape):
    X, dictionary = problem(shape, (9,), 1)
    one, two = (
        ConvolutionalFISTA().solve(X, dictionary, L1(0.5), n_jobs=n_jobs).codes for n_jobs in (1, 2)
    )
    np.testing.assert_array_equal(one, two)


def test_sparse_codes_in_float32():
    X, dictionary = problem((60,), (7,), 2, np.float32)
    codes = ConvolutionalFISTA().solve(X, dictionary, L1(0.5)).codes
    rows = ConvolutionalFISTA().solve(list(X), dictionary, L1(0.5), sparse_output=True).codes
    assert codes.dtype == rows[0].dtype == np.float32
    np.testing.assert_array_equal(rows[1].toarray().T, codes[1])
    assert certify(X, codes, dictionary, L1(0.5)).relative_gap.max() < 1.1e-4


def test_zeros():
    assert not EXACT.solve(np.zeros((1, 1, 20)), np.ones((2, 1, 3)), L1(0.1)).codes.any()
    result = EXACT.solve(np.ones((1, 1, 20)), np.zeros((2, 1, 3)), L1(0.1))
    assert not result.codes.any() and result.converged.all()


def test_too_few_iterations_are_said():
    X, dictionary = planted(0, (300,), (20,))
    with pytest.warns(ConvergenceWarning, match="2 of 2 signals.*max_iter=2 iterations"):
        ConvolutionalFISTA(max_iter=2, tol=1e-8).solve(X, dictionary, L1(0.1))


def test_estimators_take_both_solvers():
    X, dictionary = planted(0, (300,), (20,), n_atoms=2)
    alpha = 0.1 * alpha_max(X, dictionary)
    solvers = LocallyGreedy(tol=1e-8), ConvolutionalFISTA(tol=1e-8)
    scores = [
        ConvolutionalSparseCoder(dictionary, alpha=alpha, solver=one).fit(X).score(X)
        for one in solvers
    ]
    np.testing.assert_allclose(*scores, rtol=1e-6)
    first, second = (
        ConvolutionalDictionaryLearning(
            2, 20, alpha=alpha, solver=one, n_epochs=3, random_state=0
        ).fit(X)
        for one in solvers
    )
    np.testing.assert_allclose(*(learner.components_ for learner in (first, second)), atol=1e-3)
    wrong = ConvolutionalSparseCoder(dictionary, solver="fista")
    with pytest.raises(TypeError, match="a LocallyGreedy, a ConvolutionalFISTA or None"):
        wrong.fit(X)
