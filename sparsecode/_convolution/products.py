"""Products of signals and shifted atoms: correlations at all positions, sums of shifted atoms.

A signal is an array (n_channels, height, width) here, a series one of width 1; atoms are an array
(n_components, n_channels, height, width). Positions are those where an atom lies inside the signal.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal import fftconvolve

from sparsecode._jit import inner, kernel
from sparsecode._parallel import map_row_blocks

# Entries of the windows of a block of positions.
_BLOCK_ENTRIES = 2**18
# Entries of an atom from which transforms of whole signals are faster than products of windows.
_LARGE_ATOM = 1500


def positions_of(signal_shape, atoms_shape):
    """Height and width of the positions at which atoms lie inside a signal."""
    return tuple(n - m + 1 for n, m in zip(signal_shape[1:], atoms_shape[2:], strict=True))


def rows_of_block(signal_shape, atoms_shape, multiple=1):
    """Rows of positions of a block, a multiple of a number."""
    _, n_columns = positions_of(signal_shape, atoms_shape)
    entries = n_columns * max(int(np.prod(atoms_shape[1:])), atoms_shape[0])
    return max(_BLOCK_ENTRIES // (entries * multiple), 1) * multiple


def correlate_rows(signal, atoms, rows):
    """Correlations of atoms at some rows of positions, (n_components, rows, columns)."""
    n_components, n_channels, height, width = atoms.shape
    part = signal[:, rows.start : rows.stop + height - 1]
    n_rows, n_columns = positions_of(part.shape, atoms.shape)
    if atoms[0].size >= _LARGE_ATOM:
        flipped = atoms[:, :, ::-1, ::-1]
        return np.stack([fftconvolve(part, atom, "valid", axes=(1, 2)).sum(0) for atom in flipped])
    windows = sliding_window_view(part, (n_channels, height, width))[0]
    windows = windows.reshape(n_rows * n_columns, -1)
    products = atoms.reshape(n_components, -1) @ windows.T
    return products.reshape(n_components, n_rows, n_columns)


def correlate(signal, atoms, n_jobs=None):
    """Correlations of atoms at all positions of a signal, (n_components, *positions)."""
    n_rows, n_columns = positions_of(signal.shape, atoms.shape)
    out = np.empty((len(atoms), n_rows, n_columns), np.result_type(signal, atoms))

    def block(rows):
        out[:, rows] = correlate_rows(signal, atoms, rows)

    map_row_blocks(block, n_rows, block_size=_block_size(signal, atoms), n_jobs=n_jobs)
    return out


def _block_size(signal, atoms):
    n_rows, _ = positions_of(signal.shape, atoms.shape)
    # A transform is of a whole signal.
    is_large = atoms[0].size >= _LARGE_ATOM
    return n_rows if is_large else rows_of_block(signal.shape, atoms.shape)


def block_size(signal, atoms, multiple):
    """Rows of positions that one thread works on at a time."""
    n_rows, _ = positions_of(signal.shape, atoms.shape)
    is_large = atoms[0].size >= _LARGE_ATOM
    return n_rows if is_large else rows_of_block(signal.shape, atoms.shape, multiple)


def cross_correlations(atoms):
    """Inner products of atoms for every shift of the second against the first.

    Entry ``[i, j, u + height - 1, v + width - 1]`` is that of atom `i` at (0, 0) and atom `j` at
    (u, v).
    """
    height, width = atoms.shape[2:]
    around = (0, 0), (height - 1, height - 1), (width - 1, width - 1)
    return np.stack(
        [correlate_rows(np.pad(atom, around), atoms, _all_rows(atom)) for atom in atoms]
    )


def _all_rows(atom):
    return slice(0, 2 * atom.shape[1] - 1)


@inner
def add_atom(out, atoms, component, row, column, value):
    """Add an atom, at a position and with a coefficient, to a signal."""
    _, n_channels, height, width = atoms.shape
    for channel in range(n_channels):
        for i in range(height):
            for j in range(width):
                out[channel, row + i, column + j] += value * atoms[component, channel, i, j]


@kernel
def add_atoms(out, atoms, components, rows, columns, values):
    """Add atoms to a signal, with their coefficients."""
    for event in range(len(values)):
        if values[event] != 0:
            add_atom(out, atoms, components[event], rows[event], columns[event], values[event])
