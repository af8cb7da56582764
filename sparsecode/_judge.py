"""Certificates of codes: objective, duality gap and stationarity of rows in float64."""

from __future__ import annotations

import numpy as np

from sparsecode._free_atoms import normalized, row_space, without_cone
from sparsecode._objective_scaling import ratio
from sparsecode._row_products import row_product


class Judge:
    """Certifier of blocks of rows in float64, for one dictionary in float64 and one penalty."""

    def __init__(self, dictionary, penalty, missing):
        self.dictionary = dictionary
        self.penalty = penalty
        self.missing = missing
        self.positive = getattr(penalty, "positive", False)
        self.free = penalty.unpenalized(dictionary.n_components)
        self.free_directions = None
        if penalty.convex and self.free.any():
            self.free_directions = row_space(dictionary.atoms[self.free])

    def value(self, X, codes, penalty):
        """Objective of a block of rows, and of codes of 0. `penalty` belongs to these rows."""
        X, residual, _ = self._residual(X, codes)
        return half_square(residual) + penalty.value(codes), half_square(X)

    def __call__(self, X, codes, penalty):
        """Certify rows with their penalty: one entry of a `Certificate` each, without ratios."""
        X, residual, observed = self._residual(X, codes)
        correlations = self.dictionary._correlate(residual)
        value, half_residual = penalty.value(codes), half_square(residual)
        gap = np.zeros(len(X))
        if penalty.convex:
            gap = self._gap(residual, correlations, codes, value, observed)
        return (
            half_residual + value,
            gap,
            penalty.stationarity(codes, correlations, self.dictionary.lipschitz, half_residual),
            half_square(X),
            np.abs(self.dictionary._correlate(X)).max(axis=1),
        )

    def claim(self, X, codes, penalty):
        """Objective of rows and of codes of 0, and the ratio that a tolerance limits."""
        X, residual, observed = self._residual(X, codes)
        correlations = self.dictionary._correlate(residual)
        value, half_squared_norm, half_residual = (
            penalty.value(codes),
            half_square(X),
            half_square(residual),
        )
        if penalty.convex:
            measure = ratio(
                self._gap(residual, correlations, codes, value, observed), half_squared_norm
            )
        else:
            lipschitz = self.dictionary.lipschitz
            worst = penalty.stationarity(codes, correlations, lipschitz, half_residual)
            measure = ratio(worst, np.abs(self.dictionary._correlate(X)).max(axis=1))
        return half_residual + value, half_squared_norm, measure

    def _residual(self, X, codes):
        """Centred samples and residuals, 0 for missing entries, and a mask of the observed ones."""
        X = self.dictionary.center(X)
        residual = X - self.dictionary._combine(codes)
        if not self.missing:
            return X, residual, None
        observed = ~np.isnan(X)
        return np.where(observed, X, 0), np.where(observed, residual, 0), observed

    def _gap(self, residual, correlations, codes, value, observed):
        dual = residual
        if self.free_directions is not None:
            dual = self._without_free(residual, observed)
            correlations = self.dictionary._correlate(dual)
            correlations[:, self.free] = np.minimum(correlations[:, self.free], 0)
            if not self.positive:
                correlations[:, self.free] = 0
        return duality_gap(self.penalty, residual, dual, correlations, codes, value)

    def _without_free(self, residual, observed):
        """Project a residual to the closest point that is dual feasible for free atoms."""
        atoms = self.dictionary.atoms[self.free]
        if observed is None:
            observed = np.ones(residual.shape, dtype=bool)
        if self.positive:
            pairs = zip(residual, observed, strict=True)
            return np.array([without_cone(row, normalized(atoms * seen)) for row, seen in pairs])
        if observed.all():
            inside = row_product(residual, self.free_directions.T)
            return residual - row_product(inside, self.free_directions)
        directions = (row_space(atoms * seen) for seen in observed)
        return np.array([row - row @ d.T @ d for row, d in zip(residual, directions, strict=True)])


def duality_gap(penalty, residual, dual, correlations, codes, value):
    """Duality gap of each code for a convex penalty, in the precision of the arrays.

    Parameters
    ----------
    penalty : Penalty
    residual, dual : ndarray of shape (n_samples, n_features)
        Residuals of the codes, and points that are dual feasible after scaling: the residuals
        themselves, except with free atoms.
    correlations : ndarray of shape (n_samples, n_components)
        Inner products of `dual` with the atoms.
    codes : ndarray of shape (n_samples, n_components)
    value : ndarray of shape (n_samples,)
        Penalty of each code.

    Returns
    -------
    gap : ndarray of shape (n_samples,)
    """
    gaps = [
        _gap_at(penalty, scale[:, None], residual, dual, correlations, codes, value)
        for scale in penalty.dual_scales(codes, correlations)
    ]
    return np.minimum.reduce(gaps)


def _gap_at(penalty, scale, residual, dual, correlations, codes, value):
    # A sum of terms >= 0, equal to primal - dual but without its cancellation.
    correlations = scale * correlations
    fenchel = value + penalty.conjugate(correlations) - np.einsum("ij,ij->i", codes, correlations)
    return half_square(residual - scale * dual) + np.maximum(fenchel, 0)


def half_square(rows):
    """Half the squared norm of each row."""
    return np.einsum("ij,ij->i", rows, rows) / 2
