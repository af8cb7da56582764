"""Steps on convolutional atoms: the best atoms for given codes, one atom after the other."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal.windows import tukey


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
                atoms[k] = _step(atoms[k], own, target, n_steps, rank1, window)
    return atoms


def fit_of(atoms, statistics):
    """Sum over signals of ``1/2 ||x - sum_k z_k * d_k||^2``."""
    total = 0.0
    for k, products in enumerate(statistics.products):
        quadratic = np.vdot(atoms[k], _applied(atoms, products))
        total += 0.5 * quadratic - np.vdot(atoms[k], statistics.correlations[k])
    return total + 0.5 * statistics.squares


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


def _step(atom, own, target, n_steps, rank1, window):
    flat, goal = atom.reshape(len(atom), -1), target.reshape(len(atom), -1)
    if rank1:
        return _rank1_step(flat, own, goal, n_steps, window).reshape(atom.shape)
    return _ball_step(flat, own, goal, n_steps, window).reshape(atom.shape)


def _ball_step(atom, own, goal, n_steps, window):
    """Minimise ``1/2 <d, own d> - <goal, d>`` over the unit ball, by accelerated steps."""
    shape = np.ones(atom.shape[1]) if window is None else window.ravel()
    own, goal = own * np.multiply.outer(shape, shape), goal * shape
    # A window is nowhere 0.
    point = _in_ball(atom / shape)
    bound = np.abs(own).sum(axis=1).max()
    ahead, momentum, best, value = point, 1.0, point, _value(point, own, goal)
    for _ in range(n_steps):
        new = _in_ball(ahead - (ahead @ own - goal) / bound)
        after = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead, momentum, point = new + (momentum - 1) / after * (new - point), after, new
        current = _value(new, own, goal)
        if current < value:
            best, value = new, current
    return best * shape


def _rank1_step(atom, own, goal, n_steps, window):
    """Minimise over ``u v^T``, both in the unit ball, one after the other."""
    left, _, right = np.linalg.svd(atom, full_matrices=False)
    channels, pattern = left[:, :1], right[:1]
    size = np.linalg.norm(atom)
    pattern = pattern * min(size, 1.0)
    shape = np.ones((1, atom.shape[1])) if window is None else window.reshape(1, -1)
    for _ in range(3):
        # For channels of norm 1 the problem of the pattern is that of one channel.
        pattern = _ball_step(pattern, own, channels.T @ goal, n_steps, shape.ravel())
        # That of the channels is least squares in a ball, with a multiple of the identity.
        curvature = (pattern @ own @ pattern.T).item()
        if curvature <= 0:
            break
        best = goal @ pattern.T / curvature
        norm = np.linalg.norm(best)
        if norm == 0:
            break
        channels = best / norm
        pattern = pattern * min(norm, 1.0)
    return channels @ pattern


def _value(point, own, goal):
    return 0.5 * np.vdot(point, point @ own) - np.vdot(goal, point)


def _in_ball(point):
    return point / max(np.linalg.norm(point), 1.0)
