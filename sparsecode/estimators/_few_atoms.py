"""Few atoms of usual samples: what an outlier detector learns by default."""

from __future__ import annotations

import math
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sparsecode._row_blocks import dense_rows
from sparsecode._validation import common_dtype
from sparsecode.dictionary import Dictionary
from sparsecode.estimators.dictionary_learning import DictionaryLearning
from sparsecode.initialization import initial_dictionary, initial_offset

# Weight of l1, relative to the median distance of a sample from the mean.
_ALPHA = 0.5
# Share of the samples with the lowest cost, which the final atoms are learned from.
_KEPT = 0.8
_EPOCHS = 30
# Samples above which learning is online.
_MANY, _BATCH = 10_000, 2048
# Values that are read at a time.
_ENTRIES = 2**17


def learn_few_atoms(X):
    """Learn ``3 sqrt(n_features)`` atoms around the mean by l1, twice: without the costliest fifth.

    Parameters
    ----------
    X : ndarray, memory map or CSR matrix of shape (n_samples, n_features)

    Returns
    -------
    model : DictionaryLearning
    """
    weight = np.ones(X.shape[0])
    model = _learn(X, weight)
    costs = -model.score_samples(X)
    return _learn(X, (costs <= np.quantile(costs, _KEPT)).astype(float))


def _learn(X, weight):
    offset = initial_offset("mean", X, weight)
    n_kept = np.count_nonzero(weight)
    n_components = min(math.ceil(3 * math.sqrt(X.shape[1])), max(n_kept // 2, 1))
    options = {"offset": offset, "sample_weight": weight, "random_state": 0}
    start = initial_dictionary("samples", X, n_components, **options)
    distances = _norms(X, offset)[weight > 0]
    # Most samples may be the same.
    typical = np.median(distances) or distances.mean() or 1.0
    model = DictionaryLearning(
        init=Dictionary(start.atoms, offset),
        alpha=_ALPHA * float(typical),
        n_epochs=_EPOCHS,
        batch_size=_BATCH if X.shape[0] > _MANY else None,
        replacement=None,
        random_state=0,
    )
    with warnings.catch_warnings():
        if not distances.any():
            # Equal samples have no codes, which is as it should be.
            warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, None, sample_weight=weight)


def _norms(X, offset):
    """Distance of each sample from the offset."""
    step = max(_ENTRIES // X.shape[1], 1)
    dtype = common_dtype(X)
    blocks = (dense_rows(X, slice(i, i + step), dtype) for i in range(0, X.shape[0], step))
    return np.concatenate([np.linalg.norm(block - offset, axis=1) for block in blocks])
