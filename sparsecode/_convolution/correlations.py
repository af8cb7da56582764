"""Correlations of atoms at all positions of a signal, block by block of its rows."""

from __future__ import annotations

import numpy as np

from sparsecode._convolution.products import correlate_windows, positions_of
from sparsecode._convolution.transforms import Transforms, is_faster
from sparsecode._parallel import map_row_blocks

# Entries of the windows of a block of positions.
_BLOCK_ENTRIES = 2**18
# Positions of a block that is transformed, at least.
_BLOCK_POSITIONS = 2**10


class Correlations:
    """Correlations of atoms at rows of positions of signals of one size.

    They are products of windows of the signal for small atoms, and Fourier transforms for large
    ones. The bits of a block depend on where it begins and ends: all use the same `block_size`.

    Parameters
    ----------
    atoms : ndarray of shape (n_components, n_channels, height, width)
    signal_shape : tuple of int
    multiple : int, default=1
        What `block_size` is a multiple of.
    """

    def __init__(self, atoms, signal_shape, multiple=1):
        self.atoms, self.height = atoms, atoms.shape[2]
        self.positions = positions_of(signal_shape, atoms.shape)
        self.transforms = None
        if is_faster(atoms):
            n_rows = max(_BLOCK_POSITIONS // self.positions[1], 4 * self.height)
            self.block_size = max(n_rows // multiple, 1) * multiple
            n_rows = min(self.block_size, self.positions[0])
            shape = signal_shape[0], n_rows + self.height - 1, signal_shape[2]
            self.transforms = Transforms(atoms, shape)
        else:
            entries = self.positions[1] * max(atoms[0].size, len(atoms))
            self.block_size = max(_BLOCK_ENTRIES // (entries * multiple), 1) * multiple

    def rows(self, signal, rows):
        """Those at some rows of positions, (n_components, rows, columns)."""
        part = signal[:, rows.start : rows.stop + self.height - 1]
        if self.transforms is None:
            return correlate_windows(part, self.atoms)
        # A last block is shorter: zeros follow.
        return self.transforms.correlate(part)[:, : rows.stop - rows.start]

    def map(self, block, n_jobs=None):
        """Results of a function of rows, for all blocks."""
        size = self.block_size
        return map_row_blocks(block, self.positions[0], block_size=size, n_jobs=n_jobs)

    def all(self, signal, n_jobs=None):
        """Those at all positions, (n_components, ...)."""
        shape = len(self.atoms), *self.positions
        out = np.empty(shape, np.result_type(signal, self.atoms))

        def block(rows):
            out[:, rows] = self.rows(signal, rows)

        self.map(block, n_jobs)
        return out


def correlate(signal, atoms, n_jobs=None):
    """Correlations of atoms at all positions of a signal, (n_components, ...)."""
    return Correlations(atoms, signal.shape).all(signal, n_jobs)


def cross_correlations(atoms, firsts=None):
    """Inner products of atoms for every shift of the second against the first.

    Entry ``[i, j, u + height - 1, v + width - 1]`` is that of atom `i` at (0, 0) and atom `j` at
    (u, v). The first ones are `firsts`, or the same.
    """
    _, n_channels, height, width = atoms.shape
    around = (0, 0), (height - 1, height - 1), (width - 1, width - 1)
    shape = n_channels, 3 * height - 2, 3 * width - 2
    correlations = Correlations(atoms, shape)
    firsts = atoms if firsts is None else firsts
    return np.stack([correlations.all(np.pad(atom, around), 1) for atom in firsts])
