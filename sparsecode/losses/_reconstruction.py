"""Errors of reconstruction and their gradients, of dense and of sparse codes."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from sparsecode import _jit
from sparsecode._batches import shares, weighted_mean
from sparsecode._factored_gradients import RowGradient, add_gradients
from sparsecode._gathered_rows import add_picked, multiply_picked
from sparsecode._parallel import map_row_blocks, rows_of_product
from sparsecode.losses._nested import check_levels, reconstruct_levels
from sparsecode.losses._output import check_output, reconstruct_output
from sparsecode.losses._tilt import tilted_mean, times_rows
from sparsecode.losses.base import LossContext, LossResult


def evaluate_terms(
    terms,
    X,
    dictionary,
    codes,
    target,
    sample_weight,
    dictionary_grads,
    context=None,
    levels=None,
    output=None,
    detach=False,
    tilt=0.0,
):
    """Mean of ``1/2 ||target - offset - codes @ atoms||^2``, and the terms; see `Loss.evaluate`.

    Without a target, the samples are the target. With levels, there is a reconstruction for each
    width; if detached, only the atoms that are new in it get gradients. The signal ``"skip"`` of
    the context is subtracted from the target first. With an output activation, neither offset nor
    skip can be subtracted. With a tilt, the mean is a tilted one; the error that terms read is not.
    """
    context = LossContext() if context is None else context
    share = shares(sample_weight, codes)
    target, skip = (X if target is None else target), context.signals.get("skip")
    if output is not None:
        check_output(output)
        squared_norms, error, dcodes = reconstruct_output(target, dictionary, codes, share)
        products, total, target, error = [(codes, error)], error, None, None
    else:
        target = dictionary.center(target)
        target = target if skip is None else target - skip
        squared_norms, error, dcodes, products, total = _linear(
            target, dictionary, codes, share, levels, detach
        )
    fit = weighted_mean(squared_norms, share) / 2
    parts = {"fit": fit}
    if not np.isfinite(fit):
        return LossResult(fit, {"fit": fit, "penalty": np.nan}, dcodes, {})
    if tilt:
        parts["fit"], factors = tilted_mean(squared_norms / 2, share, tilt)
        dcodes, total = times_rows(factors, dcodes), times_rows(factors, total)
        products = [(codes, times_rows(factors, rows), *part) for codes, rows, *part in products]
    grads = {}
    if dictionary_grads:
        grads["atoms"] = RowGradient(*products)
        if dictionary.offset is not None:
            grads["offset"] = total.sum(axis=0)
    added = dcodes.data if sparse.issparse(dcodes) else dcodes
    # The gradient in every part of the prediction is the same.
    dsignals, reports = {} if skip is None else {"skip": total}, {}
    context = context._replace(target=target, error=error, reports=reports)
    for term in terms:
        value, dterm, dsignal = term.evaluate(
            codes, added, dictionary, share, context, dictionary_grads=dictionary_grads
        )
        parts[_unused(term.label, parts)] = value
        for name, grad in dterm.items():
            grads[name] = add_gradients(grads.get(name), grad)
        for name, grad in dsignal.items():
            dsignals[name] = _add_signals(dsignals.get(name), grad)
    return LossResult(sum(parts.values()), parts, dcodes, grads, dsignals, reports)


def _linear(target, dictionary, codes, share, levels, detach):
    """Squared errors, error and gradient in the codes; factors of that of the atoms, and the sum
    of errors that that of the offset is made of.
    """
    if levels is None:
        squared_norms, error, dcodes = reconstruct(target, dictionary, codes, share)
        return squared_norms, error, dcodes, [(codes, error)], error
    edges = check_levels(levels, dictionary.n_components)
    squared_norms, errors, error, dcodes = reconstruct_levels(
        target, dictionary, codes, share, edges, detach
    )
    segments = [slice(*edges[level : level + 2].tolist()) for level in range(len(errors))]
    products = list(zip([codes] * len(errors), errors, segments, strict=True))
    return squared_norms, error, dcodes, products, errors[0]


def reconstruct(target, dictionary, codes, share):
    """Squared error of each sample, and gradients of half their weighted sum.

    Parameters
    ----------
    target : ndarray of shape (n_samples, n_features)
        Less the offset.
    dictionary : Dictionary
    codes : ndarray or csr_array of shape (n_samples, n_components)
    share : ndarray of shape (n_samples, 1), or float
        Weight of each sample.

    Returns
    -------
    squared_norms : ndarray of shape (n_samples,)
    error : ndarray of shape (n_samples, n_features)
        Times the weight: the gradient in the reconstruction.
    dcodes : ndarray or csr_array of shape (n_samples, n_components)
    """
    atoms = dictionary.atoms
    squared_norms = np.empty(codes.shape[0], dtype=np.float64)
    error = np.empty((codes.shape[0], atoms.shape[1]), dtype=atoms.dtype)
    counts = np.broadcast_to(np.asarray(share, dtype=atoms.dtype), (codes.shape[0], 1))
    is_sparse = sparse.issparse(codes)
    grad_codes = np.empty_like(codes.data) if is_sparse else np.empty_like(codes)

    def block(rows):
        x, r = target[rows], error[rows]
        if is_sparse:
            starts = codes.indptr[rows.start : rows.stop + 1]
            entries = starts, codes.indices, codes.data
            _sparse_rows(*entries, atoms, x, counts[rows], r, grad_codes, squared_norms[rows])
            return
        np.matmul(codes[rows], atoms, out=r)
        r -= x
        squared_norms[rows] = np.einsum("ij,ij->i", r, r)
        r *= counts[rows]
        np.matmul(r, atoms.T, out=grad_codes[rows])

    size = rows_of_product(codes.shape[0], codes.shape[1] * atoms.itemsize)
    map_row_blocks(block, codes.shape[0], block_size=size)
    if is_sparse:
        grad_codes = sparse.csr_array((grad_codes, codes.indices, codes.indptr), shape=codes.shape)
    return squared_norms, error, grad_codes


def _add_signals(first, second):
    """Sum of two gradients; CSR arrays of the same entries keep these, zeros included."""
    if first is None:
        return second
    if sparse.issparse(first) and sparse.issparse(second) and first.nnz == second.nnz:
        same = np.array_equal(first.indptr, second.indptr)
        if same and np.array_equal(first.indices, second.indices):
            entries = first.data + second.data
            return sparse.csr_array((entries, first.indices, first.indptr), shape=first.shape)
    return first + second


def _unused(label, names):
    count, name = 1, label
    while name in names:
        count += 1
        name = f"{label}_{count}"
    return name


@_jit.kernel
def _sparse_rows(starts, columns, values, atoms, target, share, error, grad_codes, squared_norms):
    for i in range(target.shape[0]):
        row, x = error[i], target[i]
        for f in range(row.shape[0]):
            row[f] = -x[f]
        add_picked(row, values, columns, starts[i], starts[i + 1], atoms)
        squared_norm = row[0] * 0
        for f in range(row.shape[0]):
            squared_norm += row[f] * row[f]
            row[f] *= share[i, 0]
        squared_norms[i] = squared_norm
        multiply_picked(row, columns, starts[i], starts[i + 1], atoms, grad_codes)
