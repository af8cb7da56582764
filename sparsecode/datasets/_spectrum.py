"""Slope of the amplitude spectrum of images: -1 or less for photographs, about 0 once whitened."""

from __future__ import annotations

import numpy as np
from scipy import fft

# Frequencies of the fit, cycles a pixel: above the structures of whole images, below the cut-offs
# of whitening filters and the noise of cameras.
_LOW, _HIGH = 0.04, 0.2
_N_BANDS = 8


def spectral_slope(images):
    """Slope of log amplitude over log frequency, over all images; NaN if they are too small."""
    edges = np.geomspace(_LOW, _HIGH, _N_BANDS + 1)
    power, count = np.zeros(_N_BANDS), np.zeros(_N_BANDS)
    for image in images:
        height, width = image.shape
        # The cosine transform continues an image by its reflection: no false edges.
        spectrum = fft.dctn(image.astype(np.float64), norm="ortho") ** 2
        rows, columns = np.arange(height) / (2 * height), np.arange(width) / (2 * width)
        band = np.digitize(np.hypot(rows[:, np.newaxis], columns), edges) - 1
        inside = (band >= 0) & (band < _N_BANDS)
        power += np.bincount(band[inside], spectrum[inside], _N_BANDS)
        count += np.bincount(band[inside], minlength=_N_BANDS)
    if not (power > 0).all():
        return float("nan")
    middle = np.sqrt(edges[1:] * edges[:-1])
    return float(np.polyfit(np.log(middle), 0.5 * np.log(power / count), 1)[0])
