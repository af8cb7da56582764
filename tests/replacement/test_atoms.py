"""Atoms that are of no use are replaced by what is badly represented, and no others."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

from sparsecode import Dictionary
from sparsecode.constraints import Free, NonNegative, UnitBall, UnitNorm
from sparsecode.datasets import make_sparse_signals
from sparsecode.replacement import ReplaceAtoms, ReplacementStats


def frozen(*arrays):
    for array in arrays:
        array.flags.writeable = False
    return arrays


def run(policy, X, codes, dictionary, stats=None, **options):
    stats = policy.init(dictionary) if stats is None else stats
    residual = X - codes @ dictionary.atoms
    if dictionary.offset is not None:
        residual = residual - dictionary.offset
    stats = policy.gather(X, codes, residual, dictionary, stats, **options)
    return policy.step(dictionary, stats)


@pytest.fixture
def atoms(rng):
    return UnitNorm().project(rng.standard_normal((6, 8)))


@pytest.fixture
def codes(rng):
    return rng.standard_normal((40, 6)) * (rng.random((40, 6)) < 0.4)


@pytest.fixture
def X(codes, atoms, rng):
    return codes @ atoms + 0.1 * rng.standard_normal((40, 8))


def test_a_dead_atom_becomes_the_worst_represented_sample(X, codes, atoms):
    codes[:, 2] = 0
    dictionary = Dictionary(atoms, constraint=UnitNorm())
    squared_norms = np.sum((X - codes @ atoms) ** 2, axis=1)
    worst = X[squared_norms.argmax()]
    other, replaced, _ = run(ReplaceAtoms(patience=40), *frozen(X, codes), dictionary)
    assert replaced.tolist() == [2] and replaced.dtype == np.int64
    np.testing.assert_allclose(other.atoms[2], worst / np.linalg.norm(worst))
    np.testing.assert_array_equal(np.delete(other.atoms, 2, 0), np.delete(atoms, 2, 0))


def test_healthy_atoms_stay_and_so_does_the_dictionary(X, codes, atoms):
    dictionary = Dictionary(atoms, constraint=UnitNorm())
    same, replaced, _ = run(ReplaceAtoms(patience=1), X, codes, dictionary)
    assert same is dictionary and replaced.size == 0


def test_the_default_waits_for_a_hundred_samples_an_atom(X, codes, atoms):
    codes[:, 2] = 0
    policy, dictionary, stats = ReplaceAtoms(), Dictionary(atoms), None
    for n_seen in range(40, 641, 40):
        _, replaced, stats = run(policy, X, codes, dictionary, stats)
        assert replaced.tolist() == ([2] if n_seen == 600 else [])
    # A new atom has as long to be used.
    assert stats.seen[2] == 40 and stats.uses[2] == 0


def test_an_atom_used_once_in_the_window_lives(X, codes, atoms):
    codes[:, 2] = 0
    rare = codes.copy()
    rare[7, 2] = 1.0
    policy, dictionary, stats = ReplaceAtoms(patience=120), Dictionary(atoms), None
    for _ in range(8):
        for batch in (codes, rare, codes):
            _, replaced, stats = run(policy, X, batch, dictionary, stats)
            assert replaced.size == 0
    often = ReplaceAtoms(patience=120, min_usage=0.02)
    stats = None
    for batch in (codes, rare, codes):
        _, replaced, stats = run(often, X, batch, dictionary, stats)
    assert replaced.tolist() == [2]


def test_use_long_ago_does_not_count(X, codes, atoms):
    policy, dictionary = ReplaceAtoms(patience=40), Dictionary(atoms)
    _, replaced, stats = run(policy, X, codes, dictionary)
    assert replaced.size == 0
    codes[:, 2] = 0
    assert run(policy, X, codes, dictionary, stats)[1].tolist() == [2]


def test_a_copy_replaced_within_the_window_begins_anew(X, codes, atoms):
    atoms[4] = atoms[1]
    codes[2:, 4] = 0
    policy = ReplaceAtoms(patience=80)
    dictionary, replaced, stats = run(policy, X, codes, Dictionary(atoms))
    assert replaced.tolist() == [4] and stats.uses[4] == stats.seen[4] == 0
    codes[:, 4] = 0
    dictionary, replaced, stats = run(policy, X, codes, dictionary, stats)
    assert replaced.size == 0 and stats.seen.tolist() == [0, 0, 0, 0, 40, 0]


def test_the_sample_may_be_what_the_dead_atom_was(X, codes, atoms):
    X[3], codes[3] = 100 * atoms[2], 0
    codes[:, 2] = 0
    other, replaced, _ = run(ReplaceAtoms(patience=40), X, codes, Dictionary(atoms))
    assert replaced.tolist() == [2]
    np.testing.assert_allclose(other.atoms[2], atoms[2])


def test_the_less_used_copy_goes_and_the_other_stays(X, codes, atoms):
    atoms[4] = -atoms[1] + 1e-3
    codes[5:, 1] = 0
    codes[:5, 1] = 1.0
    codes[:6, 4] = -1.0
    atoms = UnitNorm().project(atoms)
    dictionary = Dictionary(atoms, constraint=UnitNorm())
    other, replaced, _ = run(ReplaceAtoms(), X, codes, dictionary)
    assert replaced.tolist() == [1]
    np.testing.assert_array_equal(other.atoms[4], atoms[4])
    assert other.coherence < 0.99
    assert run(ReplaceAtoms(max_cosine=1.0), X, codes, dictionary)[1].size == 0
    # Of two used alike the first stays; of three alike only one does.
    atoms[5] = atoms[1]
    codes[:, [4, 5]] = codes[:, [1]]
    other, replaced, _ = run(ReplaceAtoms(), X, codes, Dictionary(atoms))
    assert replaced.tolist() == [4, 5]


def test_an_atom_and_its_negative_are_two_for_positive_codes(X, codes, atoms):
    atoms[4] = -atoms[1]
    codes[:, 4] = codes[:, 1]
    dictionary = Dictionary(atoms)
    assert run(ReplaceAtoms(), X, np.abs(codes), dictionary)[1].size == 0
    assert run(ReplaceAtoms(), X, codes, dictionary)[1].tolist() == [4]


def test_atoms_are_compared_when_as_many_samples_were_seen(X, codes, atoms):
    atoms[4], codes[:, 4] = atoms[1], codes[:, 1]
    policy, dictionary = ReplaceAtoms(), Dictionary(atoms)
    _, replaced, stats = run(policy, X[:5], codes[:5], dictionary)
    assert replaced.size == 0 and "gram" not in vars(dictionary)
    assert run(policy, X[5:6], codes[5:6], dictionary, stats)[1].tolist() == [4]


def test_new_atoms_differ_from_each_other_and_from_the_living(X, codes, atoms):
    codes[:, [2, 3]] = 0
    X[0], X[1], X[2] = 100 * atoms[0], 90 * X[9], -80 * X[9]
    codes[:3] = 0
    other, replaced, _ = run(ReplaceAtoms(patience=40), X, codes, Dictionary(atoms))
    assert replaced.tolist() == [2, 3]
    np.testing.assert_allclose(other.atoms[2], X[9] / np.linalg.norm(X[9]))
    assert other.coherence < 0.99


def test_without_residuals_atoms_are_left(codes, atoms):
    codes[:, 2] = 0
    for dtype in (np.float32, np.float64):
        dictionary = Dictionary(atoms.astype(dtype))
        typed = codes.astype(dtype)
        same, replaced, _ = run(
            ReplaceAtoms(patience=1), typed @ dictionary.atoms, typed, dictionary
        )
        assert same is dictionary and replaced.size == 0


@pytest.mark.parametrize(
    "constraint", [UnitNorm(), UnitBall(), NonNegative(), Free()], ids=lambda c: type(c).__name__
)
def test_constraint_offset_and_precision(constraint, X, codes, atoms, rng):
    codes[:, 2] = 0
    offset = 5 + rng.standard_normal(8)
    dictionary = Dictionary(atoms, offset, constraint).astype(np.float32)
    X, codes = (X + offset).astype(np.float32), codes.astype(np.float32)
    other, replaced, stats = run(ReplaceAtoms(patience=1), X, codes, dictionary)
    assert replaced.tolist() == [2]
    assert other.dtype == np.float32 and other.constraint == constraint
    centred = constraint.project(UnitNorm().project(X - dictionary.offset))
    assert np.abs(centred - other.atoms[2]).max(axis=1).min() < 1e-5
    assert stats.samples.dtype == np.float32


def test_parts_sparse_codes_and_ties(X, codes, atoms):
    X[20:] = X[:20]
    codes[20:] = codes[:20]
    codes[3] = codes[23] = 0
    dictionary, policy = Dictionary(atoms), ReplaceAtoms(patience=1)
    residual = X - codes @ atoms
    frozen(X, codes, residual)

    def gather(encode, *cuts):
        stats = policy.init(dictionary)
        for rows in np.split(np.arange(40), cuts):
            stats = policy.gather(X[rows], encode(codes[rows]), residual[rows], dictionary, stats)
        return stats

    whole = gather(np.asarray)
    for other in (gather(sparse.csr_array), gather(np.asarray, 3, 22), gather(sparse.csr_array, 9)):
        for mine, theirs in zip(whole, other, strict=True):
            np.testing.assert_array_equal(mine, theirs)
    assert len(whole.samples) == len(whole.squared_norms) == 6
    order = np.argsort(-np.sum(residual**2, axis=1), kind="stable")
    np.testing.assert_array_equal(whole.samples, X[order[:6]])
    np.testing.assert_array_equal(whole.uses, np.count_nonzero(codes, axis=0))


def test_statistics_are_values(X, codes, atoms):
    policy, dictionary = ReplaceAtoms(patience=1), Dictionary(atoms)
    codes[:, 2] = 0
    first = policy.gather(X, codes, X - codes @ atoms, dictionary, policy.init(dictionary))
    kept = ReplacementStats(*(np.array(part) for part in first))
    policy.gather(X, codes, 2 * X, dictionary, first)
    policy.step(dictionary, first)
    for mine, theirs in zip(first, kept, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_smooth_codes_use_atoms_above_a_thousandth_of_the_largest(rng, atoms):
    codes = rng.standard_normal((40, 6))
    codes[:, 2] = 1e-4 * np.abs(codes).max(axis=1)
    X = codes @ atoms + 0.1 * rng.standard_normal((40, 8))
    assert run(ReplaceAtoms(patience=1), X, codes, Dictionary(atoms))[1].tolist() == [2]
    # Relative to each sample, so an outlier does not make the atoms of the others dead.
    X[0], codes[0] = 1e9 * X[0], 1e9 * codes[0]
    assert run(ReplaceAtoms(patience=1), X, codes, Dictionary(atoms))[1].tolist() == [2]


def test_samples_of_weight_zero_do_not_count(X, codes, atoms):
    weight = np.ones(40)
    weight[:3] = 0
    codes[3:, 2] = 0
    codes[:3, 2] = 1.0
    X[0] = 1e3
    policy, dictionary = ReplaceAtoms(patience=1), Dictionary(atoms)
    for encode in (np.asarray, sparse.csr_array):
        stats = policy.init(dictionary)
        stats = policy.gather(
            X, encode(codes), X - codes @ atoms, dictionary, stats, sample_weight=weight
        )
        assert stats.seen.tolist() == [37] * 6 and stats.uses[2] == 0
        other, replaced, _ = policy.step(dictionary, stats)
        assert replaced.tolist() == [2] and np.ptp(other.atoms[2]) > 0


def test_zero_atoms_are_replaced_at_once(X, codes, atoms):
    atoms[3], codes[:, 3] = 0, 0
    assert run(ReplaceAtoms(patience=np.inf), X, codes, Dictionary(atoms))[1].tolist() == [3]


def test_does_nothing_to_a_planted_dictionary():
    X, codes, atoms = make_sparse_signals(3000, 40, 20, n_nonzero=3, snr_db=20, random_state=0)
    policy, dictionary, stats = ReplaceAtoms(patience=3000), Dictionary(atoms), None
    for _ in range(3):
        _, replaced, stats = run(policy, X, codes, dictionary, stats)
        assert replaced.size == 0


def test_is_an_estimator_of_parameters():
    policy = ReplaceAtoms(min_usage=0.1)
    assert clone(policy) == policy and policy.get_params()["max_cosine"] == 0.99


@pytest.mark.parametrize(
    "parameters", [{"min_usage": -1}, {"min_usage": 2}, {"patience": 0}, {"max_cosine": 0}]
)
def test_refuses(parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        ReplaceAtoms(**parameters).init(Dictionary(np.eye(2)))
