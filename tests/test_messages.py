"""Messages name a value briefly: of arrays they show the shape, not the entries."""

import numpy as np
import pytest
from scipy import sparse

from sparsecode._messages import shown, wrong
from sparsecode.estimators import LISTA
from sparsecode.penalties import L1

LONG = np.ones((40, 30))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (LONG, "an array of shape (40, 30) and dtype float64"),
        ([LONG, 2], "[an array of shape (40, 30) and dtype float64, 2]"),
        (sparse.csr_array(LONG), "a scipy.csr_array of shape (40, 30) and dtype float64"),
        (np.float32(0.5), repr(np.float32(0.5))),
        (np.array(3.0), "array(3.)"),
        (list(range(100)), "[0, 1, 2, 3, 4, 5, ...]"),
        ("abc", "'abc'"),
        (None, "None"),
        (np.ndarray, "<class 'numpy.ndarray'>"),
    ],
)
def test_values(value, text):
    assert shown(value) == text


@pytest.mark.parametrize("value", ["a" * 1000, L1(weights=np.ones(500)), {"a": [LONG] * 50}])
def test_long_values_are_cut(value):
    assert len(shown(value)) < 400


def test_order_of_a_message():
    message = wrong("alpha", got=shown(-1), expected="alpha >= 0", remedy="Raise alpha.")
    assert message == "alpha is -1; expected alpha >= 0. Raise alpha."


def test_arrays_given_as_numbers_are_not_printed():
    with pytest.raises(ValueError, match=r"n_components is an array of shape \(40, 30\)"):
        LISTA(LONG).fit(LONG)
