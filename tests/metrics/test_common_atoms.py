"""Atoms that are found again, beside random ones."""

import numpy as np
import pytest

from sparsecode import Dictionary
from sparsecode.metrics import stability


def test_share_of_common_atoms(rng):
    first = rng.standard_normal((40, 50))
    other = first[rng.permutation(40)] * rng.choice([-3.0, 1.0], size=(40, 1))
    other[:10] = rng.standard_normal((10, 50))
    found = stability([Dictionary(first), other, first], threshold=0.8, random_state=0)
    np.testing.assert_allclose(found.shares, [0.75, 1, 0.75])
    assert found.share == pytest.approx(2.5 / 3)
    assert found.random_share < 0.05 < found.random_cosine < found.mean_cosine < 1
    assert "found again" in str(found)


def test_random_atoms_of_few_dimensions_look_stable(rng):
    """As do learned ones: that is what the baseline is for."""
    atoms = [rng.standard_normal((60, 2)) @ rng.standard_normal((2, 50)) for _ in range(2)]
    atoms[1] = rng.standard_normal((60, 2)) @ np.linalg.svd(atoms[0])[2][:2]
    found = stability(atoms, random_state=0)
    assert found.share > 0.9 and found.random_share > 0.9


def test_wrong_models_are_refused():
    with pytest.raises(ValueError, match="at least two models"):
        stability([np.eye(3)])
    with pytest.raises(TypeError, match="a list of at least two models"):
        stability("models")
    with pytest.raises(ValueError, match=r"\[2, 3\] features"):
        stability([np.eye(2), np.eye(3)])
