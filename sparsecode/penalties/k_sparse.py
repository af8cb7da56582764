"""The constraint on the number of nonzeros of a code, or on the error of its reconstruction."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from sparsecode._binary_scaling import scaled_parameter
from sparsecode._messages import shown, wrong
from sparsecode._plain import plain
from sparsecode._typing import MatrixLike
from sparsecode._validation import check_matrix, check_number, check_rows
from sparsecode.penalties.base import Penalty


class _KSparse(NamedTuple):
    """Fields of `KSparse`."""

    n_nonzero: int | ArrayLike = 5
    error: float | ArrayLike = 0.0


class KSparse(Penalty, _KSparse):
    """k-sparse constraint: at most `n_nonzero` nonzeros, or as few as reach the `error`.

    ``g(z)`` is 0 where ``||z||_0 <= n_nonzero`` and infinite elsewhere; its prox is hard
    thresholding to the `n_nonzero` largest magnitudes. With an `error`, codes have as few nonzeros
    as bring ``||x - offset - z @ atoms||^2`` down to it. There is no weight `alpha`.

    Parameters
    ----------
    n_nonzero : int, array-like of int of shape (n_samples,), or None, default=5
        Most nonzeros of a code, at least 1. None is no limit, and needs an `error`.
    error : float or array-like of shape (n_samples,), default=0.0
        Squared norm of the residual at which a code needs no more nonzeros, absolute, like `tol`
        of scikit-learn's `orthogonal_mp`. 0 is no such target.

    References
    ----------
    B. Natarajan, "Sparse approximate solutions to linear systems", 1995.

    Examples
    --------
    >>> from sparsecode.penalties import KSparse
    >>> KSparse(2).prox([[3.0, -0.5, 1.0]])
    array([[3., 0., 1.]])
    """

    __slots__ = ()

    weighted = False
    separable = False

    def value(self, codes: MatrixLike) -> np.ndarray:
        codes = check_rows(codes, "codes")
        counts, _ = self.targets(*codes.shape)
        allowed = np.asarray((codes != 0).sum(axis=1)).ravel() <= counts
        return np.where(allowed, 0, np.inf).astype(codes.dtype)

    def prox(self, V: ArrayLike, step: float = 1.0) -> np.ndarray:
        step = check_number(step, "step", low=0, low_open=True)
        V = check_matrix(V, "V")
        counts, _ = self.targets(*V.shape)
        # Of equal magnitudes the first ones are kept.
        order = np.argsort(-np.abs(V), axis=1, kind="stable")
        kept = np.arange(V.shape[1]) < counts[:, None]
        out = np.zeros_like(V)
        np.put_along_axis(out, order, np.where(kept, np.take_along_axis(V, order, 1), 0), 1)
        return out

    def scaled(self, factor: float) -> Self:
        if factor != 1:
            raise ValueError(
                f"KSparse is a constraint without a weight, but alpha is {shown(factor)}; "
                "expected alpha=1. Change n_nonzero or error instead."
            )
        return self

    def rescaled(self, *, codes: int, values: int) -> Self:
        return self._replace(error=scaled_parameter(self.error, values))

    def unpenalized(self, n_components: int) -> np.ndarray:
        return np.zeros(n_components, dtype=bool)

    def stationarity(
        self,
        codes: np.ndarray,
        correlations: np.ndarray,
        lipschitz: float,
        half_residual: np.ndarray,
    ) -> np.ndarray:
        """Residual of basic feasibility: the correlations that a better code would not have.

        The largest on the support; where a code may have more nonzeros and is above its error
        target, the largest of all. A code with more nonzeros than allowed has infinity.
        """
        counts, errors = self.targets(*codes.shape)
        support = codes != 0
        used = support.sum(axis=1)
        unfinished = (used < counts) & (2 * half_residual > errors)
        sizes = np.abs(correlations)
        worst = np.where(support | unfinished[:, None], sizes, 0).max(axis=1)
        return np.where(used > counts, np.inf, worst)

    def for_rows(self, rows: slice | np.ndarray, n_samples: int) -> Self:
        self._check_lengths(n_samples)
        return type(self)(*(np.asarray(v)[rows] if np.ndim(v) > 0 else v for v in self))

    def checked(self) -> Self:
        if self.n_nonzero is None and not np.any(self.error):
            raise ValueError(
                wrong(
                    "n_nonzero of KSparse",
                    got="None and no error is set",
                    expected="a limit, or an error > 0",
                    remedy="Set n_nonzero, error, or both.",
                )
            )
        if self.n_nonzero is not None:
            _check_entries("n_nonzero", self.n_nonzero, "iu", 1, "whole numbers >= 1")
        _check_entries("error", self.error, "iuf", 0, "finite numbers >= 0")
        if self.n_nonzero is None and (np.asarray(self.error) == 0).any():
            raise ValueError(
                wrong(
                    "error of KSparse",
                    got="0 for some samples, with n_nonzero=None",
                    expected="error > 0 for every sample",
                    remedy="Set n_nonzero too.",
                )
            )
        return self._make(plain(field) for field in self)

    def prepare(self, n_components: int, dtype: DTypeLike) -> Self:
        """Return the constraint itself after checking it, also against the number of atoms."""
        self = self.checked()
        most = 0 if self.n_nonzero is None else int(np.max(self.n_nonzero))
        if most > n_components:
            raise ValueError(
                f"n_nonzero of KSparse is {most} but the dictionary has {n_components} atoms; "
                f"expected n_nonzero <= {n_components}. Lower n_nonzero."
            )
        return self

    def targets(self, n_samples: int, n_components: int) -> tuple[np.ndarray, np.ndarray]:
        """Limits of nonzeros and of the error of each sample, two arrays of shape (n_samples,).

        Where there is no limit, the most is the largest of integers.

        Raises
        ------
        ValueError
            If they are given for another number of samples, or there are fewer atoms.
        """
        self = self.prepare(n_components, np.float64)
        self._check_lengths(n_samples)
        counts = np.iinfo(np.int64).max if self.n_nonzero is None else self.n_nonzero
        return (
            np.full(n_samples, counts, dtype=np.int64),
            np.full(n_samples, self.error, dtype=np.float64),
        )

    def _check_lengths(self, n_samples):
        for name, values in zip(self._fields, self, strict=True):
            if np.ndim(values) > 0 and len(values) != n_samples:
                raise ValueError(
                    f"{name} of KSparse has {len(values)} entries but there are {n_samples} "
                    f"samples; expected one for each. Give one {name} for all, or {n_samples}."
                )


def _check_entries(name, values, kinds, low, expected):
    array = np.asarray(values)
    good = array.dtype.kind in kinds and array.ndim <= 1 and array.size > 0
    if not (good and np.isfinite(array).all() and (array >= low).all()):
        raise ValueError(
            wrong(
                f"{name} of KSparse",
                got=shown(values),
                expected=f"{expected}, one for all samples or one for each",
                remedy=f"Set {name} to such a number.",
            )
        )
