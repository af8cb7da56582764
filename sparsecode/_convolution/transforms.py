"""Products of signals and shifted atoms by Fourier transforms, with those of the atoms kept.

Arrays are those of `products`: signals (n_channels, height, width), atoms (n_components,
n_channels, height, width), codes (n_components, ...).
"""

from __future__ import annotations

import numpy as np
from scipy import fft

from sparsecode._convolution.products import positions_of

# Series have width 1: the real transform is along the height.
_AXES = (-1, -2)
# Entries of an atom from which transforms were faster than products of windows.
_LARGE_ATOM = 150


def is_faster(atoms):
    """Whether transforms are faster than products of windows, for signals of any size."""
    return atoms[0].size >= _LARGE_ATOM


class Transforms:
    """Products of atoms with signals of one size."""

    def __init__(self, atoms, signal_shape):
        self.shape, self.positions = signal_shape[1:], positions_of(signal_shape, atoms.shape)
        # In this size nothing wraps around onto a position, or onto the signal.
        self._sizes = [fft.next_fast_len(n, real=True) for n in self.shape[::-1]]
        self._support = atoms.shape[2:]
        self._atoms = self._forward(atoms)

    def correlate(self, signal):
        """Correlations at all positions, (n_components, ...)."""
        spectra = np.einsum("kchw,chw->khw", self._atoms.conj(), self._forward(signal))
        return self._back(spectra, self.positions)

    def decode(self, codes):
        """The sum of shifted atoms, (n_channels, height, width)."""
        spectra = np.einsum("kchw,khw->chw", self._atoms, self._forward(codes))
        return self._back(spectra, self.shape)

    def parts(self, signal, codes):
        """Sums of the parts of a signal under each atom, times its coefficients.

        It is the gradient of ``<correlate(signal), codes>`` by the atoms, (n_components,
        n_channels, height, width).
        """
        spectra = self._forward(codes).conj()[:, None] * self._forward(signal)
        return self._back(spectra, self._support)

    def _forward(self, array):
        return fft.rfftn(array, s=self._sizes, axes=_AXES)

    def _back(self, spectra, sizes):
        return fft.irfftn(spectra, s=self._sizes, axes=_AXES)[..., : sizes[0], : sizes[1]]
