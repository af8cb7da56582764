"""Exact inference as an encoder: codes, and only codes."""

import numpy as np
import pytest
from sklearn.base import clone

from sparsecode import Dictionary
from sparsecode.encoders import Encoder, Exact
from sparsecode.penalties import L1, Cauchy
from sparsecode.solvers import FISTA, ISTA, ConjugateGradient


@pytest.mark.parametrize(
    ("encoder", "solver"),
    [
        (Exact(L1(0.3)), FISTA()),
        (Exact(Cauchy(0.3)), ConjugateGradient()),
        (Exact(L1(0.3), ISTA(tol=1e-3)), ISTA(tol=1e-3)),
    ],
)
def test_codes_are_those_of_the_solver(X, frame, encoder, solver):
    dictionary = Dictionary(frame)
    codes = encoder.encode(X, dictionary)
    assert type(codes) is np.ndarray
    if encoder.solver is not None or isinstance(encoder.penalty, Cauchy):
        expected = solver.solve(X, dictionary, encoder.penalty).codes
        np.testing.assert_array_equal(codes, expected)
    result = encoder.solve(X, dictionary, codes=codes)
    assert result.n_iter.max() <= 5


def test_parameters():
    encoder = Exact(solver=FISTA())
    assert encoder.penalty == L1()
    encoder.set_params(solver__tol=0.5)
    assert clone(encoder).solver.tol == 0.5
    assert clone(encoder) == encoder


def test_the_base_says_what_is_missing(X, frame):
    with pytest.raises(TypeError, match="Encoder does not define encode; every Encoder must"):
        Encoder().encode(X, Dictionary(frame))
