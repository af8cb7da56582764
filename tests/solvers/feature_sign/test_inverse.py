"""The inverse Gram matrix of an active set, as atoms enter and leave."""

import numpy as np
import pytest
from numba.core.caching import NullCache

from sparsecode import _jit
from sparsecode.solvers.feature_sign import inverse as module


@_jit.kernel
def _play(gram, moves, most, vector, work, out):
    """Enter an atom for a move of 1, remove one in the middle for -1; then multiply."""
    inverse = module.make_inverse(most)
    active = np.empty(most, dtype=np.int64)
    cross, count, following = np.zeros(most + 8), 0, 0
    for move in moves:
        if move > 0:
            for a in range(count):
                cross[a] = gram[following, active[a]]
            module.pad(cross, count)
            square = gram[following, following]
            if module.append(inverse, count, most, cross, square, 1e-12, work) > 0:
                active[count] = following
                count += 1
            following += 1
        else:
            p = count // 2
            for a in range(count):
                cross[a] = a == p
            module.pad(cross, count)
            module.multiply(inverse, count, cross, work)
            module.remove(inverse, count, p, work)
            active[p] = active[count - 1]
            count -= 1
    module.pad(vector, count)
    module.multiply(inverse, count, vector, out)
    return active[:count]


# This file is not of the package, which alone has a cache.
_play._cache = NullCache()


@pytest.mark.parametrize("pattern", [[1], [1, 1, 1, -1], [1, 1, -1, 1]])
def test_inverse_survives_atoms_that_enter_and_leave(pattern):
    rng = np.random.default_rng(0)
    atoms = rng.standard_normal((60, 80))
    gram = atoms @ atoms.T
    for n_moves in range(1, 60):
        moves = np.resize(pattern, n_moves)
        vector, work, out = rng.standard_normal(68), np.empty(68), np.empty(68)
        active = _play(gram, moves, 60, vector, work, out)
        expected = np.linalg.solve(gram[np.ix_(active, active)], vector[: len(active)])
        np.testing.assert_allclose(out[: len(active)], expected, rtol=1e-7, atol=1e-9)


def test_an_atom_that_depends_on_others_changes_nothing():
    gram = np.array([[1.0, 0.5, 1.0], [0.5, 1.0, 0.5], [1.0, 0.5, 1.0]])
    out = np.empty(11)
    active = _play(gram, np.ones(3, dtype=int), 3, np.ones(11), np.empty(11), out)
    assert active.tolist() == [0, 1]
    np.testing.assert_allclose(out[:2], np.linalg.solve(gram[:2, :2], np.ones(2)))
