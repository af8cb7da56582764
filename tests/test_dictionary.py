"""The dictionary is an immutable value whose products are right and never stale."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from scipy.fft import dct

from sparsecode import Dictionary
from sparsecode.constraints import Free, NonNegative, UnitBall, UnitNorm
from sparsecode.convolutional import ConvolutionalDictionary
from sparsecode.dictionary import as_dictionary, promote
from sparsecode.penalties import L1


@pytest.fixture
def dictionary(rng):
    return Dictionary(rng.standard_normal((5, 3)), rng.standard_normal(3))


def test_products_are_their_formulas(dictionary, rng):
    X, codes = rng.standard_normal((4, 3)), rng.standard_normal((4, 5))
    atoms, offset = dictionary.atoms, dictionary.offset
    np.testing.assert_allclose(dictionary.decode(codes), codes @ atoms + offset)
    np.testing.assert_allclose(dictionary.correlate(X), (X - offset) @ atoms.T)
    np.testing.assert_allclose(dictionary.residual(X, codes), X - codes @ atoms - offset)
    residual = dictionary.residual(X, sparse.csr_array(codes))
    np.testing.assert_allclose(residual, X - codes @ atoms - offset)
    np.testing.assert_allclose(dictionary.gram, atoms @ atoms.T)
    np.testing.assert_array_equal(dictionary.gram, dictionary.gram.T)
    np.testing.assert_allclose(dictionary.norms, np.linalg.norm(atoms, axis=1))
    np.testing.assert_array_equal(dictionary.center(X), X - offset)
    assert (dictionary.n_components, dictionary.n_features) == (5, 3)


@given(
    shape=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    scale=st.floats(1e-6, 1e6),
    single=st.booleans(),
    seed=st.integers(0, 10_000),
)
def test_lipschitz_is_an_upper_bound_and_tight(shape, scale, single, seed):
    atoms = scale * np.random.default_rng(seed).standard_normal(shape)
    dictionary = Dictionary(atoms.astype(np.float32 if single else np.float64))
    exact = np.linalg.norm(dictionary.atoms.astype(np.longdouble).astype(np.float64), 2) ** 2
    assert dictionary.lipschitz >= exact * (1 - 1e-14)
    assert dictionary.lipschitz <= exact * (1 + 1e-6) + 1e-30
    direction = np.linalg.svd(dictionary.atoms.astype(np.float64))[0][:, 0]
    assert dictionary.lipschitz >= ((direction @ dictionary.atoms) ** 2).sum() * (1 - 1e-14)


@pytest.mark.parametrize("scale", [0.0, 1e-30])
def test_lipschitz_of_vanishing_atoms_can_be_inverted(scale):
    dictionary = Dictionary(np.full((2, 3), scale, dtype=np.float32))
    assert np.isfinite(1 / np.float32(dictionary.lipschitz))


def test_coherence():
    assert Dictionary(np.eye(3)).coherence == 0
    assert Dictionary([[1.0, 2.0]]).coherence == 0
    assert Dictionary([[1.0, 0.0], [-5.0, 0.0]]).coherence == 1
    assert Dictionary([[1.0, 0.0], [0.0, 0.0]]).coherence == 0
    assert Dictionary([[1.0, 0.0], [2.0, 2.0]]).coherence == pytest.approx(np.sqrt(0.5))


def test_nothing_can_be_changed(dictionary):
    for name in ("atoms", "offset", "constraint", "gram", "anything"):
        with pytest.raises(AttributeError, match=r"immutable.*Use dictionary.replace"):
            setattr(dictionary, name, None)
    for array in (dictionary.atoms, dictionary.offset, dictionary.gram, dictionary.norms):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_does_not_share_memory_with_its_arguments():
    atoms, offset = np.eye(3), np.ones(3)
    dictionary = Dictionary(atoms, offset)
    atoms[:], offset[:] = 7, 7
    assert (dictionary.atoms == np.eye(3)).all() and (dictionary.offset == 1).all()


@pytest.mark.parametrize(
    "copier", [copy.copy, copy.deepcopy, lambda d: pickle.loads(pickle.dumps(d))]
)
def test_copies_are_equal_and_immutable(dictionary, copier):
    dictionary.gram  # noqa: B018 - a cache that must not travel, or must stay read-only
    copied = copier(dictionary)
    assert copied == dictionary
    for array in (copied.atoms, copied.offset, copied.gram):
        assert not array.flags.writeable
    np.testing.assert_array_equal(copied.gram, dictionary.gram)


def test_equality(dictionary):
    assert dictionary == Dictionary(dictionary.atoms, dictionary.offset)
    assert dictionary != Dictionary(dictionary.atoms)
    assert dictionary != Dictionary(dictionary.atoms, dictionary.offset + 1)
    assert dictionary != Dictionary(dictionary.atoms[:4], dictionary.offset)
    assert dictionary != Dictionary(UnitBall().project(dictionary.atoms), constraint=UnitBall())
    assert dictionary != "dictionary"
    with pytest.raises(TypeError):
        hash(dictionary)


def test_replace_projects_and_forgets_the_caches():
    dictionary = Dictionary([[1.0, 0.0], [0.0, 1.0]], constraint=UnitNorm())
    before = dictionary.gram
    other = dictionary.replace(atoms=[[3.0, 4.0], [0.0, 2.0]])
    np.testing.assert_allclose(other.atoms, [[0.6, 0.8], [0, 1]])
    np.testing.assert_allclose(other.gram, other.atoms @ other.atoms.T)
    np.testing.assert_array_equal(dictionary.gram, before)
    moved = other.replace(offset=[1.0, 2.0])
    assert moved.offset.tolist() == [1, 2] and moved.constraint == UnitNorm()
    np.testing.assert_array_equal(moved.replace(atoms=np.eye(2)).offset, [1, 2])


@pytest.mark.parametrize("constraint", [None, UnitNorm(), UnitBall(), NonNegative()])
def test_the_constraint_holds_from_the_start(constraint):
    atoms = Dictionary([[3.0, -4.0]], constraint=constraint).atoms
    expected = (constraint or Free()).project(np.array([[3.0, -4.0]]))
    np.testing.assert_array_equal(atoms, expected)


def test_dtypes():
    assert Dictionary(np.eye(2, dtype=np.float32)).dtype == np.float32
    assert Dictionary([[1, 2]]).dtype == np.float64
    single = Dictionary(np.eye(2), [1.0, 2.0]).astype(np.float32)
    assert single.atoms.dtype == single.offset.dtype == single.gram.dtype == np.float32
    assert single.astype(np.float32) is single
    assert promote(single, np.ones((1, 2))).dtype == np.float64
    assert promote(single, np.ones((1, 2), dtype=np.float32)) is single
    assert as_dictionary(single) is single
    assert as_dictionary([[1.0, 2.0]]).n_features == 2
    with pytest.raises(TypeError, match=r"dictionary is ConvolutionalDictionary.*convolutional"):
        as_dictionary(ConvolutionalDictionary([[1.0, 2.0]]))


def test_float64_atoms_are_those_of_float32():
    single = Dictionary.random(9, 7, random_state=0, dtype=np.float32)
    double = single.astype(np.float64)
    np.testing.assert_array_equal(double.atoms, single.atoms)
    assert double.constraint == single.constraint


@given(
    n_atoms=st.integers(1, 8),
    n_features=st.integers(2, 8),
    seed=st.integers(0, 10_000),
)
def test_match_undoes_a_permutation_and_signs(n_atoms, n_features, seed):
    rng = np.random.default_rng(seed)
    truth = rng.standard_normal((n_atoms, n_features))
    order, signs = rng.permutation(n_atoms), rng.choice([-1, 1], n_atoms)
    lengths = rng.uniform(0.1, 10, n_atoms)
    shuffled = (signs * lengths)[:, None] * truth[order]
    match = Dictionary(shuffled).match(Dictionary(truth))
    np.testing.assert_array_equal(match.other_indices, np.arange(n_atoms))
    np.testing.assert_allclose(match.cosines, 1)
    np.testing.assert_array_equal(order[match.indices], np.arange(n_atoms))
    aligned = match.signs[:, None] * UnitNorm().project(shuffled)[match.indices]
    np.testing.assert_allclose(aligned, UnitNorm().project(truth), atol=1e-12)


def test_match_of_different_sizes_pairs_the_best(rng):
    truth = np.eye(6)
    found = Dictionary(np.concatenate([rng.standard_normal((2, 6)), -truth[[4, 1]]]))
    match = found.match(Dictionary(truth))
    assert len(match.indices) == 4
    pairs = dict(zip(match.indices, match.other_indices, strict=True))
    assert pairs[2] == 4 and pairs[3] == 1
    back = Dictionary(truth).match(found)
    assert dict(zip(back.other_indices, back.indices, strict=True)) == pairs
    with pytest.raises(ValueError, match="other has atoms of 2 features; expected 6"):
        found.match(Dictionary([[1.0, 2.0]]))


def test_match_of_a_zero_atom():
    match = Dictionary([[0.0, 0.0], [1.0, 0.0]]).match(Dictionary([[1.0, 0.0], [0.0, 1.0]]))
    assert sorted(match.cosines) == [0, 1]


def test_random(rng):
    one, again = (Dictionary.random(4, 3, random_state=5) for _ in range(2))
    assert one == again and one.constraint == UnitNorm()
    np.testing.assert_allclose(one.norms, 1)
    assert Dictionary.random(4, 3, random_state=5, dtype=np.float32).dtype == np.float32
    with pytest.raises(ValueError, match="n_components is 0"):
        Dictionary.random(0, 3)


def test_from_samples():
    X = np.array([[3.0, 4.0], [0.0, 0.0], [0.0, -2.0]])
    drawn = Dictionary.from_samples(X, 2, random_state=0)
    assert sorted(map(tuple, drawn.atoms.tolist())) == [(0.0, -1.0), (0.6, 0.8)]
    with pytest.raises(ValueError, match="X has 2 nonzero samples; expected at least 3"):
        Dictionary.from_samples(X, 3)


def test_dct():
    np.testing.assert_allclose(Dictionary.dct(5, 5).gram, np.eye(5), atol=1e-12)
    np.testing.assert_allclose(
        Dictionary.dct(5, 5).atoms, dct(np.eye(5), norm="ortho", axis=0), atol=1e-12
    )
    over = Dictionary.dct(11, 7)
    np.testing.assert_allclose(over.norms, 1)
    np.testing.assert_allclose(over.atoms[1:].mean(axis=1), 0, atol=1e-12)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (([1.0, 2.0],), "Expected 2D array"),
        (([[np.nan]],), "atoms contains NaN"),
        (([[1.0, 2.0]], [1.0]), "offset has 1 columns; expected 2"),
        (([[1.0, 2.0]], [1.0, np.inf]), "offset contains infinity"),
        ((np.empty((0, 3)),), "0 sample"),
    ],
)
def test_refuses_bad_arrays(args, message):
    with pytest.raises(ValueError, match=message):
        Dictionary(*args)


def test_refuses_what_is_not_a_constraint():
    for wrong in (UnitNorm, "unit"):
        with pytest.raises(TypeError, match=r"expected a Constraint instance. Use UnitNorm\(\)"):
            Dictionary([[1.0]], constraint=wrong)


def test_errors_of_shapes(dictionary):
    with pytest.raises(ValueError, match=r"codes has shape .* 5 atoms; expected shape"):
        dictionary.decode(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="X has 5 columns; expected 3"):
        dictionary.correlate(np.zeros((2, 5)))
    with pytest.raises(ValueError, match="codes has shape"):
        dictionary.residual(np.zeros((2, 3)), np.zeros((1, 5)))


def test_repr(dictionary):
    assert repr(dictionary) == "Dictionary(5 atoms of 3 features, offset, Free(), float64)"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pseudo_inverse_of_dependent_atoms(rng, dtype):
    """The four conditions of Penrose, where a plain inverse would be of rounding errors."""
    A = (rng.standard_normal((9, 3)) @ rng.standard_normal((3, 6))).astype(dtype)
    P = Dictionary(A).pseudo_inverse
    assert P.dtype == dtype and not P.flags.writeable
    tol = {"atol": 100 * np.finfo(dtype).eps}
    np.testing.assert_allclose(A @ P @ A, A, **tol, rtol=1e-4)
    np.testing.assert_allclose(P @ A @ P, P, **tol, rtol=1e-4)
    np.testing.assert_allclose(A @ P, (A @ P).T, **tol)
    np.testing.assert_allclose(P @ A, (P @ A).T, **tol)


def test_coherence_is_found_a_part_at_a_time(monkeypatch):
    atoms = np.random.default_rng(0).standard_normal((150, 6))
    expected = Dictionary(atoms).coherence
    monkeypatch.setattr("sparsecode._matching._TABLE_BYTES", 0)
    assert Dictionary(atoms).coherence == pytest.approx(expected, rel=1e-12)


def test_the_prepared_penalty_is_that_of_the_present_numbers():
    dictionary = Dictionary.random(4, 3, random_state=0)
    first = dictionary._prepared_for(L1(0.5))
    assert dictionary._prepared_for(L1(0.5)) is first
    assert dictionary._prepared_for(L1(0.25)).weights[0] == 0.25
    assert dictionary._prepared_for(L1(0.5, positive=True)).positive
    weights = np.ones(4)
    assert dictionary._prepared_for(L1(1.0, weights)).weights[2] == 1
    weights[2] = 3.0
    assert dictionary._prepared_for(L1(1.0, weights)).weights[2] == 3
    assert dictionary._prepared_for(L1(1.0)).weights[2] == 1
    # Equal to a valid penalty, but none.
    dictionary._prepared_for(L1(0.5, positive=True))
    with pytest.raises(ValueError, match="positive is 1"):
        dictionary._prepared_for(L1(0.5, positive=1))
