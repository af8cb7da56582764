"""Products of signals and shifted atoms: correlations in small signals, sums of shifted atoms.

A signal is an array (n_channels, height, width) here, a series one of width 1; atoms are an array
(n_components, n_channels, height, width). Positions are those where an atom lies inside the signal.
"""

from __future__ import annotations

from numpy.lib.stride_tricks import sliding_window_view

from sparsecode._jit import inner, kernel


def positions_of(signal_shape, atoms_shape):
    """Height and width of the positions at which atoms lie inside a signal."""
    return tuple(n - m + 1 for n, m in zip(signal_shape[1:], atoms_shape[2:], strict=True))


def correlate_windows(signal, atoms):
    """Correlations of atoms at all positions of a small signal, as one product of matrices."""
    n_components, n_channels, height, width = atoms.shape
    n_rows, n_columns = positions_of(signal.shape, atoms.shape)
    windows = sliding_window_view(signal, (n_channels, height, width))[0]
    windows = windows.reshape(n_rows * n_columns, -1)
    products = atoms.reshape(n_components, -1) @ windows.T
    return products.reshape(n_components, n_rows, n_columns)


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
