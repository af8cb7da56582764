"""Images that the commands work on: the options that name them, and their whitening."""

from __future__ import annotations

import click
import numpy as np

from sparsecode.datasets import (
    ImageScaling,
    OlshausenFieldWhitening,
    load_images,
    load_photographs,
)
from sparsecode.datasets._spectrum import spectral_slope

PIXEL_VARIANCE = 0.1
# Of log amplitude over log frequency: photographs have about -1.1, whitened ones about -0.2.
_FLAT, _STEEP = -0.5, -0.7


class Shape(click.ParamType):
    """Height and width in pixels, such as 512x512."""

    name = "HEIGHTxWIDTH"

    def convert(self, value, param, ctx):
        if isinstance(value, tuple):
            return value
        parts = value.lower().split("x")
        if len(parts) != 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
            self.fail(f"{value!r} is not a height and a width, such as 512x512", param, ctx)
        return int(parts[0]), int(parts[1])


def raw_options(command):
    """Add the options of files of raw numbers, `shape` and `dtype`."""
    for option in (
        click.option(
            "--dtype",
            default="<f4",
            show_default=True,
            help="Type of raw numbers: <f4 and >f4 are floats of 4 bytes, little-endian and "
            "big-endian, >u2 big-endian 16-bit integers.",
        ),
        click.option(
            "--shape",
            type=Shape(),
            default=None,
            help="Height and width of the images in files of raw numbers, which have no header and "
            "no suffix of another kind, such as 512x512.",
        ),
    ):
        command = option(command)
    return command


def image_options(command):
    """Add the options `images`, `raw`, `shape` and `dtype`."""
    command = raw_options(command)
    for option in (
        click.option(
            "--raw/--whitened",
            "raw",
            default=True,
            help="Whether the images are raw photographs, to be whitened by Olshausen and Field's "
            "filter, or whitened already; these are only brought to mean 0 and variance 0.1.  "
            "[default: raw]",
        ),
        click.option(
            "--images",
            multiple=True,
            metavar="PATH",
            help="Image file, .npy or .npz stack, MATLAB .mat file with an array IMAGES, file of "
            "raw numbers (see --shape), or folder of these. May be repeated. Default: the two "
            "photographs that ship with scikit-learn.",
        ),
    ):
        command = option(command)
    return command


def read_pictures(paths, shape, dtype, **options):
    """Grey images from files, or the photographs that are bundled."""
    if not paths:
        return load_photographs()
    return load_images(paths, raw_shape=shape, raw_dtype=dtype, **options)


def whitened(pictures, raw):
    """Whitened images of variance 0.1, and what was fitted to whiten them."""
    cls = OlshausenFieldWhitening if raw else ImageScaling
    whitening = cls(variance=PIXEL_VARIANCE)
    return whitening.fit_transform(pictures), whitening


def note_on_whitening(pictures, raw):
    """What seems wrong in the choice between raw and whitened images, or None."""
    slope = spectral_slope(pictures)
    if raw and slope > _FLAT:
        return (
            "The images look whitened already: their amplitude hardly falls with frequency (slope "
            f"{slope:.2f}; photographs have about -1). Give --whitened, as whitening twice leaves "
            "little but noise."
        )
    if not raw and slope < _STEEP:
        return (
            f"The images do not look whitened: their amplitude falls with frequency (slope "
            f"{slope:.2f}; whitened images have about 0). Leave out --whitened."
        )
    return None


def n_positions(pictures, size):
    """Number of different square patches of a size in images."""
    return sum(
        (picture.shape[0] - size + 1) * (picture.shape[1] - size + 1) for picture in pictures
    )


def sizes_of(pictures):
    """Number and sizes of images in words."""
    shapes = sorted({picture.shape for picture in pictures}, key=np.prod)
    sizes = " to ".join(f"{height} x {width}" for height, width in shapes[:: len(shapes) - 1 or 1])
    return f"{len(pictures)} of {sizes} pixels"
