"""Batches of samples from an array, a sparse matrix or a memory map."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from sparsecode._collections import in_chunks, is_collection
from sparsecode._row_blocks import is_on_disk
from sparsecode._typing import MatrixLike


class Batch(NamedTuple):
    """Batch of samples for one step, with their weights and targets.

    An iterator may yield it to `sparsecode.training.train`.

    Attributes
    ----------
    X : ndarray or csr_array of shape (n_samples, n_features)
    sample_weight : ndarray of shape (n_samples,) or None
        Weights; None is 1 each.
    target : ndarray or csr_array of shape (n_samples, n_targets) or None
        Target of each sample, for a loss that needs one.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.training import Batch
    >>> Batch(np.ones((3, 2)), sample_weight=np.array([1.0, 0.0, 2.0])).weight
    3.0
    """

    X: np.ndarray
    sample_weight: np.ndarray | None = None
    target: np.ndarray | None = None

    @property
    def weight(self) -> float:
        """Sum of the weights of the samples."""
        return float(self.X.shape[0] if self.sample_weight is None else self.sample_weight.sum())

    def counted(self) -> Self:
        """The batch without the samples of weight 0; this one, if there are none, or of Dask."""
        if self.sample_weight is None or (self.sample_weight > 0).all() or is_collection(self.X):
            return self
        kept = self.sample_weight > 0
        return rows_of(self, kept)

    def to_start_from(self, rng: Any, *, read: bool = True) -> Self:
        """`counted`, to make a first model from; of a Dask array some rows, drawn at random.

        Unless `read`, one row of zeros stands for a Dask array. Batches of a memory map leave out
        samples of weight 0 themselves.
        """
        if is_collection(self.X):
            if not read:
                return Batch(np.zeros((1, self.X.shape[1]), dtype=self.X.dtype))
            return self.limited(rng)
        return self if is_on_disk(self.X) else self.counted()

    def limited(self, rng: Any, most: int | None = None) -> Self:
        """Some rows of a Dask array in memory, at most `most` of them; any other batch itself."""
        return in_chunks("samples.some_rows", self, rng, most) if is_collection(self.X) else self


class Samples:
    """Samples to learn from, their weights, and their targets where they have any.

    Rows are drawn one by one. Rows of a memory map are drawn in runs of `run` consecutive ones,
    because each single row would read a page of the file.
    """

    # Largest number of samples to hold out.
    most_held = np.inf

    def __init__(
        self,
        X: MatrixLike,
        sample_weight: ArrayLike | None = None,
        target: np.ndarray | None = None,
        *,
        run: int | None = None,
        units: np.ndarray | None = None,
    ) -> None:
        self.X = X
        self.sample_weight = sample_weight
        self.target = target
        self.run: int = (run or X.shape[0]) if is_on_disk(X) or is_on_disk(target) else 1
        self.is_part = units is not None
        if not self.is_part:
            starts = np.arange(0, X.shape[0], self.run)
            units = np.arange(len(starts))
            if sample_weight is not None:
                # Runs of weight 0 are not needed for training or validation.
                units = np.flatnonzero(np.add.reduceat(sample_weight, starts) > 0)
        self.units = units

    def __len__(self) -> int:
        return min(len(self.units) * self.run, self.X.shape[0])

    @property
    def weight(self) -> float:
        """Sum of the weights of the samples."""
        if self.sample_weight is None:
            return float(len(self))
        if self.run == 1:
            return float(self.sample_weight[self.units].sum())
        return float(sum(self._run(unit).sample_weight.sum() for unit in self.units))

    def split(self, n_held: float, rng: np.random.Generator) -> list[Self]:
        """Two sets of samples, the second of about `n_held`, drawn at random."""
        n_run = max(round(n_held), 1)
        if n_run < self.run and not self.is_part:
            # A run can be longer than the validation set, or contain all samples.
            finer = Samples(self.X, self.sample_weight, self.target, run=n_run)
            return finer.split(n_held, rng)
        n_units = min(max(round(n_held / self.run), 1), len(self.units) - 1)
        order = rng.permutation(len(self.units))
        parts = np.sort(order[n_units:]), np.sort(order[:n_units])
        return [
            Samples(self.X, self.sample_weight, self.target, run=self.run, units=self.units[part])
            for part in parts
        ]

    def whole(self) -> Batch:
        """All samples as one batch, without a copy if these are all rows."""
        if len(self.units) * self.run >= self.X.shape[0]:
            return Batch(self.X, self.sample_weight, self.target)
        return self._batch(self.units)

    def batches(self, size: int, rng: np.random.Generator | None = None) -> Iterator[Any]:
        """Batches of `size` samples, the last one smaller, in random order or as they come."""
        step = max(size // self.run, 1)
        if rng is None and self.run == 1 and len(self.units) == self.X.shape[0]:
            # Slices are views of the samples.
            for start in range(0, len(self.units), step):
                yield self._rows(slice(start, start + step))
            return
        order = self.units if rng is None else rng.permutation(self.units)
        for start in range(0, len(order), step):
            yield self._batch(order[start : start + step])

    def _batch(self, units):
        if self.run == 1:
            return self._rows(units)
        if len(units) == 1:
            return self._run(units[0])
        return joined(map(self._run, units))

    def _run(self, unit):
        return self._rows(slice(unit * self.run, (unit + 1) * self.run))

    def _rows(self, rows):
        return rows_of((self.X, self.sample_weight, self.target), rows)


def samples_of(batch: Batch, run: int | None = None) -> Any:
    """Samples of a batch, to be drawn in smaller ones."""
    if is_collection(batch.X):
        return in_chunks("samples.ChunkedSamples", *batch, run=run)
    return Samples(*batch, run=run)


def hold_out(samples, fraction, rng, *, most=np.inf):
    """Split samples at random into training and validation samples.

    Parameters
    ----------
    samples : Samples
    fraction : float
        Share of the validation samples.
    rng : RandomState or Generator
    most : float, default=inf
        Largest number of validation samples.

    Returns
    -------
    learned, held : Samples

    Raises
    ------
    ValueError
        If there are too few samples.
    """
    n_held, parts = min(fraction * len(samples), most), []
    if len(samples) > 1 and n_held >= 0.5:
        # A single run of rows of a memory map is split into shorter runs.
        parts = samples.split(n_held, rng)
    if not parts or not all(len(part.units) for part in parts):
        raise ValueError(
            f"X has {len(samples)} samples and validation_fraction is {fraction}; expected at "
            "least one sample to hold out and one to learn from. Give more samples, or another "
            "fraction such as 0.1."
        )
    return parts


def joined(batches):
    """One batch of the rows of all, in their order."""
    return Batch(*(_join(parts) for parts in zip(*batches, strict=True)))


def rows_of(batch, rows):
    """Some rows of a batch: a slice, numbers, or whether each is one."""
    return Batch(*(None if array is None else array[rows] for array in batch))


def _join(parts):
    if parts[0] is None:
        return None
    return sparse.vstack(parts) if sparse.issparse(parts[0]) else np.concatenate(parts)


def shares(sample_weight, codes):
    """Share of each sample in a mean, shape (n_samples, 1), or one number for all."""
    if sample_weight is None:
        return codes.dtype.type(1 / codes.shape[0])
    share = np.asarray(sample_weight, dtype=np.float64)
    return (share / share.sum()).astype(codes.dtype)[:, None]


def weighted_mean(values, share):
    """Mean of one value for each sample, in float64."""
    if np.ndim(share) == 0:
        return float(values.mean(dtype=np.float64))
    return float(values.astype(np.float64) @ share[:, 0].astype(np.float64))
