"""What the tests of the drop-in learners share."""

import inspect

import numpy as np
import pytest

from sparsecode.datasets import make_sparse_signals


@pytest.fixture
def draw():
    """Draw signals of 3 of 12 atoms each, with noise, shape (120, 8)."""

    def signals(seed):
        return make_sparse_signals(
            120, n_components=12, n_features=8, n_nonzero=3, snr_db=30, random_state=seed
        ).X

    return signals


@pytest.fixture
def signals(draw):
    return draw(0)


@pytest.fixture
def lasso():
    """The objective that learners minimise."""

    def value(X, codes, atoms, alpha):
        return 0.5 * np.sum((X - codes @ atoms) ** 2) + alpha * np.abs(codes).sum()

    return value


@pytest.fixture
def plain_signature():
    """Function that returns a signature without annotations, which scikit-learn has not."""

    def signature(function):
        found = inspect.signature(function)
        empty = inspect.Parameter.empty
        parameters = [p.replace(annotation=empty) for p in found.parameters.values()]
        return found.replace(parameters=parameters, return_annotation=inspect.Signature.empty)

    return signature
