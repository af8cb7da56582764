"""Metrics against their definitions on small cases and independent implementations."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import r2_score

from sparsecode import Dictionary
from sparsecode.metrics import atom_recovery, dead_atoms, explained_variance, kurtosis, l0

rng = np.random.default_rng(0)


def test_explained_variance_is_the_variance_weighted_r2():
    X, noise = rng.standard_normal((2, 50, 4))
    expected = r2_score(X, X + 0.3 * noise, multioutput="variance_weighted")
    assert explained_variance(X, X + 0.3 * noise) == pytest.approx(expected)


def test_explained_variance_of_the_mean_and_of_X():
    X = rng.standard_normal((50, 4))
    assert explained_variance(X, np.tile(X.mean(axis=0), (50, 1))) == pytest.approx(0)
    assert explained_variance(X, X) == 1


def test_explained_variance_refuses():
    with pytest.raises(ValueError, match=r"X_hat has shape \(3, 2\); expected \(2, 2\)"):
        explained_variance(np.eye(2), np.ones((3, 2)))
    with pytest.raises(ValueError, match="no variance"):
        explained_variance(np.ones((3, 2)), np.ones((3, 2)))


def test_l0_counts_above_the_threshold():
    codes = np.array([[0.0, -0.5, 2.0], [0.1, 0.0, 0.0]])
    assert l0(codes).tolist() == [2, 1]
    assert l0(codes, threshold=0.5).tolist() == [1, 0]
    with pytest.raises(ValueError, match="threshold"):
        l0(codes, threshold=-1)


def test_kurtosis_of_symmetric_codes_is_the_sample_kurtosis():
    half = rng.laplace(size=(200, 5))
    codes = np.vstack([half, -half])
    assert kurtosis(codes) == pytest.approx(stats.kurtosis(codes, axis=None))
    assert np.isnan(kurtosis(np.zeros((3, 2))))


def test_dead_atoms_are_those_never_active():
    codes = np.array([[0.0, 0.2, 0.0], [0.0, -0.1, 3.0]])
    assert dead_atoms(codes).tolist() == [0]
    assert dead_atoms(codes, threshold=0.2).tolist() == [0, 1]


def test_atom_recovery_is_blind_to_sign_scale_and_order():
    truth = rng.standard_normal((12, 8))
    scales = rng.choice([-1.0, 1.0], 12) * rng.uniform(0.1, 10, 12)
    found = (truth * scales[:, None])[rng.permutation(12)]
    assert atom_recovery(found, Dictionary(truth)) == 1
    # Those that are not there count, those that are there twice count once.
    assert atom_recovery(found[:3], truth) == 3 / 12
    assert atom_recovery(np.vstack([found[:3]] * 3), truth) == 3 / 12


def test_atom_recovery_counts_cosines_above_the_threshold():
    angles = np.arccos([0.995, 0.985])
    found = np.zeros((2, 4))
    found[[0, 1], [0, 1]], found[[0, 1], [2, 3]] = np.cos(angles), np.sin(angles)
    truth = np.eye(2, 4)
    assert atom_recovery(found, truth) == 0.5
    assert atom_recovery(found, truth, threshold=0.98) == 1
    assert atom_recovery(found, truth, threshold=0.996) == 0


def test_atom_recovery_refuses():
    with pytest.raises(ValueError, match="dictionary has 3"):
        atom_recovery(np.eye(3), np.eye(2))
    with pytest.raises(ValueError, match="threshold"):
        atom_recovery(np.eye(2), np.eye(2), threshold=2)
