"""Online learning of sparsecode."""

from __future__ import annotations

from sparsecode import estimators, updates
from sparsecode.constraints import UnitBall

from .base import Batched


class Ours(Batched):
    """`DictionaryLearning` with `BlockUpdate`.

    Parameters
    ----------
    forgetting : float or None, default=None
        How fast old batches lose their weight; None is the default of the update. 1 is what SPAMS
        does by default, in as many batches as a batch has samples.
    dtype : str, default="float32"
    batch_size : int, default=512
    """

    def __init__(self, forgetting=None, dtype="float32", batch_size=512):
        super().__init__(batch_size, dtype)
        self.forgetting = forgetting

    @property
    def label(self):
        how = "defaults" if self.forgetting is None else f"forgetting {self.forgetting:g}"
        return f"sparsecode, {how}"

    def unavailable(self):
        if not hasattr(estimators, "DictionaryLearning"):
            return "this version of sparsecode has no DictionaryLearning"
        return None

    def make(self):
        options = {} if self.forgetting is None else {"forgetting": self.forgetting}
        return estimators.DictionaryLearning(
            len(self.start), alpha=self.problem.alpha, update=updates.BlockUpdate(**options),
            batch_size=self.batch_size, init=self.start, constraint=UnitBall(),
            random_state=0, n_jobs=self.threads,
        )  # fmt: skip
