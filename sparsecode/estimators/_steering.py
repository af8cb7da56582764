"""Steering of single components of a fitted autoencoder, and their maximally activating samples.

Methods of `SparseAutoencoder`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from sparsecode._messages import shown, wrong
from sparsecode._row_blocks import dense_rows
from sparsecode._typing import MatrixLike
from sparsecode._validation import check_integer
from sparsecode.estimators._sample_units import moments_of

_BLOCK = 4096


class MaxActivating(NamedTuple):
    """Samples that activate a component most, in decreasing order of activation.

    Attributes
    ----------
    indices : ndarray of int of shape (n_found,)
        Rows of `X`.
    activations : ndarray of shape (n_found,)
        Codes of the component for these samples.
    """

    indices: np.ndarray
    activations: np.ndarray


def steer(
    self: Any,
    X: MatrixLike,
    component: int,
    strength: float | ArrayLike | None = None,
    *,
    activation: float | ArrayLike | None = None,
) -> np.ndarray:
    """Steer samples: change the activation of one component, and nothing else.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
    component : int
        Index of an atom.
    strength : float, array-like of shape (n_samples,) or None, default=None
        Multiple of the atom to add: ``X + strength * atom``. Codes are not used. With
        ``scale_inputs="layer_norm"`` the atom is multiplied by the deviation of each sample, here
        and with `activation`.
    activation : float, array-like of shape (n_samples,) or None, default=None
        New code of the component, instead of `strength`: ``X + (activation - z) * atom``, where `z`
        is its present code. This changes the reconstruction and keeps the residual. 0 removes the
        component.

    Returns
    -------
    X_steered : ndarray of shape (n_samples, n_features)

    Notes
    -----
    If a steered sample is encoded again, the code of the component can differ from `activation`,
    because similar atoms share it.

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
            f"strength is {shown(strength)} and activation is {shown(activation)}; expected "
            "exactly one of them. Give strength to add an atom, activation to set its code."
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
    if self._model.normalizes:
        change = change * moments_of(X)[:, 1]
    steered += np.multiply.outer(change, atom).astype(steered.dtype, copy=False)
    return steered


def max_activating(self: Any, X: MatrixLike, component: int | Sequence[int], n: int = 10) -> Any:
    """Find the maximally activating samples of components, in one pass without dense codes.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
        Samples, read one block of rows at a time.
    component : int or sequence of int
        Indices of atoms.
    n : int, default=10
        Largest number of samples for each component. Only samples with a positive code count.

    Returns
    -------
    found : MaxActivating, or list of MaxActivating
        ``(indices, activations)``, or a list of these if `component` is a sequence. Samples of
        equal activation are in the order of `X`.

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
            entries = slice(codes.indptr[i], codes.indptr[i + 1])
            found[i] = _largest(found[i], start + codes.indices[entries], codes.data[entries], n)
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
    """Return the `n` largest positive activations of the earlier and the new ones."""
    active = activations > 0
    indices = np.concatenate([before[0], indices[active]])
    activations = np.concatenate([before[1], activations[active]])
    order = np.lexsort((indices, -activations))[:n]
    return indices[order], activations[order]
