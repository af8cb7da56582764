"""scikit-learn's own checks of the drop-in estimators, with no expected failure."""

from typing import ClassVar

import numpy as np
import pytest
from scikit_learn_checks import each_check

from sparsecode import dropin
from sparsecode.dropin import DictionaryLearning, MiniBatchDictionaryLearning, SparseCoder

pytestmark = pytest.mark.needs_jit("the checks fit hundreds of times")


class CoderOfRandomAtoms(SparseCoder):
    """A `SparseCoder` that draws a dictionary of the width of the data, as the checks need."""

    _parameter_constraints: ClassVar[dict] = {
        name: allowed
        for name, allowed in SparseCoder._parameter_constraints.items()
        if name != "dictionary"
    }

    def __init__(self, *, transform_algorithm="omp", transform_alpha=None, split_sign=False):
        super().__init__(
            None,
            transform_algorithm=transform_algorithm,
            transform_alpha=transform_alpha,
            split_sign=split_sign,
        )
        del self.dictionary

    def fit(self, X, y=None):
        self.dtype_ = np.float32 if getattr(X, "dtype", None) == np.float32 else np.float64
        return super().fit(X, y)

    @property
    def _atoms(self):
        rng = np.random.default_rng(0)
        return rng.standard_normal((4, self.n_features_in_)).astype(self.dtype_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = True
        return tags


TO_CHECK = {
    "SparseCoder": [
        CoderOfRandomAtoms(),
        CoderOfRandomAtoms(transform_algorithm="lasso_lars", transform_alpha=0.1),
        CoderOfRandomAtoms(transform_algorithm="threshold", split_sign=True),
    ],
    # Settings with which scikit-learn checks its own.
    "DictionaryLearning": [DictionaryLearning(max_iter=20, transform_algorithm="lasso_lars")],
    "MiniBatchDictionaryLearning": [MiniBatchDictionaryLearning(batch_size=10, max_iter=5)],
}


def test_every_estimator_is_checked():
    classes = [name for name in dropin.__all__ if isinstance(getattr(dropin, name), type)]
    assert sorted(TO_CHECK) == sorted(classes)


@each_check([estimator for kinds in TO_CHECK.values() for estimator in kinds])
def test_sklearn(estimator, check):
    check(estimator)
