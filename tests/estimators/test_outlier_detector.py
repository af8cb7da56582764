"""The detector: its scores are objectives, its threshold a share, planted outliers are found."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

from sparsecode import (
    Dictionary,
    DictionaryLearning,
    OlshausenField,
    SparseCoder,
    SparseOutlierDetector,
    certify,
)
from sparsecode.penalties import L1, KSparse
from sparsecode.updates import KSVD


@pytest.fixture
def normal(rng):
    """Samples of two of eight atoms in 16 dimensions."""
    codes = np.zeros((120, 8))
    for row in codes:
        row[rng.choice(8, 2, replace=False)] = rng.uniform(1, 2, 2)
    atoms = np.linalg.qr(rng.standard_normal((16, 8)))[0].T
    return codes @ atoms + 0.02 * rng.standard_normal((120, 16)), Dictionary(atoms)


@pytest.fixture
def strange(rng):
    """Of the same norms, in any direction."""
    X = rng.standard_normal((12, 16))
    return 2.2 * X / np.linalg.norm(X, axis=1, keepdims=True)


def test_scores_are_minus_the_objective(normal):
    X, dictionary = normal
    coder = SparseCoder(dictionary, alpha=0.1)
    detector = SparseOutlierDetector(coder).fit(X)
    expected = certify(X, coder.fit(X).transform(X), dictionary, L1(0.1)).objective
    np.testing.assert_allclose(detector.score_samples(X), -expected)
    np.testing.assert_allclose(coder.score_samples(X), -expected)
    assert coder.score(X) == pytest.approx(-expected.mean())


@pytest.mark.parametrize(
    "estimator",
    [
        DictionaryLearning(8, penalty=KSparse(2), update=KSVD(), replacement=None, random_state=0),
        DictionaryLearning(8, alpha=0.05, random_state=0),
        None,
        OlshausenField(n_components=8, n_epochs=5, random_state=0),
    ],
    ids=["ksvd", "l1", "default", "olshausen-field"],
)
@pytest.mark.needs_jit("learns")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_planted_outliers_are_found(normal, strange, estimator):
    X, _ = normal
    detector = SparseOutlierDetector(estimator, contamination=0.05).fit(X[:90])
    new = np.vstack([X[90:], strange])
    is_strange = np.arange(len(new)) >= 30
    # The others are not made for codes of two atoms.
    least = 0.95 if isinstance(estimator, DictionaryLearning) else 0.75
    assert roc_auc_score(is_strange, -detector.score_samples(new)) > least


@pytest.mark.needs_jit("learns from hundreds of digits")
@pytest.mark.parametrize("usual, strange, least", [(3, 8, 0.85), (4, 9, 0.9), (1, 7, 0.9)])
def test_by_default_few_digits_of_another_kind_are_found(usual, strange, least, rng):
    """With as many atoms as pixels the area for eights among threes was 0.6."""
    X, y = load_digits(return_X_y=True)
    both = np.vstack([X[y == usual], rng.permutation(X[y == strange])[:18]])
    is_strange = np.arange(len(both)) >= len(both) - 18
    scores = SparseOutlierDetector().fit(both).score_samples(both)
    assert roc_auc_score(is_strange, -scores) > least


def test_by_default_the_place_and_the_scale_of_all_samples_do_not_matter(normal):
    X, _ = normal
    expected = SparseOutlierDetector().fit(X).score_samples(X)
    moved = 10 * X - 3
    # Learning may stop an epoch earlier for other roundings.
    np.testing.assert_allclose(
        SparseOutlierDetector().fit(moved).score_samples(moved), 100 * expected, rtol=1e-2
    )


def test_by_default_kinds_of_arrays_do_not_matter(normal, tmp_path):
    X, _ = normal
    X = np.where(np.abs(X) > 0.1, X, 0)
    expected = SparseOutlierDetector().fit(X).score_samples(X)
    np.save(tmp_path / "X.npy", X)
    for same in (np.load(tmp_path / "X.npy", mmap_mode="r"), sparse.csr_array(X)):
        scores = SparseOutlierDetector().fit(same).score_samples(same)
        np.testing.assert_allclose(scores, expected, rtol=1e-6)


@pytest.mark.parametrize("n_same", [3, 20])
def test_by_default_equal_samples_are_no_error(n_same):
    X = np.ones((n_same, 4))
    assert (SparseOutlierDetector().fit(X).predict(X) == 1).all()
    X = np.vstack([X, [[1.0, 1.0, 5.0, 1.0]]])
    scores = SparseOutlierDetector().fit(X).score_samples(X)
    assert scores.argmin() == n_same


def test_contamination_is_the_share_of_outliers(normal, strange):
    X, dictionary = normal
    both = np.vstack([X, strange])
    detector = SparseOutlierDetector(SparseCoder(dictionary, alpha=0.1), contamination=1 / 11)
    predicted = detector.fit_predict(both)
    assert np.array_equal(np.flatnonzero(predicted == -1), np.arange(120, 132))
    decision = detector.decision_function(both)
    assert np.array_equal(predicted, np.where(decision < 0, -1, 1))
    more = SparseOutlierDetector(SparseCoder(dictionary, alpha=0.1), contamination=0.5).fit(both)
    assert np.array_equal(more.score_samples(both), detector.score_samples(both))
    assert (more.predict(both) == -1).sum() == 66


def test_missing_entries_where_the_estimator_takes_them(normal):
    X, dictionary = normal
    X[0, 0] = np.nan
    coder = SparseCoder(dictionary, alpha=0.1, missing="mask")
    assert np.isfinite(SparseOutlierDetector(coder).fit(X).score_samples(X)).all()
    with pytest.raises(ValueError, match="NaN"):
        SparseOutlierDetector(SparseCoder(dictionary)).fit(X)


def test_the_estimator_is_not_modified(normal):
    X, dictionary = normal
    coder = SparseCoder(dictionary)
    detector = SparseOutlierDetector(coder).fit(X)
    assert not hasattr(coder, "dictionary_") and detector.estimator_ is not coder


@pytest.mark.parametrize("contamination", [0, -0.1, 0.6, "auto", None])
def test_refused_contamination(normal, contamination):
    with pytest.raises(ValueError, match="contamination is"):
        SparseOutlierDetector(contamination=contamination).fit(normal[0])


def test_refused_estimator(normal):
    with pytest.raises(TypeError, match=r"estimator is .*expected an instance with fit and score"):
        SparseOutlierDetector(Dictionary(np.eye(16))).fit(normal[0])
