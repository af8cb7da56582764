"""Outliers by norm, such as activations of special tokens: dropped or clipped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from sparsecode._collections import in_chunks, is_collection
from sparsecode._messages import shown, wrong
from sparsecode._plain import make_plain
from sparsecode._row_blocks import dense_rows, is_on_disk
from sparsecode._typing import MatrixLike
from sparsecode._validation import check_number

if TYPE_CHECKING:
    from sparsecode._batches import Batch

_BLOCK = 4096
# Samples that the usual norm is estimated from, and rows of a memory map in one such run.
MOST, _RUN = 10_000, 64
# Ratio of standard deviation and median absolute deviation of a normal distribution.
_DEVIATION = 1.4826
# Smallest spread, relative to the median, so that rounding errors are not outliers.
_LEAST_SPREAD = 0.01


@dataclass(frozen=True)
class NormOutliers:
    """Policy for outliers, samples whose norm is far above that of the others: drop or clip them.

    A norm is an outlier if its robust z-score, ``(norm - median) / (1.4826 * MAD)``, is above `z`:
    Median and median absolute deviation (MAD) are those of the nonzero norms of at most 10,000
    samples, the first ones, always the same. A spread below 1 % of the median counts as 1 %.

    Parameters
    ----------
    policy : {"drop", "clip"}, default="drop"
        "drop" leaves such samples out of everything, as a weight of 0 does. "clip" scales them down
        to the largest norm that is not an outlier; it is not possible for memory maps.
    z : float, default=10.0
        Largest robust z-score of a norm that is not an outlier.

    Raises
    ------
    ValueError
        If `policy` is not one of these, or `z` is not positive.

    References
    ----------
    B. Iglewicz and D. Hoaglin, "How to detect and handle outliers", 1993.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import SparseAutoencoder
    >>> from sparsecode.training import NormOutliers
    >>> X = np.random.default_rng(0).standard_normal((200, 8))
    >>> X[::50] *= 1000
    >>> model = SparseAutoencoder(16, alpha=0.1, outliers=NormOutliers("drop", z=8), random_state=0)
    >>> model.fit(X).n_outliers_
    4
    """

    policy: str = "drop"
    z: float = 10.0

    def __post_init__(self) -> None:
        make_plain(self)
        if not isinstance(self.policy, str) or self.policy not in ("drop", "clip"):
            raise ValueError(
                wrong(
                    "policy of NormOutliers",
                    got=shown(self.policy),
                    expected="'drop' or 'clip'",
                    remedy="Choose one.",
                )
            )
        check_number(self.z, "z", low=0, low_open=True)

    def limit(self, X: MatrixLike, sample_weight: np.ndarray | None = None) -> float:
        """Return the largest norm that is not an outlier, from samples of positive weight.

        Parameters
        ----------
        X : ndarray or CSR array of shape (n_samples, n_features)
            NaN stands for a missing entry.
        sample_weight : ndarray of shape (n_samples,) or None, default=None

        Returns
        -------
        limit : float
            Infinite where all samples are zero.
        """
        used = np.arange(X.shape[0]) if sample_weight is None else np.flatnonzero(sample_weight)
        run = _RUN if is_on_disk(X) else 1
        if len(used) > MOST:
            starts = np.arange(0, len(used) - run + 1, run)
            drawn = np.random.default_rng(0).choice(starts, MOST // run, replace=False)
            used = used[(np.sort(drawn)[:, None] + np.arange(run)).ravel()]
        norms = row_norms(X, used)
        norms = norms[norms > 0]
        if len(norms) == 0:
            return np.inf
        median = float(np.median(norms))
        spread = _DEVIATION * float(np.median(np.abs(norms - median)))
        return median + self.z * max(spread, _LEAST_SPREAD * median)

    def apply(self, batch: Batch, limit: float) -> tuple[Batch, np.ndarray]:
        """Return a batch without its outliers, or with clipped outliers.

        Parameters
        ----------
        batch : Batch
            Samples in a Dask array are computed once, for their norms.
        limit : float
            Largest norm that is not an outlier.

        Returns
        -------
        batch : Batch
            The batch itself if there are no outliers. Dropped samples have weight 0.
        far : ndarray of bool of shape (n_samples,)
            Which samples of positive weight were dropped or clipped.
        """
        if is_collection(batch.X):
            norms = in_chunks("norms.row_norms", batch.X)
        else:
            norms = row_norms(batch.X, np.arange(batch.X.shape[0]))
        far, weight = norms > limit, batch.sample_weight
        if weight is not None:
            far &= weight > 0
        if not far.any():
            return batch, far
        if self.policy == "drop":
            kept = np.ones(len(far)) if weight is None else weight
            return batch._replace(sample_weight=np.where(far, 0.0, kept)), far
        if is_on_disk(batch.X):
            raise ValueError(
                "outliers is 'clip' but X is a memory map, which is never changed; expected "
                "'drop', or samples in memory. Use 'drop', or give an iterator of batches."
            )
        factors = np.where(far, limit / np.where(far, norms, 1.0), 1.0)
        if is_collection(batch.X):
            return batch._replace(X=in_chunks("norms.scaled", batch.X, factors)), far
        return batch._replace(X=scaled(batch.X, factors)), far


def resolve_outliers(outliers: Any) -> Any:
    """Return the given policy, or the default one of a name; None stays None.

    Raises
    ------
    TypeError
        If it is neither.
    """
    if outliers is None or isinstance(outliers, NormOutliers):
        return outliers
    if isinstance(outliers, str) and outliers in ("drop", "clip"):
        return NormOutliers(outliers)
    raise TypeError(
        wrong(
            "outliers",
            got=shown(outliers),
            expected="'drop', 'clip', a NormOutliers or None",
            remedy="Use for example NormOutliers('drop', z=8).",
        )
    )


def row_norms(X: MatrixLike, rows: slice | np.ndarray) -> np.ndarray:
    """Norms of some rows in float64, estimated from the observed entries if some are missing."""
    norms = np.empty(len(rows))
    for start in range(0, len(rows), _BLOCK):
        block = dense_rows(X, rows[start : start + _BLOCK], np.float64)
        gone = np.isnan(block)
        largest = np.nanmax(np.abs(block), axis=1, initial=0)
        # Scaled first, as squares may overflow.
        unit = block / np.where(largest > 0, largest, 1)[:, None]
        if gone.any():
            unit = np.where(gone, 0, unit)
            observed = np.maximum(np.count_nonzero(~gone, axis=1), 1)
            largest = largest * np.sqrt(X.shape[1] / observed)
        norms[start : start + _BLOCK] = largest * np.sqrt(np.einsum("ij,ij->i", unit, unit))
    return norms


def scaled(X: MatrixLike, factors: np.ndarray) -> MatrixLike:
    """Rows times a number each."""
    if not sparse.issparse(X):
        return (X * factors[:, None]).astype(X.dtype)
    values = (X.data * np.repeat(factors, np.diff(X.indptr))).astype(X.dtype)
    return sparse.csr_array((values, X.indices, X.indptr), shape=X.shape)
