"""Learning of counts: multiplicative steps that never increase the objective."""

from __future__ import annotations

import numpy as np
from scipy.special import kl_div

# Halvings of the interval of a multiplier: all that float64 can tell apart.
_HALVINGS = 60


class CountLearner:
    """Codes and atoms of counts, with missing entries as NaN.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    sample_weight : ndarray of shape (n_samples,)
    alpha : float
    """

    def __init__(self, X, sample_weight, alpha):
        self.observed = ~np.isnan(X)
        self.X = np.where(self.observed, X, 0)
        self.sample_weight, self.alpha = sample_weight, alpha

    def mean_sample(self):
        """Mean of the observed entries of each feature."""
        weight = self.sample_weight @ self.observed
        return np.divide(
            self.sample_weight @ self.X, weight, out=np.zeros_like(weight), where=weight > 0
        )

    def start(self, atoms):
        """Begin with atoms, and with codes that use all of them alike."""
        self.atoms = atoms / atoms.sum(axis=1, keepdims=True)
        total = np.maximum(self.X.sum(axis=1, keepdims=True), 1e-9)
        self.codes = np.repeat(total / len(atoms), len(atoms), axis=1)

    def step_codes(self):
        """Minimum over the codes of the bound that touches the objective at the present ones."""
        slope = self.observed @ self.atoms.T + self.alpha
        gain = self._ratios() @ self.atoms.T
        self.codes *= np.divide(gain, slope, out=np.zeros_like(gain), where=slope > 0)

    def step_atoms(self):
        """Minimum over the atoms of such a bound, where each atom has a sum of 1."""
        weighed = self.sample_weight[:, None] * self.codes
        share = self.atoms * (weighed.T @ self._ratios())
        slope = weighed.T @ self.observed
        used = share.sum(axis=1) > 0
        self.atoms[used] = _with_sum_one(share[used], slope[used])

    def objective(self):
        """Mean objective of the present codes and atoms."""
        costs = np.where(self.observed, kl_div(self.X, self.codes @ self.atoms), 0).sum(axis=1)
        costs += self.alpha * self.codes.sum(axis=1)
        return float(np.average(costs, weights=self.sample_weight))

    def _ratios(self):
        """Counts divided by their reconstructions."""
        X_hat = self.codes @ self.atoms
        return np.divide(self.X, X_hat, out=np.zeros_like(X_hat), where=(self.X > 0) & (X_hat > 0))


def _with_sum_one(share, slope):
    """Minimise ``slope @ d - share @ log(d)`` over each row `d` of sum 1: ``share / (slope + c)``.

    The multiplier `c`, by which the sum falls, is found by halving an interval.
    """
    has = share > 0
    low = np.where(has, share - slope, -np.inf).max(axis=1, keepdims=True)
    high = share.sum(axis=1, keepdims=True) - np.where(has, slope, np.inf).min(
        axis=1, keepdims=True
    )
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        too_much = _atoms_at(share, slope, middle).sum(axis=1, keepdims=True) > 1
        low, high = np.where(too_much, middle, low), np.where(too_much, high, middle)
    atoms = _atoms_at(share, slope, high)
    return atoms / atoms.sum(axis=1, keepdims=True)


def _atoms_at(share, slope, multiplier):
    return np.divide(share, slope + multiplier, out=np.zeros_like(share), where=share > 0)
