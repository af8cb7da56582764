"""Data sets of a report: samples, their true codes if known, and the dictionary."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from sparsecode._validation import (
    check_code_rows,
    check_columns,
    check_matrix,
    check_named_array,
    check_rows,
    float_dtypes,
)
from sparsecode.compare._reference import Reference
from sparsecode.dictionary import Dictionary, promote
from sparsecode.encoders import Exact, Thresholding
from sparsecode.metrics import explained_variance, l0
from sparsecode.solvers import FISTA, ISTA


@dataclass
class Samples:
    """Rows of an array; `Signals` are those of a convolutional dictionary."""

    X: Any
    truth: Any
    dictionary: Any
    missing: bool = False

    exact, thresholding = Exact, Thresholding

    @classmethod
    def checked(
        cls,
        X: Any,
        truth: Any,
        dictionary: Any,
        suffix: str = "",
        *,
        missing: bool = False,
    ) -> Self | None:
        """Return the data set, or None if nothing is given; raise if something does not fit."""
        name, truth_name = f"X{suffix}", f"truth{suffix}"
        if X is None and truth is None:
            return None
        if X is None:
            raise ValueError(
                f"{truth_name} is given without {name}; expected both, or neither. Give the "
                "samples that these codes belong to."
            )
        return cls._of(X, truth, dictionary, name, truth_name, missing)

    @classmethod
    def _of(cls, X, truth, dictionary, name, truth_name, missing):
        X = _matrix(X, name, dictionary.n_features, missing)
        if truth is not None:
            shape = len(X), dictionary.n_components
            truth = check_rows(truth, truth_name)
            if truth.shape != shape:
                raise ValueError(
                    f"{truth_name} has shape {truth.shape}; expected {shape}, one row for each "
                    f"sample of {name} and one column for each atom. Give codes in the atoms of "
                    "this dictionary, or None."
                )
        return cls(X, truth, promote(dictionary, X), missing)

    @staticmethod
    def stopped(penalty: Any, count: int) -> dict[str, Any]:
        """FISTA and ISTA, stopped after some iterations."""
        solvers = FISTA(max_iter=count, tol=0), ISTA(max_iter=count, tol=0)
        return {type(solver).__name__: Exact(penalty, solver) for solver in solvers}

    @staticmethod
    def atoms_like(dictionary: Any, atoms: np.ndarray) -> Any:
        """A dictionary of other atoms."""
        return Dictionary(atoms, dictionary.offset)

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return len(self.X)

    def refer(self, penalty: Any, tol: float, n_jobs: int | None) -> Reference:
        """The optimum of the samples, and the run of FISTA to it."""
        return Reference(
            self.X, self.dictionary, penalty, tol=tol, n_jobs=n_jobs, missing=self.missing
        )

    def encode(self, encoder: Any, n_jobs: int | None) -> Any:
        """Codes as an encoder returns them; threads are for one that takes them."""
        return encoder.encode(self.X, self.dictionary, **self.options(encoder, n_jobs))

    def options(self, encoder: Any, n_jobs: int | None) -> dict[str, Any]:
        """Options of `encode` beside samples and dictionary, those that the encoder takes."""
        names = inspect.signature(encoder.encode).parameters
        if self.missing and "missing" not in names:
            raise TypeError(
                f"its encode has the parameters {', '.join(names)}; expected missing among them, "
                "as missing=True. Leave this encoder out, or fill in what is missing."
            )
        return {name: value for name, value in self._options(n_jobs).items() if name in names}

    def _options(self, n_jobs):
        return {"n_jobs": n_jobs, "missing": True} if self.missing else {"n_jobs": n_jobs}

    def check(self, codes: Any) -> Any:
        """Return codes, which must be finite and fit."""
        return check_code_rows(codes, self.n_samples, self.dictionary.n_components)

    def columns(self, codes: Any) -> Any:
        """Codes as a matrix that has a column for each atom."""
        return codes

    def mean_l0(self, codes: Any, threshold: float) -> float:
        """Mean number of nonzeros of the code of a sample."""
        return float(l0(codes, threshold=threshold).mean())

    def explained_variance(self, codes: Any, dictionary: Any) -> float:
        """Share of the variance that codes explain."""
        return observed_variance(self.X, dictionary.decode(codes))

    def decoder(self, dictionary: Any) -> Any:
        """A dictionary of a decoder, for these samples."""
        return promote(dictionary, self.X)

    def describe(self) -> str:
        """The samples and the dictionary, in words."""
        n_components, n_features = self.dictionary.atoms.shape
        return f"{self.n_samples} samples of {n_features} features, {n_components} atoms"


def observed_variance(X: np.ndarray, X_hat: np.ndarray) -> float:
    """Explained variance of the entries that are not NaN."""
    gone = np.isnan(X)
    if gone.any():
        # A missing entry at the mean of its column, which is met, changes neither sum.
        means = np.where(gone, 0, X).sum(axis=0) / np.maximum((~gone).sum(axis=0), 1)
        X, X_hat = (np.where(gone, means, array) for array in (X, X_hat))
    return explained_variance(X, X_hat)


def _matrix(X, name, n_columns, missing):
    if not missing:
        return check_matrix(X, name, n_columns=n_columns, min_rows=2)
    X = check_named_array(
        X, name, dtype=float_dtypes(X), order="C", ensure_min_samples=2,
        ensure_all_finite="allow-nan",
    )  # fmt: skip
    check_columns(X, name, n_columns)
    return X
