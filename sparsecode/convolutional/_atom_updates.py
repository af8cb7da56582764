"""Steps on convolutional atoms: the best atoms for given codes, one atom after the other."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal.windows import tukey

from sparsecode.convolutional._atom_steps import step_on_atom


def updated_atoms(atoms, statistics, *, n_sweeps, n_steps, rank1, window):
    """Atoms in the unit ball that fit the codes better.

    Parameters
    ----------
    atoms : ndarray of shape (n_components, n_channels, height, width)
    statistics : Statistics
    n_sweeps : int
        Passes over the atoms.
    n_steps : int
        Projected gradient steps on an atom, accelerated.
    rank1 : bool
        Whether atoms stay the product of a pattern of channels and a pattern of the support.
    window : ndarray of shape (height, width) or None
        Factor of every atom; the atom without it is in the unit ball then.
    """
    atoms = atoms.copy()
    for _ in range(n_sweeps):
        for k in range(len(atoms)):
            own = _own_matrix(statistics.products[k, k])
            if own[0, 0] > 0:
                target = statistics.correlations[k] - _others(atoms, statistics.products[k], k)
                atoms[k] = step_on_atom(atoms[k], own, target, n_steps, rank1, window)
    return atoms


def window_of(support):
    """A window that falls to zero at the border of an atom (Tukey)."""
    parts = [np.ones(1) if n == 1 else tukey(n + 2, 0.5)[1:-1] for n in support]
    return np.multiply.outer(*parts)


def _applied(atoms, products):
    """Sum over atoms of their products convolved with them, (n_channels, height, width)."""
    _, n_channels, height, width = atoms.shape
    windows = sliding_window_view(products, (height, width), axis=(1, 2))
    matrix = windows.transpose(1, 2, 0, 3, 4).reshape(height * width, -1)
    flipped = atoms[:, :, ::-1, ::-1].transpose(1, 0, 2, 3).reshape(n_channels, -1)
    return (flipped @ matrix.T).reshape(n_channels, height, width)


def _others(atoms, products, k):
    kept = np.arange(len(atoms)) != k
    if not kept.any():
        return np.zeros_like(atoms[k])
    return _applied(atoms[kept], products[kept])


def _own_matrix(products):
    """The Hessian of one channel of an atom, (height * width, height * width)."""
    height, width = ((n + 1) // 2 for n in products.shape)
    windows = sliding_window_view(products, (height, width))[:, :, ::-1, ::-1]
    return windows.reshape(height * width, height * width)
