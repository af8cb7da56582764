"""Activity of the units of an encoder while it is trained, and replacement of dead ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sparsecode._statistics import count_idle, residual_rows
from sparsecode._typing import MatrixLike

if TYPE_CHECKING:
    from sparsecode._batches import Batch
    from sparsecode.dictionary import Dictionary
    from sparsecode.encoders.base import Encoder

_NAME = "activity.idle"
# A unit that more than this share of the samples of an epoch use is dense.
_DENSE = 0.1
# Last word of the seed of a batch. It is not 0, because zeros at the end of a seed are ignored.
_REPLACING = 2


class Activity:
    """Counts of how often units are active; the state keeps how long each unit was idle.

    Parameters
    ----------
    memory : dict of str to ndarray
        Memory of the state. It gets an entry for the idle counts if it has none, and is changed in
        place.
    n_components : int
    window : int
        Number of samples without an activation after which the history counts a unit as dead.
    """

    def __init__(self, memory: dict[str, np.ndarray], n_components: int, window: int) -> None:
        self.idle: np.ndarray = memory.setdefault(_NAME, np.zeros(n_components, dtype=np.int64))
        self.uses: np.ndarray = np.zeros(n_components, dtype=np.int64)
        self.n_samples: int = 0
        self.window = window

    def see(self, codes: MatrixLike) -> None:
        """Count the uses in a batch of codes, dense or CSR."""
        self.uses += count_idle(self.idle, codes)
        self.n_samples += codes.shape[0]

    def record(self) -> dict[str, float]:
        """Shares of dead and of dense units, for the history."""
        dead, dense = self.idle >= self.window, self.uses > _DENSE * self.n_samples
        return {"dead": float(dead.mean()), "dense": float(dense.mean())}

    def replace_dead(
        self,
        policy: Any,
        encoder: Encoder,
        params: dict[str, Any],
        dictionary: Dictionary,
        X: MatrixLike,
        codes: MatrixLike,
        batch: Batch,
        seed: int,
    ) -> Any:
        """Draw new weights and atoms for dead units by a policy; these then count as just used."""
        residual = residual_rows(X, codes, dictionary)
        losses = np.einsum("ij,ij->i", residual, residual, dtype=np.float64)
        if batch.sample_weight is not None:
            losses *= np.sqrt(batch.sample_weight)
        dead = np.flatnonzero(self.idle >= policy.dead_window)
        rng = np.random.default_rng((*seed, _REPLACING))
        new = policy.draw(dead, encoder, params, dictionary, X, losses, rng)
        self.idle[new.units] = 0
        return new
