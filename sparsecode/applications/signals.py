"""Denoising of series, volumes and videos by sparse codes of patches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from sparsecode._typing import PatchSize, RandomState
from sparsecode.applications._denoiser import Denoiser
from sparsecode.applications._patch_dictionary import check_dictionary
from sparsecode.applications._signal import check_signal
from sparsecode.datasets._array import check_output
from sparsecode.updates.base import Update

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary


def denoise_signal(
    signal: ArrayLike,
    sigma: float | ArrayLike | None = None,
    *,
    dictionary: Dictionary | ArrayLike | int | None = None,
    patch_size: PatchSize = 32,
    n_iter: int = 10,
    gain: float | None = None,
    noisy_weight: float | None = None,
    n_patches: int = 40_000,
    update: Update | None = None,
    random_state: RandomState = None,
    n_jobs: int | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Denoise a series, volume or video with white Gaussian noise.

    It is the method of `denoise_image` for patches along any number of axes: windows of a series,
    blocks of a volume or of a video. The mean of every patch is subtracted, `OMP` codes it with as
    few atoms as bring its residual down to the noise, and the decoded patches are averaged where
    they overlap. By default the dictionary is learned from the noisy patches by K-SVD. It finds
    shapes that recur, such as heart beats, at whatever time.

    Channels share the positions of atoms: a patch is coded with all its channels. Give correlated
    channels together, and others apart.

    Parameters
    ----------
    signal : array-like of shape (length_1, ..., length_n) or (length_1, ..., length_n, n_channels)
        Series (n,) or (n, n_channels), volume, or video (time, height, width), perhaps with
        channels as the last axis. A memory map is read in parts. Not written to.
    sigma : float, array-like of shape (n_channels,), or None, default=None
        Standard deviation of the noise, in the units of the signal, perhaps one for each channel.
        None estimates it for each channel by `estimate_sigma`.
    dictionary : Dictionary, array-like of shape (n_components, n_features), int, or None, \
            default=None
        Fixed atoms, or the number of atoms to learn. None learns 4 for each element of a patch, or
        6 with several channels.
    patch_size : int or tuple of int, default=32
        One integer is the length of windows along the first axis; a second axis is that of
        channels. A tuple has one length for each axis but that of channels, such as ``(4, 8, 8)``
        for a video. A window should be as long as the shapes that recur in it. Time and memory grow
        with the square of the number of values of a patch.
    n_iter : int, default=10
        Iterations of learning, each a coding step and an update; 0 uses cosines.
    gain : float or None, default=None
        Target residual of a patch, in units of `sigma`. With None, 95.7 % of the patches of pure
        noise need no atom.
    noisy_weight : float or None, default=None
        Weight of the noisy signal in the average; each patch has weight 1. None is 0.12 times the
        range of the signal over `sigma`, for the channel where this is largest.
    n_patches : int, default=40_000
        Maximum number of patches for learning.
    update : Update or None, default=None
        Update of the atoms; None is `ApproximateKSVD`.
    random_state : int, RandomState instance or None, default=None
        Draws these patches.
    n_jobs : int or None, default=None
        Threads; None uses all cores. The answer does not depend on it.
    out : ndarray of the shape of `signal` or None, default=None
        C-contiguous array of floats to write into, such as a memory map. None is a new array.

    Returns
    -------
    denoised : ndarray of the shape of `signal`
        `out`, or a new array, float32 if the signal is float32 or float16, else float64. Codes are
        computed in float32 either way.

    Raises
    ------
    ValueError
        As for `denoise_image`.

    Warns
    -----
    ConvergenceWarning
        Once, if the dictionary cannot bring some patches within their error.

    See Also
    --------
    denoise_image : The same of images.
    estimate_sigma : Estimate the noise level.

    References
    ----------
    M. Elad and M. Aharon, "Image denoising via sparse and redundant representations over learned
    dictionaries", 2006.

    M. Protter and M. Elad, "Image sequence denoising via sparse and redundant representations",
    2009 (patches of several frames).

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.applications import denoise_signal
    >>> clean = np.repeat([0.0, 1.0, 0.0, 1.0, 0.0], 100)
    >>> noisy = clean + 0.2 * np.random.default_rng(0).standard_normal(clean.shape)
    >>> denoised = denoise_signal(noisy, patch_size=16, random_state=0)
    >>> bool(np.std(denoised - clean) < 0.5 * np.std(noisy - clean))
    True
    """
    checked = check_signal(signal, patch_size, "signal", n_axes=1)
    dictionary = check_dictionary(dictionary)
    out = check_output(out, np.shape(signal), checked.dtype)
    denoiser = Denoiser(checked, sigma, gain)
    weight = denoiser.weight(noisy_weight)
    if dictionary is None or isinstance(dictionary, int):
        dictionary, _ = denoiser.learn(dictionary, n_iter, n_patches, update, random_state, n_jobs)
    coder = denoiser.denoise(dictionary, weight, out, n_jobs)
    coder.warn_of_missed(
        "denoise_signal", "Raise sigma or gain, or use a dictionary with more atoms."
    )
    return out
