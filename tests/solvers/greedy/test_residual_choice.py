"""Choice of atoms by residuals: every step is a least-squares fit, in NumPy."""

import numpy as np
import pytest

from sparsecode._interrupts import halt_flag
from sparsecode.solvers.greedy.gram_schmidt import Choice
from sparsecode.solvers.greedy.residual_choice import choose_by_residual
from sparsecode.solvers.greedy.unit_atoms import inverse_norms


def fitted(x, atoms, support):
    """Coefficients of least squares on a support, and the squared error."""
    code = np.zeros(len(atoms))
    if support:
        code[support] = np.linalg.lstsq(atoms[support].T, x, rcond=None)[0]
    return code, ((x - code @ atoms) ** 2).sum()


def expected_support(x, atoms, count, by_reduction):
    """Atoms that are best correlated with the residual, or that reduce the error most."""
    support = []
    while len(support) < count:
        code, error = fitted(x, atoms, support)
        left, others = x - code @ atoms, [j for j in range(len(atoms)) if j not in support]
        if by_reduction:
            gains = [error - fitted(x, atoms, [*support, j])[1] for j in others]
        else:
            gains = [abs(atoms[j] @ left) / np.linalg.norm(atoms[j]) for j in others]
        support.append(others[int(np.argmax(gains))])
    return support


def choose(x, atoms, target, limit, *, by_reduction=False, start=None):
    codes, history = np.zeros(len(atoms)), np.full((2, limit + 2), np.nan)
    begin = np.zeros(len(atoms)) if start is None else start.copy()
    count, certain = choose_by_residual(
        x, atoms, inverse_norms(atoms), (target, limit),
        Choice(1e-6, by_reduction, start is not None), begin, codes, history, halt_flag(),
    )  # fmt: skip
    return count, certain, codes, history


@pytest.mark.parametrize("by_reduction", [False, True])
def test_steps_and_their_history(rng, by_reduction):
    atoms, x = rng.standard_normal((9, 6)) * rng.uniform(0.3, 3, (9, 1)), rng.standard_normal(6)
    count, certain, codes, history = choose(x, atoms, 0.0, 4, by_reduction=by_reduction)
    support = expected_support(x, atoms, 4, by_reduction)
    best, error = fitted(x, atoms, support)
    assert count == 4 and certain == pytest.approx(error, rel=1e-6) and certain >= error
    np.testing.assert_allclose(codes, best, rtol=1e-9, atol=1e-12)
    errors = [fitted(x, atoms, support[:k])[1] for k in range(5)]
    np.testing.assert_allclose(history[0], np.append(errors, errors[-1]) / 2, rtol=1e-9)
    # The share that a step takes: the sine of what is left.
    shares = np.sqrt(1 - np.array(errors[1:]) / errors[:-1])
    np.testing.assert_allclose(history[1, :4], shares, rtol=1e-7)
    assert (history[1, 4:] == 0).all()


def test_an_error_target_ends_it(rng):
    atoms, x = rng.standard_normal((9, 6)), rng.standard_normal(6)
    support = expected_support(x, atoms, 5, False)
    errors = [fitted(x, atoms, support[:k])[1] for k in range(6)]
    for k in range(1, 5):
        target = np.sqrt(errors[k] * errors[k - 1])
        count, certain, codes, _ = choose(x, atoms, target, 6)
        assert count == k and np.count_nonzero(codes) == k and certain <= target
    assert choose(x, atoms, 2 * x @ x, 6)[0] == 0


def test_atoms_of_a_start_enter_first_by_their_contribution(rng):
    atoms, x = rng.standard_normal((9, 6)), rng.standard_normal(6)
    start = np.zeros(9)
    start[[7, 3]] = 0.5, -0.4
    atoms[3] *= 10
    count, _, codes, _ = choose(x, atoms, 0.0, 1, start=start)
    assert count == 1 and np.flatnonzero(codes).tolist() == [3]
    count, _, codes, _ = choose(x, atoms, 0.0, 2, start=start)
    assert count == 2 and np.flatnonzero(codes).tolist() == [3, 7]
    np.testing.assert_allclose(codes, fitted(x, atoms, [3, 7])[0], rtol=1e-9, atol=1e-12)


def test_atoms_that_depend_on_the_chosen_ones_are_passed_over(rng):
    atoms = np.vstack([np.eye(3), np.eye(3)[:1] * 2, np.zeros((1, 3))])
    count, certain, codes, _ = choose(np.array([3.0, 2.0, 0.0]), atoms, 0.0, 5)
    assert count == 2 and certain < 1e-25
    np.testing.assert_allclose(codes @ atoms, [3, 2, 0], atol=1e-12)
