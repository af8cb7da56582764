"""Report of a convolutional network: what its codes lose against exact ones, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sparsecode._summaries import Summarized


@dataclass(frozen=True, repr=False)
class LayerReport(Summarized):
    """Objectives after each layer, beside steps of ISTA and the certified optimum.

    Attributes
    ----------
    objective : ndarray of shape (n_layers + 1,)
        Sum of the objectives of the signals, before the first layer and after each.
    ista : ndarray of shape (n_layers + 1,)
        The same after as many steps of ISTA.
    optimum : float
        The same of exact codes.
    gap : float
        Largest relative duality gap of the exact codes.

    Examples
    --------
    >>> from sparsecode.convolutional import ConvolutionalLISTA
    >>> from sparsecode.penalties import L1
    >>> network = ConvolutionalLISTA(L1(0.6), n_layers=3)
    >>> report = network.layer_report([[0.0, 1.0, 2.0, 1.0, 0.0]], [[1.0, 2.0, 1.0]])
    >>> report.excess.round(2)
    array([4.26, 0.74, 0.45, 0.39])
    """

    objective: np.ndarray
    ista: np.ndarray
    optimum: float
    gap: float

    @property
    def excess(self) -> np.ndarray:
        """Share by which the objective is above the optimum, shape (n_layers + 1,)."""
        return _excess(self.objective, self.optimum)

    @property
    def ista_excess(self) -> np.ndarray:
        """Share by which the objective of ISTA is above the optimum, shape (n_layers + 1,)."""
        return _excess(self.ista, self.optimum)

    def _summary(self):
        pairs = zip(self.excess, self.ista_excess, strict=True)
        rows = [
            (f"layer {layer}", f"{network:.2%} above the optimum (ISTA {ista:.2%})")
            for layer, (network, ista) in enumerate(pairs)
        ]
        return [*rows[1:], ("gap of the optimum", f"{self.gap:.2g}")]


def _excess(objective, optimum):
    # Signals that are zero have codes of zero.
    return objective / optimum - 1 if optimum > 0 else np.zeros_like(objective)
