"""Preparation of patches: contrast normalisation, then whitening."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sparsecode._row_products import panels_to_keep, row_product
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
        return self.function(X.dtype)(X)

    def function(self, dtype):
        """Function that prepares patches of a dtype, which it may change; each row by itself."""
        if self.whitening is None:
            return self._normalised
        mean = self.whitening.mean_.astype(dtype)
        matrix = panels_to_keep(self.whitening.whitening_.astype(dtype))

        def prepare(X):
            X = self._normalised(X)
            X -= mean
            return row_product(X, matrix)

        return prepare

    def _normalised(self, X):
        return X if self.contrast is None else normalise_contrast(X, self.contrast)
