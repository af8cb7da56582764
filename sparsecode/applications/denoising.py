"""Image denoising by sparse codes of patches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from sparsecode._typing import RandomState
from sparsecode._validation import check_integer
from sparsecode.applications._denoiser import Denoiser
from sparsecode.applications._patch_dictionary import check_dictionary
from sparsecode.applications._signal import check_image, check_signal
from sparsecode.updates.base import Update

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary

_REMEDY = "Raise sigma or gain, or use a dictionary with more atoms."


def denoise_image(
    image: ArrayLike,
    sigma: float | ArrayLike | None = None,
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
    """Denoise an image with white Gaussian noise, of a given or an estimated level.

    The mean of every patch, overlapping ones too, is subtracted. `OMP` then adds atoms until
    ``||x - z @ atoms||^2 <= (gain * sigma)^2 * n_features``. Structure needs few atoms, noise many.
    The decoded patches are averaged, together with a little of the noisy image. By default the
    dictionary is learned from the noisy patches by K-SVD, starting with overcomplete cosines.

    With 8 x 8 pixels and 256 atoms, 512 x 512 pixels take a few seconds; time grows with the number
    of atoms that a patch needs. Patches are made and coded a strip of the image at a time.

    Parameters
    ----------
    image : array-like of shape (height, width) or (height, width, n_channels)
        Grey, colour or multispectral image with values in any range. A patch is coded with all its
        channels. Not written to.
    sigma : float, array-like of shape (n_channels,), or None, default=None
        Standard deviation of the noise, in the units of the image, perhaps one for each channel.
        None estimates it for each channel by `estimate_sigma`.
    dictionary : Dictionary, array-like of shape (n_components, n_features), int, or None, \
            default=None
        Fixed atoms, or the number of atoms to learn. None learns 4 for each pixel of a patch, or 6
        with several channels. With fewer atoms than values of a patch, some patches cannot reach
        their error.
    patch_size : int, default=8
        Side of a patch, in pixels.
    n_iter : int, default=10
        Iterations of learning, each a coding step and an update; 0 uses the cosines.
    gain : float or None, default=None
        Target residual of a patch, in units of `sigma`. With None, 95.7 % of the patches of pure
        noise need no atom: `gain` is 1.15 for 64 values, and less for more values.
    noisy_weight : float or None, default=None
        Weight of the noisy image in the average; each patch has weight 1. None is ``30 / sigma``
        for an image that spans 255 grey levels, and proportional to the span for others. With one
        `sigma` for each channel, it is that of the channel where it is largest.
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
        If the image is smaller than a patch, has other axes, or holds NaN, or if the atoms do not
        have the size of such patches. If `sigma` is not above 0, or in other units than the image:
        below 1 for whole numbers, or above the range of the image. If `sigma` is None and the image
        shows no noise.

    Warns
    -----
    ConvergenceWarning
        Once, if the dictionary cannot bring some patches within their error.

    See Also
    --------
    learn_patch_dictionary : Learn the same dictionary, to look at it or to use it again.
    denoise_signal : The same of series, volumes and videos.
    estimate_sigma : Estimate the noise level.

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
    signal = check_signal(check_image(image), patch_size, "image", n_axes=2)
    dictionary = check_dictionary(dictionary)
    denoiser = Denoiser(signal, sigma, gain)
    weight = denoiser.weight(noisy_weight)
    if dictionary is None or isinstance(dictionary, int):
        dictionary, _ = denoiser.learn(dictionary, n_iter, n_patches, update, random_state, n_jobs)
    denoised = np.empty(np.shape(image), signal.dtype)
    coder = denoiser.denoise(dictionary, weight, denoised, n_jobs)
    coder.warn_of_missed("denoise_image", _REMEDY)
    return denoised


def learn_patch_dictionary(
    image: ArrayLike,
    sigma: float | ArrayLike | None = None,
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
    image : array-like of shape (height, width) or (height, width, n_channels)
    sigma : float, array-like of shape (n_channels,), or None, default=None
        Standard deviation of the noise, in the units of the image. None estimates it. If channels
        have different noise, atoms are those of patches whose channels are divided by it, relative
        to the mean square over channels.
    n_components : int or None, default=None
        Number of atoms. None is 4 for each pixel of a patch, or 6 with several
        channels.
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
    signal = check_signal(check_image(image), patch_size, "image", n_axes=2)
    denoiser = Denoiser(signal, sigma, gain)
    if n_components is not None:
        n_components = check_integer(n_components, "n_components")
    dictionary, coder = denoiser.learn(
        n_components, n_iter, n_patches, update, random_state, n_jobs
    )
    coder.warn_of_missed("learn_patch_dictionary", "Raise sigma or gain, or raise n_components.")
    return dictionary
