"""Gain control drives every coefficient to one variance, and never runs away."""

import numpy as np
import pytest

from sparsecode import Dictionary
from sparsecode.updates import GainControl

PUBLISHED = {"bounds": (0.0, np.inf)}


def test_one_step_is_the_published_rule():
    control = GainControl(goal=0.1, rate=0.25, power=0.02, **PUBLISHED)
    stats = control.init(Dictionary([[2.0, 0.0], [0.0, 1.0]]))
    np.testing.assert_array_equal(stats.variance, [0.1, 0.1])
    np.testing.assert_array_equal(stats.gain, [2, 1])
    stats = control.update(np.array([1.0, 0.05]), stats)
    variance = 0.1 + 0.25 * (np.array([1.0, 0.05]) - 0.1)
    np.testing.assert_allclose(stats.gain, np.array([2, 1]) * (variance / 0.1) ** 0.02)


def test_a_change_of_norm_divides_the_variance_by_its_square():
    """Coefficients times norm stay what they are; without their variance nothing swings."""
    control = GainControl(goal=0.1, rate=0.25, power=0.5, **PUBLISHED)
    before = control.init(Dictionary([[2.0, 0.0], [0.0, 1.0]]))
    mean_squares = np.array([1.0, 0.05])
    after = control.update(mean_squares, before)
    assert (np.abs(after.gain / before.gain - 1) > 0.05).all()
    variance = 0.75 * before.variance + 0.25 * mean_squares
    np.testing.assert_allclose(after.variance * after.gain**2, variance * before.gain**2)


def test_the_variance_of_a_silent_atom_stays_above_zero():
    control = GainControl(goal=0.2, rate=1.0)
    stats = control.update(np.zeros(1), control.init(Dictionary(np.eye(1))))
    assert stats.variance == pytest.approx(0.2e-12, rel=1e-9, abs=0.0)


def test_the_published_rate_is_that_of_a_sample():
    """A batch of alike samples changes the running variance as these do one by one."""
    batch = GainControl(rate=0.01, power=1e-9, per_sample=True, **PUBLISHED)
    stats = batch.init(Dictionary(np.eye(2)))
    mean_squares, expected = np.array([0.3, 0.02]), stats.variance
    for _ in range(100):
        expected = expected + 0.01 * (mean_squares - expected)
    found = batch.update(mean_squares, stats, 100).variance
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    # Of whole batches a share of .01 is far slower.
    slow = GainControl(rate=0.01, power=1e-9, **PUBLISHED).update(mean_squares, stats, 100).variance
    assert (np.abs(slow - 0.1) < 0.02 * np.abs(expected - 0.1)).all()


def test_a_batch_is_one_sample_unless_told():
    control = GainControl(rate=0.25, per_sample=True)
    stats, one = control.init(Dictionary(np.eye(2))), np.ones(2)
    for found, expected in zip(
        control.update(one, stats), control.update(one, stats, 1), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def test_used_atoms_grow_and_silent_ones_shrink():
    control = GainControl(rate=0.1, **PUBLISHED)
    stats = control.init(Dictionary(np.eye(2)))
    grown = control.update(np.array([81.0, 0.0]), stats).gain
    assert grown[0] > 1 > grown[1]


@pytest.mark.parametrize("size", [0.0, 1e-200, 1e100])
def test_norms_stay_in_bounds_and_finite(size):
    control = GainControl(rate=0.5, power=1.0, bounds=(0.5, 2.0))
    stats = control.init(Dictionary(np.eye(2)))
    for _ in range(50):
        stats = control.update(np.full(2, size**2), stats)
        assert (stats.gain >= 0.5).all() and (stats.gain <= 2).all()
        assert np.isfinite(stats.variance).all() and (stats.variance > 0).all()


def test_a_silent_atom_comes_back():
    control = GainControl(rate=0.05, power=0.1)
    stats = control.init(Dictionary(np.eye(1)))
    for _ in range(2000):
        stats = control.update(np.zeros(1), stats)
    for _ in range(2000):
        stats = control.update(np.ones(1), stats)
    assert stats.gain[0] == pytest.approx(control.bounds[1])


def test_reaches_the_goal_where_coefficients_answer_to_the_norm(rng):
    """A coefficient times its atom is given, so its variance is 1 / norm^2."""
    control = GainControl(goal=0.25, rate=0.05, power=0.05, **PUBLISHED)
    stats = control.init(Dictionary(np.eye(3)))
    for _ in range(800):
        codes = rng.standard_normal((50, 3)) / stats.gain
        stats = control.update((codes**2).mean(axis=0), stats)
    np.testing.assert_allclose(stats.gain, 2, rtol=0.1)


@pytest.mark.parametrize(
    ("bounds", "norm"), [((0.5, 2.0), 1.0), ((0.2, 0.8), 0.8), ((1.5, 2.0), 1.5)]
)
def test_replaced_atoms_start_at_the_goal_with_norm_1_or_the_closest(bounds, norm):
    control = GainControl(goal=0.3, rate=0.5, power=0.5, bounds=bounds)
    stats = control.init(Dictionary([[1.9, 0.0], [0.0, 0.3], [1.0, 0.0]]))
    stats = control.update(np.array([0.2, 0.6, 0.3]), stats)
    reset = control.reset(stats, np.array([0, 1]))
    np.testing.assert_array_equal(reset.variance, [0.3, 0.3, stats.variance[2]])
    np.testing.assert_array_equal(reset.gain, [norm, norm, stats.gain[2]])


def test_does_not_change_its_arguments(rng):
    control = GainControl()
    stats = control.init(Dictionary(np.eye(2)))
    mean_squares = rng.uniform(size=2)
    for array in (mean_squares, *stats):
        array.flags.writeable = False
    control.update(mean_squares, stats)


@pytest.mark.parametrize("name", ["goal", "rate", "power"])
@pytest.mark.parametrize("value", [0, -1.0, np.nan])
def test_errors_say_what_to_do(name, value):
    with pytest.raises(ValueError, match=f"{name} is {value}"):
        GainControl(**{name: value}).init(Dictionary(np.eye(2)))


def test_shares_of_more_than_all():
    with pytest.raises(ValueError, match="rate is 2; expected rate > 0 and rate <= 1"):
        GainControl(rate=2).init(Dictionary(np.eye(2)))
    with pytest.raises(ValueError, match="per_sample is 3"):
        GainControl(per_sample=3).init(Dictionary(np.eye(2)))


def test_bounds_may_be_the_same():
    control = GainControl(bounds=(1.0, 1.0))
    stats = control.update(np.array([9.0]), control.init(Dictionary([[2.0]])))
    assert stats.gain.tolist() == [1.0]


@pytest.mark.parametrize("bounds", [(2.0, 1.0), (-1.0, 1.0), (0.0, 0.0), (np.nan, 1.0)])
def test_bad_bounds(bounds):
    with pytest.raises(ValueError, match="bounds of GainControl is"):
        GainControl(bounds=bounds).init(Dictionary(np.eye(2)))
