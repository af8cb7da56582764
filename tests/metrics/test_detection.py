"""Detection of true features by latents, and the summary of a model against a mixture."""

import numpy as np
import pytest
from scipy import sparse

from sparsecode import Dictionary, SparseAutoencoder
from sparsecode.datasets import make_feature_mixture
from sparsecode.encoders import Exact, Thresholding, TopK
from sparsecode.metrics import (
    atom_mcc,
    dead_fraction,
    detection_scores,
    explained_variance,
    l0,
    l2_ratio,
    nearest_atoms,
    recovery_summary,
    uniqueness,
)
from sparsecode.penalties import L1
from sparsecode.solvers import FISTA


@pytest.fixture
def codes_and_truth(rng):
    truth = np.where(rng.random((500, 7)) < 0.3, rng.random((500, 7)) + 0.1, 0)
    truth[:, 3] = 0
    features = np.array([2, 0, 2, 3, 6])
    codes = np.where(rng.random((500, 5)) < 0.1, 0, truth[:, features])
    codes += np.where(rng.random((500, 5)) < 0.1, -0.5, 0)
    codes[:, 1] = 0
    return codes, truth, features


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array, sparse.csr_matrix])
def test_scores_are_those_of_scikit_learn(codes_and_truth, kind):
    from sklearn.metrics import precision_recall_fscore_support

    codes, truth, features = codes_and_truth
    expected = precision_recall_fscore_support(
        truth[:, features] != 0, np.abs(codes) > 0.2, zero_division=0
    )
    scores = detection_scores(kind(codes), kind(truth), features, threshold=0.2)
    for one, other in zip(scores[:3], expected[:3], strict=True):
        np.testing.assert_allclose(one, other)
    np.testing.assert_array_equal(scores.features, features)
    assert scores.f1[1] == scores.precision[1] == scores.f1[3] == 0
    assert scores.mean().f1 == pytest.approx(expected[2].mean())


def test_scores_do_not_depend_on_blocks(codes_and_truth, monkeypatch):
    codes, truth, features = codes_and_truth
    whole = detection_scores(codes, truth, features)
    monkeypatch.setattr("sparsecode.metrics.detection._ENTRIES", 50)
    np.testing.assert_array_equal(detection_scores(codes, truth, features).f1, whole.f1)
    perfect = detection_scores(truth, truth)
    np.testing.assert_array_equal(perfect.f1, truth.any(axis=0).astype(float))


def test_entries_that_a_matrix_stores_twice_count_once():
    values = np.array([1.0, 2.0, 1.0, -1.0])
    twice = sparse.csr_array((values, [1, 1, 0, 0], [0, 2, 4]), shape=(2, 2))
    scores = detection_scores(twice, [[0.0, 1.0], [0.0, 1e-300]])
    np.testing.assert_array_equal(scores.precision, [0, 1])
    np.testing.assert_array_equal(scores.recall, [0, 0.5])
    np.testing.assert_array_equal(twice.data, [1, 2, 1, -1])


def test_nearest_atoms(rng, monkeypatch):
    truth = rng.standard_normal((6, 20))
    atoms = truth[[4, 4, 0]] * [[-2.0], [1.0], [3.0]] + 0.1 * rng.standard_normal((3, 20))
    assert nearest_atoms(atoms, Dictionary(truth)).tolist() == [4, 4, 0]
    assert uniqueness(Dictionary(atoms), truth) == pytest.approx(2 / 3)
    monkeypatch.setattr("sparsecode.metrics.detection._ENTRIES", 7)
    assert nearest_atoms(atoms, truth).tolist() == [4, 4, 0]


def test_wrong_arrays_are_refused():
    with pytest.raises(ValueError, match="truth has 3; expected the same number"):
        detection_scores(np.ones((2, 2)), np.ones((3, 2)))
    with pytest.raises(ValueError, match="Give nearest_atoms"):
        detection_scores(np.ones((2, 2)), np.ones((2, 3)))
    for features in ([0, 3], [0], [0.0, 1.0], [-1, 0]):
        with pytest.raises(ValueError, match="2 indices from 0 to 2"):
            detection_scores(np.ones((2, 2)), np.ones((2, 3)), features)
    with pytest.raises(ValueError, match="dictionary has 3 columns"):
        nearest_atoms(np.eye(3), np.eye(2))


@pytest.fixture(scope="module")
def mixture():
    return make_feature_mixture(
        n_components=60, n_features=24, n_roots=0, rates=(0.02, 0.1), random_state=0,
        dtype=np.float64,
    )  # fmt: skip


def test_summary_of_an_encoder_has_the_measures_of_its_codes(mixture):
    rng = np.random.default_rng(0)
    dictionary = Dictionary(mixture.atoms[:40] + 0.1 * rng.standard_normal((40, 24)), np.ones(24))
    encoder = Thresholding(L1(1.0))
    found = recovery_summary(encoder, mixture, dictionary=dictionary, n_samples=2500)
    X, truth = mixture.sample(2500, random_state=0)
    codes, X_hat = encoder.encode(X, dictionary), None
    X_hat = dictionary.decode(codes)
    scores = detection_scores(codes, truth, nearest_atoms(dictionary, mixture))
    assert found.f1 == pytest.approx(scores.mean().f1)
    np.testing.assert_array_equal(found.latents.f1, scores.f1)
    assert found.explained_variance == pytest.approx(explained_variance(X, X_hat))
    assert found.l2_ratio == pytest.approx(l2_ratio(X, X_hat))
    assert found.l0 == pytest.approx(l0(codes).mean())
    assert found.dead_fraction == dead_fraction(codes)
    assert found.mcc == pytest.approx(atom_mcc(dictionary, mixture) * 60 / 40)
    assert found.uniqueness == uniqueness(dictionary, mixture)
    assert "F1 " in str(found) and str(found).endswith("2,500")


def test_exact_codes_on_the_true_dictionary_find_the_features(mixture):
    truth = Dictionary(mixture.atoms, mixture.offset)
    exact = Exact(L1(0.5, positive=True), FISTA())
    best = recovery_summary(exact, mixture, dictionary=truth, n_samples=500, threshold=1.0)
    assert best.f1 > 0.9 and best.mcc == best.uniqueness == 1
    random = Dictionary.random(60, 24, random_state=0)
    assert recovery_summary(exact, mixture, dictionary=random, n_samples=500).f1 < 0.5


def test_summary_of_an_estimator(mixture):
    model = SparseAutoencoder(30, encoder=TopK(k=3), sparse_output=True, random_state=0)
    model.fit(mixture.batches(256, n_batches=30, random_state=0))
    found = recovery_summary(model, mixture, n_samples=3000, random_state=1)
    assert found.l0 == pytest.approx(3, abs=0.1) and 0 < found.f1 < 1
    with pytest.raises(ValueError, match="has 24 features but the mixture has 128"):
        recovery_summary(model, make_feature_mixture("1k", n_steps=0), n_samples=10)
    for wrong in (SparseAutoencoder(30), Thresholding(L1(1.0)), None):
        with pytest.raises(TypeError, match="expected a fitted estimator"):
            recovery_summary(wrong, mixture, n_samples=10)
