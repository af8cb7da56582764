"""Statistics of a dictionary: spatial frequency of its atoms, and summary of their Gabor fits."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from sparsecode._validation import check_number
from sparsecode._values import check_instance
from sparsecode.receptive_fields._fits import GaborFits
from sparsecode.receptive_fields._patches import as_patches

N_BINS = 10


@dataclasses.dataclass(frozen=True, eq=False)
class ReceptiveFieldStatistics:
    """Summary of Gabor fits; the medians are over the well-fitted atoms.

    A median over no atom is NaN.

    Attributes
    ----------
    n_atoms : int
    r2_min : float
        An atom counts as well fitted from this `r2` on.
    fraction_fitted : float
        Share of the atoms that are well fitted.
    median_r2 : float
        Median over all atoms.
    median_frequency : float
        Peak of the spectrum, cycles per pixel.
    median_bandwidth : float
        Octaves, full width at half amplitude; infinite if most atoms are low-pass.
    median_orientation_bandwidth : float
        Degrees, full width at half amplitude; 180 if most atoms have no orientation.
    median_aspect_ratio : float
        Length over width of the envelope.
    median_n_x, median_n_y : float
        Ringach's widths of the envelope in cycles, along and across the wave vector.
    orientation_histogram : int array of shape (10,)
        Atoms in each bin of 18 degrees.
    n_empty_orientation_bins : int
    """

    n_atoms: int
    r2_min: float
    fraction_fitted: float
    median_r2: float
    median_frequency: float
    median_bandwidth: float
    median_orientation_bandwidth: float
    median_aspect_ratio: float
    median_n_x: float
    median_n_y: float
    orientation_histogram: np.ndarray
    n_empty_orientation_bins: int

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dict of plain Python numbers and one list, ready for JSON."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return fields | {"orientation_histogram": self.orientation_histogram.tolist()}


def receptive_field_statistics(fits: GaborFits, *, r2_min: float = 0.7) -> ReceptiveFieldStatistics:
    """Summarise Gabor fits in the terms used for simple cells of the visual cortex.

    Parameters
    ----------
    fits : GaborFits
        From :func:`fit_gabors`.
    r2_min : float, default=0.7
        Atoms with a smaller `r2` count as badly fitted and are left out of the medians.

    Returns
    -------
    statistics : ReceptiveFieldStatistics

    Raises
    ------
    ValueError
        If `fits` is empty or `r2_min` is not a number up to 1.

    References
    ----------
    D. Ringach, "Spatial structure and symmetry of simple-cell receptive fields in macaque primary
    visual cortex", 2002.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import receptive_fields
    >>> atoms = receptive_fields.gabor_patches(
    ...     (12, 12), center_x=5.5, center_y=5.5, orientation=0.1 + 0.314 * np.arange(10),
    ...     frequency=0.2, width_x=2.0, width_y=3.0)
    >>> fits = receptive_fields.fit_gabors(atoms)
    >>> statistics = receptive_fields.receptive_field_statistics(fits)
    >>> statistics.fraction_fitted, statistics.n_empty_orientation_bins
    (1.0, 0)
    >>> round(statistics.median_aspect_ratio, 3)
    1.5
    """
    r2_min = check_number(r2_min, "r2_min", high=1)
    check_instance(fits, "fits", GaborFits, "GaborFits", "Make them with fit_gabors.")
    if not len(fits):
        raise ValueError("fits holds no atom; expected at least one. Fit some atoms first.")
    good = fits[fits.r2 >= r2_min]
    histogram = fits.orientation_histogram(N_BINS, r2_min)
    return ReceptiveFieldStatistics(
        n_atoms=len(fits),
        r2_min=float(r2_min),
        fraction_fitted=len(good) / len(fits),
        median_r2=_median(fits.r2),
        median_frequency=_median(good.peak_frequency),
        median_bandwidth=_median(good.bandwidth),
        median_orientation_bandwidth=_median(good.orientation_bandwidth),
        median_aspect_ratio=_median(good.aspect_ratio),
        median_n_x=_median(good.n_x),
        median_n_y=_median(good.n_y),
        orientation_histogram=histogram,
        n_empty_orientation_bins=int((histogram == 0).sum()),
    )


def spatial_frequency(atoms: Any, patch_shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Return the mean spatial frequency of each atom, such as to sort a mosaic.

    It is the centroid of the power spectrum: the mean radial frequency, weighted by the power, over
    all colours. It needs no fit, so it is defined for every atom.

    Parameters
    ----------
    atoms : array of shape (n_atoms, n_features), (n_atoms, height, width) or \
            (n_atoms, height, width, 3), or an object with such `atoms` or `components_`
    patch_shape : (height, width) or (height, width, 3), optional
        Needed for flat atoms unless the patch is square.

    Returns
    -------
    frequency : array of shape (n_atoms,)
        Cycles per pixel; 0 for an atom that is zero.

    Raises
    ------
    ValueError
        If `atoms` and `patch_shape` do not fit together, or an entry is NaN or infinite.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.receptive_fields import gabor_patches, spatial_frequency
    >>> atoms = gabor_patches((24, 24), center_x=11.5, center_y=11.5, orientation=0.3,
    ...                       frequency=np.array([0.1, 0.25]), width_x=5.0, width_y=5.0)
    >>> spatial_frequency(atoms).round(2)
    array([0.1 , 0.25])
    """
    patches = as_patches(atoms, patch_shape).astype(np.float64)
    _, height, width, _ = patches.shape
    peak = abs(patches).max(axis=(1, 2, 3), keepdims=True)
    patches /= np.where(peak > 0, peak, 1)
    # padded to twice the size, as these samples determine the power spectrum exactly
    size = (2 * height, 2 * width)
    power = (abs(np.fft.fft2(patches, s=size, axes=(1, 2))) ** 2).sum(axis=3)
    radius = np.hypot(*np.meshgrid(*map(np.fft.fftfreq, size), indexing="ij"))
    total = power.sum(axis=(1, 2))
    return (power * radius).sum(axis=(1, 2)) / np.where(total > 0, total, 1)


def _median(values):
    return float(np.median(values)) if len(values) else float("nan")
