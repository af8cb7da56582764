"""Data terms: costs of a reconstruction, feature by feature, with what their dual needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import kl_div, xlogy

from sparsecode._messages import shown, wrong
from sparsecode._validation import check_number


class DataTerm:
    """Base of the data terms: values that say what a reconstruction costs.

    A subclass defines, for arrays of shape (n_samples, n_features) without missing entries,
    ``_costs(X, X_hat)``, of each entry; ``_dual(X, X_hat)``, a candidate of the dual point; and
    ``_dual_value(X, dual, correlations, allowed)``, the dual objective of each sample at the best
    multiple of the candidate that is feasible. `counts` says that entries are counts, which are
    not negative.
    """

    counts = False

    def _checked(self):
        """Return the term with plain numbers; raise if a parameter is out of its range."""
        return self

    def _unit(self, X):
        """Unit of the relative gap of each sample: the cost of a reconstruction of 0."""
        return self._costs(X, np.zeros_like(X)).sum(axis=1)


@dataclass(frozen=True)
class Huber(DataTerm):
    """Huber's data term: squared for small residuals, linear for large ones.

    The cost of a residual `r` of a feature is ``r**2 / 2`` where ``|r| <= delta``, and ``delta *
    |r| - delta**2 / 2`` beyond, so that a few wild features of a sample hardly move its code.

    Parameters
    ----------
    delta : float, default=1.0
        Size of a residual from which on it counts linearly, above 0, in the units of `X`.

    References
    ----------
    P. J. Huber, "Robust estimation of a location parameter", 1964.

    Examples
    --------
    >>> from sparsecode.data_terms import Huber, encode
    >>> from sparsecode.penalties import L1
    >>> encode([[1.0, 1.0, 1.0, 90.0]], [[1.0, 1.0, 1.0, 1.0]], Huber(0.1), L1(0.1)).codes
    array([[1.]])
    """

    delta: float = 1.0

    def _checked(self):
        return Huber(float(check_number(self.delta, "delta of Huber", low=0, low_open=True)))

    def _costs(self, X, X_hat):
        sizes = np.abs(X - X_hat)
        small = np.minimum(sizes, self.delta)
        return small * (sizes - small / 2)

    def _dual(self, X, X_hat):
        return X - X_hat

    def _dual_value(self, X, dual, correlations, allowed):
        # Clipping changes the correlations, so that they are computed by the caller afterwards.
        scale = _feasible_scale(correlations, allowed)
        return scale * (X * dual).sum(axis=1) - scale**2 * (dual**2).sum(axis=1) / 2

    def _clip(self, dual):
        return np.clip(dual, -self.delta, self.delta)


@dataclass(frozen=True)
class Absolute(DataTerm):
    """The l1 data term: the sum of absolute residuals, for features that are wrong altogether.

    With an l1 penalty the problem is a linear program. Residuals of many features are exactly 0.

    References
    ----------
    J. Wright and Y. Ma, "Dense error correction via l1-minimization", 2010.

    Examples
    --------
    >>> from sparsecode.data_terms import Absolute, encode
    >>> from sparsecode.penalties import L1
    >>> result = encode([[1.0, 1.0, 1.0, 90.0]], [[1.0, 1.0, 1.0, 1.0]], Absolute(), L1(0.1))
    >>> result.codes.round(4)
    array([[1.]])
    """

    def _costs(self, X, X_hat):
        return np.abs(X - X_hat)

    def _dual(self, X, X_hat):
        return np.sign(X - X_hat)

    def _dual_value(self, X, dual, correlations, allowed):
        return _feasible_scale(correlations, allowed) * (X * dual).sum(axis=1)

    def _clip(self, dual):
        return np.clip(dual, -1, 1)

    def _prox(self, X, V, step):
        """Minimise ``(Y - V)**2 / 2 + step * cost`` over the reconstruction."""
        residual = X - V
        return X - np.sign(residual) * np.maximum(np.abs(residual) - step, 0)

    def _dual_of_slope(self, slope):
        """Dual point for a slope of the cost in the reconstruction."""
        return -slope

    def _vertex(self, x, atoms, weights, exact):
        """Code and dual point of a vertex of the linear program.

        It uses these atoms, with these signed weights, and reproduces the features `exact`.
        """
        code = np.linalg.lstsq(atoms[:, exact].T, x[exact], rcond=None)[0]
        dual = np.sign(x - code @ atoms)
        rest = weights - atoms[:, ~exact] @ dual[~exact]
        dual[exact] = np.linalg.lstsq(atoms[:, exact], rest, rcond=None)[0]
        return code, dual


@dataclass(frozen=True)
class KullbackLeibler(DataTerm):
    """The data term of counts: the generalized Kullback-Leibler divergence.

    The cost of a reconstruction `y` of a count `x` is ``x log(x / y) - x + y``: up to a constant
    minus the log likelihood of a Poisson variable of mean `y`. Samples and atoms are not negative,
    and the penalty forbids negative coefficients.

    References
    ----------
    D. D. Lee and H. S. Seung, "Algorithms for non-negative matrix factorization", 2001.

    Examples
    --------
    >>> from sparsecode.data_terms import KullbackLeibler, encode
    >>> from sparsecode.penalties import L1
    >>> penalty = L1(0.5, positive=True)
    >>> encode([[3.0, 6.0]], [[0.5, 1.0]], KullbackLeibler(), penalty).codes.round(1)
    array([[4.5]])
    """

    counts = True

    def _costs(self, X, X_hat):
        return kl_div(X, X_hat)

    def _unit(self, X):
        return X.sum(axis=1)

    def _dual(self, X, X_hat):
        # Where nothing was counted, the least is right.
        return np.divide(X, X_hat, out=np.zeros_like(X), where=(X > 0) & (X_hat > 0))

    def _dual_value(self, X, dual, correlations, allowed):
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = np.where(correlations > 0, correlations / allowed, 0).max(axis=1)
            multiples = dual / np.where(shares > 0, shares, 1)[:, None]
        return xlogy(X, multiples).sum(axis=1)

    def _clip(self, dual):
        return np.maximum(dual, 0)


def check_data_term(term: DataTerm) -> DataTerm:
    """Return `term` if it is a data term with good parameters."""
    if not isinstance(term, DataTerm):
        raise TypeError(
            wrong(
                "data_term",
                got=shown(term),
                expected="an instance of a DataTerm",
                remedy="Use for example Huber(delta=0.1), Absolute() or KullbackLeibler().",
            )
        )
    return term._checked()


def _feasible_scale(correlations, allowed):
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(correlations > 0, correlations / allowed, 0).max(axis=1)
    return 1 / np.maximum(shares, 1)
