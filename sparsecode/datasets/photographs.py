"""The two photographs that ship with scikit-learn: no download, the same on every machine."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from .._extras import require
from .._validation import check_dtype, check_flag
from ._image import to_luminance


def load_photographs(*, grayscale: bool = True, dtype: DTypeLike = np.float64) -> list[np.ndarray]:
    """Load the photographs "china" (a temple) and "flower", in this order.

    Parameters
    ----------
    grayscale : bool, default=True
        Whether to return the luma 0.299 R + 0.587 G + 0.114 B (Rec. ITU-R BT.601) of the stored,
        gamma-encoded values, or the three channels.
    dtype : numpy.float64 or numpy.float32
        dtype of the images.

    Returns
    -------
    photographs : list of two arrays, (427, 640) or (427, 640, 3)
        Values in [0, 1].

    Notes
    -----
    From Flickr, users danielbuechele (china) and vultilion (flower), under CC BY 2.0: see
    ``sklearn/datasets/images/README.txt``.

    Examples
    --------
    >>> from sparsecode.datasets import load_photographs
    >>> china, flower = load_photographs()
    >>> flower.shape
    (427, 640)
    """
    require("images", "load_photographs")
    from sklearn.datasets import load_sample_image  # 0.1 s, too much for `import sparsecode`

    dtype = check_dtype(dtype)
    grayscale = check_flag(grayscale, "grayscale")
    colour = [load_sample_image(name) / 255.0 for name in ("china.jpg", "flower.jpg")]
    return [
        (to_luminance(image) if grayscale else image).astype(dtype, copy=False) for image in colour
    ]
