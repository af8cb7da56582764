"""Restoration of a signal patch by patch: remove means, code patches, average overlaps."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sparsecode.datasets import Patches
from sparsecode.solvers import OMP

# Largest number of values of patches in memory at a time.
_MOST_VALUES = 2**22


def patches_of(array, patch_size, step=1):
    """Patches of an array with an axis of channels; NaN is a missing value."""
    return Patches(array, patch_size, step=step, missing=True)


def restored_slabs(patches, restore):
    """Sum of the restored patches over each element, and their number, slab by slab.

    Parameters
    ----------
    patches : Patches
    restore : callable
        Function of patches (n_patches, n_features) that returns an array of the same shape.

    Yields
    ------
    slab : slice
        Of the first axis.
    total : ndarray
        float64.
    cover : ndarray
        Its channels have length 1.
    """
    blocks = patches.blocks(max(1, _MOST_VALUES // patches.shape[1]))
    for slab, total in patches._grid.sums(map(restore, blocks)):
        yield slab, total, patches._grid.coverage(slab.start, slab.stop)


def average_patches(array, patch_size, restore, *, step=1):
    """Sum of the restored patches over each element, and their number, as whole arrays.

    The array has an axis of channels.
    """
    slabs = restored_slabs(patches_of(array, patch_size, step), restore)
    totals, covers = zip(*((total, cover) for _, total, cover in slabs), strict=True)
    return np.concatenate(totals), np.concatenate(covers)


def without_means(X, n_channels):
    """Subtract from each patch the mean of its observed values in each channel; return both.

    The means have the shape of the patches. NaN is a missing value, and stays NaN.
    """
    X = X.reshape(len(X), -1, n_channels)
    n_observed = np.maximum(np.count_nonzero(~np.isnan(X), axis=1, keepdims=True), 1)
    means = np.nansum(X, axis=1, keepdims=True) / n_observed.astype(X.dtype)
    shape = (len(X), -1)
    return (X - means).reshape(shape), np.broadcast_to(means, X.shape).reshape(shape)


@dataclass
class PatchCoder(OMP):
    """`OMP` that counts the patches that miss their error, instead of a warning at each call."""

    def __post_init__(self):
        self.forget()

    def forget(self):
        """Reset the counts to 0."""
        self.n_missed = self.n_coded = 0

    def solve(self, X, dictionary, penalty, **options):
        result = super().solve(X, dictionary, penalty, **options)
        self.n_coded += len(result.converged)
        return result

    def decode(self, X, dictionary, penalty, n_channels, *, missing=False, n_jobs=None):
        """Patches rebuilt from their codes in float32, with their means put back."""
        X, means = without_means(X, n_channels)
        options = {"missing": missing, "sparse_output": True, "n_jobs": n_jobs}
        codes = self.solve(X.astype(np.float32, copy=False), dictionary, penalty, **options).codes
        return dictionary.decode(codes) + means

    def warn_of_missed(self, function, remedy):
        """Warn once if any patch missed its error; the message names the public `function`.

        Call it from that function itself, so that the warning points at the caller's line.
        """
        if self.n_missed > 0:
            warnings.warn(
                f"{function}: {self.n_missed} of {self.n_coded} patches have a larger error than "
                f"allowed, and no other atom reduces it. {remedy}",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _warn(self, problem, stop, n_samples, may_go_on):
        self.n_missed += len(stop)
