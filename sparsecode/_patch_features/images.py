"""Images of one size as an array (n_images, height, width, n_channels), read a block at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from sklearn.utils.validation import validate_data

from sparsecode._collections import refuse_collection
from sparsecode._messages import shown, wrong
from sparsecode._row_blocks import release
from sparsecode._validation import check_integer, check_samples, is_checked
from sparsecode.datasets._array import check_array, check_finite, parts
from sparsecode.datasets._grid import by

_SHAPES = "(n_images, height, width) or (n_images, height, width, n_channels)"


@dataclass(frozen=True)
class Images:
    """Images that were checked.

    `array` has the shape (n_images, height, width, n_channels) and any real dtype; it may be a
    memory map.
    """

    array: np.ndarray

    def __len__(self) -> int:
        return len(self.array)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and number of channels."""
        return self.array.shape[1:]

    @property
    def dtype(self) -> np.dtype:
        """float32 if it holds every value of the images exactly, else float64."""
        return np.result_type(self.array.dtype, np.float32)

    def block(self, rows):
        """Some images as a C-contiguous array of their own dtype."""
        release(self.array)
        return np.ascontiguousarray(self.array[rows])

    def range(self):
        """Difference between the largest and the smallest value."""
        found = [(part.min(), part.max()) for part in parts(self.array)]
        lowest, highest = np.array(found, dtype=np.float64).T
        return float(highest.max() - lowest.min())


def read_images(estimator, X, image_shape, *, reset):
    """Return `X` as `Images`, compared with those of `fit` unless `reset`.

    Parameters
    ----------
    estimator : estimator
        Gets `n_features_in_` and, where the columns have names, `feature_names_in_`.
    X : array-like
        Images, or images that are flat as rows.
    image_shape : tuple of int or None
        Shape of the images of flat rows.
    reset : bool
        Whether this is `fit`.
    """
    refuse_collection(
        X,
        "Transform the chunks, with X.map_blocks(model.transform).",
        expected="images in memory, or a memory map",
    )
    X = _stacked(X)
    # Lists and the like, too, are rows, unless they were stacked.
    if getattr(X, "ndim", 2) < 3:
        rows = _rows(estimator, X, reset)
        return Images(rows.reshape(len(rows), *_shape_of_rows(rows, image_shape)))
    array = check_array(X, "X")
    if array.ndim > 4:
        raise ValueError(_unclear(array))
    check_finite(array, "X")
    array = array if array.ndim == 4 else array[..., np.newaxis]
    if image_shape is not None and array.shape[1:] != image_shape:
        raise ValueError(
            f"X has images of {by(array.shape[1:])}; expected {by(image_shape)}, height, width and "
            f"channels{_origin(reset)}. Crop or resize them to one size."
        )
    if reset:
        # Only its shape is looked at.
        like = np.broadcast_to(np.float32(0), (len(array), math.prod(array.shape[1:])))
        validate_data(estimator, like, reset=True, skip_check_array=True)
    return Images(array)


def check_image_shape(image_shape):
    """Return an image shape as (height, width, n_channels), or None."""
    if image_shape is None:
        return None
    if np.ndim(image_shape) != 1 or len(image_shape) not in (2, 3):
        raise ValueError(
            wrong(
                "image_shape",
                got=shown(image_shape),
                expected="(height, width), (height, width, n_channels) or None",
                remedy="Give the shape of the images that rows of X are made of.",
            )
        )
    shape = tuple(check_integer(length, "image_shape") for length in image_shape)
    return shape if len(shape) == 3 else (*shape, 1)


def _stacked(X):
    """Stack a list of images; anything else is returned as it is."""
    if not isinstance(X, (list, tuple)) or len(X) == 0 or np.ndim(X[0]) < 2:
        return X
    shapes = [np.shape(image) for image in X]
    other = next((i for i, shape in enumerate(shapes) if shape != shapes[0]), None)
    if other is not None:
        raise ValueError(
            f"X has images of different sizes: X[0] has shape {shapes[0]}, X[{other}] has shape "
            f"{shapes[other]}; expected one size. Crop or resize them to one size."
        )
    return np.stack(X)


def _rows(estimator, X, reset):
    """Flat images in rows, checked as scikit-learn does; integers and memory maps are kept."""
    is_plain = type(X) in (np.ndarray, np.memmap) and X.ndim == 2 and X.size > 0
    if is_plain and (X.dtype.kind in "iub" or is_checked(X, halves=True)):
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        return X
    return check_samples(
        estimator,
        X,
        reset=reset,
        order="C",
        fill="Repair such images or leave them out.",
        dense="Pass X.toarray().",
    )


def _shape_of_rows(rows, image_shape):
    n_features = rows.shape[1]
    if image_shape is None:
        raise ValueError(
            f"X has shape {rows.shape}; expected images of shape {_SHAPES}. If the rows of X are "
            "flat images, set image_shape=(height, width)."
        )
    if math.prod(image_shape) != n_features:
        raise ValueError(
            f"image_shape is {image_shape}, which are {math.prod(image_shape)} values, but X has "
            f"{n_features} features; expected as many. Set image_shape to the height, width and "
            "number of channels of the images."
        )
    return image_shape


def _origin(reset):
    return " as image_shape says" if reset else " as in fit"


def _unclear(array):
    return f"X has shape {array.shape}; expected images of shape {_SHAPES}. Reshape it."
