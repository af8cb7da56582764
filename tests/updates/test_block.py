"""Block coordinate descent reaches the constrained least-squares fit, with the written weights."""

import pickle

import numpy as np
import pytest

from sparsecode import Dictionary
from sparsecode.constraints import Constraint, Free, NonNegative, UnitBall, UnitNorm
from sparsecode.updates import MOD, BlockUpdate
from sparsecode.updates._moments import Moments


@pytest.fixture
def batch(rng):
    return rng.standard_normal((40, 5)), rng.standard_normal((40, 6))


def learned(update, X, codes, dictionary):
    return update.update(X, codes, dictionary, update.init(dictionary))[0]


def test_orthogonal_codes_take_one_sweep(rng, batch):
    codes = np.linalg.qr(batch[1])[0]
    moved = learned(BlockUpdate(), batch[0], codes, Dictionary(rng.standard_normal((6, 5))))
    np.testing.assert_allclose(moved.atoms, codes.T @ batch[0], atol=1e-12)


@pytest.mark.parametrize("constraint", [Free(), UnitBall(), NonNegative(Free())], ids=repr)
def test_converges_to_the_constrained_optimum(rng, batch, constraint):
    X, codes = batch
    dictionary = Dictionary(rng.standard_normal((6, 5)), constraint=constraint)
    moved = learned(BlockUpdate(n_sweeps=500), X, codes, dictionary).atoms
    descent = codes.T @ (X - codes @ moved)
    # KKT: a projected gradient step stays where it is.
    np.testing.assert_allclose(constraint.project(moved + descent), moved, atol=1e-9)
    if constraint == Free():
        np.testing.assert_allclose(moved, np.linalg.lstsq(codes, X, rcond=None)[0])


@pytest.mark.parametrize("norm", [Free(), UnitBall(), UnitNorm()], ids=repr)
@pytest.mark.parametrize("nonnegative", [False, True])
def test_an_atom_whose_minimiser_is_zero_becomes_zero_where_that_is_allowed(norm, nonnegative):
    constraint = NonNegative(norm) if nonnegative else norm
    before = Dictionary([[0.0, 1.0], [1.0, 0.0]], constraint=constraint)
    # The first atom is fitted to rows below 0, or to 0; the second one is not used.
    X = np.full((3, 2), -1.0 if nonnegative else 0.0)
    moved = learned(BlockUpdate(), X, np.array([[1.0, 0.0]] * 3), before).atoms
    expected = before.atoms[0] if norm == UnitNorm() else [0.0, 0.0]
    np.testing.assert_array_equal(moved, [expected, [1.0, 0.0]])


class Box(Constraint):
    """Entries of at most a tenth: a constraint that the package does not know."""

    def project(self, atoms, out=None):
        return np.clip(atoms, -0.1, 0.1, out=out)


def test_rare_and_small_codes_count_too():
    X, codes = np.full((1, 3), 0.01), np.array([[0.25, 0.0]])
    before = Dictionary(np.zeros((2, 3)), constraint=Box())
    moved = learned(BlockUpdate(), X, codes, before)
    np.testing.assert_allclose(moved.atoms, [[0.04] * 3, [0.0] * 3])


@pytest.mark.parametrize("cls", [BlockUpdate, MOD])
def test_pending_samples_are_forgotten(batch, cls):
    dictionary = Dictionary(np.eye(6, 5))
    stats = cls().gather(*batch, dictionary, cls().init(dictionary))
    assert cls().step(dictionary, cls().forget(stats))[0] == dictionary


@pytest.mark.parametrize("constraint", [UnitBall(), Box()], ids=repr)
def test_a_long_dictionary_is_corrected_in_order(rng, constraint):
    # More atoms than are corrected between two products with all of them.
    X, codes = rng.standard_normal((90, 3)), rng.standard_normal((90, 70))
    dictionary = Dictionary(rng.standard_normal((70, 3)), constraint=constraint)
    atoms = dictionary.atoms.copy()
    for j in range(70):
        step = codes[:, j] @ (X - codes @ atoms) / (codes[:, j] @ codes[:, j])
        atoms[j] = constraint.project((atoms[j] + step)[None])[0]
    np.testing.assert_allclose(learned(BlockUpdate(), X, codes, dictionary).atoms, atoms, rtol=1e-8)


@pytest.mark.parametrize("cls", [BlockUpdate, MOD])
@pytest.mark.parametrize("forgetting", [0.0, 1.0, 2.5, np.inf])
def test_batches_count_as_written(rng, cls, forgetting):
    update, dictionary = cls(forgetting=forgetting), Dictionary(rng.standard_normal((3, 4)))
    stats, expected = update.init(dictionary), Moments.zeros(dictionary)
    for s in range(1, 4):
        X, codes = rng.standard_normal((10, 4)), rng.standard_normal((10, 3))
        stats = update.update(X, codes, dictionary, stats)[1]
        share = (s / 3) ** forgetting
        expected = expected + Moments.of(X, codes, dictionary).faded(share)
    for got, wanted in zip(stats.past, expected, strict=True):
        np.testing.assert_allclose(got, wanted)


@pytest.mark.parametrize("factor", [0.25, 0.0])
@pytest.mark.parametrize("n_samples", [1, 10])
def test_faded_moments_count_less(rng, factor, n_samples):
    X, codes = rng.standard_normal((n_samples, 4)), rng.standard_normal((n_samples, 3))
    faded = Moments.of(X, codes, Dictionary(rng.standard_normal((3, 4)))).faded(factor)
    np.testing.assert_allclose(faded.second, factor * codes.T @ codes)
    np.testing.assert_allclose(faded.cross, factor * codes.T @ X)
    assert (faded.weight, faded.n_uses) == (n_samples * factor, 3 * n_samples * factor)


@pytest.mark.parametrize("cls", [BlockUpdate, MOD])
@pytest.mark.parametrize(("n_samples", "exponent"), [(2, 1.0), (18, 1.9402), (90, 4.5971)])
def test_forgetting_grows_with_the_uses_of_atoms_for_each_value(rng, cls, n_samples, exponent):
    """The atoms have 60 values."""
    update, dictionary = cls(), Dictionary(rng.standard_normal((3, 20)))
    stats, parts = update.init(dictionary), []
    for _ in range(2):
        X, codes = rng.standard_normal((n_samples, 20)), rng.standard_normal((n_samples, 3))
        codes[: n_samples // 2, 1] = 0
        n_uses = np.count_nonzero(codes)
        weight = np.full(n_samples, 0.01)
        parts.append(Moments.of(X, codes, dictionary, weight))
        stats = update.update(X, codes, dictionary, stats, sample_weight=weight)[1]
    right = max(2.5 * (2 * n_uses / 60) ** 0.4 - 1, 1)
    assert right == pytest.approx(exponent, abs=1e-4)
    expected = parts[0].faded(0.5**right) + parts[1]
    for got, wanted in zip(stats.past, expected, strict=True):
        np.testing.assert_allclose(got, wanted)
    assert stats.n_used == 2 * n_uses and stats.n_seen == pytest.approx(0.02 * n_samples)


@pytest.mark.parametrize("cls", [BlockUpdate, MOD])
def test_a_new_epoch_counts_as_many_samples_as_one_has(rng, cls):
    X, codes = rng.standard_normal((10, 4)), rng.standard_normal((10, 3))
    update, dictionary = cls(), Dictionary(rng.standard_normal((3, 4)))
    stats = update.update(X, codes, dictionary, update.init(dictionary))[1]
    shorter, longer = update.new_epoch(stats, 4.0), update.new_epoch(stats, 30.0)
    assert (shorter.n_seen, shorter.n_used) == pytest.approx((4, 12))
    assert (longer.n_seen, longer.n_used) == (10, 30)
    assert update.new_epoch(update.init(dictionary), 4.0).n_seen == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("forgetting", -1),
        ("forgetting", -1.0),
        ("n_sweeps", 0),
        ("n_sweeps", 10_001),
        ("damping", -0.1),
    ],
)
def test_errors_say_what_to_do(name, value):
    with pytest.raises(ValueError, match=f"{name} is"):
        BlockUpdate(**{name: value}).init(Dictionary(np.eye(2)))


def test_the_most_sweeps_are_taken():
    BlockUpdate(n_sweeps=10_000).init(Dictionary(np.eye(2)))


@pytest.mark.parametrize("n_components", [6, 20_000])
def test_moments_of_no_samples_are_0(n_components):
    atoms = np.ones((n_components, 2))
    second, cross, weight, n_uses = Moments.zeros(Dictionary(atoms))
    assert second.shape == (n_components, n_components) and second.sum() == 0
    np.testing.assert_array_equal(cross, 0 * atoms)
    assert weight == n_uses == 0


@pytest.mark.parametrize("constraint", [Free(), UnitNorm(), NonNegative(Free()), Box()])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_damped_step_minimises_a_fit_that_resists(rng, constraint, dtype):
    """Of one atom: the closed form, with the curvature of a tenth of a use for each entry."""
    X, codes = (
        rng.standard_normal((20, 4)).astype(dtype),
        rng.standard_normal((20, 1)).astype(dtype),
    )
    before = Dictionary(np.abs(rng.standard_normal((1, 4))).astype(dtype), constraint=constraint)
    update = BlockUpdate(damping=0.1)
    after, _ = update.update(X, codes, before, update.init(before))
    square = np.sum(codes**2)
    pull = 0.1 * 4 * square / 20
    minimiser = (codes.T @ X + pull * before.atoms) / (square + pull)
    np.testing.assert_allclose(after.atoms, constraint.project(minimiser), rtol=2e-5, atol=1e-6)


def test_moments_of_nothing_travel_without_their_zeros():
    dictionary = Dictionary.random(40, 50, random_state=0)
    nothing = Moments.zeros(dictionary)
    X, codes = np.ones((3, 50)), np.eye(3, 40)
    some = Moments.of(X, codes, dictionary)
    for moments in (nothing, some):
        again = pickle.loads(pickle.dumps(moments))
        assert type(again) is Moments
        for mine, other in zip(again, moments, strict=True):
            assert np.array_equal(mine, other) and np.asarray(mine).dtype == np.asarray(other).dtype
    assert len(pickle.dumps(nothing)) < 500 < some.cross.nbytes < len(pickle.dumps(some))
