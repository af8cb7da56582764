"""Learning-rate schedules."""

import numpy as np
import pytest

from sparsecode.schedules import (
    Constant,
    Cosine,
    GeometricDecay,
    InverseTime,
    Linear,
    Step,
    WarmUp,
)


def test_falls_by_a_constant_factor_then_stays():
    rates = np.array([GeometricDecay(5.0, 1.0, 10)(step) for step in range(15)])
    np.testing.assert_allclose(rates[1:11] / rates[:10], 5 ** (-1 / 10))
    assert rates[0] == 5 and (rates[10:] == 1).all()


def test_may_rise_or_be_constant():
    assert GeometricDecay(1.0, 4.0, 2)(1) == pytest.approx(2)
    assert GeometricDecay(2.0, 2.0, 7)(3) == 2


def test_constant_and_step():
    assert {Constant(0.3)(step) for step in (0, 5, 1000)} == {0.3}
    rates = [Step(2.0, 0.5, every=3)(step) for step in range(10)]
    np.testing.assert_allclose(rates, 2.0 * 0.5 ** (np.arange(10) // 3))


def test_inverse_time_is_constant_and_then_falls_as_one_by_the_step():
    rates = [InverseTime(0.6, 3)(step) for step in range(12)]
    np.testing.assert_allclose(rates, 0.6 * np.minimum(1, 3 / np.arange(1, 13)))


def test_cosine():
    schedule = Cosine(3.0, 1.0, 8)
    rates = np.array([schedule(step) for step in range(12)])
    np.testing.assert_allclose(rates[:9], 2 + np.cos(np.pi * np.arange(9) / 8), rtol=1e-14)
    assert (rates[8:] == 1).all()


def test_linear():
    schedule = Linear(1.0, 0.2, n_steps=8, begin=3)
    values = np.array([schedule(step) for step in range(15)])
    np.testing.assert_allclose(values[3:12], np.linspace(1.0, 0.2, 9), rtol=1e-14)
    assert (values[:4] == 1).all() and (values[11:] == 0.2).all()


def test_warm_up_meets_what_follows():
    schedule = WarmUp(Cosine(1.0, 0.0, 10), 5)
    np.testing.assert_allclose([schedule(step) for step in range(5)], np.arange(1, 6) / 5)
    assert [schedule(5 + step) for step in range(12)] == [
        Cosine(1.0, 0.0, 10)(s) for s in range(12)
    ]
    assert WarmUp(0.4, 2)(0) == 0.2 and WarmUp(0.4, 2)(9) == 0.4


@pytest.mark.parametrize(
    "make",
    [
        lambda: Constant(-1.0),
        lambda: Cosine(1.0, 0.0, 0),
        lambda: Linear(1.0, 0.0, 0),
        lambda: Linear(1.0, 0.0, 1, begin=-1),
        lambda: Step(1.0, 0.1, 0),
        lambda: WarmUp(np.nan),
    ],
)
def test_bad_settings(make):
    with pytest.raises(ValueError, match="expected"):
        make()
