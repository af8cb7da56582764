"""Image denoising by sparse codes of patches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaincinv

from sparsecode._messages import wrong
from sparsecode._typing import RandomState
from sparsecode._validation import check_integer, check_number
from sparsecode.applications._patchwise import (
    LARGEST_SCALE,
    PatchCoder,
    average_patches,
    check_dictionary,
    check_image_and_patch,
    draw_patches,
    patch_dictionary,
)
from sparsecode.encoders import Exact
from sparsecode.learning import alternate
from sparsecode.penalties import KSparse
from sparsecode.updates import ApproximateKSVD
from sparsecode.updates.base import Update, resolve_update

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary

# Share of patches of pure noise whose norm is below the target: a gain of 1.15 for 64 values.
_QUANTILE = 0.957
_REMEDY = "Raise sigma or gain, or use a dictionary with more atoms."


def denoise_image(
    image: ArrayLike,
    sigma: float,
    *,
    dictionary: Dictionary | ArrayLike | int | None = None,
    patch_size: int = 8,
    n_iter: int = 10,
    gain: float | None = None,
    noisy_weight: float | None = None,
    n_patches: int = 40_000,
    update: Update | None = None,
    random_state: RandomState = None,
    n_jobs: int | None = None,
) -> np.ndarray:
    """Denoise an image with white Gaussian noise of known standard deviation.

    The mean of every patch, overlapping ones too, is subtracted. `OMP` then adds atoms until
    ``||x - z @ atoms||^2 <= (gain * sigma)^2 * n_features``. Structure needs few atoms, noise many.
    The decoded patches are averaged, together with a little of the noisy image. By default the
    dictionary is learned from the noisy patches by K-SVD, starting with overcomplete cosines.

    With 8 x 8 pixels and 256 atoms, 512 x 512 pixels take a few seconds; time grows with the number
    of atoms that a patch needs. Patches are made and coded a strip of the image at a time.

    Parameters
    ----------
    image : array-like of shape (height, width) or (height, width, 3)
        Image with values in any range. A colour patch is coded as a whole. Not written to.
    sigma : float
        Standard deviation of the noise, in the units of the image.
    dictionary : Dictionary, array-like of shape (n_components, n_features), int, or None, \
            default=None
        Fixed atoms, or the number of atoms to learn. None learns 4 for each pixel of a patch, or 6
        in colour. With fewer atoms than values of a patch, some patches cannot reach their error.
    patch_size : int, default=8
        Side of a patch, in pixels.
    n_iter : int, default=10
        Iterations of learning, each a coding step and an update; 0 uses the cosines.
    gain : float or None, default=None
        Target residual of a patch, in units of `sigma`. With None, 95.7 % of the patches of pure
        noise need no atom: `gain` is 1.15 for 64 values, and less for more values.
    noisy_weight : float or None, default=None
        Weight of the noisy image in the average; each patch has weight 1. None is ``30 / sigma``
        for an image that spans 255 grey levels, and proportional to the span for others.
    n_patches : int, default=40_000
        Maximum number of patches for learning.
    update : Update or None, default=None
        Update of the atoms; None is `ApproximateKSVD`.
    random_state : int, RandomState instance or None, default=None
        Draws these patches.
    n_jobs : int or None, default=None
        Threads; None uses all cores. The answer does not depend on it.

    Returns
    -------
    denoised : ndarray of the shape of `image`
        float32 if the image is, else float64; patches are coded in float32 either way. Values are
        not clipped.

    Raises
    ------
    ValueError
        If the image is smaller than a patch, is not 2-D or colour, or holds NaN, if `sigma` is not
        above 0, or if the atoms do not have the size of such patches.

    Warns
    -----
    ConvergenceWarning
        Once, if the dictionary cannot bring some patches within their error.

    See Also
    --------
    learn_patch_dictionary : Learn the same dictionary, to look at it or to use it again.

    References
    ----------
    M. Elad and M. Aharon, "Image denoising via sparse and redundant representations over learned
    dictionaries", 2006.

    J. Mairal, M. Elad and G. Sapiro, "Sparse representation for color image restoration", 2008.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.applications import denoise_image
    >>> clean = np.kron(np.eye(3), np.ones((16, 16)))
    >>> noisy = clean + 0.1 * np.random.default_rng(0).standard_normal(clean.shape)
    >>> denoised = denoise_image(noisy, 0.1, n_iter=2, random_state=0)
    >>> bool(np.std(denoised - clean) < 0.5 * np.std(noisy - clean))
    True
    """
    pixels, patch_size = check_image_and_patch(image, patch_size)
    sigma = check_number(sigma, "sigma", low=0, low_open=True, high=LARGEST_SCALE)
    dictionary = check_dictionary(dictionary)
    n_channels = pixels.shape[2]
    penalty = _penalty(sigma, gain, patch_size**2 * n_channels)
    if noisy_weight is None:
        noisy_weight = 30 / 255 * np.ptp(pixels) / sigma
    noisy_weight = check_number(noisy_weight, "noisy_weight", low=0)
    if dictionary is None or isinstance(dictionary, int):
        dictionary, _ = _learn(
            pixels, penalty, dictionary, patch_size, n_iter, n_patches, update, random_state, n_jobs
        )
    dictionary = patch_dictionary(dictionary, patch_size, n_channels)
    coder = PatchCoder()
    total, cover = average_patches(
        pixels.astype(np.float32),
        patch_size,
        lambda X: coder.decode(X, dictionary, penalty, n_channels, n_jobs=n_jobs),
    )
    coder.warn_of_missed("denoise_image", _REMEDY)
    total += noisy_weight * pixels
    total /= cover + noisy_weight
    return total.reshape(np.shape(image)).astype(pixels.dtype)


def learn_patch_dictionary(
    image: ArrayLike,
    sigma: float,
    *,
    n_components: int | None = None,
    patch_size: int = 8,
    n_iter: int = 10,
    gain: Any = None,
    n_patches: int = 40_000,
    update: Update | None = None,
    random_state: RandomState = None,
    n_jobs: int | None = None,
) -> Dictionary:
    """Learn a dictionary from the patches of a noisy image.

    Patches are coded as in `denoise_image`, so that atoms learn the image and not the noise.

    Parameters
    ----------
    image : array-like of shape (height, width) or (height, width, 3)
    sigma : float
        Standard deviation of the noise, in the units of the image.
    n_components : int or None, default=None
        Number of atoms. None is 4 for each pixel of a patch, or 6 in colour.
    patch_size, n_iter, gain, n_patches, update, random_state, n_jobs
        As for `denoise_image`.

    Returns
    -------
    dictionary : Dictionary
        float32 atoms of norm 1; the values of a patch are ordered as in
        `sparsecode.datasets.extract_patches`.

    Raises
    ------
    ValueError
        As for `denoise_image`.

    Warns
    -----
    ConvergenceWarning
        Once, if the atoms could not bring some patches within their error in the last round.

    References
    ----------
    M. Elad and M. Aharon, "Image denoising via sparse and redundant representations over learned
    dictionaries", 2006.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.applications import learn_patch_dictionary
    >>> noisy = np.random.default_rng(0).standard_normal((16, 16)).cumsum(axis=0)
    >>> learn_patch_dictionary(noisy, 1.0, n_components=20, patch_size=4, n_iter=2, random_state=0)
    Dictionary(20 atoms of 16 features, UnitNorm(), float32)
    """
    pixels, patch_size = check_image_and_patch(image, patch_size)
    sigma = check_number(sigma, "sigma", low=0, low_open=True, high=LARGEST_SCALE)
    n_channels = pixels.shape[2]
    penalty = _penalty(sigma, gain, patch_size**2 * n_channels)
    if n_components is not None:
        n_components = check_integer(n_components, "n_components")
    dictionary, coder = _learn(
        pixels, penalty, n_components, patch_size, n_iter, n_patches, update, random_state, n_jobs
    )
    coder.warn_of_missed("learn_patch_dictionary", "Raise sigma or gain, or raise n_components.")
    return dictionary


def _learn(
    pixels, penalty, n_components, patch_size, n_iter, n_patches, update, random_state, n_jobs
):
    """Learned dictionary, and the coder of the last iteration with its count of missed patches."""
    n_iter = check_integer(n_iter, "n_iter", low=0)
    n_patches = check_integer(n_patches, "n_patches")
    update = resolve_update(ApproximateKSVD if update is None else update)
    dictionary = patch_dictionary(n_components, patch_size, pixels.shape[2])
    X = draw_patches(pixels.astype(np.float32), patch_size, n_patches, random_state)
    coder = PatchCoder()

    def rounds():
        for _ in range(n_iter):
            coder.forget()
            yield X

    states = alternate(
        Exact(penalty, coder),
        dictionary,
        rounds(),
        update=update,
        full_batch=True,
        n_jobs=n_jobs,
    )
    for state in states:
        dictionary = state.dictionary
    return dictionary, coder


def _penalty(sigma, gain, n_features):
    if gain is None:
        error = 2 * gammaincinv(n_features / 2, _QUANTILE) * sigma**2
    else:
        gain = check_number(gain, "gain", low=0, low_open=True, high=LARGEST_SCALE)
        error = (gain * sigma) ** 2 * n_features
    if error == 0:
        raise ValueError(
            wrong(
                "sigma",
                got=f"{sigma:g} and gain is {gain}",
                expected="numbers that are large enough for squares above 0",
                remedy="Multiply the image and sigma by the same factor.",
            )
        )
    return KSparse(None, error=error)
