"""Result of a convolutional solver: codes, and how far they are from the optimum."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sparsecode._summaries import Summarized
from sparsecode.objective import Certificate, certify


@dataclass(frozen=True, repr=False)
class ConvolutionalResult(Summarized):
    """Codes of signals, and how they were found.

    Attributes
    ----------
    codes : ndarray of shape (n_signals, n_components, ...) or list of csr_array
        A list holds one CSR array (n_positions, n_components) for each signal.
    n_iter : ndarray of int of shape (n_signals,)
        Rounds of the solver.
    converged : ndarray of bool of shape (n_signals,)
        Whether the relative duality gap reached `tol`.
    relative_gap : ndarray of shape (n_signals,)
        Duality gap over half the squared norm of the signal, where the solver stopped.
    """

    codes: np.ndarray | list[Any]
    n_iter: np.ndarray
    converged: np.ndarray
    relative_gap: np.ndarray
    _arguments: tuple[Any, ...] = field(default=(), repr=False)

    @property
    def certificate(self) -> Certificate:
        """Certificate of the codes, computed from them anew."""
        X, dictionary, penalty, missing, n_jobs = self._arguments
        return certify(X, self.codes, dictionary, penalty, missing=missing, n_jobs=n_jobs)

    def _summary(self):
        return [
            ("signals", f"{len(self.n_iter):,}"),
            ("converged", f"{int(self.converged.sum()):,}"),
            ("relative gap", f"worst {self.relative_gap.max():.2g}"),
        ]
