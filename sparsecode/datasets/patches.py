"""Patches of images as rows of a matrix: an exact grid with its inverse, and random draws."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, DTypeLike
from sklearn.utils.random import sample_without_replacement

from sparsecode._messages import shown
from sparsecode._typing import RandomState
from sparsecode._validation import check_random_state

from .._validation import check_dtype, check_integer, check_matrix, common_dtype
from ._grid import add_patches, coverage, grid, view_patches
from ._image import check_image, check_image_size, check_images, check_pair


def extract_patches(
    image: ArrayLike, patch_size: int | tuple[int, int], *, step: int | tuple[int, int] = 1
) -> np.ndarray:
    """Extract the patches of an image, on a regular grid that covers every pixel.

    Patches start every `step` pixels from the top left corner. Where that grid does not end at
    the border, one more row or column of patches is added flush with the border, so the last two
    may overlap more than the others.

    Parameters
    ----------
    image : array (height, width) or (height, width, 3)
        Never written to.
    patch_size : int or (int, int)
        Height and width of a patch, in pixels.
    step : int or (int, int), default=1
        Distance between neighbouring patches, in pixels, at most `patch_size`.

    Returns
    -------
    X : array (n_patches, n_features)
        One patch a row, patches in reading order. The features of a patch are its pixels in
        reading order, the three channels of a pixel side by side:
        ``X[i].reshape(patch_height, patch_width)`` is the patch again.

    Raises
    ------
    ValueError
        If the image is smaller than a patch, is not 2-D or colour, or holds NaN or infinity, or
        if `step` would leave pixels uncovered.

    See Also
    --------
    reconstruct_from_patches : The inverse.
    sample_patches : Patches at random positions of several images.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.arange(20.0).reshape(4, 5)
    >>> X = extract_patches(image, (2, 3), step=2)
    >>> X.shape
    (4, 6)
    >>> bool((reconstruct_from_patches(X, image.shape, (2, 3), step=2) == image).all())
    True
    """
    image = check_image(image)
    patch_size = check_pair(patch_size, "patch_size")
    check_image_size(image, patch_size)
    rows, columns = grid(image.shape, patch_size, step)
    patches = view_patches(image, patch_size)[np.ix_(rows, columns)]
    return np.ascontiguousarray(patches.reshape(len(rows) * len(columns), -1))


def reconstruct_from_patches(
    X: ArrayLike,
    image_shape: tuple[int, ...],
    patch_size: int | tuple[int, int],
    *,
    step: int | tuple[int, int] = 1,
) -> np.ndarray:
    """Reconstruct an image from the patches of `extract_patches`; overlaps are averaged.

    Unchanged patches give the image back to rounding. Sums are formed in float64.

    Parameters
    ----------
    X : array (n_patches, n_features)
        Never written to.
    image_shape : (int, int) or (int, int, 3)
        Shape of the image, in pixels.
    patch_size, step : int or (int, int)
        As given to `extract_patches`.

    Returns
    -------
    image : array of shape `image_shape`
        In the dtype of `X`.

    Raises
    ------
    ValueError
        If the shape of `X` is not that of the patches of such an image.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1.0, 1.0], [3.0, 3.0]])
    >>> reconstruct_from_patches(X, (1, 3), (1, 2))
    array([[1., 2., 3.]])
    """
    patch_size = check_pair(patch_size, "patch_size")
    image_shape = _check_image_shape(image_shape)
    image = np.zeros(image_shape if len(image_shape) == 3 else (*image_shape, 1))
    check_image_size(image, patch_size, "the image of image_shape")
    rows, columns = grid(image_shape, patch_size, step)
    X = check_matrix(
        X,
        "X",
        n_columns=patch_size[0] * patch_size[1] * image.shape[2],
        columns_are=f"values of a patch of patch_size {patch_size}",
    )
    if len(X) != len(rows) * len(columns):
        raise ValueError(
            f"X has {len(X)} rows; expected {len(rows)} x {len(columns)} = "
            f"{len(rows) * len(columns)} patches for an image of shape {image_shape} with this "
            "patch_size and step. Pass the values that were given to extract_patches."
        )
    add_patches(image, X, rows, columns, patch_size)
    cover = coverage(image_shape, rows, columns, patch_size)
    image /= cover[:, :, np.newaxis]
    return image.reshape(image_shape).astype(X.dtype, copy=False)


def sample_patches(
    images: ArrayLike,
    patch_size: int | tuple[int, int],
    n_patches: int,
    *,
    border: int = 0,
    random_state: RandomState = None,
    dtype: DTypeLike | None = None,
) -> np.ndarray:
    """Draw random patches of images, without replacement, uniformly over all positions.

    Parameters
    ----------
    images : list of arrays, or array
        Images (height, width) or (height, width, 3), of any sizes but all grey or all colour. An
        array is one image or a stack of images along the first axis. Never written to.
    patch_size : int or (int, int)
        Height and width of a patch, in pixels.
    n_patches : int
        Number of patches to draw.
    border : int, default=0
        Number of pixels at each edge of each image that no patch may touch. Olshausen and Field
        used 4, since the edge disturbs their whitening there.
    random_state : int, RandomState or None
        The same seed gives the same patches.
    dtype : numpy.float32, numpy.float64 or None
        dtype of `X`. None means float32 if every image is float32, else float64.

    Returns
    -------
    X : array (n_patches, n_features)
        One patch a row, in random order, its values ordered as in `extract_patches`.

    Raises
    ------
    ValueError
        If an image is smaller than a patch, is not 2-D or colour, or holds NaN or infinity, or if
        the images have fewer than `n_patches` positions.

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
    """
    images = check_images(images)
    patch_size = check_pair(patch_size, "patch_size")
    n_patches = check_integer(n_patches, "n_patches")
    border = check_integer(border, "border", low=0)
    dtype = common_dtype(*images) if dtype is None else check_dtype(dtype)
    if len({image.ndim for image in images}) > 1:
        raise ValueError(
            "images mixes grey and colour images; expected one kind. Load them all with the same "
            "grayscale option."
        )
    inner = (slice(border, -border or None),) * 2
    for i, image in enumerate(images):
        name = f"images[{i}]" + (f" without its border of {border} pixels" if border else "")
        check_image_size(image[inner], patch_size, name)

    windows = [view_patches(image[inner], patch_size) for image in images]
    ends = np.cumsum([window.shape[0] * window.shape[1] for window in windows])
    if n_patches > ends[-1]:
        raise ValueError(
            f"n_patches is {n_patches}, but the images have only {ends[-1]} positions for patches "
            f"of {patch_size[0]} x {patch_size[1]}. Ask for fewer or give more or larger images."
        )
    rng = check_random_state(random_state)
    positions = sample_without_replacement(ends[-1], n_patches, random_state=rng)
    rng.shuffle(positions)
    owner = np.searchsorted(ends, positions, side="right")

    X = np.empty((n_patches, images[0][:1, :1].size * patch_size[0] * patch_size[1]), dtype=dtype)
    for i, window in enumerate(windows):
        mine = np.flatnonzero(owner == i)
        first = ends[i] - window.shape[0] * window.shape[1]
        row, column = np.divmod(positions[mine] - first, window.shape[1])
        X[mine] = window[row, column].reshape(len(mine), X.shape[1])
    return X


def _check_image_shape(shape):
    if np.ndim(shape) != 1 or len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] != 3):
        raise ValueError(
            f"image_shape is {shown(shape)}; expected (height, width) or (height, width, 3). Pass "
            "the shape of the image that the patches were taken from."
        )
    return tuple(check_integer(length, "image_shape") for length in shape)
