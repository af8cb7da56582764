"""Scores of samples in Dask collections."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np

from sparsecode.distributed._samples import checked_samples
from sparsecode.distributed._tasks import map_rows
from sparsecode.distributed.coding import predict


def score_samples(estimator: Any, X: Any) -> Any:
    """Scores of the samples of a Dask collection."""
    return map_rows(estimator, "score_samples", checked_samples(estimator, X), np.empty(0))


def score(estimator: Any, X: Any, y: Any = None) -> Any:
    """Mean score of the samples of a Dask collection, a Dask array without dimensions."""
    return estimator.score_samples(X).mean()


def coefficient_of_determination(estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> Any:
    """Coefficient of determination of the predictions for a Dask collection, mean of the targets.

    Like that of scikit-learn, a target that never varies counts 1 if it is met and 0 otherwise.
    """
    predicted = predict(estimator, X)
    y = da.asarray(y).astype(np.float64)
    if y.ndim == 1 and predicted.ndim == 2:
        y = y[:, None]
    weight = da.ones_like(y) if sample_weight is None else da.asarray(sample_weight)
    weight = weight.reshape(-1, *[1] * (y.ndim - 1)) if weight.ndim != y.ndim else weight
    center = (weight * y).sum(axis=0) / da.broadcast_to(weight, y.shape).sum(axis=0)
    missed = (weight * (y - predicted) ** 2).sum(axis=0)
    varied = (weight * (y - center) ** 2).sum(axis=0)
    share = 1 - missed / da.where(varied == 0, 1, varied)
    return da.where(varied == 0, (missed == 0).astype(float), share).mean()
