"""Steps on one convolutional atom: least squares in the unit ball, of any rank or of rank 1."""

from __future__ import annotations

import numpy as np

# Values that differ by a smaller share are the same.
_ROUNDING = 1e-12


def step_on_atom(atom, own, target, n_steps, rank1, window):
    """The atom after a few steps on ``1/2 <d, own d> - <target, d>``, in each channel."""
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
        # Among points that differ by rounding the last one: else rounding would choose.
        if current <= value + _ROUNDING * abs(value):
            best, value = new, min(current, value)
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


def of_rank1(atom):
    """The closest product of a pattern of channels and a pattern of the support."""
    left, sizes, right = np.linalg.svd(atom.reshape(len(atom), -1), full_matrices=False)
    return (sizes[0] * left[:, :1] * right[:1]).reshape(atom.shape)
