"""Signals in Dask arrays: their convolutional codes, and what is made of codes."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
from sklearn.utils.validation import check_is_fitted

from sparsecode._convolution.checks import check_code_shape, check_rows_of_series
from sparsecode.distributed._samples import as_numbers, check_aligned, naming
from sparsecode.distributed._signals import (
    as_signals,
    check_whole,
    code_dtype,
    code_shape,
    signal_shape,
)
from sparsecode.distributed._tasks import call_method, for_coding, map_rows, one_task
from sparsecode.distributed.certificates import (
    N_FIGURES,
    certificate_by,
    certificate_of,
    figures_of,
)
from sparsecode.objective import Certificate, certify

# Stands for an array of sparse codes or of signals, one entry each.
_OBJECTS = np.empty(0, dtype=object)


def checked(estimator: Any, X: Any, dictionary: Any) -> Any:
    """Signals of a Dask collection as an array with channels, if an estimator can take them."""
    support = None if estimator.boundary == "zero" else dictionary.support
    options = {"n_channels": dictionary.n_channels, "support": support}
    return as_signals(X, dictionary.n_dims, **options)


def transform(estimator: Any, X: Any) -> Any:
    """Codes of the signals of a Dask array: a Dask array, of one CSR array a signal if sparse."""
    check_is_fitted(estimator)
    dictionary = estimator.dictionary_
    X = checked(estimator, X, dictionary)
    if estimator.sparse_output:
        return map_rows(estimator, "transform", X, _OBJECTS, finish=_as_objects, of="signals")
    shape = code_shape(dictionary, X, estimator.boundary)
    meta = np.empty((0, *shape), dtype=code_dtype(dictionary, X))
    return map_rows(estimator, "transform", X, meta, of="signals")


def inverse_transform(estimator: Any, X: Any) -> Any:
    """Signals of codes in a Dask array; each apart, if it is one of CSR arrays."""
    check_is_fitted(estimator)
    dictionary = estimator.dictionary_
    if X.ndim == 1 and X.dtype == object:
        check_rows_of_series([], dictionary)
        model = one_task(for_coding(estimator))
        return X.map_blocks(_decoded, model=model, dtype=object, meta=_OBJECTS)
    codes = as_numbers(X, "X")
    check_whole(codes, X, "X", "codes")
    check_code_shape(codes.shape, dictionary)
    shape = signal_shape(dictionary, codes, estimator.boundary)
    meta = np.empty((0, *shape), dtype=code_dtype(dictionary, codes))
    return map_rows(estimator, "inverse_transform", codes, meta, of="codes")


def certify_samples(estimator: Any, X: Any) -> Certificate:
    """Certificate of the codes of signals in a Dask array; its arrays are those of Dask."""
    check_is_fitted(estimator)
    X = checked(estimator, X, estimator.dictionary_)
    return certificate_by(estimator, X, estimator._penalty(), of="signals")


def certify_codes(
    X: Any, codes: Any, dictionary: Any, penalty: Any, *, missing: bool = False
) -> Certificate:
    """Certificate of codes in a Dask array, on a given dictionary."""
    options = {"n_channels": dictionary.n_channels, "support": dictionary.support}
    X, codes = as_signals(X, dictionary.n_dims, **options), as_numbers(codes, "codes")
    check_whole(codes, codes, "codes", "codes")
    check_code_shape(codes.shape, dictionary)
    check_aligned(X, codes, of="signals")
    figures = da.map_blocks(
        _certified,
        X,
        codes,
        dtype=np.float64,
        chunks=(X.chunks[0], (N_FIGURES,)),
        drop_axis=list(range(2, X.ndim)),
        meta=np.empty((0, N_FIGURES)),
        problem=one_task((dictionary, penalty, missing)),
    )
    return certificate_of(figures, penalty)


def _certified(X, codes, problem, block_id=None):
    if X.shape[0] == 0:
        return np.empty((0, N_FIGURES))
    dictionary, penalty, missing = problem.value
    with naming(f"Chunk {block_id[0]} of the signals"):
        certificate = certify(X, codes, dictionary, penalty, missing=missing, n_jobs=1)
    return figures_of(certificate)


def _as_objects(items):
    """Array of one dimension of any things."""
    out = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        out[i] = item
    return out


def _decoded(codes, model, block_id=None):
    """Signals of a chunk of CSR arrays; a task."""
    if not len(codes):
        return codes
    rows = f"Chunk {block_id[0]} of the codes"
    return _as_objects(call_method(model, "inverse_transform", codes.tolist(), rows))
