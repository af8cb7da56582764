"""The result of `solve`."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from sparsecode._summaries import Summarized, share
from sparsecode.objective import Certificate, certify


@dataclass(repr=False)
class SolveResult(Summarized):
    """Result of a solver: codes, iterations, and on request a certificate and the history.

    Attributes
    ----------
    codes : ndarray or csr_array of shape (n_samples, n_components)
    n_iter : ndarray of int of shape (n_samples,)
        Iterations spent on each sample.
    converged : ndarray of bool of shape (n_samples,)
        Whether the sample reached `tol` within `max_iter`, judged in float64 as `certify` does.
    tol : float
        Tolerance of the solver, a number also where that of the solver is None.
    history : dict of str to ndarray of shape (n_records, n_samples), or None
        With ``record=True``: ``"objective"`` and ``"stop"`` (the quantity that `tol` bounds) at
        the start and after each iteration; a sample that stopped keeps its last entry.
    """

    codes: np.ndarray
    n_iter: np.ndarray
    converged: np.ndarray
    tol: float
    history: dict[str, Any] | None = None
    _arguments: tuple[Any, ...] = field(default=(), repr=False)

    @cached_property
    def certificate(self) -> Certificate:
        """Certificate of the codes, computed in float64 when first asked for."""
        X, dictionary, penalty, missing, n_jobs = self._arguments
        return certify(X, self.codes, dictionary, penalty, missing=missing, n_jobs=n_jobs)

    def _summary(self):
        rows = [
            ("samples", f"{self.codes.shape[0]:,}"),
            ("converged", share(self.converged)),
            ("iterations", f"most {self.n_iter.max():,}, median {np.median(self.n_iter):,.0f}"),
        ]
        # A certificate costs about as much as the codes; it is shown if it has been asked for.
        known = vars(self).get("certificate")
        return rows if known is None else rows + known._summary()[1:]
