"""How much atoms are used, on small cases."""

import numpy as np
import pytest

from sparsecode import Dictionary
from sparsecode.constraints import NonNegative
from sparsecode.metrics import dead_atoms, sort_atoms, usage


def test_dead_atoms_are_those_never_active():
    codes = np.array([[0.0, 0.2, 0.0], [0.0, -0.1, 3.0]])
    assert dead_atoms(codes).tolist() == [0]
    assert dead_atoms(codes, threshold=0.2).tolist() == [0, 1]


def test_usage_is_a_share_and_a_mean_of_the_active():
    codes = np.array([[0.0, -2.0, 0.1], [0.0, 1.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 0.0]])
    share, magnitude = usage(codes)
    np.testing.assert_allclose(share, [0, 0.75, 0.25])
    np.testing.assert_allclose(magnitude, [0, 2.0, 0.1])
    np.testing.assert_allclose(share * magnitude, np.abs(codes).mean(axis=0))
    assert usage(codes, threshold=0.1).share[2] == 0


def test_sorted_atoms_reconstruct_the_same(signals):
    _, codes, atoms = signals
    atoms = atoms * np.arange(1, 13)[:, None]
    energy = (codes**2).mean(axis=0) * (atoms**2).sum(axis=1)
    expected = {"usage": -np.count_nonzero(codes, axis=0), "energy": -energy}
    for by, key in expected.items():
        dictionary, order = sort_atoms(atoms, codes, by=by)
        np.testing.assert_array_equal(order, np.argsort(key, kind="stable"))
        np.testing.assert_allclose(dictionary.decode(codes[:, order]), codes @ atoms)
    given = Dictionary(np.abs(atoms), np.ones(8), NonNegative())
    again = sort_atoms(given, codes)[0]
    assert again.constraint == given.constraint and (again.offset == given.offset).all()
    with pytest.raises(ValueError, match="by is 'size'; expected one of 'usage', 'energy'"):
        sort_atoms(atoms, codes, by="size")
    with pytest.raises(ValueError, match="codes has shape"):
        sort_atoms(atoms[:3], codes)
