"""Samples of known sparse codes, those of the paper or new ones, and the loss in two scales."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sparsecode import Dictionary
from sparsecode.constraints import UnitNorm
from sparsecode.datasets import make_sparse_signals
from sparsecode.penalties import L1

N_CODES, N_FEATURES, N_ACTIVE, N_SAMPLES = 16, 8, 3, 1024
# Weight of mean |code| beside the mean squared error.
WEIGHT = 0.01


class Problem(NamedTuple):
    """Samples to learn from and samples to judge by, the codes they are made of, and the atoms."""

    X: np.ndarray
    codes: np.ndarray
    X_test: np.ndarray
    codes_test: np.ndarray
    dictionary: Dictionary


def penalty(weight=WEIGHT):
    """The penalty for which `LassoLoss` is ``N_FEATURES / 2`` times the loss of the paper.

    Their mean over samples and features of the squared error is ``2 / N_FEATURES`` times our fit;
    their mean over samples and codes of |code| is ``1 / N_CODES`` of our l1 norm.
    """
    return L1(weight * N_FEATURES / (2 * N_CODES), positive=True)


def new_problem(seed, n_samples=N_SAMPLES):
    """A problem with a dictionary and samples of its own."""
    X, codes, atoms = make_sparse_signals(
        2 * n_samples, N_CODES, N_FEATURES, n_nonzero=N_ACTIVE, positive=True, random_state=seed
    )
    return _split(X, codes, atoms, n_samples)


def paper_problem(seed=20240625, n_samples=N_SAMPLES):
    """The problem of the paper: what its seed draws in NumPy (codes) and in torch (atoms)."""
    rng, rows = np.random.RandomState(seed), []
    for _ in range(2 * n_samples):
        values = np.abs(rng.normal(0, 1, N_CODES))
        active = rng.choice(N_CODES, N_ACTIVE, replace=False)
        rows.append(np.where(np.isin(np.arange(N_CODES), active), values, 0))
    codes = np.array(rows, dtype=np.float32)
    atoms = torch_normal(seed, (N_CODES, N_FEATURES))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    return _split(codes @ atoms, codes, atoms, n_samples)


def torch_uniform(seed):
    """Function from a shape to what ``torch.manual_seed(seed)`` draws in [0, 1) on a CPU.

    Both libraries have the Mersenne Twister, of which torch takes 24 bits for a number.
    """
    rng = np.random.RandomState(seed)

    def draw(shape):
        bits = rng.randint(0, 2**32, np.prod(shape), dtype=np.uint32)
        return ((bits & (2**24 - 1)) / 2**24).reshape(shape)

    return draw


def torch_normal(seed, shape):
    """What ``torch.manual_seed(seed); torch.randn(shape)`` gives on a CPU, to rounding.

    For multiples of 16 entries, which are made in pairs 8 apart, as Box and Muller do.
    """
    first, second = torch_uniform(seed)((np.prod(shape) // 16, 2, 8)).swapaxes(0, 1)
    radius, angle = np.sqrt(-2 * np.log1p(-first)), 2 * np.pi * second
    normal = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return normal.reshape(shape).astype(np.float32)


def _split(X, codes, atoms, n_samples):
    dictionary = Dictionary(np.asarray(atoms, np.float32), constraint=UnitNorm())
    X, codes = np.asarray(X, np.float32), np.asarray(codes, np.float32)
    return Problem(X[:n_samples], codes[:n_samples], X[n_samples:], codes[n_samples:], dictionary)
