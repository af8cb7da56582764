"""Nested (Matryoshka) reconstructions, from the first atoms of several widths."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from scipy import sparse

from sparsecode import _jit
from sparsecode._gathered_rows import add_picked, multiply_picked
from sparsecode._messages import shown, wrong
from sparsecode._parallel import map_row_blocks

_BLOCK_SIZE = 128


def check_levels(levels, n_components):
    """Return widths as an array that begins with 0: [0, 16, n_components] for (16, None).

    Raises
    ------
    ValueError
        If they do not increase, or the last one is not the number of atoms.
    """
    is_sequence = isinstance(levels, Sequence | np.ndarray) and np.iterable(levels)
    widths = [n_components if level is None else level for level in levels] if is_sequence else []
    whole = all(isinstance(n, numbers.Integral) and not isinstance(n, bool) for n in widths)
    edges = [0, *widths]
    grow = whole and all(first < last for first, last in pairwise(edges))
    if not widths or not grow or edges[-1] != n_components:
        raise ValueError(
            wrong(
                "levels",
                got=shown(levels),
                expected=f"increasing numbers of atoms that end with {n_components}, or with None "
                "for all atoms",
                remedy="Use for example levels=(16, 64, None).",
            )
        )
    return np.array(edges, dtype=np.int64)


def reconstruct_levels(target, dictionary, codes, share, edges, detach=False):
    """Squared error of each sample, averaged over widths, and gradients of half their sum.

    Parameters
    ----------
    target : ndarray of shape (n_samples, n_features)
        Less the offset.
    dictionary : Dictionary
    codes : ndarray or csr_array of shape (n_samples, n_components)
    share : ndarray of shape (n_samples, 1), or float
        Weight of each sample.
    edges : ndarray of shape (n_levels + 1,)
        From `check_levels`.
    detach : bool, default=False
        Whether the part of a reconstruction from narrower levels counts as a constant.

    Returns
    -------
    squared_norms : ndarray of shape (n_samples,)
    errors : ndarray of shape (n_levels, n_samples, n_features)
        Entry `l` is the weighted sum over all levels from `l` on or, if detached, level `l` alone.
        It is the gradient in the part of the reconstruction from the atoms ``edges[l]`` to
        ``edges[l + 1]``. The first entry is the gradient in the offset.
    error : ndarray of shape (n_samples, n_features)
        Weighted error of the last level alone, of all atoms.
    dcodes : ndarray or csr_array of shape (n_samples, n_components)
    """
    atoms, n_levels, n_samples = dictionary.atoms, len(edges) - 1, codes.shape[0]
    squared_norms = np.empty(n_samples, dtype=np.float64)
    errors = np.empty((n_levels, n_samples, atoms.shape[1]), dtype=atoms.dtype)
    counts = np.broadcast_to(np.asarray(share, dtype=atoms.dtype), (n_samples, 1))
    is_sparse, given = sparse.issparse(codes), codes
    if is_sparse:
        codes, order = _sorted_columns(codes)
    grad_codes = np.empty_like(codes.data) if is_sparse else np.empty_like(codes)
    segments = [slice(first, last) for first, last in pairwise(edges)]

    def block(rows):
        r = errors[:, rows]
        if is_sparse:
            starts = codes.indptr[rows.start : rows.stop + 1]
            _decode_levels(starts, codes.indices, codes.data, atoms, edges, target[rows], r)
        else:
            _decode_dense(codes[rows], atoms, segments, target[rows], r)
        squared_norms[rows] = np.einsum("lij,lij->i", r, r) / n_levels
        r *= counts[rows]
        last[rows] = r[-1]
        r /= n_levels
        # Atoms of a level are in its reconstruction and in all wider ones.
        for level in () if detach else range(n_levels - 2, -1, -1):
            r[level] += r[level + 1]
        if is_sparse:
            _slopes(starts, codes.indices, atoms, edges, r, grad_codes)
            return
        for level, segment in enumerate(segments):
            np.matmul(r[level], atoms[segment].T, out=grad_codes[rows, segment])

    last = np.empty(errors.shape[1:], dtype=atoms.dtype)
    map_row_blocks(block, n_samples, block_size=_BLOCK_SIZE)
    if is_sparse:
        if order is not None:
            grad_codes[order] = grad_codes.copy()
        grad_codes = sparse.csr_array((grad_codes, given.indices, given.indptr), shape=given.shape)
    return squared_norms, errors, last, grad_codes


def _sorted_columns(codes):
    """Codes with the columns of each row in order, so that each level is one run of entries.

    Return the codes and the former position of each entry, or None if they were in order.
    """
    if codes.has_sorted_indices:
        return codes, None
    order = sparse.csr_array((np.arange(codes.nnz), codes.indices, codes.indptr), copy=True)
    order.sort_indices()
    parts = codes.data[order.data], order.indices, order.indptr
    return sparse.csr_array(parts, shape=codes.shape), order.data


def _decode_dense(codes, atoms, segments, target, errors):
    total = -target
    for level, segment in enumerate(segments):
        total += codes[:, segment] @ atoms[segment]
        errors[level] = total


@_jit.kernel
def _decode_levels(starts, columns, values, atoms, edges, target, errors):
    for i in range(target.shape[0]):
        first, last = starts[i], starts[i + 1]
        for level in range(errors.shape[0]):
            row = errors[level, i]
            for f in range(row.shape[0]):
                row[f] = errors[level - 1, i, f] if level > 0 else -target[i, f]
            end = _end_of_level(columns, first, last, edges[level + 1])
            add_picked(row, values, columns, first, end, atoms)
            first = end


@_jit.kernel
def _slopes(starts, columns, atoms, edges, errors, grad_codes):
    for i in range(errors.shape[1]):
        first, last = starts[i], starts[i + 1]
        for level in range(errors.shape[0]):
            end = _end_of_level(columns, first, last, edges[level + 1])
            multiply_picked(errors[level, i], columns, first, end, atoms, grad_codes)
            first = end


@_jit.inner
def _end_of_level(columns, first, last, edge):
    end = first
    while end < last and columns[end] < edge:
        end += 1
    return end
