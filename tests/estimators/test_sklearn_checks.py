"""scikit-learn's own checks of every public estimator, with no expected failure."""

import numpy as np
import pytest
from scikit_learn_checks import each_check
from scipy.sparse import issparse

from sparsecode import (
    LISTA,
    ArchetypalAnalysis,
    Dictionary,
    DictionaryLearning,
    DictionaryPairClassifier,
    DiscriminativeKSVD,
    LabelConsistentKSVD,
    OlshausenField,
    PatchFeatures,
    PoissonDictionaryLearning,
    SparseAutoencoder,
    SparseCoder,
    SparseOutlierDetector,
    SparseRepresentationClassifier,
    StructuredIncoherenceClassifier,
    TaskDrivenDictionaryLearningClassifier,
    TaskDrivenDictionaryLearningRegressor,
    Transcoder,
    estimators,
)
from sparsecode.optimizers import Adam

pytestmark = pytest.mark.needs_jit("the checks fit hundreds of times")


class CoderOfRandomAtoms(SparseCoder):
    """A `SparseCoder` that draws a dictionary of the width of the data, as the checks need."""

    def __init__(self, *, alpha=0.1, solver=None, n_jobs=None):
        super().__init__(None, alpha=alpha, solver=solver, n_jobs=n_jobs)

    def fit(self, X, y=None):
        array = X if issparse(X) else np.asarray(X)
        width = array.shape[1] if array.ndim == 2 and array.shape[1] else 1
        dtype = np.float32 if array.dtype == np.float32 else np.float64
        self.dictionary = Dictionary.random(4, width, random_state=0, dtype=dtype)
        try:
            return super().fit(X, y)
        finally:
            del self.dictionary


class FeaturesOfRows(PatchFeatures):
    """`PatchFeatures` that take each sample as an image of one row."""

    # After `fit` the shape of its images counts.
    image_shape = None

    def __init__(self, n_components=3, *, random_state=0, n_jobs=None):
        super().__init__(
            n_components,
            patch_size=1,
            dictionary="patches",
            contrast=None,
            whitening=None,
            levels=1,
            random_state=random_state,
            n_jobs=n_jobs,
        )

    def fit(self, X, y=None):
        shape = X.shape if issparse(X) else np.asarray(X).shape
        self.image_shape = (1, max(shape[1], 1)) if len(shape) == 2 else None
        try:
            return super().fit(X, y)
        finally:
            del self.image_shape


TO_CHECK = {
    "SparseCoder": CoderOfRandomAtoms(),
    "DictionaryLearning": DictionaryLearning(n_components=3, alpha=0.1, n_epochs=3),
    "PatchFeatures": FeaturesOfRows(),
    "PoissonDictionaryLearning": PoissonDictionaryLearning(2, alpha=0.1, n_epochs=3),
    "ArchetypalAnalysis": ArchetypalAnalysis(2, n_epochs=3),
    "OlshausenField": OlshausenField(n_epochs=2),
    "DictionaryPairClassifier": DictionaryPairClassifier(),
    "DiscriminativeKSVD": DiscriminativeKSVD(n_epochs=3),
    "LabelConsistentKSVD": LabelConsistentKSVD(n_epochs=3),
    "LISTA": LISTA(n_components=3, n_layers=3, alpha=0.1, n_epochs=3),
    "SparseAutoencoder": SparseAutoencoder(n_components=3, alpha=0.1, n_epochs=3),
    "SparseOutlierDetector": SparseOutlierDetector(),
    "SparseRepresentationClassifier": SparseRepresentationClassifier(),
    "StructuredIncoherenceClassifier": StructuredIncoherenceClassifier(n_epochs=3),
    "TaskDrivenDictionaryLearningClassifier": TaskDrivenDictionaryLearningClassifier(n_epochs=5),
    "TaskDrivenDictionaryLearningRegressor": TaskDrivenDictionaryLearningRegressor(n_epochs=5),
    "Transcoder": Transcoder(n_components=3, skip=True, optimizer=Adam(0.1), n_epochs=30),
}


def test_every_estimator_is_checked():
    assert sorted(TO_CHECK) == sorted(estimators.__all__)


# The checks give it data of any scale.
@pytest.mark.filterwarnings("ignore:X has a root mean square")
@pytest.mark.filterwarnings("ignore:X has a mean of")
# Three epochs on a few random samples need not lower the loss.
@pytest.mark.filterwarnings("ignore:Training raised the loss")
@pytest.mark.filterwarnings("ignore:Training raised the cost")
# Some have samples that are all weaker than the weight of the penalty.
@pytest.mark.filterwarnings("ignore:Every code is zero")
@each_check(list(TO_CHECK.values()))
def test_sklearn(estimator, check):
    check(estimator)
