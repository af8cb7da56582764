"""Triangle encoding: its formula, its limits, and missing entries."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from sparsecode import Dictionary
from sparsecode.encoders import Triangle

RNG = np.random.default_rng(0)
X, ATOMS = RNG.standard_normal((30, 5)), RNG.standard_normal((9, 5))


def by_distances(X, atoms):
    distances = cdist(X, atoms)
    return np.maximum(distances.mean(axis=1, keepdims=True) - distances, 0)


def test_codes_are_those_of_distances():
    np.testing.assert_allclose(Triangle().encode(X, ATOMS), by_distances(X, ATOMS), atol=1e-12)
    single = Triangle().encode(X.astype(np.float32), ATOMS.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, by_distances(X, ATOMS), atol=1e-5)


def test_codes_follow_scale_shift_and_order():
    codes, offset = Triangle().encode(X, ATOMS), np.arange(5.0)
    np.testing.assert_allclose(Triangle().encode(3 * X, 3 * ATOMS), 3 * codes, atol=1e-11)
    shifted = Triangle().encode(X + offset, Dictionary(ATOMS, offset))
    np.testing.assert_allclose(shifted, codes, atol=1e-11)
    order = RNG.permutation(9)
    np.testing.assert_allclose(Triangle().encode(X, ATOMS[order]), codes[:, order], atol=1e-12)


def test_one_atom_is_never_nearer_than_the_mean():
    assert not Triangle().encode(X, ATOMS[:1]).any()


def test_a_sample_on_an_atom():
    codes = Triangle().encode(ATOMS, ATOMS)
    np.testing.assert_allclose(codes, by_distances(ATOMS, ATOMS), atol=1e-6)
    assert (codes.argmax(axis=1) == np.arange(9)).all()


def test_missing_entries_do_not_count():
    holed = X.copy()
    holed[:, 1] = np.nan
    kept = [0, 2, 3, 4]
    expected = by_distances(X[:, kept], ATOMS[:, kept])
    found = Triangle().encode(holed, ATOMS, missing=True)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    with pytest.raises(ValueError, match=r"X .*NaN"):
        Triangle().encode(holed, ATOMS)


@pytest.mark.needs_jit("blocks of this size take long in plain Python")
def test_sparse_codes_and_threads_change_nothing():
    many = RNG.standard_normal((1200, 5))
    codes = Triangle().encode(many, ATOMS, n_jobs=1)
    np.testing.assert_array_equal(Triangle().encode(many, ATOMS, n_jobs=2), codes)
    sparse = Triangle().encode(many, ATOMS, sparse_output=True)
    np.testing.assert_array_equal(sparse.toarray(), codes)
