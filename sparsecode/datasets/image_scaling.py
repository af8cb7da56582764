"""Scaling of images that are whitened already: one shift and one factor for all."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sparsecode._parameters import Parameterized

from .._validation import check_number
from ._image import check_images, like_given


class ImageScaling(Parameterized, TransformerMixin, BaseEstimator):
    """Bring images that are whitened already to mean 0 and a common variance.

    All images are shifted by one number and multiplied by one factor, so that their contrasts stay
    as they are to each other. Photographs need `OlshausenFieldWhitening` instead.

    Parameters
    ----------
    variance : float, default=0.1
        Variance of all pixels of the scaled images of `fit`: that of Olshausen and Field.

    Attributes
    ----------
    mean_ : float
        Mean of all pixels of the images of `fit`.
    scale_ : float
        The common factor.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.datasets import ImageScaling
    >>> images = 3 + 2 * np.random.default_rng(0).standard_normal((4, 32, 32))
    >>> scaling = ImageScaling()
    >>> scaled = scaling.fit_transform(images)
    >>> print(f"{scaled.mean():.3f} {scaled.var():.3f}")
    0.000 0.100
    >>> bool(np.allclose(scaling.inverse_transform(scaled), images))
    True
    """

    mean_: float
    scale_: float

    def __init__(self, *, variance: float = 0.1) -> None:
        self.variance = variance

    def fit(self, images: ArrayLike, y: Any = None) -> Self:
        """Fit the shift and the factor.

        Parameters
        ----------
        images : list of arrays (height, width), or array
            Grey images of any sizes; an array is one image, or a stack along the first axis.
        y : None
            Ignored.

        Returns
        -------
        self : ImageScaling

        Raises
        ------
        ValueError
            If all pixels are equal or have no finite variance, or an image is not 2-D.
        """
        check_number(self.variance, "variance", low=0, low_open=True)
        images = check_images(images, colour=False)
        with np.errstate(over="ignore", invalid="ignore"):
            pixels = np.concatenate([image.ravel() for image in images]).astype(np.float64)
            mean, deviation = float(pixels.mean()), float(pixels.std())
        if not deviation > 0 or not np.isfinite(deviation):
            raise ValueError(
                f"the images have a standard deviation of {deviation:g}, which cannot be scaled to "
                f"variance {self.variance:g}; expected a finite number above 0. Give images that "
                "are not constant, with values of ordinary size."
            )
        self.mean_, self.scale_ = mean, float(np.sqrt(self.variance)) / deviation
        return self

    def transform(self, images: ArrayLike) -> list[np.ndarray] | np.ndarray:
        """Scale images.

        Parameters
        ----------
        images : list of arrays (height, width), or array
            As for `fit`; they need not be the same images. Never written to.

        Returns
        -------
        scaled : list of arrays, or array
            A list for a list, an array for an array, in the dtype of the images.
        """
        return self._each(images, lambda image: (image - self.mean_) * self.scale_)

    def inverse_transform(self, images: ArrayLike) -> list[np.ndarray] | np.ndarray:
        """Undo the scaling.

        Parameters
        ----------
        images : list of arrays (height, width), or array
            Scaled images. Never written to.

        Returns
        -------
        restored : list of arrays, or array
            A list for a list, an array for an array, in the dtype of the images.
        """
        return self._each(images, lambda image: image / self.scale_ + self.mean_)

    def _each(self, images, function):
        check_is_fitted(self)
        checked = check_images(images, colour=False)
        return like_given(
            images, [function(image).astype(image.dtype, copy=False) for image in checked]
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
