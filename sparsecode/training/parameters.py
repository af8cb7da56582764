"""Parameters that a step of training changes in place."""

from __future__ import annotations

from typing import Any

import numpy as np

from sparsecode._factored_gradients import RowGradient
from sparsecode.dictionary import Dictionary


class LiveParameters:
    """Parameters of the encoder and, if it is learned, of the dictionary, changed in place.

    All arrays are copies of those of a state. Parameters in `buffers` are not learned.
    """

    def __init__(self, state: Any, learn_dictionary: bool, buffers: Any = ()) -> None:
        self.buffers = buffers
        self.params: dict[str, np.ndarray] = {
            name: param.copy() for name, param in state.params.items()
        }
        self.memory: dict[str, np.ndarray] = {
            name: array.copy() for name, array in state.memory.items()
        }
        self.given: Dictionary = state.dictionary
        self.atoms: dict[str, np.ndarray] = {}
        if learn_dictionary:
            self.atoms["atoms"] = state.dictionary.atoms.copy()
            if state.dictionary.offset is not None:
                self.atoms["offset"] = state.dictionary.offset.copy()

    @property
    def learned(self) -> dict[str, np.ndarray]:
        """All arrays by name, as an optimizer changes them."""
        trained = {name: a for name, a in self.params.items() if name not in self.buffers}
        return {**trained, **self.atoms}

    def dictionary(self) -> Dictionary:
        """The current dictionary, which shares the learned arrays without a copy."""
        if not self.atoms:
            return self.given
        # A new one for each batch, so that quantities computed from its atoms are never out of
        # date.
        return Dictionary.view(self.atoms["atoms"], self.atoms.get("offset"), self.given.constraint)

    def to_tangent(self, grads: dict[str, Any]) -> None:
        """Project the gradient of the atoms on the tangent space of their constraint."""
        grad = grads.get("atoms")
        if isinstance(grad, RowGradient):
            grad.to_tangent(self.given.constraint, self.atoms["atoms"])
        elif grad is not None:
            self.given.constraint.tangent(self.atoms["atoms"], grad, out=grad)

    def project(self, grads: dict[str, Any]) -> None:
        """Project the atoms on their constraint, unless the step has already done so."""
        if self.atoms and not isinstance(grads.get("atoms"), RowGradient):
            self.given.constraint.project(self.atoms["atoms"], out=self.atoms["atoms"])

    def are_finite(self) -> bool:
        return all(np.isfinite(array.sum()) for array in self.learned.values())
