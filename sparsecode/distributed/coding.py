"""Codes of samples in Dask collections, and what is made of codes."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn import get_config
from sklearn.utils.validation import check_is_fitted

from sparsecode._collections import is_collection
from sparsecode._messages import wrong
from sparsecode.distributed._samples import as_rows, check_columns, checked_samples, is_single
from sparsecode.distributed._tasks import map_rows
from sparsecode.estimators._sample_units import check_moments


def transform(estimator: Any, X: Any, **options: Any) -> Any:
    """Codes of the samples of a Dask collection: a Dask array, of CSR arrays if `sparse_output`."""
    _check_output(estimator)
    X = checked_samples(estimator, X)
    dtype, n_columns = _code_dtype(estimator, X), estimator._n_features_out
    make = sparse.csr_array if getattr(estimator, "sparse_output", False) else np.empty
    meta = make((0, n_columns), dtype=dtype)
    return map_rows(estimator, "transform", X, meta, **options)


def input_moments(estimator: Any, X: Any) -> Any:
    """Mean and deviation of each sample of a Dask collection, an array of two columns."""
    X = checked_samples(estimator, X)
    meta = np.empty((0, 2), dtype=np.float32 if is_single(X) else np.float64)
    return map_rows(estimator, "input_moments", X, meta)


def inverse_transform(estimator: Any, X: Any, moments: Any = None) -> Any:
    """Reconstructions of codes in a Dask array, and of moments with the same chunks of rows."""
    check_is_fitted(estimator)
    codes = as_rows(X, "X")
    check_columns(codes, estimator._n_features_out)
    n_features = estimator.dictionary_.n_features
    meta = np.empty((0, n_features), dtype=_code_dtype(estimator, codes))
    if moments is None:
        if hasattr(estimator, "input_moments"):
            check_moments(estimator._model, None)
        return map_rows(estimator, "inverse_transform", codes, meta)
    if not is_collection(moments):
        raise TypeError(
            wrong(
                "moments",
                got="in memory with a Dask collection of codes",
                expected="both of one kind",
                remedy="Give input_moments of the Dask collection of samples.",
            )
        )
    return map_rows(estimator, "inverse_transform", codes, meta, moments=moments)


def predict(estimator: Any, X: Any) -> Any:
    """Predicted targets of the samples of a Dask collection."""
    X = checked_samples(estimator, X)
    # No sample says whether targets are a matrix or a vector.
    shape = estimator.dictionary_.n_features
    meta = np.empty((0,) if estimator._is_flat else (0, shape), dtype=_code_dtype(estimator, X))
    return map_rows(estimator, "predict", X, meta)


def _code_dtype(estimator, X):
    both = is_single(X) and estimator.dictionary_.dtype == np.float32
    return np.dtype(np.float32 if both else np.float64)


def _check_output(estimator):
    """Raise ValueError if transformers return a DataFrame, which would be in memory."""
    mine = getattr(estimator, "_sklearn_output_config", {}).get("transform")
    container = mine or get_config()["transform_output"]
    if container != "default":
        raise ValueError(
            wrong(
                "the output of transform",
                got=f"set to {container!r}",
                expected="'default' where samples are a Dask collection",
                remedy="Call set_output(transform='default').",
            )
        )
