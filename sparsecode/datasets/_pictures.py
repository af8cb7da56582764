"""Picture files, read by Pillow: known formats only, within a limit of memory, turned upright."""

from __future__ import annotations

import warnings

import numpy as np
from PIL import Image, UnidentifiedImageError

from sparsecode._reading.refusal import Refused, Unknown
from sparsecode._reading.regular import open_regular, size_of, too_large

from ._pixels import fill, new_image

# Some of the other formats start other programs.
_FORMATS = ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
# Memory limits of a picture. The smallest files have a lower limit: their pixels are all equal, but
# take as long to decode.
_LIMIT, _LEAST_LIMIT, _RATIO = 2**29, 2**27, 2**15
_BYTES_A_PIXEL = 8
_ORIENTATION = 0x0112
# By EXIF orientation: from an upright picture, the view in the order in which pixels are stored.
_AS_STORED = {
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.swapaxes(0, 1),
    6: lambda image: np.rot90(image),
    7: lambda image: image[::-1, ::-1].swapaxes(0, 1),
    8: lambda image: np.rot90(image, -1),
}


def read_picture(path, *, grayscale, dtype, max_bytes):
    """Return the picture of a file as an image of floats."""
    with warnings.catch_warnings(), open_regular(path) as file:
        # Half the size that Pillow refuses is only large, which is fine here.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            Image.init()
            # Pillow may be built without some.
            formats = [name for name in _FORMATS if name in Image.OPEN]
            with Image.open(file, formats=formats) as picture:
                _check_size(path, picture, size_of(file), max_bytes)
                _check_single(path, picture)
                return _image(picture, grayscale, dtype)
        except UnidentifiedImageError as error:
            raise Unknown(
                f"{path} is not an image that Pillow can read. Give image files, a folder of "
                "them, or an .npy, .npz or .mat file."
            ) from error
        except Image.DecompressionBombError as error:
            raise Refused(
                f"{path} has more than {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels. "
                "Cut or shrink it first, or raise PIL.Image.MAX_IMAGE_PIXELS."
            ) from error


def _check_size(path, picture, file_size, max_bytes):
    limit = max_bytes
    if limit is None:
        limit = min(_LIMIT, max(_LEAST_LIMIT, _RATIO * file_size))
    size = picture.width * picture.height * _BYTES_A_PIXEL
    if size > limit:
        raise too_large(path, f"{picture.width} x {picture.height} pixels, {size} bytes", limit)


def _check_single(path, picture):
    # MPO is a photograph with a preview of itself.
    if picture.format == "MPO":
        return
    n_frames = getattr(picture, "n_frames", 1)
    if n_frames > 1:
        raise Refused(
            f"{path} holds {n_frames} pictures. Save each in its own file, or all of "
            "them as an .npy stack."
        )


def _image(picture, grayscale, dtype):
    orientation = picture.getexif().get(_ORIENTATION, 1)
    widened = picture.format in ("PNG", "PPM")  # 16 bits, read as 32
    picture.load()
    height, width = picture.height, picture.width
    if orientation in (5, 6, 7, 8):
        height, width = width, height
    image = new_image(height, width, grayscale=grayscale, dtype=dtype)
    stored = _AS_STORED.get(orientation, lambda image: image)(image)

    def rows(start, stop):
        return _pixels(picture.crop((0, start, picture.width, stop)), widened)

    fill(stored, rows, grayscale=grayscale)
    return image


def _pixels(picture, widened):
    """Return the pixels as grey or RGB, 8-bit where Pillow has no more."""
    if picture.mode.startswith("I;16"):
        return np.asarray(picture)
    if picture.mode in ("I", "F"):
        pixels = np.asarray(picture)
        return pixels.astype(np.uint16) if widened else pixels
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        paper = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(paper, picture).convert("RGB")
    elif picture.mode not in ("1", "L", "RGB"):
        picture = picture.convert("RGB")
    return np.asarray(picture)
