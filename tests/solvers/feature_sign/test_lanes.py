"""Lanes: the largest entries of an array, against NumPy."""

import numpy as np
import pytest

from sparsecode.solvers.feature_sign.lanes import (
    N_LANES,
    find_in_lane,
    lanes_above,
    largest_of_lanes,
)
from sparsecode.solvers.feature_sign.refinement import Workspace
from sparsecode.solvers.feature_sign.search import Lanes, _keep_best, _objective, _relative_gaps


@pytest.mark.parametrize("positive", [False, True])
def test_tops_of_lanes(rng, positive):
    """Of more rows than lanes, so that a top lies in every part of a lane."""
    n = 3 * N_LANES**2 + 7
    lanes = Lanes._empty(n)
    for _ in range(5):
        lanes.residual[:] = rng.standard_normal(n)
        rows = np.zeros(len(lanes.bits) * N_LANES, np.float32)
        rows[:n] = lanes.residual if positive else np.abs(lanes.residual)
        rows = rows.reshape(-1, N_LANES)
        largest = largest_of_lanes(lanes.bits, positive, lanes.tops, lanes.top_bits)
        assert largest == rows.max()
        np.testing.assert_array_equal(lanes.tops[:N_LANES], rows.max(axis=0))
        found = [find_in_lane(lanes.bits, positive, i, lanes.top_bits) for i in range(N_LANES)]
        assert found == [N_LANES * row + lane for lane, row in enumerate(rows.argmax(axis=0))]
        bar, reached = np.sort(rows.max(axis=0))[5], np.empty(N_LANES + 1, dtype=np.int64)
        count = lanes_above(lanes.tops, bar, reached)
        assert reached[:count].tolist() == np.flatnonzero(rows.max(axis=0) >= bar).tolist()


def test_the_best_of_the_atoms_found():
    found, correlations = np.array([4, 7, 2, 9]), np.array([0.5, -3.0, 2.0, 9.0])
    workspace = Workspace(found, correlations, np.empty((2, 1)))
    assert _keep_best(3, N_LANES, workspace) == 3 and found.tolist() == [4, 7, 2, 9]
    assert _keep_best(3, 1, workspace) == 1
    assert found[0] == 7 and correlations[0] == -3


@pytest.mark.parametrize("size", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("alpha", [0.2, 3.0])
def test_gap_and_objective_of_a_lasso(rng, size, alpha):
    """By dense matrices, without rounding and with as much as some norm of the atoms means."""
    atoms, x = rng.standard_normal((6, 4)), rng.standard_normal(4)
    code = size * np.array([0.8, 0.0, -1.0, 0.0, 0.5, 0.0])
    active = np.flatnonzero(code)
    residual, half = x - code @ atoms, x @ x / 2
    left, largest = atoms @ residual, np.abs(atoms @ residual).max()
    active_set = _some(code[active], active, (atoms @ x)[active])
    value = residual @ residual / 2 + alpha * np.abs(code).sum()
    assert _objective(alpha, half, left, len(active), active_set) == pytest.approx(value)
    theta = min(1, alpha / largest) * residual
    gap = (value - half + (x - theta) @ (x - theta) / 2) / half
    args = (left, len(active), active_set)
    rounding, found, bound, below = _relative_gaps(alpha, half, largest, 0.0, *args)
    assert rounding == 0 and found == pytest.approx(gap) and bound == pytest.approx(found)
    assert below == (size == 0 or value <= half)
    # What correlations may be wrong by, and the worst that they then mean.
    rounding, found, bound, below = _relative_gaps(alpha, half, largest, 100.0, *args)
    assert found == pytest.approx(gap) and rounding > 0
    error, scale = rounding * np.linalg.norm(code), min(1, alpha / (largest + rounding))
    worst = max(alpha * np.abs(code).sum() - scale * code @ left, 0) + error
    worst += (1 - scale) ** 2 * (residual @ residual / 2 + error)
    assert bound == pytest.approx(worst / half)
    assert below == (size == 0 or value + error <= half)


def test_gaps_of_a_sample_of_0():
    nothing = _some(np.empty(0), np.empty(0, np.int64), np.empty(0))
    assert _relative_gaps(1.0, 0.0, 0.0, 1.0, np.zeros(3), 0, nothing) == (0.0, 0.0, 0.0, True)
    one = _some(np.ones(1), np.zeros(1, np.int64), np.zeros(1))
    _, gap, bound, below = _relative_gaps(1.0, 0.0, 0.0, 1.0, np.zeros(3), 1, one)
    assert gap == bound == np.inf and not below


def _some(code, active, target):
    """The active set of a code, as far as gaps read it."""
    from sparsecode.solvers.feature_sign.active_set import make_active_set

    found, count = make_active_set(9, 9), len(code)
    found.code[:count], found.active[:count], found.target[:count] = code, active, target
    return found
