"""Models with a data term other than the squared error: exact codes with certificates."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from sparsecode._messages import shown
from sparsecode.data_terms import DataTerm, TermCertificate, TermResult, encode
from sparsecode.dictionary import Dictionary
from sparsecode.penalties import L1


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
