"""Signals that the tests of several metrics share."""

import pytest

from sparsecode.datasets import make_sparse_signals


@pytest.fixture
def signals():
    return make_sparse_signals(300, 12, 8, n_nonzero=2, snr_db=20, random_state=0)
