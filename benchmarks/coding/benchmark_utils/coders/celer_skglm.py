"""celer and skglm: working sets, one sample at a time, as their estimators take one target."""

from __future__ import annotations

import importlib

import numpy as np

from .base import Tuned, one_by_one
from .scikit_learn import lasso_model


class _Estimator(Tuned):
    settings = tuple(10.0 ** -np.arange(1, 12.5))

    @property
    def label(self):
        return f"{self.module}, gap {self.gap:.0e}"

    def setup(self, problem):
        self.design = np.asfortranarray(problem.dictionary.atoms.T)
        self.library = importlib.import_module(self.module)

    def encode(self, X, setting):
        library = self.library
        model = lasso_model(library.Lasso, library.ElasticNet, self.problem, setting)
        return one_by_one(lambda x: model.fit(self.design, x), X)


class CelerLasso(_Estimator):
    """``celer.Lasso``, or ``celer.ElasticNet``."""

    package = module = "celer"


class SkglmLasso(_Estimator):
    """``skglm.Lasso``, or ``skglm.ElasticNet``."""

    package = module = "skglm"
