"""Least angle regression up to a number of atoms. Unlike in the lasso, atoms are never removed."""

from __future__ import annotations

import numpy as np

from sparsecode import _jit
from sparsecode._binary_scaling import exponents_of, odd_sizes, scaled
from sparsecode._interrupts import halt_flag, is_halted
from sparsecode._parallel import map_row_blocks, rows_of_codes
from sparsecode.solvers._batch.problem import columns_as_gram, takes_gram
from sparsecode.solvers._kernels.cholesky import append_to_factor, solve_factored
from sparsecode.solvers._kernels.gram_domain import inner_product

# An atom joins only if the active atoms leave this share of its squared norm unexplained.
_LEAST = 1e-12
# Correlations below this share of the largest initial one count as zero.
_NOTHING = 1e-12
_BLOCK_SIZE = 256
# Number of operations that takes about .1 seconds on one core.
_LONG = 1e8


def lars_codes(X, dictionary, n_nonzero, *, n_jobs=None):
    """Code every row by least angle regression with at most `n_nonzero` atoms.

    The code starts at zero, and the atom of the largest absolute correlation joins. The code then
    moves so that the correlations of all active atoms shrink equally, until another atom has the
    same correlation and joins. The result is the code at which atom ``n_nonzero + 1`` would join. A
    step costs ``O(k n_components + k^2)`` for a sample with `k` active atoms. Atoms that depend
    linearly on the active atoms are skipped.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    dictionary : Dictionary
    n_nonzero : int
    n_jobs : int or None, default=None
        Threads; None uses all cores.

    Returns
    -------
    codes : ndarray of shape (n_samples, n_components)
        In the type of the dictionary; computed in float64.

    References
    ----------
    B. Efron, T. Hastie, I. Johnstone and R. Tibshirani, "Least angle regression", 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.dropin._lars import lars_codes
    >>> lars_codes(np.array([[3.0, 1.0]]), Dictionary(np.eye(2)), 1)
    array([[2., 0.]])
    """
    codes = np.zeros((len(X), dictionary.n_components), dtype=dictionary.dtype)
    double = dictionary.astype(np.float64)
    atoms = double.in_unit(0)
    # Without the Gram matrix, each atom that joins needs a product with all atoms.
    if takes_gram(atoms, len(X) * (n_nonzero + 1)):
        gram = atoms.gram
    else:
        gram = columns_as_gram(np.ascontiguousarray(atoms.atoms.T))
    n_nonzero = min(n_nonzero, dictionary.n_components)

    def code_rows(rows):
        samples = X[rows].astype(np.float64)
        exponents = exponents_of(odd_sizes(samples))[:, None]
        found = np.zeros(codes[rows].shape)
        corr = scaled(samples, exponents) @ atoms.atoms.T
        _lars_rows(corr, gram, n_nonzero, found, halt_flag())
        codes[rows] = scaled(found, double.unit_exponent - exponents)

    work = len(X) * n_nonzero * (n_nonzero + dictionary.n_components)
    block_size = min(_BLOCK_SIZE, rows_of_codes(dictionary.n_components))
    map_row_blocks(code_rows, len(X), block_size=block_size, n_jobs=n_jobs, is_long=work > _LONG)
    return codes


@_jit.kernel
def _lars_rows(corr, gram, n_nonzero, codes, halt):
    n = codes.shape[1]
    # One more atom than the code may have is tried.
    support = np.empty(n_nonzero + 1, dtype=np.int64)
    signs, direction, values = np.empty(n_nonzero), np.empty(n_nonzero), np.empty(n_nonzero)
    # Rate at which each correlation shrinks.
    rate = np.empty(n)
    # The length of a row in bytes is not a power of two, as such rows would share cache lines.
    factor = np.empty((n_nonzero + 1, n_nonzero + 5))
    may_join = np.empty(n, dtype=np.bool_)
    for s in range(codes.shape[0]):
        residual = corr[s]
        may_join[:] = True
        count = 0
        first = 0.0
        while not is_halted(halt):
            j = _largest(residual, may_join)
            level = abs(residual[support[0] if count > 0 else max(j, 0)])
            first = max(first, level)
            if j < 0 or not level > _NOTHING * first:
                break
            may_join[j] = False
            for a in range(count):
                factor[count, a] = inner_product(gram, n, j, support[a])
            # A dependent atom does not join, and is ignored from here on.
            if append_to_factor(factor, count, inner_product(gram, n, j, j), _LEAST, 0.0):
                if count == n_nonzero:
                    break
                support[count], signs[count], values[count] = j, np.sign(residual[j]), 0.0
                count += 1
            direction[:count] = signs[:count]
            solve_factored(factor, count, direction)
            step = _step(gram, residual, may_join, support, count, direction, level, rate)
            for a in range(count):
                values[a] += step * direction[a]
            for i in range(n):
                residual[i] -= step * rate[i]
        for a in range(count):
            codes[s, support[a]] = values[a]


@_jit.inner
def _largest(residual, may_join):
    """Index of the atom with the largest absolute correlation among those that may join, or -1."""
    best, largest = -1, -1.0
    for i in range(residual.shape[0]):
        if may_join[i] and abs(residual[i]) > largest:
            best, largest = i, abs(residual[i])
    return best


@_jit.inner
def _step(gram, residual, may_join, support, count, direction, level, rate):
    """Length of the step until another atom has the same correlation as the active atoms."""
    rate[:] = 0.0
    if gram.shape[0] == rate.shape[0]:
        for a in range(count):
            row = gram[support[a]]
            for i in range(rate.shape[0]):
                rate[i] += direction[a] * row[i]
    else:
        for f in range(gram.shape[0]):
            row, share = gram[f], 0.0
            for a in range(count):
                share += direction[a] * row[support[a]]
            for i in range(rate.shape[0]):
                rate[i] += share * row[i]
    step = level
    for i in range(rate.shape[0]):
        if may_join[i]:
            if rate[i] < 1.0:
                step = min(step, max(level - residual[i], 0.0) / (1.0 - rate[i]))
            if rate[i] > -1.0:
                step = min(step, max(level + residual[i], 0.0) / (1.0 + rate[i]))
    return step
