"""First atoms of convolutional learning, and new ones in the place of those nobody uses."""

from __future__ import annotations

import numpy as np

from sparsecode._messages import wrong


def sampled_atoms(signals, n_components, support, rng):
    """Parts of signals, drawn with a chance that grows with their energy; (n_components, ...)."""
    height, width = (*support, 1)[:2]
    atoms = []
    for _ in range(n_components):
        candidates = [_part(signals, height, width, rng) for _ in range(10)]
        energies = np.array([np.vdot(part, part) for part in candidates])
        if energies.sum() == 0:
            raise ValueError(
                wrong(
                    "X",
                    got="signals whose parts are zero",
                    expected="signals with something to learn from",
                    remedy="Leave out signals that are zero.",
                )
            )
        atoms.append(candidates[rng.choice(10, p=energies / energies.sum())])
    atoms = np.stack(atoms)
    return atoms / np.linalg.norm(atoms.reshape(n_components, -1), axis=1)[:, None, None, None]


def _part(signals, height, width, rng):
    x = signals[rng.randint(len(signals))]
    row = rng.randint(x.shape[1] - height + 1)
    column = rng.randint(x.shape[2] - width + 1)
    return x[:, row : row + height, column : column + width]


def largest_parts(residuals, n_parts, support):
    """Parts of residuals with the most energy that do not overlap, as atoms of norm 1."""
    height, width = (*support, 1)[:2]
    energies = [_energies(residual, height, width) for residual in residuals]
    atoms = []
    for _ in range(n_parts):
        tops = [energy.max() for energy in energies]
        index = int(np.argmax(tops))
        if not tops[index] > 0:
            break
        row, column = np.unravel_index(energies[index].argmax(), energies[index].shape)
        part = residuals[index][:, row : row + height, column : column + width]
        atoms.append(part / np.linalg.norm(part))
        near = (
            slice(max(row - height + 1, 0), row + height),
            slice(max(column - width + 1, 0), column + width),
        )
        energies[index][near] = 0
    return atoms


def _energies(residual, height, width):
    """Energy of the part at each position."""
    squares = (residual**2).sum(axis=0)
    sums = np.pad(squares.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    whole = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width]
    return np.maximum(whole + sums[:-height, :-width], 0)
