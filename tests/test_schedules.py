"""Learning-rate schedules."""

import numpy as np
import pytest

from sparsecode.schedules import GeometricDecay


def test_falls_by_a_constant_factor_then_stays():
    rates = np.array([GeometricDecay(5.0, 1.0, 10)(step) for step in range(15)])
    np.testing.assert_allclose(rates[1:11] / rates[:10], 5 ** (-1 / 10))
    assert rates[0] == 5 and (rates[10:] == 1).all()


def test_may_rise_or_be_constant():
    assert GeometricDecay(1.0, 4.0, 2)(1) == pytest.approx(2)
    assert GeometricDecay(2.0, 2.0, 7)(3) == 2
