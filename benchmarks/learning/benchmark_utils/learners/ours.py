"""Online learning of sparsecode."""

from __future__ import annotations

from sparsecode.constraints import UnitBall
from sparsecode.estimators import DictionaryLearning
from sparsecode.updates import BlockUpdate

from .base import Batched


class Ours(Batched):
    """`DictionaryLearning` with `BlockUpdate`.

    Parameters
    ----------
    forgetting : float or None, default=None
        How fast old batches lose their weight; None is the default of the update. 1 is what SPAMS
        does by default, in as many batches as a batch has samples.
    dtype : str, default="float32"
    batch_size : int or None, default=None
        None is what the documentation advises: 2048, or four times the number of atoms if that is
        more.
    """

    def __init__(self, forgetting=None, dtype="float32", batch_size=None):
        super().__init__(batch_size, dtype)
        self.forgetting, self.advised = forgetting, batch_size is None

    def prepare(self, problem, threads=1):
        super().prepare(problem, threads)
        if self.advised:
            self.batch_size = min(max(2048, 4 * problem.n_components), len(problem.X))

    @property
    def label(self):
        how = "defaults" if self.forgetting is None else f"forgetting {self.forgetting:g}"
        return f"sparsecode, {how}"

    def make(self):
        options = {} if self.forgetting is None else {"forgetting": self.forgetting}
        return DictionaryLearning(
            len(self.start), alpha=self.problem.alpha, update=BlockUpdate(**options),
            batch_size=self.batch_size, init=self.start, constraint=UnitBall(),
            random_state=0, n_jobs=self.threads,
        )  # fmt: skip
