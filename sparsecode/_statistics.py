"""Sums over samples for dictionary updates, from dense or sparse codes.

Threads divide the atoms among them, not the samples. Every sum is taken in the order of the
samples, so that it does not depend on the number of threads.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from sparsecode import _jit
from sparsecode._aligned import aligned, aligned_empty
from sparsecode._blas import single_threaded_blas
from sparsecode._parallel import map_row_blocks
from sparsecode._row_blocks import dense_rows

# A block reads all codes, of which it uses the coefficients of its atoms.
_ATOMS_A_BLOCK = 256
_ROWS_A_BLOCK = 512
_GRAM_ROWS = 128
_DENSE_SECOND_BYTES = 2**30
# Fewer multiplications than this are not worth a second thread.
_WORTH_THREADS = 2_000_000


def moments(X, codes, sample_weight=None, *, n_jobs=None):
    """Sums of ``z.T @ z`` and ``z.T @ x`` over samples.

    Returns
    -------
    second : ndarray or csr_array of shape (n_components, n_components)
        Sparse where there are many atoms and codes are; see `takes_dense_second`.
    cross : ndarray of shape (n_components, n_features)
    """
    dtype = codes.dtype
    if sparse.issparse(codes) and not takes_dense_second(codes.shape[1], dtype):
        second = (_weighted(codes, sample_weight).T @ codes).tocsr()
        return second, products(codes, X, sample_weight, n_jobs=n_jobs)
    if not sparse.issparse(codes):
        with single_threaded_blas():
            weighted = _weighted(codes, sample_weight)
            return weighted.T @ codes, weighted.T @ X
    second = np.zeros((codes.shape[1],) * 2, dtype=dtype)
    cross = np.zeros((codes.shape[1], X.shape[1]), dtype=dtype)
    parts, weighted = _parts(codes), _weighted(codes, sample_weight).data

    def block(atoms):
        _add_second(*parts, weighted, second, atoms.start, atoms.stop)
        _add_cross(*parts[:2], weighted, X, cross, atoms.start, atoms.stop)

    _share(block, len(second), _ATOMS_A_BLOCK, codes.nnz * X.shape[1], n_jobs)
    return second, cross


def takes_dense_second(n_components, dtype):
    """Whether a sum of ``z.T @ z`` is dense; for many atoms and sparse codes it is sparse."""
    return n_components**2 * np.dtype(dtype).itemsize <= _DENSE_SECOND_BYTES


def products(codes, X, sample_weight=None, *, n_jobs=None):
    """Sum of ``z.T @ x`` over samples, shape (n_components, n_features)."""
    if not sparse.issparse(codes):
        with single_threaded_blas():
            return _weighted(codes, sample_weight).T @ X
    cross = np.zeros((codes.shape[1], X.shape[1]), dtype=codes.dtype)
    parts = _parts(_weighted(codes, sample_weight))

    def block(atoms):
        _add_cross(*parts, X, cross, atoms.start, atoms.stop)

    _share(block, len(cross), _ATOMS_A_BLOCK, codes.nnz * X.shape[1], n_jobs)
    return cross


def inner_products(rows):
    """Inner products of rows with each other, computed in float64, on all threads if many."""
    n_rows, exact = len(rows), rows.astype(np.float64, copy=False)
    if n_rows <= 2 * _GRAM_ROWS:
        # One array times its own transpose: numpy then computes one half.
        return aligned(exact @ exact.T, rows.dtype)
    out = aligned_empty((n_rows, n_rows), rows.dtype)

    def block(part):
        out[part, : part.stop] = exact[part] @ exact[: part.stop].T
        out[: part.start, part] = out[part, : part.start].T

    map_row_blocks(block, n_rows, block_size=_GRAM_ROWS)
    return out


def count_nonzero(codes):
    """Number of nonzero coefficients, dense or sparse."""
    return np.count_nonzero(codes.data if sparse.issparse(codes) else codes)


def active_counts(codes):
    """Number of samples with a nonzero coefficient of each atom, shape (n_components,)."""
    if not sparse.issparse(codes):
        parts = map_row_blocks(
            lambda rows: np.count_nonzero(codes[rows], axis=0), len(codes), block_size=_ROWS_A_BLOCK
        )
        return np.sum(parts, axis=0)
    return np.bincount(codes.indices[codes.data != 0], minlength=codes.shape[1])


def count_idle(idle, codes):
    """Update in place the number of samples since each unit was active; return uses of units."""
    counts = active_counts(codes)
    idle += codes.shape[0]
    idle[counts > 0] = 0
    return counts


def squares(codes, sample_weight=None):
    """Sum of the squared coefficients of each atom, shape (n_components,), in float64."""
    if sparse.issparse(codes):
        values = codes.data.astype(np.float64) ** 2
        if sample_weight is not None:
            values *= np.repeat(sample_weight, np.diff(codes.indptr))
        return np.bincount(codes.indices, values, codes.shape[1])
    weight = np.ones(len(codes)) if sample_weight is None else sample_weight
    return np.einsum("ij,ij,i->j", codes, codes, weight, dtype=np.float64)


def residual_rows(X, codes, dictionary, *, n_jobs=None):
    """Residuals of the codes, ``X - offset - codes @ atoms``."""
    if not sparse.issparse(codes):
        with single_threaded_blas():
            return dictionary.center(X) - dictionary._combine(codes)
    residual = np.array(dictionary.center(X))
    parts, atoms = _parts(codes), dictionary.atoms

    def block(rows):
        _subtract_decoded(*parts, atoms, residual, rows.start, rows.stop)

    _share(block, len(residual), _ROWS_A_BLOCK, codes.nnz * X.shape[1], n_jobs)
    return residual


def mean(X, sample_weight=None):
    """Weighted mean of the rows of a matrix as `check_rows` gives it, in float64."""
    total = X.shape[0] if sample_weight is None else np.sum(sample_weight)
    parts = _over_blocks(lambda x, weight: weight @ x, X, sample_weight)
    return np.sum(parts, axis=0) / total


def geometric_median(X, sample_weight=None, *, max_iter=200, tol=1e-8):
    """Geometric median: point with the least weighted sum of distances from rows, in float64.

    Weiszfeld's algorithm with the guard of Vardi and Zhang (2000), so that an iterate that meets a
    sample does not stay there unless it is the median. Each iteration is a pass over `X`.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n_samples, n_features)
    sample_weight : ndarray of shape (n_samples,) or None, default=None
    max_iter : int, default=200
    tol : float, default=1e-8
        The iteration stops if a step is shorter than this multiple of the mean distance.

    Returns
    -------
    median : ndarray of shape (n_features,)
    """
    total = X.shape[0] if sample_weight is None else np.sum(sample_weight)
    median = mean(X, sample_weight)
    # Samples within rounding distance count as met.
    spread = _spread(X, median, sample_weight) / total
    tiny = 1e-12 * max(np.sqrt(spread), np.finfo(np.float64).tiny)
    for _ in range(max_iter):
        pulls = _pulls(X, median, tiny, sample_weight)
        sums = [np.sum(part, axis=0) for part in zip(*pulls, strict=True)]
        pull, attraction, distance, met = sums
        if attraction == 0:
            break
        strength = np.linalg.norm(pull)
        # Samples that are met hold the point with a force equal to their weight.
        share = max(1 - met / strength, 0) if strength > 0 else 0
        step = share * pull / attraction
        median = median + step
        if np.linalg.norm(step) <= tol * distance / total:
            break
    return median


def _pulls(X, center, tiny, sample_weight):
    """Sums over each block: unit vectors to the samples, inverse distances, and distances."""

    def block(x, weight):
        apart = x - center
        distances = np.sqrt(np.einsum("ij,ij->i", apart, apart))
        met = distances <= tiny
        inverse = np.where(met, 0, weight / np.where(met, 1, distances))
        return inverse @ apart, inverse.sum(), weight @ distances, weight @ met

    return _over_blocks(block, X, sample_weight)


def _spread(X, center, sample_weight):
    """Weighted sum of squared distances."""

    def block(x, weight):
        return weight @ np.square(x - center).sum(axis=1)

    return np.sum(_over_blocks(block, X, sample_weight))


def _over_blocks(function, X, sample_weight):
    """Results of a function of dense blocks of rows and their weights, in order."""

    def block(rows):
        x = dense_rows(X, rows, np.float64)
        if sample_weight is None:
            return function(x, np.ones(len(x)))
        weight = np.asarray(sample_weight[rows], dtype=np.float64)
        # Samples of weight 0 may be too large to be multiplied by 0.
        return function(x[weight > 0], weight[weight > 0])

    return map_row_blocks(block, X.shape[0], block_size=_ROWS_A_BLOCK)


def _share(function, n_rows, block_size, work, n_jobs):
    map_row_blocks(
        function,
        n_rows,
        block_size=block_size if work >= _WORTH_THREADS else n_rows,
        n_jobs=n_jobs,
    )


def _weighted(codes, sample_weight):
    if sample_weight is None:
        return codes
    weight = sample_weight.astype(codes.dtype)
    if not sparse.issparse(codes):
        return codes * weight[:, None]
    values = codes.data * np.repeat(weight, np.diff(codes.indptr))
    return sparse.csr_array((values, codes.indices, codes.indptr), shape=codes.shape)


def _parts(matrix):
    return matrix.indptr, matrix.indices, matrix.data


@_jit.kernel
def _add_second(starts, columns, values, weighted, out, first, last):
    for i in range(len(starts) - 1):
        for e in range(starts[i], starts[i + 1]):
            j, coefficient = columns[e], weighted[e]
            if first <= j < last:
                for q in range(starts[i], starts[i + 1]):
                    out[j, columns[q]] += coefficient * values[q]


@_jit.kernel
def _add_cross(starts, columns, weighted, X, out, first, last):
    for i in range(len(starts) - 1):
        for e in range(starts[i], starts[i + 1]):
            j, coefficient = columns[e], weighted[e]
            if first <= j < last:
                for f in range(X.shape[1]):
                    out[j, f] += coefficient * X[i, f]


@_jit.kernel
def _subtract_decoded(starts, columns, values, atoms, out, first, last):
    for i in range(first, last):
        for e in range(starts[i], starts[i + 1]):
            j, value = columns[e], values[e]
            for f in range(atoms.shape[1]):
                out[i, f] -= value * atoms[j, f]
