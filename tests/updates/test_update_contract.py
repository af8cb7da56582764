"""Every update, as it is by default, keeps these."""

import inspect

import numpy as np
import pytest
from scipy import sparse

from sparsecode import Dictionary, updates
from sparsecode.constraints import Free, NonNegative, UnitBall, UnitNorm
from sparsecode.updates import Update

FOUND = [getattr(updates, name) for name in updates.__all__]
UPDATES = [c for c in FOUND if inspect.isclass(c) and issubclass(c, Update) and c is not Update]
CONSTRAINTS = [Free(), UnitNorm(), UnitBall(), NonNegative()]
pytestmark = pytest.mark.parametrize("update", [cls() for cls in UPDATES], ids=repr)


@pytest.fixture
def batch(rng):
    """Samples, codes of both signs that leave the last atom alone, and weights."""
    codes = rng.standard_normal((30, 7)) * (rng.random((30, 7)) < 0.5)
    codes[:, -1] = 0
    return rng.standard_normal((30, 5)), codes, rng.uniform(0.5, 2, 30)


def start(rng, constraint=None, offset=None):
    return Dictionary(rng.standard_normal((7, 5)), offset, constraint)


def learned(update, X, codes, dictionary, **options):
    return update.update(X, codes, dictionary, update.init(dictionary), **options)[0]


def close(dictionary, other):
    np.testing.assert_allclose(dictionary.atoms, other.atoms, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("constraint", CONSTRAINTS, ids=repr)
def test_obeys_the_constraint_and_keeps_unused_atoms(update, batch, rng, constraint):
    X, codes, _ = batch
    dictionary = start(rng, constraint)
    moved = learned(update, X, codes, dictionary)
    assert moved.constraint == constraint and moved != dictionary
    np.testing.assert_allclose(constraint.project(moved.atoms), moved.atoms, atol=1e-15)
    np.testing.assert_array_equal(moved.atoms[-1], dictionary.atoms[-1])
    assert (moved.norms > 0).all()


def test_parts_are_the_whole(update, batch, rng):
    X, codes, weight = batch
    dictionary = start(rng)
    stats = update.init(dictionary)
    for part in (slice(0, 11), slice(11, None)):
        stats = update.gather(X[part], codes[part], dictionary, stats, sample_weight=weight[part])
    whole = learned(update, X, codes, dictionary, sample_weight=weight)
    close(update.step(dictionary, stats)[0], whole)


def test_weight_two_is_a_sample_twice(update, batch, rng):
    X, codes, _ = batch
    dictionary = start(rng)
    weight = np.where(np.arange(30) < 9, 2.0, 1.0)
    twice = np.repeat(np.arange(30), weight.astype(int))
    weighted = learned(update, X, codes, dictionary, sample_weight=weight)
    close(weighted, learned(update, X[twice], codes[twice], dictionary))


def test_samples_of_weight_0_count_for_nothing(update, batch, rng):
    X, codes, weight = batch
    dictionary = start(rng)
    assert learned(update, X, codes, dictionary, sample_weight=np.zeros(30)) == dictionary
    weight[:20] = 0
    few = learned(update, X[20:], codes[20:], dictionary, sample_weight=weight[20:])
    close(learned(update, X, codes, dictionary, sample_weight=weight), few)


def test_sparse_codes_with_stored_zeros_are_dense_codes(update, batch, rng):
    X, codes, weight = batch
    dictionary = start(rng, UnitNorm())
    full = sparse.csr_array(np.ones_like(codes))
    full.data[:] = codes.ravel()
    expected = learned(update, X, codes, dictionary, sample_weight=weight)
    for stored in (full, sparse.csr_array(codes)):
        close(learned(update, X, stored, dictionary, sample_weight=weight), expected)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_threads_do_not_matter(update, batch, rng, kind):
    X, codes, _ = batch
    dictionary = start(rng)
    one, four = (learned(update, X, kind(codes), dictionary, n_jobs=n) for n in (1, 4))
    assert one == four


def test_offset_is_not_explained_by_atoms(update, batch, rng):
    X, codes, _ = batch
    offset = rng.standard_normal(5)
    plain = start(rng)
    shifted = learned(update, X + offset, codes, Dictionary(plain.atoms, offset))
    close(shifted, learned(update, X, codes, plain))
    np.testing.assert_array_equal(shifted.offset, offset)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_float32_stays_and_nothing_given_is_written_to(update, batch, rng, kind):
    X, codes, weight = (array.astype(np.float32) for array in batch)
    exact = start(rng)
    expected = learned(update, X.astype(float), codes.astype(float), exact, sample_weight=weight)
    X.flags.writeable = weight.flags.writeable = codes.flags.writeable = False
    codes = kind(codes)
    if sparse.issparse(codes):
        codes.data.flags.writeable = False
    moved = learned(update, X, codes, exact.astype(np.float32), sample_weight=weight)
    assert moved.dtype == np.float32
    np.testing.assert_allclose(moved.atoms, expected.atoms, rtol=1e-3, atol=1e-4)


def test_statistics_are_values(update, batch, rng):
    X, codes, _ = batch
    dictionary = start(rng)
    mine, given = X.copy(), codes.copy()
    stats = update.gather(mine, given, dictionary, update.init(dictionary))
    mine[:], given[:] = 0, 0
    first, second = (update.step(dictionary, stats)[0] for _ in range(2))
    assert first == second == learned(update, X, codes, dictionary)


def test_forgotten_or_reset_samples_count_no_more(update, batch, rng):
    X, codes, _ = batch
    dictionary = start(rng)
    before = update.update(X[:9], codes[:9], dictionary, update.init(dictionary))[1]
    expected = learned(update, X, codes, dictionary)
    for stats in (update.forget(before), update.reset(before, np.arange(7))):
        close(update.update(X, codes, dictionary, stats)[0], expected)


def test_a_step_without_samples_changes_nothing(update, rng):
    dictionary = start(rng)
    assert update.step(dictionary, update.init(dictionary))[0] == dictionary
    unused = learned(update, np.ones((3, 5)), np.zeros((3, 7)), dictionary)
    assert unused == dictionary


@pytest.mark.parametrize("constraint", CONSTRAINTS, ids=repr)
def test_sparse_sums_of_many_atoms_are_the_dense_ones(update, batch, rng, constraint, monkeypatch):
    X, codes, weight = batch
    codes = sparse.csr_array(codes)
    dictionary = start(rng, constraint)

    def twice():
        """Two batches, of which the first is partly forgotten, and an atom is replaced."""
        found, stats = update.update(X, codes, dictionary, update.init(dictionary))
        stats = update.reset(update.new_epoch(stats, 10.0), np.array([2]))
        return update.update(X, codes, found, stats, sample_weight=weight)

    expected, _ = twice()
    monkeypatch.setattr("sparsecode._statistics._DENSE_SECOND_BYTES", 0)
    again, stats = twice()
    close(again, expected)
    close(update.step(*twice())[0], update.step(again, stats)[0])
    if hasattr(stats, "past"):
        assert sparse.issparse(stats.past.second) and sparse.issparse(
            update.forget(stats).past.second
        )
