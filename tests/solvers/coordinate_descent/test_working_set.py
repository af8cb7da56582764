"""Working sets of coordinate descent: violations, newcomers, screening, written out in NumPy."""

import numpy as np
import pytest

from sparsecode.penalties import L0, L1, ElasticNet
from sparsecode.solvers.coordinate_descent.working_set import (
    enter_working_set,
    movable_atoms,
    screen,
    violations,
)


def test_atoms_of_zeros_are_no_candidates():
    code, candidates = np.array([1.0, 2.0, 3.0]), np.empty(3, np.int64)
    is_working = np.ones(3, np.uint8)
    assert movable_atoms(np.array([0.5, 0.0, 2.0]), code, candidates, is_working) == 2
    assert candidates[:2].tolist() == [0, 2] and code.tolist() == [1, 0, 3]
    assert not is_working.any()


@pytest.mark.parametrize(
    "penalty", [L1(0.3), L1(0.3, positive=True), ElasticNet(0.4, 0.5), L0(0.1)]
)
def test_violations_are_lengths_of_steps(rng, penalty):
    """Times the norm of the atom, from a code that is not 0."""
    squares, code, residual = rng.uniform(0.5, 2, 6), rng.standard_normal(6), rng.standard_normal(6)
    penalty_of_6, candidates = penalty.prepare(6, np.float64), np.array([5, 0, 2, 3])
    inverse, norms, is_working = 1 / squares, np.sqrt(squares), np.array([1, 0, 0, 1, 0, 0])
    score = np.full(6, -1.0)
    worst, bar = violations(
        penalty_of_6, inverse, norms, code, residual, is_working, candidates, score
    )
    expected = np.array(
        [
            abs(penalty.prox([[z + r / square]], 1 / square)[0, 0] - z) * np.sqrt(square)
            for z, r, square in zip(code, residual, squares, strict=True)
        ]
    )
    np.testing.assert_allclose(score[candidates], expected[candidates])
    assert (score[[1, 4]] == -1).all()
    assert worst == pytest.approx(expected[candidates].max())
    assert bar == pytest.approx(0.4 * expected[[5, 0, 2]][[0, 2]].max())


def test_newcomers_bring_their_inner_products():
    gram = np.arange(25.0).reshape(5, 5)
    gram += gram.T
    code = np.array([0.0, 0.0, 0.1, 0.0, 0.0])
    score, is_working = np.array([0.5, 0.2, 0.0, 0.9, 0.5]), np.array([0, 0, 0, 1, 0])
    working, part_gram = np.array([3, 0, 0, 0, 0]), np.zeros((5, 6))
    part_gram[0, 0] = gram[3, 3]
    count = enter_working_set(
        0.5, score, code, gram, np.array([0, 1, 2, 3]), is_working, working, 1, part_gram
    )
    # By its score, because it is not 0, and not by less than the bar.
    assert count == 3 and working[:3].tolist() == [3, 0, 2]
    assert is_working.tolist() == [1, 0, 1, 1, 0]
    np.testing.assert_array_equal(part_gram[:3, :3], gram[np.ix_([3, 0, 2], [3, 0, 2])])


@pytest.mark.parametrize("positive", [False, True])
def test_screening_keeps_what_the_ball_leaves_open(positive):
    penalty = L1(1.0, positive=positive).prepare(7, np.float64)
    residual = np.array([0.5, 1.6, -1.6, 1.3, -0.2, 0.2, 0.2])
    norms = np.array([1.0, 1.0, 1.0, 1.0, 5.0, 1.0, 1.0])
    code, is_working = np.array([0, 0, 0, 0, 0, 0, 0.5]), np.array([0, 0, 0, 0, 0, 1, 0])
    candidates = np.arange(7)
    n = screen(penalty, 0.5, 0.3, residual, norms, code, is_working, candidates, 7)
    # |residual| / 2 + 0.3 norms is above 1 for atoms 1, 2 and 4; 5 and 6 are in use.
    assert candidates[:n].tolist() == ([1, 4, 5, 6] if positive else [1, 2, 4, 5, 6])
