"""Preparation of patches: contrast normalisation, then whitening."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sparsecode.datasets import ZCAWhitening

# Published for pixels from 0 to 255, whose range is this.
PUBLISHED_CONTRAST, _PUBLISHED_RANGE = 10.0, 255.0


def contrast_of_range(largest_difference):
    """The published regulariser of the variance, for images of another range of values."""
    return PUBLISHED_CONTRAST * (largest_difference / _PUBLISHED_RANGE) ** 2


def normalise_contrast(X, contrast):
    """Subtract from each row its mean and divide it by ``sqrt(variance + contrast)``, in place."""
    X -= X.mean(axis=1, keepdims=True)
    variance = np.einsum("ij,ij->i", X, X) / X.dtype.type(X.shape[1])
    X /= np.sqrt(variance + X.dtype.type(contrast))[:, np.newaxis]
    return X


class Preparation(NamedTuple):
    """What is done to a patch before it is coded.

    `contrast` is the regulariser of the contrast normalisation, or None without it; `whitening` a
    fitted `ZCAWhitening`, or None.
    """

    contrast: float | None
    whitening: ZCAWhitening | None

    def apply(self, X):
        """Prepare patches, which may be changed, as a matrix of the same dtype."""
        if self.contrast is not None:
            X = normalise_contrast(X, self.contrast)
        if self.whitening is None:
            return X
        X -= self.whitening.mean_.astype(X.dtype)
        return X @ self.whitening.whitening_.astype(X.dtype)
