"""Atoms to start from: what they are made of, what is read for them, and what they obey."""

import numpy as np
import pytest
from scipy import sparse
from scipy.fft import dctn
from sklearn.decomposition import TruncatedSVD
from sklearn.utils.extmath import randomized_svd

from sparsecode import Dictionary
from sparsecode.constraints import Free, NonNegative, UnitBall, UnitNorm
from sparsecode.datasets import make_sparse_signals
from sparsecode.initialization import initial_dictionary, initial_offset

NAMES = ["samples", "svd", "random", "dct", "k-means++"]
names = pytest.mark.parametrize("name", NAMES)


@pytest.fixture
def X(rng):
    return rng.standard_normal((60, 9)) + 0.3


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def are_samples(atoms, X):
    """Index of the sample that each atom is, up to sign."""
    cosines = np.abs(unit(atoms) @ unit(X).T)
    np.testing.assert_allclose(cosines.max(axis=1), 1)
    return cosines.argmax(axis=1)


@names
@pytest.mark.parametrize("n_components", [1, 4, 9, 13, 20, 70])
def test_unit_atoms_for_any_number(name, n_components, X):
    dictionary = initial_dictionary(name, X, n_components, random_state=0)
    assert dictionary.atoms.shape == (n_components, 9)
    assert dictionary.constraint == UnitNorm()
    np.testing.assert_allclose(dictionary.norms, 1)
    assert dictionary.coherence < 1 - 1e-7


@names
@pytest.mark.parametrize(
    "constraint", [NonNegative(), NonNegative(UnitBall()), UnitBall(), Free()], ids=repr
)
def test_constraint_is_obeyed_and_no_atom_is_zero(name, constraint, X):
    X[:40] = -np.abs(X[:40])
    dictionary = initial_dictionary(name, X, 30, constraint=constraint, random_state=0)
    assert dictionary.constraint == constraint
    assert (dictionary.norms > 0).all() and (dictionary.norms <= 1 + 1e-12).all()
    if isinstance(constraint, NonNegative):
        assert (dictionary.atoms >= 0).all()
    else:
        np.testing.assert_allclose(dictionary.norms, 1)


@names
def test_the_same_for_the_same_seed_and_dtype_of_the_samples(name, X):
    before = X.copy()
    X.flags.writeable = False
    first, again = (initial_dictionary(name, X, 12, random_state=3) for _ in range(2))
    assert first == again
    np.testing.assert_array_equal(X, before)
    single = initial_dictionary(name, X.astype(np.float32), 12, random_state=3)
    assert first.dtype == np.float64 and single.dtype == np.float32
    np.testing.assert_allclose(single.atoms, first.atoms, atol=1e-5)


@names
def test_memory_maps_and_sparse_matrices_are_never_whole(name, X, tmp_path, monkeypatch):
    X[np.abs(X) < 0.5] = 0
    expected = initial_dictionary(name, X, 12, random_state=0)
    monkeypatch.setattr("sparsecode.initialization._source._BLOCK", 16)
    largest = []
    original = sparse.csr_array.toarray
    monkeypatch.setattr(
        sparse.csr_array, "toarray", lambda A, *o: largest.append(A.shape[0]) or original(A, *o)
    )
    np.save(tmp_path / "X.npy", X)
    for other in (np.load(tmp_path / "X.npy", mmap_mode="r"), sparse.csr_array(X)):
        dictionary = initial_dictionary(name, other, 12, random_state=0)
        np.testing.assert_allclose(dictionary.atoms, expected.atoms, atol=1e-7)
    assert name == "k-means++" or max(largest, default=0) <= 16


def test_samples_are_different_and_not_zero(X):
    X[::2] = 0
    X[1::4] = 2 * X[1]
    directions = np.concatenate([X[1:2], X[3::4]])
    atoms = initial_dictionary("samples", X, 20, random_state=0).atoms
    assert sorted(are_samples(atoms[:16], directions)) == list(range(16))
    # The others are Gaussian.
    assert (np.abs(atoms[16:] @ unit(directions).T) < 1 - 1e-3).all()


def test_zero_samples_are_no_error():
    dictionary = initial_dictionary("samples", np.zeros((5, 4)), 3, random_state=0)
    np.testing.assert_allclose(dictionary.norms, 1)
    for name in ("svd", "k-means++"):
        again = initial_dictionary(name, np.zeros((5, 4)), 3, random_state=0)
        np.testing.assert_allclose(again.norms, 1)


@pytest.mark.parametrize("n_samples", [60, 6])
def test_svd_are_the_right_singular_vectors(X, n_samples, monkeypatch):
    monkeypatch.setattr("sparsecode.initialization._source._BLOCK", 4)
    X = X[:n_samples]
    atoms = initial_dictionary("svd", X, 5).atoms
    _, _, vectors = np.linalg.svd(X)
    np.testing.assert_allclose(np.abs(np.sum(atoms * vectors[:5], axis=1)), 1)
    theirs = TruncatedSVD(3, algorithm="arpack").fit(X).components_
    np.testing.assert_allclose(np.abs(np.sum(atoms[:3] * theirs, axis=1)), 1)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("shape", [(90, 60), (60, 90)])
@pytest.mark.parametrize("with_offset", [False, True])
def test_randomized_svd_has_the_leading_vectors(rng, kind, shape, with_offset, monkeypatch):
    monkeypatch.setattr("sparsecode.initialization._from_samples._SMALL_SIDE", 8)
    monkeypatch.setattr("sparsecode.initialization._source._BLOCK", 16)
    left, right = (np.linalg.qr(rng.standard_normal((n, 40)))[0] for n in shape)
    X = (left * 0.7 ** np.arange(40)) @ right.T
    offset = rng.standard_normal(shape[1]) / 10 if with_offset else None
    read, eigh = [], np.linalg.eigh
    monkeypatch.setattr(np.linalg, "eigh", lambda a: read.append(len(a)) or eigh(a))
    atoms = initial_dictionary("svd", kind(X), 3, offset=offset, random_state=0).atoms
    # Not all of them were computed.
    assert read == [13]
    expected = np.linalg.svd(X if offset is None else X - offset)[2][:3]
    np.testing.assert_allclose(np.abs(np.sum(atoms * expected, axis=1)), 1, atol=1e-6)
    again = initial_dictionary("svd", kind(X), 3, offset=offset, random_state=0).atoms
    np.testing.assert_array_equal(atoms, again)
    if not with_offset:
        # As much of the squared norm as scikit-learn's finds.
        theirs = randomized_svd(X, 3, random_state=0)[2]
        energy = [np.sum((X @ vectors.T) ** 2) for vectors in (atoms, theirs)]
        assert energy[0] >= energy[1] * (1 - 1e-6)


def test_randomized_svd_of_low_rank_is_filled_with_samples(X, rng, monkeypatch):
    monkeypatch.setattr("sparsecode.initialization._from_samples._SMALL_SIDE", 8)
    X = rng.standard_normal((200, 2)) @ rng.standard_normal((2, 150))
    atoms = initial_dictionary("svd", X, 6, random_state=0).atoms
    np.testing.assert_allclose(atoms[:2] @ atoms[:2].T, np.eye(2), atol=1e-9)
    are_samples(atoms[2:], X)


def test_randomized_svd_refuses_infinity_in_sparse_samples(rng, monkeypatch):
    monkeypatch.setattr("sparsecode.initialization._from_samples._SMALL_SIDE", 8)
    X = sparse.csr_array(rng.standard_normal((90, 60)))
    X.data[7] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        initial_dictionary("svd", X, 2)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_randomized_svd_leaves_out_samples_of_weight_0(kind, rng, monkeypatch):
    monkeypatch.setattr("sparsecode.initialization._from_samples._SMALL_SIDE", 8)
    monkeypatch.setattr("sparsecode.initialization._source._BLOCK", 16)
    X = rng.standard_normal((90, 60)) * 0.7 ** np.arange(60)
    X[:30] = 300 * rng.standard_normal((30, 60))
    weight = np.where(np.arange(90) < 30, 0, 1.0)
    atoms = initial_dictionary("svd", kind(X), 3, sample_weight=weight, random_state=0).atoms
    expected = np.linalg.svd(X[30:])[2][:3]
    np.testing.assert_allclose(np.abs(np.sum(atoms * expected, axis=1)), 1, atol=1e-6)


@pytest.mark.parametrize("weight", [np.ones(7), np.zeros(60), -np.ones(60), "a"])
def test_refuses_weights_that_are_none(weight, X):
    with pytest.raises(ValueError, match="sample_weight"):
        initial_dictionary("samples", X, 2, sample_weight=weight)


def test_many_samples_are_compared_in_parts(rng, monkeypatch):
    X = rng.standard_normal((150, 9))
    X = np.vstack([X, -X[::2], 2 * X[::3]])
    expected = initial_dictionary("samples", X, 145, random_state=0)
    monkeypatch.setattr("sparsecode.initialization._from_samples._TABLE_BYTES", 0)
    again = initial_dictionary("samples", X, 145, random_state=0)
    np.testing.assert_array_equal(again.atoms, expected.atoms)


def test_svd_of_low_rank_is_filled_with_samples(X, rng):
    X = X[:, :2] @ rng.standard_normal((2, 9))
    atoms = initial_dictionary("svd", X, 10, random_state=0).atoms
    np.testing.assert_allclose(atoms[:2] @ atoms[:2].T, np.eye(2), atol=1e-9)
    are_samples(atoms[2:], X)


def test_svd_turns_vectors_to_their_larger_side(rng):
    X = -np.abs(rng.standard_normal((40, 5)))
    atoms = initial_dictionary("svd", X, 1, constraint=NonNegative()).atoms
    vector = np.linalg.svd(X)[2][0]
    np.testing.assert_allclose(atoms[0], np.abs(vector))


def test_square_patches_have_products_of_cosines():
    X = np.ones((1, 16))
    atoms = initial_dictionary("dct", X, 16).atoms
    expected = np.array([dctn(e.reshape(4, 4), norm="ortho").ravel() for e in np.eye(16)]).T
    np.testing.assert_allclose(atoms, expected, atol=1e-12)
    overcomplete = initial_dictionary("dct", X, 49).atoms
    line = Dictionary.dct(7, 4).atoms
    np.testing.assert_allclose(overcomplete, np.kron(line, line), atol=1e-12)
    lowest = initial_dictionary("dct", X, 3).atoms
    np.testing.assert_allclose(lowest, expected[[0, 1, 4]], atol=1e-12)
    ragged = initial_dictionary("dct", X, 40).atoms
    assert {tuple(a) for a in ragged.round(9)} < {tuple(a) for a in overcomplete.round(9)}


def test_other_features_have_the_cosines_of_a_line():
    X = np.ones((1, 6))
    for n_components, n_complete in ((10, 10), (4, 6)):
        atoms = initial_dictionary("dct", X, n_components).atoms
        expected = Dictionary.dct(n_complete, 6).atoms[:n_components]
        np.testing.assert_allclose(atoms, expected, atol=1e-15)


def test_seeds_are_far_from_each_other(rng):
    centres = np.eye(6)
    signs = rng.choice([-1, 1], (600, 1)) * rng.uniform(1, 3, (600, 1))
    X = signs * (centres[rng.integers(6, size=600)] + 0.01 * rng.standard_normal((600, 6)))
    hits = 0
    for seed in range(20):
        atoms = initial_dictionary("k-means++", X, 6, random_state=seed).atoms
        are_samples(atoms, X)
        hits += (np.abs(atoms).round().sum(axis=0) == 1).all()
    # Drawn alike, six samples hit six clusters in 6! / 6**6 = 1.5 % of all cases.
    assert hits >= 18


def test_seeds_of_few_directions_are_filled(rng):
    X = np.repeat(np.eye(4)[:2], 10, axis=0) * rng.uniform(1, 3, (20, 1))
    atoms = initial_dictionary("k-means++", X, 5, random_state=0).atoms
    assert sorted(np.abs(atoms[:2]).argmax(axis=1)) == [0, 1]
    assert (np.abs(atoms[2:]).max(axis=1) < 1).all()


def test_large_and_small_samples(X):
    for name in ("samples", "k-means++"):
        expected = initial_dictionary(name, X, 8, random_state=0).atoms
        for scale in (1e200, 1e-200):
            atoms = initial_dictionary(name, scale * X, 8, random_state=0).atoms
            np.testing.assert_allclose(atoms, expected, atol=1e-12)


@names
def test_missing_entries_are_the_mean_of_the_others(name, X):
    holes = X.copy()
    holes[3:, 4] = np.nan
    holes[:10] = np.nan
    filled = holes.copy()
    filled[10:, 4] = np.nanmean(holes[10:], axis=1)
    filled[:10] = 0
    for other in (holes, sparse.csr_array(holes)):
        dictionary = initial_dictionary(name, other, 12, missing=True, random_state=0)
        expected = initial_dictionary(name, filled, 12, random_state=0)
        np.testing.assert_allclose(dictionary.atoms, expected.atoms, atol=1e-9)
    if name in ("samples", "svd", "k-means++"):
        with pytest.raises(ValueError, match="NaN"):
            initial_dictionary(name, holes, 12, random_state=0)


@pytest.mark.parametrize("name", ["random", "svd"])
def test_the_seed_of_synthetic_samples_does_not_give_their_atoms(name):
    X, _, atoms = make_sparse_signals(50, 20, 8, n_nonzero=2, random_state=0)
    dictionary = initial_dictionary(name, X, 20, random_state=0)
    assert dictionary.match(atoms).cosines.mean() < 0.9


def test_given_atoms(X, rng):
    atoms = rng.standard_normal((4, 9))
    assert initial_dictionary(atoms, X, 4) == Dictionary(atoms, constraint=UnitNorm())
    given = Dictionary(atoms, rng.standard_normal(9), UnitBall())
    assert initial_dictionary(given, X, 4) == given
    other = initial_dictionary(given, X.astype(np.float32), 4, constraint=NonNegative())
    assert other.dtype == np.float32 and other.constraint == NonNegative()
    np.testing.assert_array_equal(other.offset, given.offset.astype(np.float32))


def test_refuses(X):
    with pytest.raises(ValueError, match="init is 'pca'; expected one of 'samples', 'svd', "):
        initial_dictionary("pca", X, 4)
    with pytest.raises(ValueError, match=r"init has atoms of shape \(3, 9\); expected \(4, 9\)"):
        initial_dictionary(np.ones((3, 9)), X, 4)
    with pytest.raises(ValueError, match="n_components"):
        initial_dictionary("samples", X, 0)
    with pytest.raises(TypeError, match="constraint is 'unit'"):
        initial_dictionary("samples", X, 4, constraint="unit")
    with pytest.raises(ValueError, match="infinity"):
        initial_dictionary("samples", np.full((5, 3), np.inf), 2)


def test_lists_and_integers_are_taken():
    dictionary = initial_dictionary("samples", [[1, 0], [0, 2], [3, 4]], 3, random_state=0)
    are_samples(dictionary.atoms, np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 4.0]]))


def test_offsets_of_any_kind_of_matrix(X, tmp_path):
    np.save(tmp_path / "X.npy", X)
    kinds = [X, sparse.csr_array(X), np.load(tmp_path / "X.npy", mmap_mode="r"), X.tolist()]
    for init, expected in (("mean", X.mean(axis=0)), ("zero", np.zeros(X.shape[1]))):
        for kind in kinds:
            np.testing.assert_allclose(initial_offset(init, kind), expected, atol=1e-12)
    medians = [initial_offset("geometric_median", kind) for kind in kinds]
    for median in medians[1:]:
        np.testing.assert_allclose(median, medians[0], rtol=1e-12)
    assert initial_offset("geometric_median", X.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("init", ["median", None, 0])
def test_unknown_offsets_are_refused(X, init):
    with pytest.raises(ValueError, match="offset is"):
        initial_offset(init, X)


@pytest.mark.parametrize("name", ["samples", "svd", "k-means++"])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_atoms_are_for_what_the_offset_leaves(name, kind, X, rng):
    offset = rng.standard_normal(9)
    found = initial_dictionary(name, kind(X), 8, offset=offset, random_state=0)
    expected = initial_dictionary(name, X - offset, 8, random_state=0)
    np.testing.assert_allclose(found.atoms, expected.atoms, atol=1e-12)
    np.testing.assert_array_equal(found.offset, offset)
    with pytest.raises(ValueError, match="offset has 8"):
        initial_dictionary(name, X, 8, offset=offset[:8])


def test_an_offset_of_its_own_comes_first(X, rng):
    given = Dictionary(rng.standard_normal((4, 9)), rng.standard_normal(9))
    other = np.zeros(9)
    for init, expected in ((given, given.offset), (given.atoms, other)):
        found = initial_dictionary(init, X, 4, offset=other)
        np.testing.assert_array_equal(found.offset, expected)
