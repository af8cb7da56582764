"""Problems with a data term: samples, atoms and weights, validated and in float64."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sparsecode._messages import shown
from sparsecode._row_blocks import dense_rows
from sparsecode._row_products import row_product
from sparsecode._validation import check_flag, check_rows, common_dtype
from sparsecode.data_terms.terms import DataTerm, check_data_term
from sparsecode.dictionary import as_dictionary
from sparsecode.penalties import L1

# Samples at a time.
BLOCK_SIZE = 256


class TermProblem(NamedTuple):
    """A validated problem.

    `weights` are those of the atoms, of shape (n_components,), and `dtype` is that of the codes.
    """

    X: np.ndarray
    atoms: np.ndarray
    offset: np.ndarray | None
    term: DataTerm
    weights: np.ndarray
    positive: bool
    missing: bool
    dtype: np.dtype

    @classmethod
    def of(cls, X, dictionary, term, penalty, missing):
        dictionary, term = as_dictionary(dictionary), check_data_term(term)
        missing = check_flag(missing, "missing")
        X = check_rows(X, "X", n_columns=dictionary.n_features, missing=missing)
        dtype = common_dtype(X, dictionary.atoms)
        dictionary = dictionary.astype(np.float64)
        weights, positive = _weights(penalty, dictionary.n_components, term)
        if term.counts:
            _check_counts(term, X, dictionary, positive)
        return cls(X, dictionary.atoms, dictionary.offset, term, weights, positive, missing, dtype)

    def samples(self, rows):
        """Centred samples, 0 for missing entries, and a mask of the observed ones."""
        X = dense_rows(self.X, rows, np.float64)
        if self.offset is not None:
            X = X - self.offset
        observed = ~np.isnan(X) if self.missing else np.ones(X.shape, dtype=bool)
        return np.where(observed, X, 0), observed

    def allowed(self, observed):
        """Largest correlations of the dual point with the atoms."""
        if self.term.counts:
            return self.weights + row_product(observed.astype(np.float64), self.atoms.T)
        return np.broadcast_to(self.weights, (len(observed), len(self.weights)))

    def sizes(self, dual):
        """Correlations with the atoms that `allowed` bounds."""
        correlations = row_product(dual, self.atoms.T)
        return correlations if self.positive else np.abs(correlations)


def judge(problem, X, observed, codes, dual):
    """Objective, gap and unit of each row of a block."""
    term = problem.term
    X_hat = row_product(codes, problem.atoms)
    costs = np.where(observed, term._costs(X, X_hat), 0).sum(axis=1)
    # A weight of infinity forbids an atom, and a coefficient of 0 of it costs nothing.
    with np.errstate(invalid="ignore"):
        shrunk = np.where(codes != 0, np.abs(codes) * problem.weights, 0).sum(axis=1)
    if problem.positive:
        shrunk = np.where((codes < 0).any(axis=1), np.inf, shrunk)
    candidates = [term._dual(X, X_hat)] + ([] if dual is None else [dual])
    best = np.full(len(X), -np.inf)
    for candidate in candidates:
        candidate = np.where(observed, term._clip(candidate), 0)
        value = term._dual_value(X, candidate, problem.sizes(candidate), problem.allowed(observed))
        best = np.fmax(best, value)
    objective = costs + shrunk
    return objective, np.maximum(objective - best, 0), term._unit(X)


def _weights(penalty, n_components, term):
    """Weight of each atom, and whether coefficients must not be negative."""
    if not isinstance(penalty, L1):
        raise TypeError(
            f"penalty is {shown(penalty)}; expected an instance of L1, with which a data term has "
            "a certificate. Use L1(alpha), or L1(alpha, positive=True)."
        )
    penalty = penalty.checked()
    # The divergence bounds the codes itself.
    if penalty.unpenalized(n_components).any() and not term.counts:
        raise ValueError(
            "penalty has weights of 0; expected alpha and all weights above 0. Raise them."
        )
    weights = np.ones(n_components) if penalty.weights is None else np.asarray(penalty.weights)
    penalty.prepare(n_components, np.float64)
    return float(penalty.alpha) * weights.astype(np.float64), bool(penalty.positive)


def _check_counts(term, X, dictionary, positive):
    name = type(term).__name__
    if not positive:
        raise ValueError(
            f"penalty allows negative coefficients, which {name} does not; expected "
            "positive=True. Use L1(alpha, positive=True)."
        )
    if dictionary.offset is not None:
        raise ValueError(
            f"the dictionary has an offset, which {name} does not take; expected atoms alone. Use "
            "Dictionary(dictionary.atoms)."
        )
    least = np.nanmin(X if isinstance(X, np.ndarray) else X.data, initial=0)
    if least < 0:
        raise ValueError(
            f"X has the negative entry {least:.3g}; expected counts >= 0 for {name}. Do not "
            "center counts."
        )
    if (dictionary.atoms < 0).any():
        raise ValueError(
            f"the atoms have the negative entry {dictionary.atoms.min():.3g}; expected entries >= "
            f"0 for {name}. Learn them with PoissonDictionaryLearning."
        )
    dark = np.flatnonzero(~dictionary.atoms.any(axis=0))
    if dark.size and bool((X[:, dark] > 0).sum()):
        raise ValueError(
            f"every atom is 0 at feature {dark[0]}, where X has counts; expected atoms that can "
            f"reconstruct them for {name}. Leave the feature out, or add a small number to the "
            "atoms."
        )
