"""Data sets of a report: samples, their true codes if known, and the dictionary."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from sparsecode._validation import check_code_rows, check_matrix, check_rows
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

    exact, thresholding = Exact, Thresholding

    @classmethod
    def checked(
        cls, X: Any, truth: Any, dictionary: Dictionary, name: str, truth_name: str
    ) -> Self | None:
        """Return the data set, or None if nothing is given; raise if something does not fit."""
        if X is None and truth is None:
            return None
        if X is None:
            raise ValueError(
                f"{truth_name} is given without {name}; expected both, or neither. Give the "
                "samples that these codes belong to."
            )
        return cls._of(X, truth, dictionary, name, truth_name)

    @classmethod
    def _of(cls, X, truth, dictionary, name, truth_name):
        X = check_matrix(X, name, n_columns=dictionary.n_features, min_rows=2)
        if truth is not None:
            shape = len(X), dictionary.n_components
            truth = check_rows(truth, truth_name)
            if truth.shape != shape:
                raise ValueError(
                    f"{truth_name} has shape {truth.shape}; expected {shape}, one row for each "
                    f"sample of {name} and one column for each atom. Give codes in the atoms of "
                    "this dictionary, or None."
                )
        return cls(X, truth, promote(dictionary, X))

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
        return Reference(self.X, self.dictionary, penalty, tol=tol, n_jobs=n_jobs)

    def encode(self, encoder: Any, n_jobs: int | None) -> Any:
        """Codes as an encoder returns them; threads are for one that takes them."""
        return encoder.encode(self.X, self.dictionary, **self.options(encoder, n_jobs))

    def options(self, encoder: Any, n_jobs: int | None) -> dict[str, Any]:
        """What an encoder is told beside samples and dictionary, of what it takes."""
        names = inspect.signature(encoder.encode).parameters
        return {name: value for name, value in self._options(n_jobs).items() if name in names}

    def _options(self, n_jobs):
        return {"n_jobs": n_jobs}

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
        return explained_variance(self.X, dictionary.decode(codes))

    def decoder(self, dictionary: Any) -> Any:
        """A dictionary of a decoder, for these samples."""
        return promote(dictionary, self.X)

    def describe(self) -> str:
        """The samples and the dictionary, in words."""
        n_components, n_features = self.dictionary.atoms.shape
        return f"{self.n_samples} samples of {n_features} features, {n_components} atoms"
