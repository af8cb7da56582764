"""Samples that stream from chunks of Dask to the process that trains, a window of chunks ahead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dask
import dask.array as da
import numpy as np
from scipy import sparse

from sparsecode._batches import Batch, joined, rows_of
from sparsecode._messages import shown, wrong
from sparsecode._parallel import read_ahead, threads_of
from sparsecode.distributed._samples import (
    as_floats,
    as_rows,
    check_aligned,
    checked_values,
    known_rows,
)
from sparsecode.distributed._tasks import one_task
from sparsecode.distributed.samples import ChunkedSamples, most_rows

# Bytes of the chunks that are shuffled together; of large chunks it is still this number.
_WINDOW_BYTES, _FEWEST = 2**27, 2


class StreamedSamples(ChunkedSamples):
    """Samples in a Dask array, read to train in this process, with the methods of `Samples`.

    Chunks come in random order. The rows of a window of them are shuffled while the next window is
    computed. Batches depend on the chunks and the generator alone, not on who computes them.

    Parameters
    ----------
    X : dask.array.Array of shape (n_samples, n_features)
    sample_weight : ndarray of shape (n_samples,) or None, default=None
    target : dask.array.Array of shape (n_samples, n_targets) or None, default=None
        With the same chunks of rows.
    runs : list of pairs of int or None, default=None
        First row, and the one after the last, of the samples; None takes all.
    chunks : list of Chunks or None, default=None
        Of samples and targets, if they are known.
    """

    def __init__(
        self,
        X: Any,
        sample_weight: Any = None,
        target: Any = None,
        *,
        runs: Any = None,
        chunks: Any = None,
    ) -> None:
        super().__init__(X, sample_weight, target, runs=runs, chunks=chunks)
        self.most_held: int = most_rows(X)
        # The scheduler of this thread; that which reads ahead may have another.
        self._scheduler = dask.base.get_scheduler(collections=[X])

    def read(self) -> Batch:
        """All samples as one batch in memory."""
        return joined([piece for pieces in self._windows(None) for piece in pieces])

    def batches(self, size: int, rng: Any = None) -> Iterator[Batch]:
        """Batches of `size` samples in memory, the last one smaller, shuffled or as they come."""
        left = None
        for pieces in read_ahead(self._windows(rng)):
            for piece in pieces:
                start, n_rows = 0, piece.X.shape[0]
                if left is not None:
                    start = min(size - left.X.shape[0], n_rows)
                    left = joined([left, rows_of(piece, slice(0, start))])
                    if left.X.shape[0] < size:
                        continue
                    yield left
                    left = None
                while n_rows - start >= size:
                    yield rows_of(piece, slice(start, start + size))
                    start += size
                if start < n_rows:
                    left = rows_of(piece, slice(start, n_rows))
        if left is not None:
            yield left

    def _windows(self, rng):
        """Lists of batches, one a chunk in order, or shuffled into one for each window."""
        by_chunk = self._rows_by_chunk()
        numbers = list(by_chunk) if rng is None else rng.permutation(list(by_chunk)).tolist()
        largest = max(self.X.chunks[0]) * self.X.shape[1] * self.X.dtype.itemsize
        n_chunks = max(_WINDOW_BYTES // max(largest, 1), _FEWEST)
        for first in range(0, len(numbers), n_chunks):
            pieces = self._computed(numbers[first : first + n_chunks], by_chunk)
            yield pieces if rng is None else [shuffled(pieces, rng)]

    def _rows_by_chunk(self):
        """Rows of each chunk that has some, all or an array of numbers within it."""
        lengths, starts = self.X.chunks[0], np.cumsum((0, *self.X.chunks[0]))
        numbers = np.searchsorted(starts, [start for start, _ in self.units], side="right") - 1
        parts = {}
        for number, (start, stop) in zip(numbers.tolist(), self.units, strict=True):
            rows = np.arange(start, stop)
            if self.sample_weight is not None:
                rows = rows[self.sample_weight[start:stop] > 0]
            if len(rows):
                parts.setdefault(number, []).append(rows - starts[number])
        found = {number: np.concatenate(parts[number]) for number in sorted(parts)}
        return {n: None if len(rows) == lengths[n] else rows for n, rows in found.items()}

    def _computed(self, numbers, by_chunk):
        """Batches of some chunks, which are computed at the same time."""
        starts, read = np.cumsum((0, *self.X.chunks[0])).tolist(), dask.delayed(_read_chunk)
        tasks = [
            read(*(_delayed(chunks, starts[n : n + 2]) for chunks in self._chunks), by_chunk[n])
            for n in numbers
        ]
        try:
            pairs = dask.compute(*tasks, scheduler=self._scheduler)
        except Exception as error:
            # The chunk would kill other workers, too; the error names its task.
            if type(error).__name__ == "KilledWorker":
                raise
            # One after the other, to know which chunk cannot be computed.
            pairs = [self._alone(task, number) for task, number in zip(tasks, numbers, strict=True)]
        found = []
        for number, (X, target) in zip(numbers, pairs, strict=True):
            weight, rows = self.sample_weight, by_chunk[number]
            if weight is not None:
                weight = weight[starts[number] : starts[number + 1]]
                weight = weight if rows is None else weight[rows]
            found.append(Batch(X, weight, target))
        return found

    def _alone(self, task, number):
        try:
            return dask.compute(task, scheduler=self._scheduler)[0]
        except Exception as error:
            if not str(error).startswith("Chunk "):
                error.add_note(f"Chunk {number} of the rows could not be computed.")
            raise


def checked_pair(X: Any, target: Any, *, n_columns: int, suffix: str = "") -> tuple[Any, Any]:
    """Samples and targets to train on, checked as far as nothing has to be computed.

    Parameters
    ----------
    X : dask.array.Array of shape (n_samples, n_features)
        As `known_rows` returns it.
    target : dask.array.Array of shape (n_samples, n_targets) or None
        With the same chunks of rows.
    n_columns : int
        Number of features that the encoder takes.
    suffix : str, default=""
        End of the names in errors, such as "_val".

    Returns
    -------
    X, target : dask.array.Array, and one or None
        Their values are checked when they are computed.
    """
    if X.shape[1] != n_columns:
        raise ValueError(
            f"X{suffix} has {X.shape[1]} columns; expected {n_columns}. Pass samples with the "
            "features of the dictionary."
        )
    if target is not None:
        target = aligned_targets(X, target, f"target{suffix}")
        target = target[:, None] if target.ndim == 1 else target
    return checked_values(X, f"X{suffix}"), target


def aligned_targets(X: Any, target: Any, name: str) -> Any:
    """Targets as a Dask array of floats, if its chunks of rows are those of the samples.

    Raises
    ------
    TypeError
        If they are not in a Dask collection.
    ValueError
        If their chunks of rows are others.
    """
    if hasattr(target, "to_dask_array"):
        target = target.to_dask_array()
    if not isinstance(target, da.Array):
        raise TypeError(
            wrong(
                name,
                got=f"{shown(type(target).__name__)} with a Dask array of samples",
                expected="a Dask array with the same chunks of rows",
                remedy=f"Pass dask.array.from_array({name}, chunks=X.chunks[0]).",
            )
        )
    check_aligned(X, as_rows(target[:, None] if target.ndim == 1 else target, name), name)
    return checked_values(as_floats(target), name, X.chunks[0])


def encoded(encoder: Any, X: Any, dictionary: Any) -> Any:
    """Codes of samples as targets, a Dask array of CSR blocks that the workers compute.

    Parameters
    ----------
    encoder : Encoder
    X : dask.array.Array of shape (n_samples, n_features)
    dictionary : Dictionary

    Returns
    -------
    codes : dask.array.Array of shape (n_samples, n_components)
    """
    meta = sparse.csr_array((0, 0), dtype=dictionary.dtype)
    return da.map_blocks(
        _encode,
        X,
        dtype=meta.dtype,
        meta=meta,
        chunks=(X.chunks[0], (dictionary.n_components,)),
        task=one_task((encoder, dictionary)),
    )


def blocks(X: Any, y: Any, rows: int, n_epochs: int, rng: Any) -> Iterator[Any]:
    """Blocks of samples of a Dask collection, or tuples of samples and targets.

    Parameters
    ----------
    X : dask.array.Array or dask.dataframe.DataFrame
    y : dask.array.Array or None
        With the same chunks of rows.
    rows : int
        Samples in a block.
    n_epochs : int
        Passes over the samples.
    rng : RandomState or None
        None keeps the order.

    Returns
    -------
    blocks : iterator
    """
    X = known_rows(X, "X")
    is_flat = y is not None and y.ndim == 1
    X, y = checked_pair(X, y, n_columns=X.shape[1])
    samples = StreamedSamples(X, None, y)
    batches = (batch for _ in range(n_epochs) for batch in samples.batches(rows, rng))
    if y is None:
        return (batch.X for batch in batches)
    return ((batch.X, batch.target[:, 0] if is_flat else batch.target) for batch in batches)


def shuffled(pieces: list[Batch], rng: Any) -> Batch:
    """One batch of the rows of all, in random order."""
    lengths = [piece.X.shape[0] for piece in pieces]
    order = rng.permutation(sum(lengths))
    places = np.split(order, np.cumsum(lengths)[:-1])
    return Batch(*(_placed(arrays, places, order) for arrays in zip(*pieces, strict=True)))


def _placed(arrays, places, order):
    """Rows of all arrays, each in its place; None if there are none."""
    if arrays[0] is None:
        return None
    if sparse.issparse(arrays[0]):
        return sparse.csr_array(sparse.vstack(arrays, format="csr"))[np.argsort(order)]
    out = np.empty((len(order), *arrays[0].shape[1:]), dtype=arrays[0].dtype)
    for array, place in zip(arrays, places, strict=True):
        out[place] = array
    return out


def _read_chunk(X, target, rows):
    """Samples and targets of a chunk; a task."""
    if rows is None:
        return X, target
    return X[rows], None if target is None else target[rows]


def _encode(X, task):
    encoder, dictionary = task.value
    if X.shape[0] == 0:
        return sparse.csr_array((0, dictionary.n_components), dtype=dictionary.dtype)
    with threads_of(1):
        return encoder.encode(X, dictionary, sparse_output=True, n_jobs=1)


def _delayed(chunks, rows):
    """Task of one chunk; None if there are no targets."""
    return None if chunks is None else chunks.rows([rows]).to_delayed()[0, 0]
