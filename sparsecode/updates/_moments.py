"""Moments of samples and codes: the sums that a least-squares fit of the atoms needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike
from scipy import sparse

from sparsecode._statistics import count_nonzero, moments, takes_dense_second
from sparsecode._typing import MatrixLike

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary


class Moments(NamedTuple):
    """Sums over samples (moments) for a least-squares fit of the atoms.

    Attributes
    ----------
    second : ndarray or csr_array of shape (n_components, n_components)
        Sum of ``z.T @ z``; sparse where there are many atoms.
    cross : ndarray of shape (n_components, n_features)
        Sum of ``z.T @ (x - offset)``.
    weight : float
        Sum of the sample weights.
    n_uses : float
        Number of nonzero coefficients.
    """

    second: np.ndarray
    cross: np.ndarray
    weight: float
    n_uses: float

    @classmethod
    def zeros(cls, dictionary: Dictionary) -> Self:
        """Moments of no samples."""
        shape, dtype = dictionary.atoms.shape, dictionary.dtype
        return cls.nothing(takes_dense_second(shape[0], dtype), shape, dtype)

    @classmethod
    def nothing(cls, is_dense: bool, shape: tuple[int, int], dtype: DTypeLike) -> Self:
        """Moments of no samples, for atoms of a shape."""
        make = np.zeros if is_dense else sparse.csr_array
        return cls(make((shape[0], shape[0]), dtype=dtype), np.zeros(shape, dtype), 0.0, 0.0)

    @classmethod
    def of(
        cls,
        X: MatrixLike,
        codes: MatrixLike,
        dictionary: Dictionary,
        sample_weight: ArrayLike | None = None,
        *,
        n_jobs: int | None = None,
    ) -> Self:
        """Moments of some samples."""
        sums = moments(dictionary.center(X), codes, sample_weight, n_jobs=n_jobs)
        weight = len(X) if sample_weight is None else float(np.sum(sample_weight))
        return cls(*sums, weight, float(count_nonzero(codes)))

    def __add__(self, other: Self) -> Self:
        """Moments of both sets of samples."""
        if self.weight == 0:
            return other
        return Moments(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    def __reduce__(self) -> Any:
        # Sums over no samples travel from worker to worker without their zeros.
        if self.weight == self.n_uses == 0:
            return Moments.nothing, self._form
        return type(self), tuple(self)

    @property
    def _form(self):
        return not sparse.issparse(self.second), self.cross.shape, self.cross.dtype

    def faded(self, factor: float) -> Moments:
        """Moments of the same samples with a lower weight."""
        if factor == 0 or self.weight == 0:
            return Moments.nothing(*self._form)
        scale = self.second.dtype.type(factor)
        return Moments(
            self.second * scale, self.cross * scale, self.weight * factor, self.n_uses * factor
        )

    def plus(self, other: Self) -> Moments:
        """Moments of both sets of samples, where the arrays of this one are not used elsewhere."""
        if self.weight == 0 or sparse.issparse(self.second):
            return self + other
        second, cross = self.second, self.cross
        second += other.second
        cross += other.cross
        return Moments(second, cross, self.weight + other.weight, self.n_uses + other.n_uses)

    def without(self, atoms: np.ndarray) -> Self:
        """Moments without the uses of some atoms."""
        second, cross = self.second.copy(), self.cross.copy()
        cross[atoms] = 0
        if sparse.issparse(second):
            kept = np.ones(len(cross), dtype=second.dtype)
            kept[atoms] = 0
            kept = sparse.diags_array(kept)
            second = (kept @ second @ kept).tocsr()
            second.eliminate_zeros()
        else:
            second[atoms], second[:, atoms] = 0, 0
        return self._replace(second=second, cross=cross)
