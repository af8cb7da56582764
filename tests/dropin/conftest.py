"""What the tests of the drop-in learners share."""

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
