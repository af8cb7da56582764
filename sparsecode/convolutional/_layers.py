"""Layers of a convolutional network of unrolled steps, and their gradients."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sparsecode._convolution.transforms import Transforms


class Signal(NamedTuple):
    """A signal (n_channels, height, width), and where it is observed; None is everywhere."""

    x: np.ndarray
    observed: np.ndarray | None = None

    def masked(self, residual):
        """A residual, 0 where entries are missing."""
        return residual if self.observed is None else residual * self.observed


class Pass(NamedTuple):
    """What a layer computed: codes before and after, and what the codes before left."""

    z: np.ndarray
    residual: np.ndarray
    after: np.ndarray
    analysis: Transforms
    synthesis: Transforms


def layer(signal, z, W, D, theta, positive):
    """``soft(z + W * (x - D * z), theta)``, as a `Pass`; the residual is that of what is there."""
    analysis, synthesis = (Transforms(kernels, signal.x.shape) for kernels in (W, D))
    residual = signal.masked(signal.x - synthesis.decode(z))
    moved, theta = z + analysis.correlate(residual), theta[:, None, None]
    after = np.maximum(moved - theta, 0)
    if not positive:
        after += np.minimum(moved + theta, 0)
    return Pass(z, residual, after, analysis, synthesis)


def layer_gradients(signal, done, upstream):
    """Gradients of ``<upstream, done.after>`` by z, W, D and theta."""
    moved = np.where(done.after != 0, upstream, 0)
    theta = -(moved * np.sign(done.after)).sum(axis=(1, 2))
    W = done.analysis.parts(done.residual, moved)
    residual = signal.masked(done.analysis.decode(moved))
    D = -done.synthesis.parts(residual, done.z)
    return moved - done.synthesis.correlate(residual), W, D, theta


def lasso(signal, z, dictionary, thresholds):
    """Half the squared residual plus the penalty, and its gradient by codes that are not 0."""
    transforms = Transforms(dictionary.planes, signal.x.shape)
    residual = signal.masked(signal.x - transforms.decode(z))
    used = z != 0
    sizes = np.broadcast_to(thresholds[:, None, None], z.shape)[used]
    value = 0.5 * np.vdot(residual, residual) + (sizes * np.abs(z[used])).sum()
    slope = -transforms.correlate(residual)
    slope[used] += sizes * np.sign(z[used])
    return float(value), slope
