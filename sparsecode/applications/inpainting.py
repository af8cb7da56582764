"""Image inpainting: missing pixels filled in by sparse codes of patches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from sparsecode._messages import wrong
from sparsecode._typing import RandomState
from sparsecode._validation import check_integer, check_number, check_random_state
from sparsecode.applications._patch_dictionary import check_dictionary, patch_dictionary
from sparsecode.applications._patchwise import (
    PatchCoder,
    average_patches,
    patches_of,
    without_means,
)
from sparsecode.applications._signal import LARGEST_SCALE, check_image, check_signal
from sparsecode.datasets import sample_patches
from sparsecode.datasets._grid import by
from sparsecode.encoders import Exact
from sparsecode.learning import alternate
from sparsecode.penalties import KSparse
from sparsecode.updates import ApproximateKSVD
from sparsecode.updates.base import Update, resolve_update

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary

# Residual of a patch in the first round and in the last, as shares of the range of the image.
_COARSE, _FINE = 0.1, 0.01
# Smallest residual, as a share of the range: the precision of float32.
_EXACT = 1e-4
# Step of the correction at known pixels. It is above 1, as the pixels around need it too;
# 2 would not converge.
_RELAXATION = np.float32(1.5)


def inpaint_image(
    image: ArrayLike,
    mask: ArrayLike,
    *,
    dictionary: Dictionary | ArrayLike | int | None = None,
    patch_size: int = 8,
    n_iter: int = 20,
    sigma: float | None = None,
    step: int = 2,
    n_patches: int = 10_000,
    update: Update | None = None,
    random_state: RandomState = None,
    n_jobs: int | None = None,
) -> np.ndarray:
    """Fill in the missing pixels of an image (inpainting).

    First, `OMP` codes every patch on its known pixels alone; the missing pixels are left out of the
    atoms. The decoded patches are averaged where they overlap. Then follow `n_iter` rounds. Each
    corrects the filled image where pixels are known, then codes and averages all its patches. The
    target error falls geometrically from a tenth of the range of the image to `sigma`, so coarse
    structures come before fine ones, and neighbouring patches come to agree. On photographs the
    rounds gain 0.2 to 1.6 dB. By default the dictionary is learned during the rounds: each begins
    with one step of K-SVD on patches of the filled image. The first dictionary is overcomplete
    cosines.

    A quarter of a million grey pixels take 4 to 8 seconds on two cores.

    Parameters
    ----------
    image : array-like of shape (height, width) or (height, width, 3)
        Image with values in any range. Values where the mask is False are ignored, and may be NaN.
        Not written to.
    mask : array-like of bool of shape (height, width) or the shape of `image`
        True where a pixel is *known*. Many other libraries use the opposite.
    dictionary : Dictionary, array-like of shape (n_components, n_features), int, or None, \
            default=None
        Fixed atoms, or the number of atoms to learn. None learns 4 for each pixel of a patch, or 6
        in colour.
    patch_size : int, default=8
        Side of a patch, in pixels. Every pixel must have a known pixel within this distance.
    n_iter : int, default=20
        Rounds after the first pass.
    sigma : float or None, default=None
        Standard deviation of the residual in the last round, in the units of the image. Use the
        noise level if it is above 1 % of the range. None is 1 % of the range.
    step : int, default=2
        Distance between neighbouring patches, in pixels. In the first and the last round it is 1.
    n_patches : int, default=10_000
        Maximum number of patches for each step of learning.
    update : Update or None, default=None
        Update of the atoms; None is `ApproximateKSVD`.
    random_state : int, RandomState instance or None, default=None
        Draws these patches.
    n_jobs : int or None, default=None
        Threads; None uses all cores. The answer does not depend on it.

    Returns
    -------
    inpainted : ndarray of the shape of `image`
        Known pixels are unchanged, noise included. float32 if the image is, else float64;
        patches are coded in float32 either way. Values are not clipped.

    Raises
    ------
    ValueError
        If the mask has another shape, is not of bool, or has no known pixel, if a known pixel is
        NaN, if the image is smaller than a patch, or if a hole is larger than a patch.

    Warns
    -----
    ConvergenceWarning
        Once, if the dictionary cannot bring some patches within their error in the last round.

    References
    ----------
    J. Mairal, M. Elad and G. Sapiro, "Sparse representation for color image restoration", 2008
    (codes of known pixels, learning from incomplete patches).

    M. Elad, J.-L. Starck, P. Querre and D. Donoho, "Simultaneous cartoon and texture image
    inpainting using morphological component analysis", 2005 (the falling threshold).

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.applications import inpaint_image
    >>> image = np.add.outer(np.arange(16.0), np.arange(16.0))
    >>> known = np.random.default_rng(0).uniform(size=image.shape) < 0.5
    >>> inpainted = inpaint_image(image, known, dictionary=64, patch_size=4, random_state=0)
    >>> bool(np.abs(inpainted - image).max() < 2)
    True
    """
    pixels, known, patch_size = _check(image, mask, patch_size)
    n_channels = pixels.shape[-1]
    n_iter = check_integer(n_iter, "n_iter", low=0)
    n_patches = check_integer(n_patches, "n_patches")
    step = check_integer(step, "step")
    if step > min(patch_size):
        raise ValueError(
            f"step is {step} but a patch has only {by(patch_size)} pixels (patch_size); "
            "expected at most the side of a patch. Use a smaller step or larger patches."
        )
    spread = float(np.ptp(pixels[known]))
    sigma = check_number(
        _FINE * spread if sigma is None else sigma, "sigma", low=0, high=LARGEST_SCALE
    )
    update = resolve_update(ApproximateKSVD if update is None else update)
    dictionary = check_dictionary(dictionary)
    learns = dictionary is None or isinstance(dictionary, int)
    dictionary = patch_dictionary(dictionary, patch_size, n_channels)
    if known.all():
        return pixels.reshape(np.shape(image)).copy()

    values = np.where(known, pixels, np.nan).astype(np.float32)
    coder = PatchCoder()
    estimate = _from_known(values, patch_size, dictionary, sigma, coder, n_jobs)
    first, last = max(_COARSE * spread, sigma), max(sigma, _EXACT * spread)
    rng = check_random_state(random_state)
    for tolerance in np.geomspace(last, first, n_iter)[::-1] if spread > 0 else ():
        penalty = KSparse(None, error=float(tolerance**2) * dictionary.n_features)
        corrected = np.where(known, estimate + _RELAXATION * (values - estimate), estimate)
        if learns:
            n_drawn = min(n_patches, len(patches_of(corrected, patch_size)))
            X = sample_patches([corrected], patch_size, n_drawn, random_state=rng)
            X = without_means(X, n_channels)[0]
            dictionary = _learn(X, dictionary, penalty, update, n_jobs)
        spacing = 1 if tolerance == last else step
        coder.forget()
        estimate = _from_all(corrected, patch_size, dictionary, penalty, spacing, coder, n_jobs)
    coder.warn_of_missed(
        "inpaint_image",
        "Raise sigma, or use a dictionary with at least as many atoms as a patch has values.",
    )
    filled = np.where(known, pixels, estimate)
    return filled.astype(pixels.dtype).reshape(np.shape(image))


def _from_known(values, patch_size, dictionary, sigma, coder, n_jobs):
    """Image decoded from codes of the known pixels of each patch."""
    n_channels = values.shape[-1]

    def restore(X):
        n_known = np.count_nonzero(~np.isnan(X), axis=1)
        # Few atoms, so that several pixels determine each of them.
        penalty = KSparse(
            np.clip(n_known // 4, 1, dictionary.n_components), error=sigma**2 * n_known
        )
        X_hat = coder.decode(X, dictionary, penalty, n_channels, missing=True, n_jobs=n_jobs)
        return X_hat * _told(X, n_channels)

    total, _ = average_patches(values, patch_size, restore)
    cover, _ = average_patches(values, patch_size, lambda X: _told(X, n_channels))
    if (cover == 0).any():
        raise ValueError(
            f"mask has {np.count_nonzero(cover == 0)} unknown values without a known value in any "
            f"patch of {by(patch_size)} pixels around them; expected at least one. Use a larger "
            "patch_size."
        )
    return (total / cover).astype(np.float32)


def _told(X, n_channels):
    """1 where the patch has a known pixel in the channel, else 0, in the shape of the patches."""
    known = ~np.isnan(X.reshape(len(X), -1, n_channels))
    told = np.broadcast_to(known.any(axis=1, keepdims=True), known.shape)
    return told.reshape(X.shape).astype(X.dtype)


def _from_all(image, patch_size, dictionary, penalty, step, coder, n_jobs):
    """Average of all patches of an image, each decoded from its code."""

    def restore(X):
        return coder.decode(X, dictionary, penalty, image.shape[-1], n_jobs=n_jobs)

    total, cover = average_patches(image, patch_size, restore, step=step)
    return (total / cover).astype(np.float32)


def _learn(X, dictionary, penalty, update, n_jobs):
    """One step of learning from patches without their means."""
    encoder = Exact(penalty, PatchCoder())
    states = alternate(encoder, dictionary, [X], update=update, full_batch=True, n_jobs=n_jobs)
    return next(states).dictionary


def _check(image, mask, patch_size):
    """Pixels (0 where missing), mask of the known pixels, and size of a patch, all checked.

    Both arrays have the shape (height, width, n_channels).
    """
    image, mask = check_image(image), np.asarray(mask)
    if mask.dtype != bool or mask.shape not in (image.shape, image.shape[:2]):
        raise ValueError(
            wrong(
                "mask",
                got=f"an array of {mask.dtype} of shape {mask.shape}",
                expected=f"booleans of shape {image.shape[:2]}, one for each pixel, or of shape "
                f"{image.shape}, one for each value of the image",
                remedy="Set mask to True at every known pixel.",
            )
        )
    if not mask.any():
        raise ValueError(
            "mask is False everywhere; expected True for known pixels. Invert the mask if True "
            "means unknown in it."
        )
    known = mask if mask.ndim == image.ndim else mask[..., np.newaxis]
    known = np.broadcast_to(known, image.shape)
    pixels = np.where(known, image, image.dtype.type(0))
    signal = check_signal(pixels, patch_size, "image", n_axes=2)
    pixels = signal.array.astype(signal.dtype, copy=False)
    return pixels, known.reshape(pixels.shape), signal.patch_size
