"""Random models and the comparison with what their library computes."""

import numpy as np
import pytest
from foreign_models import M, ours, same_checkpoint

from sparsecode.interop import read_checkpoint, write_checkpoint


@pytest.fixture
def random(rng):
    """Draw an array of float32 numbers, or of another type."""

    def draw(*shape, dtype=np.float32):
        return rng.standard_normal(shape).astype(dtype)

    return draw


@pytest.fixture
def agree(rng):
    """Assert that a checkpoint computes what another library does, folded or not."""

    def check(path, reference, *, n_features=M, **settings):
        X = 2 * rng.standard_normal((40, n_features)) + 1
        codes, decoded = reference(X)
        assert 0.05 < (codes > 0).mean() < 0.95
        for fold in (True, False):
            checkpoint = read_checkpoint(path, fold=fold, **settings)
            found, found_decoded = ours(checkpoint, X)
            np.testing.assert_allclose(found, codes, rtol=2e-6, atol=2e-6 * codes.max())
            scale = 2e-6 * np.abs(decoded).max()
            np.testing.assert_allclose(found_decoded, decoded, rtol=2e-6, atol=scale)
        return read_checkpoint(path, **settings)

    return check


@pytest.fixture
def assert_round_trip(tmp_path):
    """Assert that a checkpoint comes back bit by bit, and return what was read."""

    def check(checkpoint, format, *, changed=()):
        folder = tmp_path / "again"
        write_checkpoint(checkpoint, folder, format)
        read = read_checkpoint(folder, fold=False)
        same_checkpoint(read, checkpoint, but=("metadata", *changed))
        return read

    return check
