"""Data parallelism: steps of training whose gradients are computed in parts, as tasks of Dask."""

from __future__ import annotations

from contextlib import AbstractContextManager
from contextvars import Token
from dataclasses import dataclass, field

from sparsecode._collections import PARTS
from sparsecode._extras import require
from sparsecode._validation import check_integer


def data_parallel(n_parts: int = 8) -> AbstractContextManager[None]:
    """Divide the batch of every training step into parts, whose gradients are tasks of Dask.

    It is for encoders so wide that a step takes seconds. The parameters travel to each worker that
    takes part, once a step. The gradients of the parts are added in a tree that depends on
    `n_parts` alone, so that the bits of the result do not depend on the workers; they are those of
    a single process but for the order of additions. This process takes the step. Samples of a Dask
    array stay with the workers, and are drawn in runs of consecutive rows. Gradients of sparse
    codes travel as the rows of those atoms that are used.

    Training in this context is refused where the loss of a batch is no mean over its samples, and
    where units are counted or replaced.

    Parameters
    ----------
    n_parts : int, default=8
        Parts of a batch; at least the number of threads of all workers uses all of them.

    Returns
    -------
    context : context manager

    Raises
    ------
    ValueError
        If `n_parts` is no positive integer.
    ImportError
        If Dask is not installed.

    Examples
    --------
    >>> import dask.array as da
    >>> from sparsecode import SparseAutoencoder
    >>> from sparsecode.distributed import data_parallel
    >>> from sparsecode.encoders import TopK
    >>> X = da.random.default_rng(0).standard_normal((2000, 8), chunks=(500, 8))
    >>> model = SparseAutoencoder(16, encoder=TopK(2), batch_size=500, n_epochs=2, random_state=0)
    >>> with data_parallel(n_parts=4):
    ...     model.fit(X).n_iter_
    8
    """
    require("dask", "data_parallel")
    return _Divided(check_integer(n_parts, "n_parts"))


@dataclass
class _Divided:
    """Context in which batches are divided."""

    n_parts: int
    _token: Token[int | None] | None = field(default=None, repr=False)

    def __enter__(self) -> None:
        self._token = PARTS.set(self.n_parts)

    def __exit__(self, *error: object) -> None:
        if self._token is not None:
            PARTS.reset(self._token)
