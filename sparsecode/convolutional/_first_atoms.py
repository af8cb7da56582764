"""First atoms of convolutional learning, and new ones in the place of those nobody uses."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from sparsecode._messages import wrong


def sampled_atoms(signals, n_components, support, rng):
    """Parts of signals of norm 1, drawn in proportion to their energy; (n_components, ...).

    They do not overlap as long as others are left.
    """
    height, width = (*support, 1)[:2]
    largest = max(np.abs(x).max() for x in signals)
    if largest == 0:
        raise ValueError(
            wrong(
                "largest entry of X",
                got="0",
                expected="signals with something to learn from",
                remedy="Leave out signals that are zero.",
            )
        )
    # In a unit in which squares neither overflow nor vanish.
    scaled = [x / largest for x in signals]
    energies, atoms = [_energies(x, height, width) for x in scaled], []
    for _ in range(n_components):
        totals = np.array([energy.sum() for energy in energies])
        if not totals.any():
            energies = [_energies(x, height, width) for x in scaled]
            totals = np.array([energy.sum() for energy in energies])
        index = rng.choice(len(signals), p=totals / totals.sum())
        bounds = energies[index].ravel().cumsum()
        place = np.searchsorted(bounds, rng.uniform(0, bounds[-1]))
        atoms.append(_taken(scaled, energies, index, min(place, bounds.size - 1), support))
    return np.stack(atoms)


def largest_parts(residuals, n_parts, support):
    """Parts of residuals with the most energy that do not overlap, the largest first.

    Returns
    -------
    parts : list of (float, ndarray)
        Energy, and the part of norm 1.
    """
    height, width = (*support, 1)[:2]
    energies = [_energies(residual, height, width) for residual in residuals]
    tops = [energy.max() for energy in energies]
    found = []
    while len(found) < n_parts and tops:
        index = int(np.argmax(tops))
        if not tops[index] > 0:
            break
        place = _around(residuals[index], energies[index], energies[index].argmax(), height, width)
        found.append((float(tops[index]), _taken(residuals, energies, index, place, support)))
        tops[index] = energies[index].max()
    return found


def _around(signal, energies, place, height, width):
    """The place near one whose part has its energy in the middle, or that one if it is taken."""
    row, column = np.unravel_index(place, energies.shape)
    for _ in range(2):
        squares = (signal[:, row : row + height, column : column + width] ** 2).sum(axis=0)
        off = [
            (squares.sum(axis=1 - axis) @ np.arange(size)) / squares.sum() - (size - 1) / 2
            for axis, size in enumerate(squares.shape)
        ]
        row, column = (
            min(max(at + round(by), 0), n - 1)
            for at, by, n in zip((row, column), off, energies.shape, strict=True)
        )
    return np.ravel_multi_index((row, column), energies.shape) if energies[row, column] else place


def _taken(signals, energies, index, place, support):
    """The part at a place, of norm 1; what overlaps it has no energy from now on."""
    height, width = (*support, 1)[:2]
    row, column = np.unravel_index(place, energies[index].shape)
    part = signals[index][:, row : row + height, column : column + width]
    near = (
        slice(max(row - height + 1, 0), row + height),
        slice(max(column - width + 1, 0), column + width),
    )
    energies[index][near] = 0
    return part / max(np.linalg.norm(part), np.finfo(float).tiny)


def _energies(residual, height, width):
    """Energy of the part at each position, 0 where all of it is 0."""
    squares = (residual**2).sum(axis=0)
    down = sliding_window_view(squares, height, axis=0).sum(axis=-1)
    return sliding_window_view(down, width, axis=1).sum(axis=-1)
