"""Norms of samples in Dask arrays, and samples scaled by them."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np

from sparsecode.training import norm_outliers


def row_norms(X: Any) -> np.ndarray:
    """Norms of all rows, in memory; every chunk is computed once."""
    return np.asarray(da.map_blocks(_norms, X, dtype=np.float64, drop_axis=1).compute())


def scaled(X: Any, factors: np.ndarray) -> Any:
    """Rows times a number each, not computed yet."""
    factors = da.from_array(factors[:, None], chunks=(X.chunks[0], 1))
    return da.map_blocks(_scaled, X, factors, dtype=X.dtype, chunks=X.chunks, meta=X._meta)


def _norms(block):
    return norm_outliers.row_norms(block, np.arange(block.shape[0]))


def _scaled(block, factors):
    return norm_outliers.scaled(block, factors[:, 0])
