"""The predictor is the formula of the paper, and says which codes it cannot predict."""

import numpy as np
import pytest

from sparsecode import Dictionary
from sparsecode.encoders import PSD
from sparsecode.penalties import L1


def test_is_the_formula_of_the_paper(X, frame, rng):
    dictionary = Dictionary(frame, rng.standard_normal(6))
    params = {name: rng.standard_normal(a.shape) for name, a in PSD().init(dictionary).items()}
    expected = params["gain"] * np.tanh((X - dictionary.offset) @ params["W"] + params["b"])
    codes = PSD().bind(params).encode(X, dictionary)
    np.testing.assert_allclose(codes, expected, atol=1e-14)


def test_starts_at_a_gradient_step_for_small_samples(X, frame):
    small = 1e-4 * X
    codes = PSD().encode(small, frame)
    np.testing.assert_allclose(codes, small @ frame.T / Dictionary(frame).lipschitz, rtol=1e-5)


def test_signed_codes_only(X, frame):
    with pytest.raises(TypeError, match="PSD needs a signed penalty; got L1"):
        PSD(L1(0.1, positive=True)).encode(X, frame)


def test_has_one_layer(X, frame):
    expected = PSD().encode(X, frame)
    np.testing.assert_array_equal(PSD().encode(X, frame, n_layers=1), expected)
    with pytest.raises(ValueError, match="n_layers"):
        PSD().encode(X, frame, n_layers=2)
