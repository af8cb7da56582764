"""Images as arrays: shapes, values, luminance, and the errors for anything else."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._messages import shown
from .._validation import FLOAT_DTYPES, check_integer
from .._values import check_instance

# Rec. ITU-R BT.601 luma, applied to the stored (gamma-encoded) red, green and blue.
LUMA_WEIGHTS = (0.299, 0.587, 0.114)


def split_stack(array, name):
    """Return the images of an array: one image, or a stack along the first axis."""
    array = np.asarray(array)
    is_colour = array.ndim > 2 and array.shape[-1] == 3
    if array.ndim == 3 and array.shape[-1] == 4 and array.shape[0] > 4:
        # Read as a stack, its images would be 4 pixels wide.
        raise ValueError(
            f"{name} has shape {array.shape}; expected one image, (height, width) or (height, "
            f"width, 3), or a stack of them along the first axis. {_remedy(array)} For a stack of "
            "images that are 4 pixels wide, pass a list."
        )
    if array.ndim - is_colour not in (2, 3):
        raise ValueError(
            f"{name} has shape {array.shape}; expected one image, (height, width) or (height, "
            "width, 3), or a stack of them along the first axis. "
            + ("Reshape the array." if array.ndim > 3 else _remedy(array))
        )
    images = [array] if array.ndim - is_colour == 2 else list(array)
    if not images:
        raise ValueError(f"{name} is an empty stack of shape {array.shape}. Give some images.")
    return images


def check_images(images, name="images", *, colour=True):
    """Return a list of float images, each checked by `check_image`."""
    if not isinstance(images, (list, tuple)):
        images = split_stack(images, name)
    if not images:
        raise ValueError(f"{name} is an empty list; expected at least one image. Give some images.")
    return [check_image(image, f"{name}[{i}]", colour=colour) for i, image in enumerate(images)]


def check_image(image, name="image", *, colour=True):
    """Return `image` as a finite float array (height, width), or (height, width, 3) if `colour`.

    float32 and float64 are kept, other real numbers become float64; values are not rescaled.
    """
    image = np.asarray(image)
    check_pixels(image, name, colour=colour)
    if image.dtype.type not in FLOAT_DTYPES or not image.dtype.isnative:
        image = image.astype(np.float32 if image.dtype == np.float32 else np.float64)
    check_finite(image, image, name)
    return image


def check_pixels(image, name, *, colour=True):
    """Refuse an array whose type or shape is not that of an image."""
    if image.dtype.kind not in "fiub":
        raise ValueError(
            f"{name} has dtype {image.dtype}; expected real numbers. Convert it to floats."
        )
    is_colour = image.ndim == 3 and image.shape[2] == 3
    if image.ndim != 2 and not (colour and is_colour):
        shapes = "(height, width) or (height, width, 3)" if colour else "(height, width)"
        remedy = "Convert it to grey first." if is_colour else _remedy(image)
        raise ValueError(f"{name} has shape {image.shape}; expected {shapes}. {remedy}")
    if image.size == 0:
        raise ValueError(f"{name} has no pixels: its shape is {image.shape}. Leave it out.")


def check_finite(image, pixels, name):
    """Refuse an image of floats that has NaN or infinity; `pixels` are those it was made of."""
    # A sum is quicker, and takes no memory.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(image.sum()) or np.isfinite(image).all():
            return
    wrong = np.count_nonzero(~np.isfinite(pixels if pixels.dtype.kind == "f" else image))
    raise ValueError(
        f"{name} holds NaN or infinity in {wrong or 'some'} of {pixels.size} values; expected "
        "finite numbers. Repair it or leave it out."
    )


def _remedy(image):
    """Advice for an array whose shape is not that of an image."""
    if image.ndim == 3 and image.shape[2] in (2, 4):
        return "The last channel may be opacity: leave it out, with image[..., :-1]."
    if image.ndim == 3 and image.shape[2] == 1:
        return "Leave out the last axis, with image[..., 0]."
    if image.ndim < 2:
        return "Reshape the pixels to (height, width); signals of one dimension are rows of X."
    return "Pass its images one by one."


def check_image_size(image, patch_size, name="image", size_name="patch_size"):
    """Refuse an image that is smaller than a patch of (height, width) pixels."""
    height, width = patch_size
    if image.shape[0] < height or image.shape[1] < width:
        raise ValueError(
            f"{name} has {image.shape[0]} x {image.shape[1]} pixels, smaller than a patch of "
            f"{height} x {width} ({size_name}). Use smaller patches or leave the image out."
        )


def check_not_constant(image: ArrayLike, name: str = "image") -> None:
    """Refuse an image whose pixels are all equal: no scale can give it a variance.

    Parameters
    ----------
    image : array (height, width) or (height, width, 3)
    name : str
        What to call the image in the error, such as its file name.

    Raises
    ------
    ValueError
        If all pixels are equal to rounding, or `image` is not a finite image.

    Examples
    --------
    >>> import numpy as np
    >>> check_not_constant(np.full((8, 8), 0.5), "wall.png")
    Traceback (most recent call last):
    ValueError: wall.png is constant: every pixel is 0.5, so it cannot be whitened. Leave it out.
    """
    check_instance(name, "name", str, "text", "Give the name of the image.")
    image = check_image(image, name)
    # The luma of equal colours can differ in the last bit.
    rounding = 8 * np.finfo(image.dtype).eps * max(image.max(), -image.min())
    if (np.ptp(image, axis=(0, 1)) <= rounding).all():
        value = ", ".join(f"{channel:.6g}" for channel in np.atleast_1d(image[0, 0]))
        raise ValueError(
            f"{name} is constant: every pixel is {value}, so it cannot be whitened. Leave it out."
        )


def check_pair(value, name):
    """Return (height, width) from one integer for both or a pair of integers."""
    if np.ndim(value) == 0:
        value = (value, value)
    if np.shape(value) != (2,):
        raise ValueError(
            f"{name} is {shown(value)}; expected an integer or a pair (height, width). "
            f"Set {name} to one of these."
        )
    return tuple(check_integer(length, name) for length in value)


def to_luminance(image):
    """Return the luma of an image (height, width, 3); a grey image is returned as it is."""
    if image.ndim == 2:
        return image
    return image @ np.asarray(LUMA_WEIGHTS, dtype=image.dtype)


def like_given(given, images):
    """Return `images` in the container of `given`: a list, one image, or a stack."""
    if isinstance(given, (list, tuple)):
        return images
    return images[0] if np.ndim(given) == 2 else np.stack(images)
