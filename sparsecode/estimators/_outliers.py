"""Samples of huge norm, before an estimator learns from them."""

from __future__ import annotations

import numpy as np

from sparsecode._batches import Batch
from sparsecode.training.norm_outliers import resolve_outliers


class OutlierPolicy:
    """Part of an estimator with the parameter `outliers`.

    What is usual is known from the first samples, also for those of later batches.
    """

    # Whether targets of samples are judged too, by norms of their own.
    _judges_targets = False

    def _without_outliers(self, batch, *, first):
        """A batch as the policy makes it."""
        policy = resolve_outliers(self.outliers)
        if first or not hasattr(self, "n_outliers_"):
            self.n_outliers_, self.outlier_norm_, self._target_norm = 0, None, None
        if policy is None:
            return batch
        if self.outlier_norm_ is None:
            self.outlier_norm_ = policy.limit(batch.X, batch.sample_weight)
            if self._judges_targets:
                self._target_norm = policy.limit(batch.target, batch.sample_weight)
        batch, far = policy.apply(batch, self.outlier_norm_)
        if self._judges_targets:
            turned, wide = Batch(batch.target, batch.sample_weight, batch.X), far
            turned, far = policy.apply(turned, self._target_norm)
            batch, far = Batch(turned.target, turned.sample_weight, turned.X), far | wide
        self.n_outliers_ += int(np.count_nonzero(far))
        return batch
