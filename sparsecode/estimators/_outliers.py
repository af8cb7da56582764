"""Outliers by norm, removed or clipped before an estimator learns from a batch."""

from __future__ import annotations

import numpy as np

from sparsecode._batches import Batch
from sparsecode.training.norm_outliers import MOST


def without_outliers(estimator, policy, batch, *, first, judges_targets=False):
    """Apply an outlier policy to a batch, and count the changed samples in the estimator.

    The limit is estimated from the first samples, and also used for later batches.

    Parameters
    ----------
    estimator : estimator
        Estimator that gets `n_outliers_` and `outlier_norm_`.
    policy : NormOutliers or None
    batch : Batch
    first : bool
        Whether it is the first batch of a fit.
    judges_targets : bool, default=False
        Whether targets are checked too, with a separate limit.

    Returns
    -------
    batch : Batch
    """
    if first or not hasattr(estimator, "n_outliers_"):
        estimator.n_outliers_, estimator.outlier_norm_, estimator._target_norm = 0, None, None
    if policy is None:
        return batch
    if estimator.outlier_norm_ is None:
        estimator.outlier_norm_ = _limit(policy, batch)
        if judges_targets:
            estimator._target_norm = _limit(policy, Batch(batch.target, batch.sample_weight))
    batch, far = policy.apply(batch, estimator.outlier_norm_)
    if judges_targets:
        turned, wide = Batch(batch.target, batch.sample_weight, batch.X), far
        turned, far = policy.apply(turned, estimator._target_norm)
        batch, far = Batch(turned.target, turned.sample_weight, turned.X), far | wide
    estimator.n_outliers_ += int(np.count_nonzero(far))
    return batch


def _limit(policy, batch):
    """Largest norm that is not an outlier; of a Dask array from some rows in memory."""
    X, weight, _ = batch.limited(np.random.default_rng(0), MOST)
    return policy.limit(X, weight)
