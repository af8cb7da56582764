"""scikit-learn: `MiniBatchDictionaryLearning`."""

from __future__ import annotations

import warnings

from sklearn.decomposition import MiniBatchDictionaryLearning
from sklearn.exceptions import ConvergenceWarning

from .base import Batched


class MiniBatch(Batched):
    """``MiniBatchDictionaryLearning.partial_fit``, in one process: two are slower.

    Parameters
    ----------
    fit_algorithm : {"cd", "lars"}, default="cd"
    batch_size : int, default=256
    dtype : str, default="float32"
    """

    def __init__(self, fit_algorithm="cd", batch_size=256, dtype="float32"):
        super().__init__(batch_size, dtype)
        self.fit_algorithm = fit_algorithm

    @property
    def label(self):
        return f"scikit-learn {self.fit_algorithm}, batches of {self.batch_size}"

    def prepare(self, problem, threads=1):
        super().prepare(problem, threads)
        self.threads = 1

    def run(self, seconds):
        with warnings.catch_warnings():
            # How good the dictionary is, is for the held-out patches to say.
            warnings.simplefilter("ignore", ConvergenceWarning)
            warnings.simplefilter("ignore", RuntimeWarning)
            return super().run(seconds)

    def make(self):
        return MiniBatchDictionaryLearning(
            len(self.start), alpha=self.problem.alpha, batch_size=self.batch_size,
            fit_algorithm=self.fit_algorithm, dict_init=self.start, shuffle=False,
            random_state=0, n_jobs=1,
        )  # fmt: skip
