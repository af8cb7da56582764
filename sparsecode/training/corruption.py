"""Noise for the inputs of denoising autoencoders; the clean samples stay the targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from sparsecode._parameters import Parameterized
from sparsecode._typing import MatrixLike
from sparsecode._validation import check_number

# Last word of the seed of a batch. It is not 0, because zeros at the end of a seed are ignored.
_CORRUPTION = 1


@dataclass
class GaussianNoise(Parameterized, BaseEstimator):
    """Gaussian noise, added independently to every entry of the samples.

    Parameters
    ----------
    scale : float, default=0.1
        Standard deviation, in the units of the samples.

    References
    ----------
    P. Vincent, H. Larochelle, I. Lajoie, Y. Bengio and P.-A. Manzagol, "Stacked denoising
    autoencoders: learning useful representations in a deep network with a local denoising
    criterion", 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.training import GaussianNoise
    >>> GaussianNoise(0.5)(np.zeros((1, 2)), np.random.default_rng(0)).round(2)
    array([[ 0.06, -0.07]])
    """

    scale: float = 0.1

    def __call__(self, X: MatrixLike, rng: np.random.Generator) -> Any:
        """Corrupted copy of samples of shape (n_samples, n_features)."""
        scale = check_number(self.scale, "scale", low=0)
        noise = rng.standard_normal(X.shape, dtype=X.dtype)
        noise *= X.dtype.type(scale)
        noise += X
        return noise


@dataclass
class MaskingNoise(Parameterized, BaseEstimator):
    """Masking noise: sets each entry to 0 with the same probability.

    Parameters
    ----------
    probability : float, default=0.25

    References
    ----------
    P. Vincent, H. Larochelle, Y. Bengio and P.-A. Manzagol, "Extracting and composing robust
    features with denoising autoencoders", 2008.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.training import MaskingNoise
    >>> MaskingNoise(0.5)(np.ones((1, 4)), np.random.default_rng(0))
    array([[1., 0., 0., 0.]])
    """

    probability: float = 0.25

    def __call__(self, X: MatrixLike, rng: np.random.Generator) -> Any:
        """Corrupted copy of samples of shape (n_samples, n_features)."""
        probability = check_number(self.probability, "probability", low=0, high=1)
        return X * (rng.random(X.shape, dtype=X.dtype) >= probability)


@dataclass
class SaltAndPepper(Parameterized, BaseEstimator):
    """Salt-and-pepper noise: sets entries to the smallest or the largest value of the batch.

    Parameters
    ----------
    probability : float, default=0.25
        Probability that an entry is changed. The smallest and the largest value are equally likely.

    References
    ----------
    P. Vincent, H. Larochelle, I. Lajoie, Y. Bengio and P.-A. Manzagol, "Stacked denoising
    autoencoders: learning useful representations in a deep network with a local denoising
    criterion", 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.training import SaltAndPepper
    >>> SaltAndPepper(0.5)(np.array([[1.0, 2.0, 2.0, 3.0]]), np.random.default_rng(0))
    array([[1., 3., 1., 1.]])
    """

    probability: float = 0.25

    def __call__(self, X: MatrixLike, rng: np.random.Generator) -> Any:
        """Corrupted copy of samples of shape (n_samples, n_features)."""
        probability = check_number(self.probability, "probability", low=0, high=1)
        draws, noisy = rng.random(X.shape, dtype=X.dtype), np.array(X)
        noisy[draws < probability] = X.max()
        noisy[draws < probability / 2] = X.min()
        return noisy


def corrupted(X: MatrixLike, corrupt: Any, seed: int) -> Any:
    """Return a corrupted copy of a batch, the same for the same seed; the batch is not changed."""
    X = X.view()
    X.flags.writeable = False
    noisy = np.asarray(corrupt(X, np.random.default_rng((*seed, _CORRUPTION))), dtype=X.dtype)
    if noisy.shape != X.shape:
        raise ValueError(
            f"corrupt returned shape {noisy.shape} for samples of shape {X.shape}; expected the "
            "same. Return a corrupted copy of the batch."
        )
    return noisy
