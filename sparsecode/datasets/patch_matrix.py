"""Matrix of all patches of an array, and the array of such a matrix."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._messages import shown, wrong
from .._typing import PatchSize
from .._validation import check_integer
from ._array import check_array, check_finite
from .patches import Patches


def extract_patches(array: ArrayLike, patch_size: PatchSize, *, step: PatchSize = 1) -> np.ndarray:
    """Extract the patches of a series, image, volume or video, on a grid that covers it.

    Patches start every `step` elements from the first. Where that grid does not end at the border,
    one more patch is added flush with it, so the last two may overlap more than the others.

    Parameters
    ----------
    array : array of shape (length_1, ..., length_n) or (length_1, ..., length_n, n_channels)
        Never written to.
    patch_size : int or tuple of int
        Lengths of a patch along the first axes; an axis beyond them is that of channels. One
        integer is for a series (n,), an image (height, width) or a colour image (height, width, 3).
    step : int or tuple of int, default=1
        Distance between neighbouring patches along each axis, at most `patch_size`.

    Returns
    -------
    X : array (n_patches, n_features)
        One patch a row, patches in reading order. The features of a patch are its elements in
        reading order, their channels side by side: ``X[i].reshape(patch_size)``, or
        ``X[i].reshape(*patch_size, n_channels)``, is the patch again.

    Raises
    ------
    ValueError
        If the array is smaller than a patch, has other axes, or holds NaN or infinity, or if `step`
        would leave elements uncovered.

    See Also
    --------
    reconstruct_from_patches : The inverse.
    sample_patches : Patches at random positions of several arrays.
    Patches : The same patches, read when they are used.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.arange(20.0).reshape(4, 5)
    >>> X = extract_patches(image, (2, 3), step=2)
    >>> X.shape
    (4, 6)
    >>> bool((reconstruct_from_patches(X, image.shape, (2, 3), step=2) == image).all())
    True
    >>> extract_patches(np.arange(5.0), 3)
    array([[0., 1., 2.],
           [1., 2., 3.],
           [2., 3., 4.]])
    """
    array = check_array(array, "array")
    check_finite(array, "array")
    return Patches(array, patch_size, step=step)[:]


def reconstruct_from_patches(
    X: ArrayLike, shape: tuple[int, ...], patch_size: PatchSize, *, step: PatchSize = 1
) -> np.ndarray:
    """Reconstruct an array from the patches of `extract_patches`; overlaps are averaged.

    Unchanged patches give the array back to rounding. Sums are formed in float64.

    Parameters
    ----------
    X : array (n_patches, n_features)
        Never written to.
    shape : tuple of int
        Shape of the array, with its channels.
    patch_size, step : int or tuple of int
        As given to `extract_patches`.

    Returns
    -------
    array : array of shape `shape`
        In the dtype of `X`.

    Raises
    ------
    ValueError
        If the shape of `X` is not that of the patches of such an array.

    See Also
    --------
    Patches.average : The same of blocks of patches, and into a memory map.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1.0, 1.0], [3.0, 3.0]])
    >>> reconstruct_from_patches(X, (1, 3), (1, 2))
    array([[1., 2., 3.]])
    """
    if np.ndim(shape) != 1 or len(shape) == 0:
        raise ValueError(
            wrong(
                "shape",
                got=shown(shape),
                expected="a tuple of integers",
                remedy="Pass the shape of the array that the patches were taken from.",
            )
        )
    shape = tuple(check_integer(length, "shape") for length in shape)
    # Only its shape is used.
    like = np.broadcast_to(np.zeros(1), shape)
    name = "the array of that shape"
    return Patches._of(like, patch_size, name, step=step, dtype=like.dtype).average(X)
