"""The gradient step: a true gradient, projected, with the learning rate of its step."""

import numpy as np
import pytest

from sparsecode import Dictionary
from sparsecode.constraints import NonNegative, UnitNorm
from sparsecode.testing import gradcheck
from sparsecode.updates import GainControl, GradientUpdate


@pytest.fixture
def batch(rng):
    return rng.standard_normal((10, 4)), rng.standard_normal((10, 6))


def step(update, batch, dictionary):
    return update.update(*batch, dictionary, update.init(dictionary))


def test_is_minus_the_gradient_of_the_mean_error(batch, rng):
    X, codes = batch
    offset = rng.standard_normal(4)

    def loss(atoms):
        return 0.5 * ((X - offset - codes @ atoms) ** 2).sum() / len(X)

    def backward(upstream, atoms):
        moved, _ = step(GradientUpdate(lr=1.0), batch, Dictionary(atoms, offset))
        return upstream * (atoms - moved.atoms)

    assert gradcheck(loss, backward, rng.standard_normal((6, 4))) < 1e-6


def test_lowers_the_error(batch, rng):
    X, codes = batch
    dictionary = Dictionary(rng.standard_normal((6, 4)))
    moved, _ = step(GradientUpdate(lr=0.1), batch, dictionary)
    error = [np.sum(d.residual(X, codes) ** 2) for d in (dictionary, moved)]
    assert error[1] < error[0]


@pytest.mark.parametrize("constraint", [UnitNorm(), NonNegative()], ids=repr)
def test_stays_in_the_constraint(batch, rng, constraint):
    dictionary = Dictionary(rng.standard_normal((6, 4)), constraint=constraint)
    moved, _ = step(GradientUpdate(lr=0.5), batch, dictionary)
    np.testing.assert_allclose(moved.norms, 1)
    assert moved.constraint == constraint
    assert (moved.atoms >= 0).all() or constraint == UnitNorm()


def test_schedule_sees_the_steps(batch, rng):
    seen = []

    def lr(n_steps):
        seen.append(n_steps)
        return 0.0

    dictionary = Dictionary(rng.standard_normal((6, 4)))
    update = GradientUpdate(lr=lr)
    stats = update.init(dictionary)
    for _ in range(3):
        moved, stats = update.update(*batch, dictionary, stats)
        assert moved == dictionary
    assert seen == [0, 1, 2] and stats.n_steps == 3


def test_gain_control_sets_the_norms(batch, rng):
    control = GainControl(rate=0.5, power=0.5, bounds=(0.1, 10.0))
    dictionary = Dictionary.random(6, 4, random_state=0)
    dictionary = Dictionary(dictionary.atoms)
    update = GradientUpdate(lr=0.3, gain_control=control)
    moved, stats = step(update, batch, dictionary)
    np.testing.assert_allclose(moved.norms, stats.gain.gain)
    expected = control.update((batch[1] ** 2).mean(axis=0), control.init(dictionary), 10)
    np.testing.assert_allclose(stats.gain.gain, expected.gain)
    np.testing.assert_allclose(stats.gain.variance, expected.variance)
    plain, _ = step(GradientUpdate(lr=0.3), batch, dictionary)
    assert (moved.match(plain).cosines > 1 - 1e-12).all()


def test_gain_control_leaves_an_atom_of_zeros(batch):
    dictionary = Dictionary(np.zeros((1, 4)))
    update = GradientUpdate(lr=0.3, gain_control=GainControl())
    moved, _ = step(update, (batch[0], np.zeros((10, 1))), dictionary)
    assert moved == dictionary


def test_float32_and_arguments(batch, rng):
    X, codes = (array.astype(np.float32) for array in batch)
    X.flags.writeable = codes.flags.writeable = False
    dictionary = Dictionary(rng.standard_normal((6, 4)).astype(np.float32))
    before = dictionary.atoms.copy()
    moved, _ = step(GradientUpdate(gain_control=GainControl()), (X, codes), dictionary)
    assert moved.dtype == np.float32
    np.testing.assert_array_equal(dictionary.atoms, before)


@pytest.mark.parametrize("lr", [-1.0, np.nan, "fast"])
def test_errors_say_what_to_do(lr):
    with pytest.raises(ValueError, match="lr is"):
        GradientUpdate(lr=lr).init(Dictionary(np.eye(2)))
