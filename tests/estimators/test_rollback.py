"""A fit that is refused or interrupted early leaves a fitted estimator as it was."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from sparsecode import (
    LISTA,
    ArchetypalAnalysis,
    Dictionary,
    DictionaryLearning,
    DictionaryPairClassifier,
    DiscriminativeKSVD,
    SparseAutoencoder,
    SparseCoder,
    StructuredIncoherenceClassifier,
    TaskDrivenDictionaryLearningClassifier,
    Transcoder,
)
from sparsecode.losses import AutoencoderLoss, KLDivergence
from sparsecode.optimizers import LBFGS

rng = np.random.default_rng(0)
X = rng.standard_normal((60, 6))
DICTIONARY = Dictionary.random(8, 6, random_state=0)
# Checked by the estimator, by `train`, or when what is trained is made.
REFUSED = [
    (SparseAutoencoder(8, alpha=0.1, n_epochs=2, random_state=0), X, {"optimizer": LBFGS()}),
    (
        SparseAutoencoder(8, alpha=0.1, n_epochs=2, random_state=0),
        X,
        {"loss": AutoencoderLoss([KLDivergence()])},
    ),
    (
        SparseAutoencoder(8, alpha=0.1, n_epochs=2, random_state=0),
        X,
        {"loss": AutoencoderLoss(levels=(3, 5))},
    ),
    (LISTA(8, dictionary=DICTIONARY, n_epochs=2, random_state=0), X[:, :3], {}),
    (
        LISTA(8, dictionary=DICTIONARY, n_epochs=2, random_state=0),
        X,
        {"loss": AutoencoderLoss([], (3, 5))},
    ),
    (SparseCoder(DICTIONARY, alpha=0.1), X[:, :3], {}),
]


@pytest.mark.parametrize(("estimator", "samples", "changes"), REFUSED)
def test_a_refused_fit_changes_nothing(estimator, samples, changes):
    estimator.fit(X)
    codes, before = estimator.transform(X), estimator.get_params(deep=False)
    estimator.set_params(**changes)
    with pytest.raises((TypeError, ValueError)):
        estimator.fit(samples)
    estimator.set_params(**{name: before[name] for name in changes})
    np.testing.assert_array_equal(estimator.transform(X), codes)


@pytest.mark.parametrize("estimator", [SparseAutoencoder(8), Transcoder(8)])
def test_a_refused_first_fit_is_none(estimator):
    estimator.set_params(optimizer=LBFGS())
    with pytest.raises(TypeError, match="LBFGS"):
        estimator.fit(X, X)
    with pytest.raises(NotFittedError):
        estimator.transform(X)


# What is called before there is anything of a new model.
EARLY = [
    (ArchetypalAnalysis(2, n_epochs=1), "estimators._archetypes.Archetypes.start"),
    (DictionaryPairClassifier(2, n_epochs=1), "prediction.dictionary_pairs.PairProblem._start"),
    (DiscriminativeKSVD(2, n_epochs=1), "prediction.stacked_ksvd.Stack.start"),
    (
        StructuredIncoherenceClassifier(2, n_epochs=1),
        "prediction.incoherent_classes.IncoherentClasses._coded",
    ),
    (
        TaskDrivenDictionaryLearningClassifier(
            3, n_epochs=1, dictionary=DictionaryLearning(n_epochs=1), lr=0.1
        ),
        "estimators._task_run.fit_linear_model",
    ),
]


@pytest.mark.parametrize(("estimator", "place"), EARLY)
def test_an_interrupt_before_learning_keeps_the_former_model(estimator, place, monkeypatch):
    estimator.fit(X, np.arange(60) % 2)
    codes = estimator.transform(X)

    def interrupted(*given, **named):
        raise KeyboardInterrupt

    monkeypatch.setattr(f"sparsecode.{place}", interrupted)
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(X[:, :5], np.arange(60) % 3)
    np.testing.assert_array_equal(estimator.transform(X), codes)
    if hasattr(estimator, "classes_"):
        assert estimator.classes_.tolist() == [0, 1]
