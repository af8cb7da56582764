"""K-SVD against singular vectors, and an error that never grows."""

import numpy as np
import pytest
from scipy import optimize, sparse

from sparsecode import Dictionary
from sparsecode.constraints import Free, NonNegative, UnitBall, UnitNorm
from sparsecode.updates import KSVD, ApproximateKSVD
from sparsecode.updates.ksvd import Samples, _joined, _nonnegative_direction, _Users

BOTH = pytest.mark.parametrize("cls", [KSVD, ApproximateKSVD])


def learned(update, X, codes, dictionary, **options):
    return update.update(X, codes, dictionary, update.init(dictionary), **options)[0]


def leading(matrix):
    return np.linalg.svd(matrix)[2][0]


def up_to_sign(atom, expected):
    np.testing.assert_allclose(atom * np.sign(atom @ expected), expected, atol=1e-10)


@pytest.mark.parametrize("n_samples", [3, 40])
def test_one_atom_is_the_leading_singular_vector(rng, n_samples):
    X, codes = rng.standard_normal((n_samples, 6)), -rng.uniform(1, 2, (n_samples, 1))
    weight = rng.uniform(0, 2, n_samples)
    dictionary = Dictionary(rng.standard_normal((1, 6)), constraint=UnitNorm())
    up_to_sign(learned(KSVD(), X, codes, dictionary).atoms[0], leading(X))
    atom = learned(KSVD(), X, codes, dictionary, sample_weight=weight).atoms[0]
    up_to_sign(atom, leading(np.sqrt(weight)[:, None] * X))
    assert atom @ dictionary.atoms[0] >= 0
    many = learned(ApproximateKSVD(n_sweeps=2000), X, codes, dictionary).atoms[0]
    np.testing.assert_allclose(np.abs(many @ leading(X)), 1, rtol=1e-9)


def test_atoms_follow_each_other_with_their_coefficients(rng):
    X, codes = rng.standard_normal((30, 5)), rng.standard_normal((30, 4))
    codes *= rng.random((30, 4)) < 0.6
    dictionary = Dictionary(rng.standard_normal((4, 5)), constraint=UnitNorm())
    atoms, fitted = dictionary.atoms.copy(), codes.copy()
    for j in range(4):
        users = codes[:, j] != 0
        error = X[users] - fitted[users] @ atoms + np.outer(fitted[users, j], atoms[j])
        u, s, v = np.linalg.svd(error, full_matrices=False)
        atoms[j], fitted[users, j] = v[0], u[:, 0] * s[0]
    result = learned(KSVD(), X, codes, dictionary).atoms
    np.testing.assert_allclose(np.abs((result * atoms).sum(axis=1)), 1, rtol=1e-10)


def test_approximation_is_its_formula(rng):
    X, codes = rng.standard_normal((9, 5)), rng.standard_normal((9, 1))
    atom = learned(ApproximateKSVD(), X, codes, Dictionary(np.ones((1, 5)))).atoms[0]
    expected = codes[:, 0] @ X
    np.testing.assert_allclose(atom, expected / np.linalg.norm(expected))


def sparse_problem(rng, positive):
    codes = rng.standard_normal((60, 9)) * (rng.random((60, 9)) < 0.4)
    return rng.standard_normal((60, 6)) + positive, np.abs(codes) if positive else codes


@BOTH
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("norm", [UnitNorm(), UnitBall(), Free()], ids=repr)
@pytest.mark.parametrize("nonnegative", [False, True])
def test_error_never_grows(rng, cls, positive, norm, nonnegative):
    X, codes = sparse_problem(rng, positive)
    constraint = NonNegative(norm) if nonnegative else norm
    dictionary = Dictionary(rng.standard_normal((9, 6)), constraint=constraint)
    update, weight = cls(), rng.uniform(0, 2, 60)
    stats = update.gather(X, codes, dictionary, update.init(dictionary), sample_weight=weight)
    X, codes, weight = _joined(stats.parts)
    atoms, by_atom = dictionary.atoms.copy(), codes.T.tocsr()
    users = _Users(by_atom.indptr, by_atom.indices, by_atom.data)
    residual = X - codes @ atoms
    errors = [weight @ (residual**2).sum(axis=1)]
    for _ in range(4):
        update._sweep(atoms, residual, users, weight, nonnegative, nonnegative and positive)
        np.testing.assert_allclose(residual, X - by_atom.T @ atoms, atol=1e-12)
        errors.append(weight @ (residual**2).sum(axis=1))
        last = by_atom[[8]]
        best = last.data + residual[last.indices] @ atoms[8]
        best = np.maximum(best, 0) if nonnegative and positive else best
        np.testing.assert_allclose(last.data, best, atol=1e-12)
        if nonnegative:
            assert (atoms >= 0).all()
            assert not positive or (by_atom.data >= 0).all()
    assert (np.diff(errors) <= 1e-12 * errors[0]).all() and errors[1] < errors[0]


@BOTH
@pytest.mark.parametrize("positive", [False, True])
def test_coefficients_stay_non_negative_only_where_all_are(rng, cls, positive):
    """A step of two sweeps is these sweeps, by the signs of the codes that it is given."""
    X, codes = sparse_problem(rng, positive)
    X -= 1
    dictionary = Dictionary(rng.standard_normal((9, 6)), constraint=NonNegative())
    by_atom, found = codes.T.copy(), []
    for clip in (False, True):
        atoms, users = dictionary.atoms.copy(), _Users(*csr_parts(by_atom))
        residual = X - codes @ atoms
        for _ in range(2):
            cls()._sweep(atoms, residual, users, np.ones(60), True, clip)
        found.append(atoms)
    assert np.abs(found[0] - found[1]).max() > 0.01
    moved = learned(cls(n_sweeps=2), X, codes, dictionary).atoms
    np.testing.assert_allclose(moved, found[positive], atol=1e-12)


def csr_parts(matrix):
    stored = sparse.csr_array(matrix)
    return stored.indptr, stored.indices, stored.data


@BOTH
@pytest.mark.parametrize("constraint", [UnitNorm(), NonNegative()], ids=repr)
@pytest.mark.parametrize("n_samples", [4, 60])
@pytest.mark.parametrize("scale", [2.0**-30, 2.0**30])
def test_the_unit_of_the_samples_does_not_matter(rng, cls, constraint, n_samples, scale):
    X, codes = (array[:n_samples] for array in sparse_problem(rng, constraint != UnitNorm()))
    dictionary = Dictionary(rng.standard_normal((9, 6)), constraint=constraint)
    expected = learned(cls(), X, codes, dictionary).atoms
    scaled = learned(cls(), scale * X, scale * codes, dictionary).atoms
    np.testing.assert_allclose(scaled, expected, atol=1e-9)


def test_nonnegative_atom_is_the_best_one(rng):
    X = rng.standard_normal((20, 4)) + 0.5
    dictionary = Dictionary(np.ones((1, 4)), constraint=NonNegative())
    atom = learned(KSVD(), X, X @ dictionary.atoms.T, dictionary).atoms[0]

    def loss(vector):
        vector = np.abs(vector) / np.linalg.norm(vector)
        return -((X @ vector) ** 2).sum()

    starts = rng.standard_normal((10, 4))
    best = min(optimize.minimize(loss, start, method="Nelder-Mead").fun for start in starts)
    assert loss(atom) <= best + 1e-5


@BOTH
def test_all_zero_samples_leave_the_atom(cls):
    dictionary = Dictionary(np.eye(2), constraint=UnitNorm())
    codes = np.array([[1.0, 0.0]])
    assert learned(cls(), np.zeros((1, 2)), codes, dictionary).atoms[0] @ [1, 0] == 1
    alone = Dictionary(np.zeros((2, 2)))
    assert learned(cls(), np.zeros((1, 2)), codes, alone) == alone


@BOTH
def test_pending_samples_of_replaced_atoms(cls, rng):
    X, codes = rng.standard_normal((20, 4)), rng.standard_normal((20, 3))
    dictionary = Dictionary(rng.standard_normal((3, 4)))
    stats = cls().gather(X, codes, dictionary, cls().init(dictionary))
    without = codes.copy()
    without[:, 1] = 0
    reset = cls().step(dictionary, cls().reset(stats, np.array([1])))[0]
    assert reset == learned(cls(), X, without, dictionary)


@BOTH
def test_errors_say_what_to_do(cls):
    with pytest.raises(ValueError, match="n_sweeps is"):
        cls(n_sweeps=0).init(Dictionary(np.eye(2)))


def test_parts_are_joined_in_their_order(rng):
    def part(n_samples):
        codes = sparse.random_array((n_samples, 4), density=0.5, format="csr", rng=rng)
        return Samples(rng.standard_normal((n_samples, 3)), codes, rng.uniform(size=n_samples))

    parts = [part(2), part(3), part(1)]
    for n in (1, 2, 3):
        joined = _joined(parts[:n])
        np.testing.assert_array_equal(joined.X, np.concatenate([p.X for p in parts[:n]]))
        dense = np.concatenate([p.codes.toarray() for p in parts[:n]])
        np.testing.assert_array_equal(joined.codes.toarray(), dense)
        weight = np.concatenate([p.weight for p in parts[:n]])
        np.testing.assert_array_equal(joined.weight, weight)


def test_alternating_ends_where_no_entry_changes(rng):
    """Also with entries of 0, which stay what they are from the first round on."""
    weight = np.array([1.0, 2, 1, 0.5, 1])
    errors = 0.3 * rng.standard_normal((5, 6)) + np.outer([1, 1.2, 0.9, 1, 1], [1, 1, 1, 1, -1, -1])
    start = np.array([1.0, 0, 0, 0, 0])
    atom = _nonnegative_direction(errors, start, weight, clip=True)
    assert (atom == 0).any() and (atom > 0).sum() >= 3
    again = np.maximum((weight * np.maximum(errors @ atom, 0)) @ errors, 0)
    np.testing.assert_allclose(atom, again / np.linalg.norm(again), atol=1e-8)
