"""Patches at random positions of one or several arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, DTypeLike
from sklearn.utils.random import sample_without_replacement

from .._row_blocks import is_on_disk
from .._typing import PatchSize, RandomState
from .._validation import check_dtype, check_integer, check_random_state, common_dtype
from ._array import check_array, check_finite
from ._grid import by, split_shape
from ._image import split_stack
from .patches import Patches


def sample_patches(
    arrays: ArrayLike,
    patch_size: PatchSize,
    n_patches: int,
    *,
    border: int = 0,
    random_state: RandomState = None,
    dtype: DTypeLike | None = None,
) -> np.ndarray:
    """Draw random patches of arrays, without replacement, uniformly over all positions.

    Of a memory map only the patches that are drawn are read, and checked.

    Parameters
    ----------
    arrays : list of arrays, or array
        Series, images, volumes or videos, as in `extract_patches`: of any sizes, but all with the
        same number of channels. An array that is in no list is one image, or a stack of images
        along the first axis; other arrays must have as many axes as a patch. Never written to.
    patch_size : int or tuple of int
        Lengths of a patch along the first axes; an axis beyond them is that of channels. One
        integer is for series (n,), images (height, width) or colour images (height, width, 3).
    n_patches : int
        Number of patches to draw.
    border : int, default=0
        Number of elements at each edge of each array that no patch may touch. Olshausen and Field
        used 4 pixels, since the edge disturbs their whitening there.
    random_state : int, RandomState or None
        The same seed gives the same patches.
    dtype : numpy.float32, numpy.float64 or None
        dtype of `X`. None means float32 if every array is float32 or float16, else float64.

    Returns
    -------
    X : array (n_patches, n_features)
        One patch a row, in random order, its values ordered as in `extract_patches`.

    Raises
    ------
    ValueError
        If an array is smaller than a patch, has other axes, or holds NaN or infinity, or if the
        arrays have fewer than `n_patches` positions.

    References
    ----------
    Olshausen, B. A. and Field, D. J. (1996). Emergence of simple-cell receptive field properties
    by learning a sparse code for natural images. Nature 381, 607-609.

    Examples
    --------
    >>> import numpy as np
    >>> images = [np.eye(20), np.ones((30, 16), dtype=np.float32)]
    >>> sample_patches(images, 12, 50, random_state=0).shape
    (50, 144)
    >>> recording = np.zeros((1000, 3))
    >>> sample_patches([recording], (32,), 50, random_state=0).shape
    (50, 96)
    """
    arrays = _listed(arrays, patch_size)
    n_patches = check_integer(n_patches, "n_patches")
    border = check_integer(border, "border", low=0)
    dtype = common_dtype(*arrays) if dtype is None else check_dtype(dtype)
    inner = slice(border, -border or None)
    found = []
    for i, array in enumerate(arrays):
        name = f"arrays[{i}]" + (f" without its border of {border} values" if border else "")
        n_axes = len(split_shape(array.shape, patch_size, f"arrays[{i}]")[0])
        found.append(Patches._of(array[(inner,) * n_axes], patch_size, name, dtype=dtype))
    if len({patches.shape[1] for patches in found}) > 1 or len({a.ndim for a in arrays}) > 1:
        raise ValueError(
            f"arrays mixes numbers of channels, {sorted({p.n_channels for p in found})}; expected "
            "one number. Load images all with the same grayscale option."
        )
    ends = np.cumsum([len(patches) for patches in found])
    if n_patches > ends[-1]:
        raise ValueError(
            f"n_patches is {n_patches}, but the arrays have only {ends[-1]} positions for patches "
            f"of {by(found[0].patch_size)}. Ask for fewer or give more or larger arrays."
        )
    rng = check_random_state(random_state)
    positions = sample_without_replacement(ends[-1], n_patches, random_state=rng)
    rng.shuffle(positions)
    owner = np.searchsorted(ends, positions, side="right")
    X = np.empty((n_patches, found[0].shape[1]), dtype=dtype)
    for i, patches in enumerate(found):
        mine = np.flatnonzero(owner == i)
        X[mine] = patches[positions[mine] - (ends[i] - len(patches))]
    return X


def _listed(arrays, patch_size):
    """List of the arrays that are given, those in memory with finite values."""
    if not isinstance(arrays, (list, tuple)):
        arrays = _split(check_array(arrays, "arrays"), patch_size)
    if len(arrays) == 0:
        raise ValueError("arrays is an empty list; expected at least one array. Give some arrays.")
    arrays = [check_array(array, f"arrays[{i}]") for i, array in enumerate(arrays)]
    for i, array in enumerate(arrays):
        if not is_on_disk(array):
            check_finite(array, f"arrays[{i}]")
    return arrays


def _split(array, patch_size):
    """Arrays of an array: itself, or the images of a stack."""
    n_axes = np.size(patch_size)
    if array.ndim == 1 or (array.ndim == n_axes and n_axes != 2):
        return [array]
    if np.ndim(patch_size) == 0 or n_axes == 2:
        return split_stack(array, "arrays")
    raise ValueError(
        f"arrays has {array.ndim} axes, shape {array.shape}, but patch_size has {n_axes} numbers; "
        "expected one array with one axis for each number, or a list of arrays. Pass [arrays] if "
        "the last axis holds channels, and list(arrays) if the first axis counts arrays."
    )
