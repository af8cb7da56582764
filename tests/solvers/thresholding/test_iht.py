"""IHT against the iteration of the paper, exact recovery, and brute force over supports."""

import itertools
import re

import numpy as np
import pytest

from sparsecode import Dictionary
from sparsecode.penalties import L1, KSparse
from sparsecode.solvers import HTP, IHT, OLS


@pytest.fixture
def dictionary():
    return Dictionary.random(20, 10, random_state=1)


@pytest.fixture
def X(n_samples):
    return np.random.default_rng(0).standard_normal((n_samples, 10))


def iteration_of_the_paper(x, atoms, count, n_iter):
    """Normalised IHT of Blumensath and Davies, with c = 0.01 and kappa (1 - c) = 2."""
    threshold = KSparse(count).prox
    z = np.zeros(len(atoms))
    support = threshold([atoms @ x])[0] != 0
    for _ in range(n_iter):
        gradient = atoms @ (x - z @ atoms)
        on_support = np.where(support, gradient, 0)
        if np.abs(on_support).max() < 1e-15:
            return z
        step = on_support @ on_support / ((on_support @ atoms) ** 2).sum()
        while True:
            moved = threshold([z + step * gradient])[0]
            move = moved - z
            if ((moved != 0) == support).all():
                break
            if step <= 0.99 * (move @ move) / ((move @ atoms) ** 2).sum():
                break
            step /= 2
        z, support = moved, moved != 0
    return z


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("n_iter", [1, 2, 5, 30])
def test_is_the_iteration_of_the_paper(X, dictionary, count, n_iter):
    expected = [iteration_of_the_paper(x, dictionary.atoms, count, n_iter) for x in X]
    codes = IHT(max_iter=n_iter, tol=0).solve(X, dictionary, KSparse(count)).codes
    np.testing.assert_allclose(codes, expected, atol=1e-9)


def test_objective_never_rises(X, dictionary, rng):
    start = KSparse(4).prox(3 * rng.standard_normal((len(X), 20)))
    solver = IHT(max_iter=60, tol=0)
    history = solver.solve(X, dictionary, KSparse(4), codes=start, record=True).history
    assert (np.diff(history["objective"], axis=0) <= 1e-12 * history["objective"][0]).all()


def test_recovers_noiseless_codes(rng):
    dictionary = Dictionary(rng.standard_normal((40, 30)) / np.sqrt(30))
    codes = KSparse(3).prox(rng.standard_normal((8, 40)))
    result = IHT(tol=1e-10).solve(codes @ dictionary.atoms, dictionary, KSparse(3))
    found = ((result.codes != 0) == (codes != 0)).all(axis=1)
    assert found.mean() >= 0.7
    np.testing.assert_allclose(result.codes[found], codes[found], atol=1e-8)


def test_one_atom_is_the_best_one_of_all(X, dictionary):
    codes = IHT().solve(X, dictionary, KSparse(1)).codes
    np.testing.assert_allclose(codes, OLS().solve(X, dictionary, KSparse(1)).codes, atol=1e-12)


def test_no_better_than_brute_force_and_no_worse_than_its_start(X, dictionary):
    start = OLS().solve(X, dictionary, KSparse(2))
    result = IHT().solve(X, dictionary, KSparse(2), codes=start.codes)
    objective = result.certificate.objective
    assert (objective <= start.certificate.objective + 1e-9).all()
    for x, got in zip(X, objective, strict=True):
        errors = []
        for pair in itertools.combinations(range(20), 2):
            active = dictionary.atoms[list(pair)].T
            code = np.linalg.lstsq(active, x, rcond=None)[0]
            errors.append(((x - active @ code) ** 2).sum() / 2)
        assert min(errors) - 1e-12 <= got <= 2 * min(errors)


def test_a_start_of_too_many_nonzeros_is_thresholded(X, dictionary, rng):
    start = rng.standard_normal((len(X), 20))
    result = IHT().solve(X, dictionary, KSparse(3), codes=start)
    expected = IHT().solve(X, dictionary, KSparse(3), codes=KSparse(3).prox(start))
    assert np.array_equal(result.codes, expected.codes)


@pytest.mark.parametrize(
    "penalty", [KSparse(3, 0.1), KSparse(None, 0.1), KSparse(3, [0.0, 0.1])], ids=repr
)
def test_refuses_an_error(X, dictionary, penalty):
    message = "IHT needs KSparse with n_nonzero and no error target; got {!r}. Use OMP or OLS."
    with pytest.raises(TypeError, match=re.escape(message.format(penalty))):
        IHT().solve(X, dictionary, penalty)


def test_refuses_a_weighted_penalty(X, dictionary):
    with pytest.raises(TypeError, match=r"IHT needs the constraint KSparse; got L1\."):
        IHT().solve(X, dictionary, L1())


@pytest.mark.parametrize("solver", [IHT(), HTP()])
def test_no_start_is_kept_where_nothing_correlates(solver):
    result = solver.solve(
        [[0.0, 0.0], [1.0, 0.0]], [[0, 1.0], [0, 2.0]], KSparse(1), codes=[[3.0, 0.0]] * 2
    )
    assert result.converged.all() and (result.codes == 0).all()
