"""The floor: what no solver that looks at all atoms once can be faster than."""

import numpy as np

from benchmark_utils.problems import Problem

from .base import Coder


class Product(Coder):
    """The bare product ``X @ atoms.T`` in float32; it leaves no codes."""

    kind = Problem
    label = "X @ atoms.T"
    dtype = "float32"

    def prepare(self, problem, threads=1):
        self.threads = threads
        self.X = problem.X.astype(np.float32)
        self.atoms = problem.dictionary.atoms.astype(np.float32)

    def run(self):
        self.X @ self.atoms.T
