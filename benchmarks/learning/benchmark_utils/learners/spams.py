"""SPAMS, from the package spams-bin: `trainDL`."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import time

import numpy as np

from benchmark_utils.trace import Trace

from .base import Learner

# Threads of OpenMP that wait busily take the cores from each other where not all are free, which
# makes SPAMS several times slower. Read when SPAMS is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


class TrainDL(Learner):
    """``spams.trainDL`` with its own defaults: the lasso in the unit ball, no parameters.

    It takes whole seconds, and there is no way to see what it had on the way: a run gives one
    dictionary.

    Parameters
    ----------
    dtype : str, default="float32"
    batch_size : int, default=512
    """

    package, module = "spams-bin", "spams"

    def __init__(self, dtype="float32", batch_size=512):
        self.dtype = dtype
        self.batch_size = batch_size

    @property
    def label(self):
        return f"SPAMS trainDL {self.dtype}"

    def prepare(self, problem, threads=1):
        import spams

        self.spams, self.problem, self.threads = spams, problem, threads
        # It wants samples and atoms as columns, in Fortran order.
        self.X = np.asfortranarray(problem.X.T.astype(self.dtype, copy=False))
        self.D = np.asfortranarray(problem.start.T.astype(self.dtype))

    def run(self, seconds):
        # A positive number would be of batches, a negative one is of seconds.
        n_iter = -round(seconds) if seconds >= 1 else 1
        with silenced():
            begin = time.perf_counter()
            D = self.spams.trainDL(
                self.X, D=self.D, lambda1=self.problem.alpha, mode=2, modeD=0, iter=n_iter,
                batchsize=self.batch_size, numThreads=self.threads, verbose=False,
            )  # fmt: skip
            elapsed = time.perf_counter() - begin
        return Trace([elapsed], [np.ascontiguousarray(D.T)])


@contextlib.contextmanager
def silenced():
    """Discard what is written to the standard output, by compiled code also."""
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
        yield
    finally:
        # What C has not written yet would appear later.
        ctypes.CDLL(None).fflush(None)
        os.dup2(kept, 1)
        os.close(kept)
