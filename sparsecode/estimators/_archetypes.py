"""Archetypes: atoms that are mixtures of samples, and the steps that improve them."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sparsecode.dictionary import Dictionary
from sparsecode.penalties import Simplex


class Archetypes:
    """Archetypes of samples: codes, mixtures and atoms, which every step makes fit better.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        In float64.
    sample_weight : ndarray of shape (n_samples,)
    huber : float or None
        Norm of a residual from which on it counts linearly.
    solver : Solver
        For codes of samples and mixtures.
    n_jobs : int or None

    Attributes
    ----------
    mixtures : ndarray of shape (n_components, n_samples)
        Rows on the simplex; ``atoms = mixtures @ X``.
    codes : ndarray of shape (n_samples, n_components) or None
    objective : float
        Mean cost of the samples with the latest codes.
    """

    def __init__(self, X, sample_weight, huber, solver, n_jobs):
        self.X, self.sample_weight, self.huber = X, sample_weight, huber
        self.solver, self.n_jobs = solver, n_jobs
        self.hull = Dictionary(X)
        self.codes = None

    def start(self, init, n_components, rng):
        """Choose the first mixtures: samples far apart or at random, or of given atoms."""
        if not isinstance(init, str):
            atoms = np.asarray(init, dtype=np.float64)
            self.mixtures = self._on_simplex(atoms, self.hull, None)
        else:
            chosen = (
                furthest_samples(self.X, n_components)
                if init == "furthest"
                else rng.permutation(len(self.X))[:n_components]
            )
            self.mixtures = np.eye(len(self.X))[chosen]
        self.atoms = self.mixtures @ self.X

    def encode(self):
        """Code all samples, and weigh those with a large residual less, if asked for."""
        self.codes = self._on_simplex(self.X, Dictionary(self.atoms), self.codes)
        self.residual = self.X - self.codes @ self.atoms
        norms = np.linalg.norm(self.residual, axis=1)
        costs = norms**2 / 2
        self.weight = self.sample_weight
        if self.huber is not None:
            far = norms > self.huber
            costs[far] = self.huber * (norms[far] - self.huber / 2)
            # The parabola with this curvature touches the cost from above.
            self.weight = self.weight * np.where(far, self.huber / np.where(far, norms, 1), 1)
        self.objective = float(np.average(costs, weights=self.sample_weight))

    def improve(self):
        """Replace one archetype after the other by the best mixture, given the others."""
        for k in range(len(self.atoms)):
            uses = self.weight * self.codes[:, k]
            curvature = uses @ self.codes[:, k]
            if curvature > 0:
                target = self.atoms[k] + uses @ self.residual / curvature
                mixture = self._on_simplex(target[None], self.hull, self.mixtures[k][None])[0]
            else:
                # Nobody uses it: it becomes the sample that is represented worst.
                errors = np.einsum("ij,ij->i", self.residual, self.residual)
                mixture = np.zeros(len(self.X))
                mixture[np.argmax(self.weight * errors)] = 1
            atom = mixture @ self.X
            self.residual -= np.outer(self.codes[:, k], atom - self.atoms[k])
            self.mixtures[k], self.atoms[k] = mixture, atom

    def _on_simplex(self, X, dictionary, codes):
        with warnings.catch_warnings():
            # A step that is not exact is no worse than none.
            warnings.simplefilter("ignore", ConvergenceWarning)
            return self.solver.solve(
                X, dictionary, Simplex(), codes=codes, n_jobs=self.n_jobs
            ).codes


def furthest_samples(X, n_samples):
    """Indices of samples far from each other (FurthestSum, Mørup and Hansen, 2012).

    Each is the one with the largest sum of distances to those before. The first, which began as the
    one furthest from the mean, is chosen again at the end.
    """
    chosen = [int(np.argmax(_distances(X, X.mean(axis=0))))]
    sums = _distances(X, X[chosen[0]])
    while len(chosen) < n_samples:
        chosen.append(_furthest(sums, chosen))
        sums += _distances(X, X[chosen[-1]])
    first = chosen.pop(0)
    sums -= _distances(X, X[first])
    return [*chosen, _furthest(sums, chosen) if chosen else first]


def _furthest(sums, chosen):
    left = sums.copy()
    left[chosen] = -np.inf
    return int(np.argmax(left))


def _distances(X, point):
    return np.linalg.norm(X - point, axis=1)
