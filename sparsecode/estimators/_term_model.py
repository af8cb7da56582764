"""Models with a data term other than the squared error: exact codes with certificates."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from sparsecode._collections import is_collection
from sparsecode._messages import shown, wrong
from sparsecode.data_terms import DataTerm, TermCertificate, TermResult, encode
from sparsecode.data_terms._problem import TermProblem
from sparsecode.data_terms.terms import check_data_term
from sparsecode.dictionary import Dictionary
from sparsecode.penalties import L1, Penalty
from sparsecode.penalties.base import resolve_penalty


class TermModel(NamedTuple):
    """Model that codes samples for a data term, on a dictionary and with an l1 penalty."""

    dictionary: Dictionary
    data_term: DataTerm
    penalty: L1
    missing: bool

    def solve(self, X: Any, n_jobs: int | None = None) -> TermResult:
        """Codes of samples with their certificate."""
        options = {"missing": self.missing, "n_jobs": n_jobs}
        return encode(X, self.dictionary, self.data_term, self.penalty, **options)

    def encode(self, X: Any, *, sparse_output: bool = False, n_jobs: int | None = None) -> Any:
        """Codes of samples."""
        codes = self.solve(X, n_jobs).codes
        return csr_array(codes) if sparse_output else codes

    def decode(self, codes: Any) -> np.ndarray:
        """Reconstructions of codes."""
        return self.dictionary.decode(codes)

    def certify(self, X: Any, n_jobs: int | None = None) -> TermCertificate:
        """Certificate of the codes of samples."""
        return self.solve(X, n_jobs).certificate

    def score_samples(self, X: Any, n_jobs: int | None = None) -> np.ndarray:
        """Minus the objective of the code of each sample."""
        return -self.certify(X, n_jobs).objective

    def check_linear(self, what: str) -> None:
        """Raise ValueError: `what` is about the squared error."""
        raise ValueError(
            f"{what} is about the squared error here, but the data term of the model is "
            f"{shown(self.data_term)}; expected a model of the squared error. Use its method "
            "score, or certify for samples in memory."
        )


def term_model(estimator: Any) -> TermModel:
    """Return the model of an estimator with `data_term`, `penalty`, `alpha` and `dictionary_`."""
    penalty = resolve_penalty(estimator.penalty, estimator.alpha)
    return TermModel(estimator.dictionary_, estimator.data_term, penalty, estimator._missing)


def check_settings(estimator: Any) -> None:
    """Raise if `data_term` is not a DataTerm, or if other parameters do not fit one."""
    check_data_term(estimator.data_term)
    for name, default in (("solver", None), ("debias", False)):
        if getattr(estimator, name) != default:
            raise ValueError(
                wrong(
                    name,
                    got=f"{shown(getattr(estimator, name))} with a data_term",
                    expected=f"{default}, as it is for the squared error",
                    remedy=f"Set {name}={default}, or data_term=None.",
                )
            )


def check_problem(
    X: Any, dictionary: Dictionary, data_term: DataTerm, penalty: Penalty, *, missing: bool
) -> None:
    """Raise unless samples, atoms, data term and penalty make a problem.

    Values of Dask collections are looked at when their chunks are coded.
    """
    samples = np.zeros((1, dictionary.n_features)) if is_collection(X) else X
    TermProblem.of(samples, dictionary, data_term, penalty, missing)


def check_no_start(codes: Any) -> None:
    """Raise if codes to start from are given, which the solvers of data terms do not take."""
    if codes is not None:
        raise ValueError(
            wrong(
                "codes",
                got="given with a data_term",
                expected="None, as its solvers take no start",
                remedy="Leave them out.",
            )
        )
