"""Sums over samples and their reconstructions, and the measures derived from them."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from sparsecode._binary_scaling import exponents_of, odd_sizes, scaled
from sparsecode._messages import wrong
from sparsecode._row_blocks import dense_rows
from sparsecode._validation import check_code_rows, check_rows
from sparsecode.dictionary import as_dictionary

# Number of float64 entries of a dense block.
_ENTRIES = 2**20
# Entries up to this number, and down to its inverse, have squares that can be summed.
_GREATEST = 1e150


class Fit:
    """Sums over pairs of blocks of `X` and `X_hat`, in float64, and the measures they give.

    Error messages speak of `X`.
    """

    def __init__(self, pairs):
        self.n_samples = 0
        self.squared_error = self.inner = self.squared_norm = self.total = 0.0
        self._cosines = self._ratios = 0.0
        self._n_nonzero = 0
        self._first = self._shift = None
        largest = 0.0
        for X, X_hat in pairs:
            with np.errstate(over="ignore", invalid="ignore"):
                self._add_spread(X)
                self._add_agreement(X, X_hat)
                largest = max(largest, odd_sizes(X).max(), odd_sizes(X_hat).max())
            self.n_samples += len(X)
        _check_range(largest)

    def _add_spread(self, X):
        """Merge the sum of squares about the mean; samples are taken relative to the first one."""
        if self._first is None:
            # Equal samples then become exactly zero, so rounding gives them no variance.
            self._first, self._shift = X[0].copy(), np.zeros(X.shape[1])
        X = X - self._first
        mean = X.mean(axis=0)
        difference = mean - self._shift
        n = self.n_samples + len(X)
        self._shift += difference * (len(X) / n)
        weight = self.n_samples * len(X) / n
        self.total += float(((X - mean) ** 2).sum() + weight * (difference**2).sum())

    def _add_agreement(self, X, X_hat):
        squares, squares_hat, inner = _products(X, X_hat)
        self.squared_error += float(((X - X_hat) ** 2).sum())
        self.squared_norm += float(squares_hat.sum())
        self.inner += float(inner.sum())
        exponents = exponents_of(odd_sizes(X))
        if exponents.any():
            # Directions do not depend on scale.
            there = (scaled(rows, exponents[:, None]) for rows in (X, X_hat))
            squares, squares_hat, inner = _products(*there)
        given = squares > 0
        norms, norms_hat = np.sqrt(squares[given]), np.sqrt(squares_hat[given])
        cosines = inner[given] / np.where(norms_hat > 0, norms * norms_hat, 1)
        self._cosines += float(np.clip(cosines, -1, 1).sum())
        self._ratios += float((norms_hat / norms).sum())
        self._n_nonzero += int(np.count_nonzero(given))

    @property
    def size(self) -> int:
        """Number of entries of `X`."""
        return self.n_samples * len(self._first)

    @property
    def deviation(self) -> float:
        """Standard deviation of all entries of `X` about their common mean."""
        mean = self._first + self._shift
        between = self.n_samples * ((mean - mean.mean()) ** 2).sum()
        return float(np.sqrt((self.total + between) / self.size))

    @property
    def mse(self) -> float:
        return self.squared_error / self.size

    @property
    def normalized_mse(self) -> float:
        if self.total == 0:
            raise ValueError(
                "X has no variance: all its samples are equal; expected samples that differ. Give "
                "more samples."
            )
        return self.squared_error / self.total

    @property
    def explained_variance(self) -> float:
        return 1 - self.normalized_mse

    @property
    def cosine(self) -> float:
        return self._cosines / self._some_nonzero()

    @property
    def l2_ratio(self) -> float:
        return self._ratios / self._some_nonzero()

    @property
    def relative_reconstruction_bias(self) -> float:
        self._some_nonzero()
        if self.squared_norm == 0:
            return 0.0
        return self.squared_norm / self.inner if self.inner else float("inf")

    def _some_nonzero(self):
        if self._n_nonzero == 0:
            raise ValueError(
                "X has only zeros; expected a sample that is not 0, as norms are compared. Give "
                "other samples."
            )
        return self._n_nonzero


def _products(X, X_hat):
    """Squared norms of both rows, and their inner product, for each row."""
    return (np.einsum("ij,ij->i", *pair) for pair in ((X, X), (X_hat, X_hat), (X, X_hat)))


def _check_range(largest):
    if largest > _GREATEST or 0 < largest < 1 / _GREATEST:
        raise ValueError(
            wrong(
                "the largest entry of X and its reconstruction",
                got=f"{largest:.3g}",
                expected=f"{1 / _GREATEST:g} to {_GREATEST:g}, as squares are summed",
                remedy="Multiply X, and X_hat or the codes, by the same factor.",
            )
        )


def fit_of(X, X_hat):
    """Compare samples with reconstructions: arrays, memory maps or sparse matrices."""
    X, X_hat = check_rows(X, "X"), check_rows(X_hat, "X_hat")
    if X.shape != X_hat.shape:
        raise ValueError(
            f"X_hat has shape {X_hat.shape}; expected {X.shape}, that of X. Reconstruct the same "
            "samples."
        )
    blocks = _blocks(X, X.shape[1])
    return Fit(
        (dense_rows(X, rows, np.float64), dense_rows(X_hat, rows, np.float64)) for rows in blocks
    )


def fit_of_codes(X, codes, dictionary):
    """Checked codes, dictionary in float64, and the fit of their reconstruction."""
    dictionary = as_dictionary(dictionary).astype(np.float64)
    X = check_rows(X, "X", n_columns=dictionary.n_features)
    codes = check_code_rows(codes, X.shape[0], dictionary.n_components)
    widest = dictionary.n_features if sparse.issparse(codes) else max(dictionary.atoms.shape)
    return codes, dictionary, Fit(_decoded(X, codes, dictionary, _blocks(X, widest)))


def _decoded(X, codes, dictionary, blocks):
    for rows in blocks:
        part = codes[rows] if sparse.issparse(codes) else dense_rows(codes, rows, np.float64)
        X_hat = part @ dictionary.atoms
        if dictionary.offset is not None:
            X_hat += dictionary.offset
        yield dense_rows(X, rows, np.float64), X_hat


def _blocks(X, n_columns):
    n_rows = max(_ENTRIES // n_columns, 1)
    return [slice(i, i + n_rows) for i in range(0, X.shape[0], n_rows)]
