"""A fit that is refused leaves an estimator that was fitted as it was, and others unfitted."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from sparsecode import LISTA, Dictionary, SparseAutoencoder, SparseCoder, Transcoder
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
