"""Signals made of known atoms, and how well atoms are found again."""

from __future__ import annotations

import numpy as np
from scipy.signal import correlate

from sparsecode.convolutional import ConvolutionalDictionary


def planted(seed, shape, support, n_channels=1, n_atoms=3, density=0.01, snr_db=10.0):
    """Two signals, and the dictionary that they are made of."""
    rng = np.random.default_rng(seed)
    if len(support) == 1:
        t = np.linspace(-1, 1, *support)
        waves = [np.cos(2 * np.pi * (k + 1) * t + rng.uniform(0, 6)) for k in range(n_atoms)]
        atoms = (np.stack(waves) * np.exp(-4 * t**2))[:, None]
        atoms = atoms * rng.standard_normal((n_atoms, n_channels, 1))
    else:
        y, x = np.mgrid[-1 : 1 : support[0] * 1j, -1 : 1 : support[1] * 1j]
        angles = np.arange(n_atoms) * np.pi / n_atoms
        waves = [np.cos(6 * (np.cos(a) * x + np.sin(a) * y) + rng.uniform(0, 6)) for a in angles]
        atoms = (np.stack(waves) * np.exp(-3 * (x**2 + y**2)))[:, None]
    sizes = np.linalg.norm(atoms.reshape(n_atoms, -1), axis=1)
    dictionary = ConvolutionalDictionary(atoms / sizes.reshape(-1, *[1] * (atoms.ndim - 1)))
    positions = [n - m + 1 for n, m in zip(shape, support, strict=True)]
    size = (2, n_atoms, *positions)
    codes = (rng.random(size) < density) * rng.uniform(0.5, 1.5, size) * rng.choice([-1, 1], size)
    X = dictionary.decode(codes)
    return X + rng.standard_normal(X.shape) * X.std() * 10 ** (-snr_db / 20), dictionary


def found_again(truth, learned):
    """Largest cosine of each true atom with a learned one, over all shifts."""
    best = np.zeros((truth.n_components, learned.n_components))
    for i, first in enumerate(truth.planes):
        for j, second in enumerate(learned.planes):
            pairs = zip(first, second, strict=True)
            product = sum(correlate(a, b, "full") for a, b in pairs)
            norms = np.linalg.norm(first) * np.linalg.norm(second)
            best[i, j] = np.abs(product).max() / norms if norms > 0 else 0
    return best.max(axis=1)
