"""Signals with repeated patterns in noise, images, recordings like an ECG, and planted atoms."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.signal import correlate

from sparsecode import alpha_max
from sparsecode.convolutional import ConvolutionalDictionary
from sparsecode.datasets import OlshausenFieldWhitening, load_photographs
from sparsecode.penalties import L1


class Problem(NamedTuple):
    """One signal, atoms, and the weight of the l1 norm."""

    name: str
    X: np.ndarray
    dictionary: ConvolutionalDictionary
    alpha: float
    # Patterns of channels and of times, whose products the atoms are.
    factors: tuple[np.ndarray, np.ndarray] | None = None

    def penalty(self, positive):
        return L1(self.alpha, positive=positive)


def waves(n_atoms, size, rng):
    """Oscillations in a bell, of norm 1."""
    t = np.linspace(0, 1, size)
    phases, frequencies = rng.uniform(0, 6, n_atoms), rng.uniform(2, 9, n_atoms)
    atoms = np.sin(2 * np.pi * np.multiply.outer(frequencies, t) + phases[:, None])
    atoms *= np.hanning(size)
    return atoms / np.linalg.norm(atoms, axis=1, keepdims=True)


def series(n_times, n_channels=1, n_atoms=10, size=64, density=0.002, noise=0.1):
    """A signal made of atoms of rank 1 with coefficients above 0, and noise."""
    rng = np.random.default_rng(0)
    patterns = waves(n_atoms, size, rng)
    channels = rng.standard_normal((n_atoms, n_channels))
    channels /= np.linalg.norm(channels, axis=1, keepdims=True)
    dictionary = ConvolutionalDictionary(channels[:, :, None] * patterns[:, None])
    shape = 1, n_atoms, n_times - size + 1
    codes = (rng.random(shape) < density) * rng.uniform(0.5, 2, shape)
    X = dictionary.decode(codes)
    X += noise / np.sqrt(n_channels) * rng.standard_normal(X.shape)
    alpha = 0.1 * alpha_max(X, dictionary)
    name = "one channel" if n_channels == 1 else f"{n_channels} channels"
    return Problem(name, X, dictionary, alpha, (channels, patterns))


def image(size, n_atoms=32, support=12):
    """A whitened photograph, and oriented waves."""
    whole = OlshausenFieldWhitening().fit_transform(load_photographs()[:1])[0]
    X = whole[:size, :size][None, None]
    rng = np.random.default_rng(0)
    y, x = np.mgrid[-1 : 1 : support * 1j, -1 : 1 : support * 1j]
    atoms = []
    for _ in range(n_atoms):
        angle, frequency, phase = rng.uniform(0, np.pi), rng.uniform(3, 9), rng.uniform(0, 6)
        wave = np.cos(frequency * (np.cos(angle) * x + np.sin(angle) * y) + phase)
        atoms.append(wave * np.exp(-3 * (x**2 + y**2)))
    atoms = np.stack(atoms)[:, None]
    atoms /= np.sqrt((atoms**2).sum(axis=(1, 2, 3), keepdims=True))
    dictionary = ConvolutionalDictionary(atoms)
    return Problem("image", X, dictionary, 0.1 * alpha_max(X, dictionary))


def recording(n_times, rate=250, size=200, n_atoms=10):
    """Beats like those of an ECG, which vary in rate and size, and atoms like their parts."""
    rng = np.random.default_rng(0)
    t = np.arange(size) / rate
    beat = sum(
        height * np.exp(-(((t - centre) / width) ** 2))
        for height, centre, width in ((0.15, 0.16, 0.03), (1, 0.36, 0.01), (0.3, 0.6, 0.05))
    )
    beat -= 0.2 * np.exp(-(((t - 0.39) / 0.01) ** 2))
    starts = np.cumsum(rng.normal(0.85, 0.05, int(n_times / rate / 0.8)))
    starts = (starts * rate).astype(int)
    starts = starts[starts < n_times - size]
    X = 0.03 * rng.standard_normal(n_times)
    for start, height in zip(starts, rng.normal(1, 0.1, len(starts)), strict=True):
        X[start : start + size] += height * beat
    widths = rng.uniform(0.8, 1.2, n_atoms - 1)
    atoms = [beat, *(np.interp(np.arange(size) * w, np.arange(size), beat) for w in widths)]
    atoms = np.stack(atoms)
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    dictionary = ConvolutionalDictionary(atoms)
    X = X[None, None]
    name = f"{n_times:,} times, {n_atoms} atoms of {size}"
    return Problem(name, X, dictionary, 0.1 * alpha_max(X, dictionary))


def planted(seed, shape, support, n_atoms=3, density=0.01, snr_db=10.0, n_channels=1):
    """Two signals or images made of known atoms of rank 1 and noise, and the dictionary."""
    rng = np.random.default_rng(seed)
    axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in support), indexing="ij")
    bell = np.exp(-4 * sum(axis**2 for axis in axes))
    angles = np.arange(n_atoms) * np.pi / n_atoms
    if len(support) == 1:
        arguments = [2 * np.pi * (k + 1) * axes[0] for k in range(n_atoms)]
    else:
        arguments = [6 * (np.cos(a) * axes[0] + np.sin(a) * axes[1]) for a in angles]
    atoms = np.stack([np.cos(a + rng.uniform(0, 6)) * bell for a in arguments])[:, None]
    if n_channels > 1:
        atoms = atoms * rng.standard_normal((n_atoms, n_channels, *[1] * len(support)))
    sizes = np.linalg.norm(atoms.reshape(n_atoms, -1), axis=1)
    dictionary = ConvolutionalDictionary(atoms / sizes.reshape(-1, *[1] * (atoms.ndim - 1)))
    size = 2, n_atoms, *(n - m + 1 for n, m in zip(shape, support, strict=True))
    codes = (rng.random(size) < density) * rng.uniform(0.5, 1.5, size) * rng.choice([-1, 1], size)
    X = dictionary.decode(codes)
    noise = rng.standard_normal(X.shape) * X.std() * 10 ** (-snr_db / 20)
    return X + noise, dictionary


def cosines(truth, learned):
    """Largest cosine of each true atom with a learned one, over all shifts."""
    found = []
    for first in truth.planes:
        products = [
            abs(sum(correlate(a, b, "full") for a, b in zip(first, second, strict=True))).max()
            / max(np.linalg.norm(second), 1e-300)
            for second in learned.planes
        ]
        found.append(max(products) / np.linalg.norm(first))
    return np.array(found)
