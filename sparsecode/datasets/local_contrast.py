"""Local contrast of images: lowered where it is highest."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import gaussian_filter

from .._validation import check_number
from ._image import check_images, check_not_constant, like_given


def normalize_contrast(
    images: ArrayLike, *, width: float = 6.0, variance: float = 0.1
) -> list[np.ndarray] | np.ndarray:
    """Lower the contrast of images where it is highest.

    From each pixel the mean around it is subtracted, and the rest is divided by its deviation
    around it: both are averages under a Gaussian. Deviations below their mean over an image count
    as this mean. So places of much contrast come to about the same size, and noise in flat places
    stays small. In the end a factor brings the variance of each image to `variance`.

    Without it, the places of highest contrast, such as the texture of one roof, hold most of the
    energy of whitened photographs, and filters are learned from little else.

    Parameters
    ----------
    images : list of arrays (height, width), or array
        Grey images of any sizes, whitened; an array is one image, or a stack along the first axis.
        Never written to.
    width : float, default=6.0
        Standard deviation of the Gaussian in pixels, from 0.5 to 1000. Half the size of a filter is
        a good value.
    variance : float, default=0.1
        Mean square of the pixels of each image of the result.

    Returns
    -------
    normalized : list of arrays, or array
        A list for a list, an array for an array, in the dtype of the images.

    Raises
    ------
    ValueError
        If an image is constant, not 2-D, or has entries that are not finite.

    References
    ----------
    K. Jarrett, K. Kavukcuoglu, M. Ranzato and Y. LeCun, "What is the best multi-stage architecture
    for object recognition?", 2009.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.datasets import normalize_contrast
    >>> image = np.random.default_rng(0).standard_normal((60, 60))
    >>> image[:20] *= 30
    >>> image[40:] *= 10
    >>> even = normalize_contrast(image, width=3.0)
    >>> for picture in (image, even):
    ...     print(round(float(picture[:15].std() / picture[45:].std()), 1))
    2.9
    1.4
    """
    width = check_number(width, "width", low=0.5, high=1000)
    variance = check_number(variance, "variance", low=0, low_open=True)
    checked = check_images(images, colour=False)
    even = []
    for index, image in enumerate(checked):
        check_not_constant(image, f"images[{index}]")
        one = _evened(image, width)
        one *= np.sqrt(variance / np.square(one).mean())
        even.append(one.astype(image.dtype))
    return like_given(images, even)


def _evened(image, width):
    """An image less its local mean, over its local deviation."""
    # In a unit in which squares neither overflow nor vanish.
    image = image / np.abs(image).max().astype(np.float64)
    rest = image - gaussian_filter(image, width)
    deviation = np.sqrt(gaussian_filter(np.square(rest), width))
    return rest / np.maximum(deviation, deviation.mean())
