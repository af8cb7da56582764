"""Single components of a fitted autoencoder: steering samples, and finding what activates them.

Methods of `SparseAutoencoder`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sparsecode._row_blocks import dense_rows
from sparsecode._validation import check_integer, wrong

_BLOCK = 4096


class MaxActivating(NamedTuple):
    """The samples that activate a component most, the most active first.

    Attributes
    ----------
    indices : ndarray of int of shape (n_found,)
        Rows of `X`.
    activations : ndarray of shape (n_found,)
        Their codes of the component.
    """

    indices: np.ndarray
    activations: np.ndarray


def steer(self, X, component, strength=None, *, activation=None):
    """Change how much of one component there is in samples, and nothing else of them.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
    component : int
        Index of an atom.
    strength : float, array-like of shape (n_samples,) or None, default=None
        Multiple of the atom that is added: ``X + strength * atom``, whatever the codes are.
    activation : float, array-like of shape (n_samples,) or None, default=None
        Value that the code of the component is set to, instead: ``X + (activation - z) * atom``,
        where `z` is what it is. The reconstruction is the one with this code, and what the
        autoencoder does not explain stays. 0 takes the component away.

    Returns
    -------
    X_steered : ndarray of shape (n_samples, n_features)

    Notes
    -----
    An encoder that codes the changed sample need not give `activation`: it sees all atoms that
    are alike.

    References
    ----------
    A. Templeton et al., "Scaling monosemanticity: extracting interpretable features from Claude
    3 Sonnet", 2024.

    Examples
    --------
    >>> from sparsecode import SparseAutoencoder
    >>> from sparsecode.datasets import make_sparse_signals
    >>> X = make_sparse_signals(100, 20, 10, n_nonzero=2, random_state=0).X
    >>> model = SparseAutoencoder(20, alpha=0.1, random_state=0).fit(X)
    >>> without = model.steer(X, 3, activation=0.0)
    >>> more = model.steer(X, 3, strength=2.0)
    """
    X = self._check_X(X)
    self._model.check_linear("steer")
    j = _check_component(self, component)
    if (strength is None) == (activation is None):
        raise ValueError(
            f"strength is {strength!r} and activation is {activation!r}; expected exactly one "
            "of them. Give strength to add an atom, activation to set its code."
        )
    atom = self.dictionary_.atoms[j]
    steered = np.array(dense_rows(X, slice(0, X.shape[0]), np.result_type(X.dtype, atom)))
    if activation is None:
        change = _check_amounts(strength, "strength", X)
    else:
        present = self._model.encode(X, sparse_output=True, n_jobs=self.n_jobs)[:, [j]].toarray()[
            :, 0
        ]
        change = _check_amounts(activation, "activation", X) - present
    steered += np.multiply.outer(change, atom).astype(steered.dtype, copy=False)
    return steered


def max_activating(self, X, component, n=10):
    """Find the samples that activate components most, in one pass and without dense codes.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
        Read a block of rows at a time.
    component : int or sequence of int
        Indices of atoms.
    n : int, default=10
        How many samples of each component, at most; only those whose code is positive count.

    Returns
    -------
    found : MaxActivating, or list of MaxActivating
        ``(indices, activations)``, a list where `component` is a sequence. Of equal activations
        the first sample comes first.

    Examples
    --------
    >>> from sparsecode import SparseAutoencoder
    >>> from sparsecode.datasets import make_sparse_signals
    >>> X = make_sparse_signals(100, 20, 10, n_nonzero=2, random_state=0).X
    >>> model = SparseAutoencoder(20, alpha=0.1, random_state=0).fit(X)
    >>> indices, activations = model.max_activating(X, 3, n=2)
    >>> bool((activations == model.transform(X)[indices, 3]).all())
    True
    """
    X = self._check_X(X)
    n = check_integer(n, "n")
    columns = [_check_component(self, j) for j in np.atleast_1d(component)]
    found = [(np.zeros(0, dtype=np.intp), np.zeros(0, self.dictionary_.dtype))] * len(columns)
    for start in range(0, X.shape[0], _BLOCK):
        codes = self._model.encode(
            X[start : start + _BLOCK], sparse_output=True, n_jobs=self.n_jobs
        )[:, columns].tocsc()
        for i in range(len(columns)):
            own = slice(codes.indptr[i], codes.indptr[i + 1])
            found[i] = _largest(found[i], start + codes.indices[own], codes.data[own], n)
    found = [MaxActivating(*pair) for pair in found]
    return found if np.ndim(component) else found[0]


def _check_component(estimator, component):
    last = estimator.dictionary_.n_components - 1
    return check_integer(component, "component", low=0, high=last)


def _check_amounts(amounts, name, X):
    amounts = np.asarray(amounts, dtype=np.float64)
    if amounts.shape not in ((), (X.shape[0],)) or not np.isfinite(amounts).all():
        raise ValueError(
            wrong(
                name,
                got=f"shape {amounts.shape} with {np.isfinite(amounts).sum()} finite entries",
                expected=f"a finite number, or one for each of {X.shape[0]} samples",
                remedy="Give one number for all samples.",
            )
        )
    return np.broadcast_to(amounts, (X.shape[0],))


def _largest(before, indices, activations, n):
    """The `n` largest positive activations of those from before and new ones."""
    active = activations > 0
    indices = np.concatenate([before[0], indices[active]])
    activations = np.concatenate([before[1], activations[active]])
    order = np.lexsort((indices, -activations))[:n]
    return indices[order], activations[order]
