"""Work of FISTA on one signal: accelerated proximal steps on the codes of all positions."""

from __future__ import annotations

import numpy as np

from sparsecode._convolution.codes import Events
from sparsecode._convolution.correlations import Correlations
from sparsecode._convolution.gaps import primal_and_gap
from sparsecode._convolution.transforms import Transforms, is_faster
from sparsecode._interrupts import halt_if_told


class Descent:
    """The work on one signal.

    Attributes
    ----------
    curve : list of float
        Objective of the best codes so far, at the start and after each iteration.
    """

    def __init__(self, x, observed, dictionary, thresholds, penalty):
        self.x, self.observed, self.atoms = x, observed, dictionary.planes
        self.thresholds, self.positive = thresholds[:, None, None], bool(penalty.positive)
        self.lipschitz, self.half = dictionary.lipschitz, 0.5 * np.vdot(x, x)
        self.positions = dictionary.positions(x.shape)
        # Blocks are for threads, of which transforms of whole signals need none.
        self.correlations = Correlations(self.atoms, x.shape)
        self.transforms = Transforms(self.atoms, x.shape) if is_faster(self.atoms) else None

    def run(self, events, max_iter, tol, n_jobs):
        """Events of the solution, their relative gap, and the number of iterations."""
        z = events.array(len(self.atoms), self.positions, np.float64)
        objective, gap, slope = self.judged(z, n_jobs)
        best, n_iter, self.curve = (gap, z), 0, [objective]
        # Slopes are affine in the codes: that of the point ahead needs no product.
        ahead, ahead_slope, momentum = z, slope, 1.0
        while best[0] > tol and n_iter < max_iter:
            halt_if_told()
            new = self.shrunk(ahead + ahead_slope / self.lipschitz)
            objective, gap, new_slope = self.judged(new, n_jobs)
            is_better = gap < best[0]
            if is_better:
                best = gap, new
            self.curve.append(objective if is_better else self.curve[-1])
            if np.vdot(ahead - new, new - z) > 0:
                momentum = 1.0
            following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
            share = (momentum - 1) / following
            ahead = new + share * (new - z)
            ahead_slope = new_slope + share * (new_slope - slope)
            z, slope, momentum, n_iter = new, new_slope, following, n_iter + 1
        return Events.of_array(best[1]), best[0], n_iter

    def shrunk(self, z):
        """The proximal point of the penalty."""
        size = self.thresholds / self.lipschitz
        return np.maximum(z - size, 0) + (0 if self.positive else np.minimum(z + size, 0))

    def judged(self, z, n_jobs):
        """Objective of codes, its relative duality gap, and the correlations of what they leave."""
        residual = self.x - self.decoded(z)
        if self.observed is not None:
            residual *= self.observed
        slope = self.correlated(residual, n_jobs)
        excess = ((slope if self.positive else np.abs(slope)) / self.thresholds).max()
        sizes = np.abs(z).sum(axis=(1, 2))
        used = sizes > 0
        value = (self.thresholds[used, 0, 0] * sizes[used]).sum()
        objective, gap = primal_and_gap(self.x, residual, value, excess)
        return objective, gap / self.half, slope

    def decoded(self, z):
        """The sum of shifted atoms."""
        if self.transforms is not None:
            return self.transforms.decode(z)
        return Events.of_array(z).decoded(self.atoms, self.x.shape)

    def correlated(self, residual, n_jobs):
        """Correlations at all positions."""
        if self.transforms is not None:
            return self.transforms.correlate(residual)
        return self.correlations.all(residual, n_jobs)
