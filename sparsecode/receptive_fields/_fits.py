"""Results of a Gabor fit, and the measures derived from them."""

from __future__ import annotations

import dataclasses
from typing import Any, Self

import numpy as np

from sparsecode._validation import check_integer, check_number

N_HALVINGS = 60


@dataclasses.dataclass(frozen=True, eq=False)
class GaborFits:
    """Gabor functions fitted to atoms; every array has shape (n_atoms,).

    Returned by :func:`fit_gabors`. ``len(fits)`` is the number of atoms and ``fits[index]`` selects
    some, by slice, mask or integer array.

    Attributes
    ----------
    center_x, center_y : array
        Column and row of the centre, in pixels; the first pixel is at 0.
    orientation : array
        Direction of the wave vector, radians in [0, pi), from the columns' axis (x, rightwards)
        towards the rows' axis (y, downwards): 0 means vertical bars.
    frequency : array
        Frequency of the carrier, cycles per pixel. For `n_x` below about 0.15 the envelope shows
        too little of a cycle to determine it; `peak_frequency` is still determined.
    phase : array
        Radians in (-pi, pi], at the centre: 0 and pi are even, +-pi/2 odd.
    width_x, width_y : array
        Standard deviations of the envelope along and across the wave vector, in pixels.
    amplitude : array
        Non-negative amplitude: the value at the centre if the phase is 0.
    r2 : array
        Share of the atom's variance that the fit explains, in [0, 1].
    patch_shape : tuple
        (height, width) of the atoms.
    """

    center_x: np.ndarray
    center_y: np.ndarray
    orientation: np.ndarray
    frequency: np.ndarray
    phase: np.ndarray
    width_x: np.ndarray
    width_y: np.ndarray
    amplitude: np.ndarray
    r2: np.ndarray
    patch_shape: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.r2)

    def __repr__(self) -> str:
        return f"GaborFits({len(self)} atoms of {self.patch_shape}, median r2 {_median(self.r2)})"

    def __getitem__(self, index: Any) -> Self:
        arrays = self._arrays()
        chosen = {name: np.atleast_1d(array[index]) for name, array in arrays.items()}
        return dataclasses.replace(self, **chosen)

    @property
    def n_x(self) -> np.ndarray:
        """Width along the wave vector in cycles of the carrier, ``width_x * frequency``."""
        return self.width_x * self.frequency

    @property
    def n_y(self) -> np.ndarray:
        """Width across the wave vector in cycles of the carrier, ``width_y * frequency``."""
        return self.width_y * self.frequency

    @property
    def aspect_ratio(self) -> np.ndarray:
        """Length over width of the envelope, ``width_y / width_x``."""
        return self.width_y / self.width_x

    @property
    def seen_direction(self) -> np.ndarray:
        """Direction of the wave vector as it is seen, in degrees from 0 up to 180.

        It runs counter-clockwise from the right, as rows are drawn downwards: 0 means vertical
        bars, 45 bars from the upper left to the lower right.
        """
        degrees = np.degrees(-self.orientation) % 180
        # Rounding can reach 180 itself.
        return np.where(degrees >= 180, 0.0, degrees)

    @property
    def peak_frequency(self) -> np.ndarray:
        """Peak of the amplitude spectrum of the fit, along the wave vector, in cycles per pixel.

        It is equal to `frequency` for a Gabor of several cycles. With fewer cycles it depends on
        the phase, as the two lobes of the spectrum overlap. 0 means low-pass.
        """
        return self._spectrum_peak() / (2 * np.pi * self.width_x)

    @property
    def bandwidth(self) -> np.ndarray:
        """Full width of the amplitude spectrum at half its peak, along the wave vector, in octaves.

        It is the bandwidth of the fitted function with its phase; both lobes of the spectrum count.
        For `n_x` above about 0.4 it is ``log2((f + h) / (f - h))`` with
        ``h = sqrt(2 log 2) / (2 pi width_x)``. It is infinite for a low-pass fit, which has no
        lower edge.
        """
        peak = self._spectrum_peak()
        half = self._power(peak) / 4
        lower = _root(lambda u: self._power(u) - half, np.zeros(len(self)), peak)
        upper = _root(lambda u: self._power(u) - half, peak + 3.0, peak)
        has_edge = self._power(np.zeros(len(self))) < half
        octaves = np.log2(upper / np.where(has_edge, lower, upper))
        return np.where(has_edge, octaves, np.inf)

    @property
    def orientation_bandwidth(self) -> np.ndarray:
        """Full width of the amplitude spectrum at half its peak, over orientations, in degrees.

        The frequency is that of the peak. It is 180 if no orientation brings the amplitude down to
        half, as for a low-pass fit.
        """
        peak = self._spectrum_peak()
        half = self._power(peak) / 4

        def above_half(angle):
            across = self.aspect_ratio * peak * np.sin(angle)
            return self._power(peak * np.cos(angle)) * np.exp(-(across**2)) - half

        quarter = np.full(len(self), np.pi / 2)
        angle = _root(above_half, np.zeros(len(self)), quarter)
        return np.where(above_half(quarter) < 0, np.degrees(2 * angle), 180.0)

    def orientation_histogram(self, n_bins: int = 10, r2_min: float = 0.7) -> np.ndarray:
        """Count the well-fitted atoms by orientation.

        Parameters
        ----------
        n_bins : int, default=10
            Equal bins over [0, pi); the default ones are 18 degrees wide.
        r2_min : float, default=0.7
            Atoms with a smaller `r2` are left out.

        Returns
        -------
        counts : int array of shape (n_bins,)
        """
        n_bins = check_integer(n_bins, "n_bins")
        chosen = self.orientation[self.r2 >= check_number(r2_min, "r2_min", high=1)]
        return np.histogram(chosen, bins=n_bins, range=(0, np.pi))[0]

    def to_dict(self) -> dict[str, Any]:
        """Return the fitted and the derived measures as a dict of arrays, one entry an atom.

        ``pandas.DataFrame(fits.to_dict())`` and ``numpy.savez(path, **fits.to_dict())`` work.
        """
        derived = ("peak_frequency", "bandwidth", "orientation_bandwidth", "aspect_ratio")
        derived += ("n_x", "n_y", "seen_direction")
        return self._arrays() | {name: getattr(self, name) for name in derived}

    def _arrays(self):
        names = [field.name for field in dataclasses.fields(self) if field.name != "patch_shape"]
        return {name: getattr(self, name) for name in names}

    def _power(self, u):
        """Power spectrum at ``u = 2 pi width_x frequency``, up to a constant factor.

        The lobes at plus and minus the carrier interfere; the sum is written so that an odd phase
        near zero frequency loses no digits.
        """
        return np.exp(-((u - 2 * np.pi * self.n_x) ** 2)) * self._interference(u)

    def _interference(self, u):
        decay = -4 * np.pi * self.n_x * u
        return np.expm1(decay) ** 2 + 4 * np.cos(self.phase) ** 2 * np.exp(decay)

    def _spectrum_peak(self):
        """Return the maximiser of `_power`: the zero of its derivative over a positive factor."""
        v = 2 * np.pi * self.n_x

        def slope(u):
            return -v * np.expm1(-4 * u * v) - u * self._interference(u)

        peak = _root(slope, np.zeros(len(self)), v + 1.0)
        return np.where(peak < 1e-9, 0.0, peak)


def _median(values):
    return f"{np.median(values):.3f}" if len(values) else "undefined"


def _root(function, start, stop):
    """Root of `function` between two points, by bisection; `start` if the sign does not change."""
    start, stop = start.copy(), stop.copy()
    sign = np.sign(function(stop))
    for _ in range(N_HALVINGS):
        middle = (start + stop) / 2
        beyond = np.sign(function(middle)) == sign
        start, stop = np.where(beyond, start, middle), np.where(beyond, middle, stop)
    return stop
