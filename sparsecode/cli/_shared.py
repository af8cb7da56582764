"""Parts of the commands: photographs to work on, pictures to write, and one-line errors."""

from __future__ import annotations

import contextlib

import click
import numpy as np

from sparsecode._atomic_files import write_atomically
from sparsecode.datasets import OlshausenFieldWhitening, load_images, load_photographs

INTERRUPTED = 130
_PIXEL_VARIANCE = 0.1


def load_pictures(paths, raw, patch_size):
    """Whitened images of variance 0.1, from files or the photographs that are bundled."""
    if paths:
        pictures = load_images(paths, min_size=patch_size, allow_constant=False)
    else:
        pictures = load_photographs()
    if raw:
        return OlshausenFieldWhitening(variance=_PIXEL_VARIANCE).fit_transform(pictures)
    pixels = np.concatenate([picture.ravel() for picture in pictures])
    mean, deviation = pixels.mean(), pixels.std()
    if not deviation > 0 or not np.isfinite(deviation):
        raise ValueError(
            f"the images have a standard deviation of {deviation:g}, which cannot be scaled to "
            "variance 0.1; expected a finite number above 0. Give images that are not constant, "
            "with values of ordinary size."
        )
    return [(picture - mean) * (np.sqrt(_PIXEL_VARIANCE) / deviation) for picture in pictures]


def save_figure(figure, path):
    """Write a figure, whole or not at all, and close it."""
    from matplotlib import pyplot

    with write_atomically(path) as temporary:
        figure.savefig(temporary, dpi=150)
    pyplot.close(figure)


@contextlib.contextmanager
def one_line_errors():
    """Turn what bad input raises into one line on standard error and exit code 2."""
    try:
        yield
    except (ValueError, OSError, FloatingPointError, MemoryError) as error:
        exception = click.ClickException(" ".join(str(error).split()))
        exception.exit_code = 2
        raise exception from error
