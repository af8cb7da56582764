"""Certificates of codes in Dask collections."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np

from sparsecode.distributed._samples import (
    as_rows,
    check_aligned,
    check_columns,
    checked_samples,
    naming_chunk,
)
from sparsecode.distributed._tasks import map_rows, one_task
from sparsecode.objective import Certificate, certify
from sparsecode.penalties import Penalty

# Columns of the figures of a certificate.
_FIGURES = ("objective", "gap", "residual", "half_squared_norm", "correlation")
N_FIGURES = len(_FIGURES) + 2


def certify_samples(estimator: Any, X: Any) -> Certificate:
    """Certificate of the codes of a Dask collection; its arrays are those of Dask."""
    X = checked_samples(estimator, X)
    penalty = estimator._model.penalty
    estimator._model.check_linear("certify")
    return certificate_by(estimator, X, penalty)


def certificate_by(estimator: Any, X: Any, penalty: Any, of: str = "rows") -> Certificate:
    """Certificate by the method of an estimator, of checked samples."""
    figures = np.empty((0, N_FIGURES))
    figures = map_rows(estimator, "certify", X, figures, finish=figures_of, of=of)
    return certificate_of(figures, penalty)


def certify_codes(
    X: Any, codes: Any, dictionary: Any, penalty: Any, *, missing: bool = False
) -> Certificate:
    """Certificate of codes in a Dask array, on a given dictionary."""
    X, codes = as_rows(X, "X"), as_rows(codes, "codes")
    check_columns(X, dictionary.n_features, "X", "features")
    check_columns(codes, dictionary.n_components, "codes", "atoms")
    check_aligned(X, codes)
    figures = da.map_blocks(
        _certified,
        X,
        codes,
        dtype=np.float64,
        chunks=(X.chunks[0], (N_FIGURES,)),
        meta=np.empty((0, N_FIGURES)),
        problem=one_task((dictionary, penalty, missing)),
    )
    return certificate_of(figures, penalty)


def certificate_of(figures: np.ndarray, penalty: Penalty) -> Certificate:
    """Certificate whose arrays are columns of figures; the last two are the relative ones."""
    columns = [figures[:, i] for i in range(len(_FIGURES))]
    if not penalty.convex:
        columns[_FIGURES.index("gap")] = None
    return Certificate(*columns, figures[:, len(_FIGURES) :])


def _certified(X, codes, problem, block_id=None):
    if X.shape[0] == 0:
        return np.empty((0, N_FIGURES))
    dictionary, penalty, missing = problem.value
    with naming_chunk(block_id):
        certificate = certify(X, codes, dictionary, penalty, missing=missing, n_jobs=1)
    return figures_of(certificate)


def figures_of(certificate: Certificate) -> np.ndarray:
    """Arrays of a certificate as columns, with the relative gap and the relative residual."""
    columns = [getattr(certificate, name) for name in _FIGURES]
    columns += [certificate.relative_gap, certificate.relative_residual]
    missing = np.full(len(certificate.objective), np.nan)
    return np.stack([missing if column is None else column for column in columns], axis=1)
