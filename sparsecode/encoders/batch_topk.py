"""BatchTopK encoder, which keeps the largest entries of a batch."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy import sparse

from sparsecode._parallel import map_row_blocks
from sparsecode._row_blocks import compress, dense_rows, stack_csr
from sparsecode._row_products import panels_to_keep, row_product
from sparsecode._validation import check_number
from sparsecode.encoders._linear import LinearEncoder, Products
from sparsecode.encoders._parameter_kinds import THRESHOLD, Kind
from sparsecode.encoders._scheduled import ScheduledCount
from sparsecode.ops.batch_selection import largest, least_of_largest
from sparsecode.ops.jumps import zero_below

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary
    from sparsecode.encoders.trainable import TrainableEncoder

_BLOCK_SIZE = 128


@dataclass(eq=False)
class BatchTopK(ScheduledCount, LinearEncoder):
    """BatchTopK: keep the ``k * n_samples`` largest positive entries of a batch.

    The samples of a batch share this number of nonzeros in training: a sample that is hard to
    reconstruct gets more of them than an easy one. In `encode` and for validation samples, codes
    must not depend on other samples. Then all entries above a threshold are kept. The threshold is
    the running mean, over training steps, of the smallest entry that was kept. It lags behind the
    other parameters, so estimators finally call `set_buffers`, which sets it to give `k` nonzeros
    per sample in the mean. The selection adds to the cost of the product. Training stores the
    pre-activations of one batch, and its codes as CSR. Among equal entries the first ones are kept,
    row by row.

    Parameters
    ----------
    k : float or callable, default=8
        Mean number of nonzeros of a sample; may be a fraction. A schedule of
        `sparsecode.schedules`, such as ``Linear(100, 25, n_steps)``, gives it for each step of
        training; `set_buffers` uses its last value.
    decay : float, default=0.99
        Share of the running mean that a step keeps, in [0, 1).
    tied : bool, default=False
        Whether the encoder is tied: `W` is the atoms of the dictionary, not a parameter.
    initial_bias : float, default=0.0
        Initial value of `b`. With a positive value units are active at the start.
    params : dict of str to ndarray or None, default=None
        ``"W"`` of shape (n_components, n_features), unless tied, ``"b"`` of shape (n_components,),
        and ``"threshold"`` of shape (). None takes those of `init`, whose threshold is NaN until it
        is set.

    Raises
    ------
    ValueError
        By every method, if `k` is more than the atoms of the dictionary; by `encode`, and by
        `forward` outside of training, if the threshold is not set.

    References
    ----------
    B. Bussmann, P. Leask and N. Nanda, "BatchTopK sparse autoencoders", 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import BatchTopK
    >>> encoder, dictionary = BatchTopK(k=1), Dictionary(np.eye(2))
    >>> params = encoder.init(dictionary)
    >>> codes, cache = encoder.forward(
    ...     params, np.array([[3.0, 2.0], [1.0, 0.5]]), dictionary, training=True
    ... )
    >>> codes
    array([[3., 2.],
           [0., 0.]])
    >>> encoder.update_buffers(params, cache)
    >>> encoder.bind(params).encode([[1.0, 4.0]], dictionary)
    array([[0., 4.]])
    """

    k: float | Callable[[int], float] = 8
    decay: float = 0.99

    sparse_codes: ClassVar[bool] = True
    depends_on_batch: ClassVar[bool] = True
    buffers: ClassVar[tuple[str, ...]] = ("threshold",)
    active_setting: ClassVar[str | None] = "k"
    active_in_mean: ClassVar[bool] = True
    parameter_kinds: ClassVar[dict[str, Kind]] = {
        **LinearEncoder.parameter_kinds,
        "threshold": THRESHOLD,
    }

    def update_buffers(
        self, params: dict[str, np.ndarray], cache: Any, n_before: int | None = None
    ) -> None:
        codes = cache.codes.data if sparse.issparse(cache.codes) else cache.codes
        active = codes[codes > 0]
        if len(active) == 0:
            return
        threshold, least = params["threshold"], active.min()
        if self.is_ready(params):
            kept = self.decay
            if n_before is not None:
                # In the first steps a plain mean, so that the first step does not count more than
                # later ones.
                kept *= (1 - self.decay**n_before) / (1 - self.decay ** (n_before + 1))
            least = kept * threshold + (1 - kept) * least
        threshold[...] = least

    def set_buffers(
        self, X: np.ndarray, dictionary: Dictionary, sample_weight: np.ndarray | None = None
    ) -> TrainableEncoder:
        X, dictionary, params, _ = self._check_call(self.params, X, dictionary, None)
        W = self._weights(params, dictionary)
        # The products of `encode`, so that the threshold lies where it does among these.
        columns = panels_to_keep(W.T, X.shape[0])

        def fill(rows, out):
            row_product(dictionary.center(dense_rows(X, rows, W.dtype)), columns, out)

        weight = np.ones(X.shape[0]) if sample_weight is None else sample_weight
        products = Products((X.shape[0], len(W)), W.dtype, fill)
        return self.bind({**self.params, **self._found_buffers(params, products, weight)})

    def _found_buffers(self, params, products, weight):
        n_samples, n_components = products.shape

        def positive(rows):
            A = np.empty((rows.stop - rows.start, n_components), dtype=products.dtype)
            products.fill(rows, A)
            A += params["b"]
            values, _, counts = compress(np.maximum(A, 0))
            return values, np.repeat(weight[rows], counts)

        found = map_row_blocks(positive, n_samples, block_size=_BLOCK_SIZE)
        values, counts = (np.concatenate(parts) for parts in zip(*found, strict=True))
        values, counts = values[counts > 0], counts[counts > 0]
        budget = self._k * np.sum(weight)
        # If there are too few positive entries, all of them are kept.
        threshold = _first_left_out(values, counts, budget) if counts.sum() > budget else 0.0
        return {"threshold": np.array(threshold, dtype=products.dtype)}

    def _codes(self, params, products, training, is_sparse, signals):
        if not training:
            return super()._codes(params, products, training, is_sparse, signals)
        n_samples = products.shape[0]
        n_kept = max(round(self._k * n_samples), 1)
        A = np.empty(products.shape, dtype=products.dtype)

        def bound(rows):
            block = A[rows]
            products.fill(rows, block)
            block += params["b"]
            # As many of every block as of the batch: the least bound is one of the batch.
            return least_of_largest(block.reshape(-1), math.ceil(self._k * len(block)))

        low = min(map_row_blocks(bound, n_samples, block_size=_BLOCK_SIZE))

        def candidates(rows):
            # NaN must stay NaN.
            return compress(np.where(A[rows] < low, A.dtype.type(0), A[rows]))

        found = map_row_blocks(candidates, n_samples, block_size=_BLOCK_SIZE)
        codes = _largest_entries(stack_csr(found, A.shape[1]), n_kept)
        stored = {"pre": A} if "pre" in signals else {}
        return (codes if is_sparse else codes.toarray()), stored

    def _activate(self, A, params):
        zero_below(A, np.maximum(params["threshold"], 0))

    def _derive(self, dcodes, codes, params):
        return dcodes * (codes != 0)

    def _check_parameters(self):
        super()._check_parameters()
        self._check_count()
        check_number(self.decay, "decay", low=0, high=np.nextafter(1.0, 0.0))

    def _shapes(self, dictionary):
        self._check_size(dictionary)
        return {**super()._shapes(dictionary), "threshold": ()}

    def _initial(self, dictionary, random_state):
        self._check_size(dictionary)
        return {**super()._initial(dictionary, random_state), "threshold": np.nan}


def _first_left_out(values, counts, budget):
    """Largest value that is left out if values are kept in decreasing order up to a total count."""
    n_most = min(int(budget / counts.min()) + 2, len(values))
    order = np.argpartition(-values, n_most - 1)[:n_most]
    order = order[np.argsort(-values[order])]
    # Half a count: sums of equal weights must not miss the budget by rounding.
    last = np.searchsorted(np.cumsum(counts[order]), budget - counts.mean() / 2) + 1
    return values[order[last]] if last < len(order) else 0.0


def _largest_entries(codes, n):
    """Keep the `n` largest entries of CSR codes with positive entries."""
    if codes.nnz <= n:
        return codes
    kept = largest(codes.data, n)
    before = np.concatenate([[0], np.cumsum(kept)])
    starts = before[codes.indptr].astype(codes.indptr.dtype)
    return sparse.csr_array((codes.data[kept], codes.indices[kept], starts), shape=codes.shape)
