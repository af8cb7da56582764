"""Codes of one series that are plotted, and the series itself, both checked."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from sparsecode._convolution.signals import check_signals
from sparsecode._messages import shown, wrong
from sparsecode._validation import check_integer, check_named_array


def nonzeros_of(codes):
    """Components, positions and values of the nonzeros, and the numbers of both."""
    if isinstance(codes, list) and len(codes) == 1:
        codes = codes[0]
    if sparse.issparse(codes):
        n_positions, n_atoms = codes.shape
        found = sparse.coo_array(codes)
        positions, components = found.coords
        kept = found.data != 0
        return components[kept], positions[kept], found.data[kept], n_atoms, n_positions
    array = check_named_array(
        codes, "codes", dtype=[np.float64, np.float32], ensure_2d=False, allow_nd=True
    )
    if array.ndim == 3 and len(array) == 1:
        array = array[0]
    if array.ndim != 2:
        raise ValueError(
            wrong(
                "codes",
                got=f"an array of shape {shown(array.shape)}",
                expected="those of one series, (n_components, n_positions)",
                remedy="Give codes[0] for the first of several series. For images, draw "
                "codes[0, k] with imshow.",
            )
        )
    components, positions = np.nonzero(array)
    return components, positions, array[components, positions], *array.shape


def series_of(X, n_positions):
    X = np.asarray(X)
    one = X[None] if X.ndim <= 2 else X
    signals = check_signals(one if X.ndim != 1 else one[:, None], 1, missing=True)
    array, observed = signals.arrays[0][:, :, 0], signals.observed[0]
    if signals.n_signals != 1 or array.shape[1] < n_positions:
        raise ValueError(
            wrong(
                "X",
                got=f"an array of shape {shown(X.shape)}",
                expected=f"one series of at least {n_positions} times, the positions of codes",
                remedy="Give the series of these codes. For codes of boundary='zero', add "
                "support - 1 zeros on both sides of the series.",
            )
        )
    return array if observed is None else np.where(observed[:, :, 0], array, np.nan)


def most_used(components, values, n_atoms, n_components):
    """Atoms to draw, in their order."""
    if n_components is None:
        return np.arange(n_atoms)
    n_drawn = min(check_integer(n_components, "n_components"), n_atoms)
    sums = np.bincount(components, np.abs(values), minlength=n_atoms)
    return np.sort(np.argsort(-sums, kind="stable")[:n_drawn])
