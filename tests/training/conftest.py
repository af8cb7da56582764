"""Samples for small trainable encoders."""

import numpy as np
import pytest

from sparsecode import Dictionary
from sparsecode.constraints import UnitNorm


@pytest.fixture
def dictionary():
    atoms = np.random.default_rng(5).standard_normal((6, 4))
    return Dictionary(atoms, offset=[0.1, 0.0, -0.2, 0.3], constraint=UnitNorm())


@pytest.fixture
def samples(rng, dictionary):
    """Samples with their codes."""
    codes = rng.uniform(size=(90, 6)) * (rng.uniform(size=(90, 6)) < 0.3)
    return codes @ dictionary.atoms + dictionary.offset, codes
