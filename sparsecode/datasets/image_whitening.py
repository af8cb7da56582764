"""The whitening filter of Olshausen and Field, for whole images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import fft
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sparsecode._parameters import Parameterized
from sparsecode._values import check_option

from .._validation import check_number
from ._image import check_images, check_not_constant, like_given


class OlshausenFieldWhitening(Parameterized, TransformerMixin, BaseEstimator):
    """Whiten natural images: a filter that flattens their spectrum up to a cut-off frequency.

    Each image is filtered by ``R(f) = f exp(-(f / cutoff) ** steepness)``, where `f` is the radial
    frequency in cycles a pixel (Nyquist is 0.5), and all images are multiplied by one common
    factor that gives the images of `fit` the overall `variance`. The rising part undoes the 1/f
    amplitude of natural images, the falling part removes the noise of the highest frequencies
    and the corners of the square of frequencies.

    Parameters
    ----------
    cutoff : float, default=0.4
        f0 in cycles a pixel: 0.4 N cycles a picture of N pixels [1]_ (200 for 512 pixels [2]_).
    steepness : float, default=4
        Exponent of the low-pass part, 4 in [1]_.
    variance : float, default=0.1
        Variance of all pixels of the whitened images of `fit`, as in [1]_.
    boundary : {"mirror", "periodic"}, default="mirror"
        Continuation of an image beyond its edges. "periodic" is the plain Fourier transform of
        [1]_: opposite edges touch, and the step between them becomes a false edge two pixels
        wide, 2.6 and 5.6 times as strong as what lies next to it in the two bundled photographs.
        "mirror" continues the image by its reflection, a cosine transform (1.0 and 1.3 times).
    rcond : float, default=1e-6
        `inverse_transform` treats a frequency as lost if the gain of the filter there is below
        `rcond` times its maximum.

    Attributes
    ----------
    scale_ : float
        The common factor after the filter.

    Notes
    -----
    The inverse is exact to rounding, except for what the filter destroys: the mean of each image
    (R(0) = 0), and frequencies whose gain is below `rcond` (none with the defaults). The weakest
    frequencies, the corners, pass at 2e-4 of the maximum: errors in the whitened image are
    amplified there by up to 5e3 relative to the strongest frequencies.

    References
    ----------
    .. [1] Olshausen, B. A. and Field, D. J. (1997). Sparse coding with an overcomplete basis set:
       a strategy employed by V1? Vision Research 37, 3311-3325.
    .. [2] Olshausen, B. A. and Field, D. J. (1996). Emergence of simple-cell receptive field
       properties by learning a sparse code for natural images. Nature 381, 607-609.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.datasets import OlshausenFieldWhitening, load_photographs
    >>> photographs = load_photographs()
    >>> whitening = OlshausenFieldWhitening()
    >>> whitened = whitening.fit_transform(photographs)
    >>> print(f"{np.mean([image.var() for image in whitened]):.3f}")
    0.100
    >>> means = [image.mean() for image in photographs]
    >>> restored = whitening.inverse_transform(whitened, means=means)
    >>> bool(np.allclose(restored[0], photographs[0]))
    True
    """

    scale_: float

    def __init__(
        self,
        *,
        cutoff: float = 0.4,
        steepness: float = 4,
        variance: float = 0.1,
        boundary: Literal["mirror", "periodic"] = "mirror",
        rcond: float = 1e-6,
    ) -> None:
        self.cutoff = cutoff
        self.steepness = steepness
        self.variance = variance
        self.boundary = boundary
        self.rcond = rcond

    def fit(self, images: ArrayLike, y: Any = None) -> Self:
        """Fit the factor that gives the whitened images the variance `variance`.

        Parameters
        ----------
        images : list of arrays (height, width), or array
            Grey images of any sizes; an array is one image, or a stack along the first axis.
        y : None
            Ignored.

        Returns
        -------
        self : OlshausenFieldWhitening

        Raises
        ------
        ValueError
            If an image is constant, holds NaN or infinity, or is not 2-D.
        """
        self._check_parameters()
        images = check_images(images, colour=False)
        for i, image in enumerate(images):
            check_not_constant(image, f"images[{i}]")
        # R(0) = 0, so that every filtered image has mean zero.
        power = sum(np.sum(self._multiply(image, self.response) ** 2) for image in images)
        if power == 0:
            raise ValueError(
                f"The filter with cutoff={self.cutoff} and steepness={self.steepness} removes all "
                "frequencies of these images. Raise cutoff or lower steepness."
            )
        self.scale_ = float(np.sqrt(self.variance * sum(image.size for image in images) / power))
        return self

    def transform(self, images: ArrayLike) -> list[np.ndarray] | np.ndarray:
        """Whiten images.

        Parameters
        ----------
        images : list of arrays (height, width), or array
            As for `fit`; they need not be the same images. Never written to.

        Returns
        -------
        whitened : list of arrays, or array
            A list for a list, an array for an array, in the dtype of the images.
        """
        check_is_fitted(self)
        checked = check_images(images, colour=False)
        return like_given(images, [self._multiply(image, self._forward) for image in checked])

    def inverse_transform(
        self,
        images: ArrayLike,
        *,
        means: float | Sequence[float] = 0.0,
        max_frequency: float | None = None,
    ) -> list[np.ndarray] | np.ndarray:
        """Undo the whitening: the filter and the scale.

        Parameters
        ----------
        images : list of arrays (height, width), or array
            Whitened images. Never written to.
        means : float or sequence of float, default=0.0
            Mean of the result, one for all images or one an image. The filter has removed it,
            and it cannot be found from a whitened image.
        max_frequency : float or None, default=None
            Highest frequency to restore, in cycles a pixel; None restores all. Errors of a whitened
            image that was changed are amplified most above 0.5, in the corners of the square of
            frequencies.

        Returns
        -------
        restored : list of arrays, or array
            A list for a list, an array for an array, in the dtype of the images.
        """
        check_is_fitted(self)
        checked = check_images(images, colour=False)
        if max_frequency is not None:
            max_frequency = check_number(max_frequency, "max_frequency", low=0, low_open=True)

        def gain(frequency):
            kept = True if max_frequency is None else frequency <= max_frequency
            return self._backward(frequency) * kept

        if np.ndim(means) == 0:
            means = [means] * len(checked)
        if len(means) != len(checked):
            raise ValueError(
                f"means has {len(means)} values for {len(checked)} images; expected one number, "
                "or one number for each image. Pass the means of the images that were whitened."
            )
        return like_given(
            images,
            [
                self._multiply(image, gain, check_number(mean, "means"))
                for image, mean in zip(checked, means, strict=True)
            ],
        )

    def response(self, frequency: ArrayLike) -> float | np.ndarray:
        """Return the filter R at frequencies in cycles a pixel, before the common factor.

        Parameters
        ----------
        frequency : float or array
            Radial frequency, cycles a pixel.

        Returns
        -------
        response : float or array
            Amplitude gain, of the shape of `frequency`.
        """
        with np.errstate(over="ignore"):  # far beyond the cut-off: exp(-inf) is 0
            return frequency * np.exp(-np.power(frequency / self.cutoff, self.steepness))

    def _forward(self, frequency):
        return self.scale_ * self.response(frequency)

    def _backward(self, frequency):
        response = self.response(frequency)
        peak = self.response(self.cutoff * self.steepness ** (-1 / self.steepness))
        kept = (response > 0) & (response >= self.rcond * peak)
        return np.divide(1 / self.scale_, response, out=np.zeros_like(response), where=kept)

    def _multiply(self, image, gain, mean=0.0):
        """Multiply the spectrum of an image by `gain`, a function of the radial frequency."""
        height, width = image.shape
        dtype = image.dtype
        image = image.astype(np.float64)
        if self.boundary == "periodic":
            radius = np.hypot(fft.fftfreq(height)[:, np.newaxis], fft.rfftfreq(width))
            filtered = fft.irfft2(gain(radius) * fft.rfft2(image), s=image.shape)
        else:
            # The cosine transform is the Fourier transform of the image and its reflections.
            rows = np.arange(height) / (2 * height)
            columns = np.arange(width) / (2 * width)
            radius = np.hypot(rows[:, np.newaxis], columns)
            filtered = fft.idctn(gain(radius) * fft.dctn(image))
        return (filtered + mean).astype(dtype)

    def _check_parameters(self):
        check_number(self.cutoff, "cutoff", low=0, low_open=True)
        check_number(self.steepness, "steepness", low=0, low_open=True)
        check_number(self.variance, "variance", low=0, low_open=True)
        check_number(self.rcond, "rcond", low=0, high=1)
        check_option(self.boundary, "boundary", ("mirror", "periodic"))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
