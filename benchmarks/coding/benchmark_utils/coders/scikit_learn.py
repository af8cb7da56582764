"""scikit-learn: coordinate descent and homotopy for the lasso, and OMP on the Gram matrix."""

from __future__ import annotations

import numpy as np
from sklearn.decomposition import sparse_encode
from sklearn.linear_model import ElasticNet, Lasso, orthogonal_mp_gram

from benchmark_utils.problems import Greedy

from .base import Coder, Tuned


class _SparseEncode(Tuned):
    algorithm = None

    def unavailable(self, problem):
        reason = super().unavailable(problem)
        if reason is None and problem.l2 > 0:
            return "sparse_encode has no elastic net"
        return reason

    def setup(self, problem):
        self.atoms, self.gram = problem.dictionary.atoms, problem.dictionary.gram

    def encode(self, X, setting):
        return sparse_encode(
            X, self.atoms, gram=self.gram, algorithm=self.algorithm, alpha=self.problem.l1,
            max_iter=setting, n_jobs=1, positive=self.problem.positive, check_input=False,
        )  # fmt: skip


class LassoCD(_SparseEncode):
    """``sparse_encode(algorithm="lasso_cd")``; of its tolerances only `max_iter` can be chosen."""

    algorithm = "lasso_cd"
    settings = tuple(int(n) for n in np.geomspace(4, 16384, 25))

    @property
    def label(self):
        return f"scikit-learn lasso_cd, gap {self.gap:.0e}"


class LassoLars(_SparseEncode):
    """``sparse_encode(algorithm="lasso_lars")``; it is exact, so there is nothing to choose."""

    algorithm = "lasso_lars"
    label = "scikit-learn lasso_lars"
    settings = (10_000,)

    def __init__(self):
        super().__init__(gap=np.inf)


class LassoOnGram(Tuned):
    """``Lasso``, or ``ElasticNet``, with ``precompute=gram``, all samples as targets at once."""

    settings = tuple(10.0 ** -np.arange(2, 13.5, 0.5))

    @property
    def label(self):
        return f"scikit-learn Lasso, gap {self.gap:.0e}"

    def setup(self, problem):
        # Its features are the atoms, and its samples the features of ours.
        self.design = np.asfortranarray(problem.dictionary.atoms.T)
        self.gram = problem.dictionary.gram

    def encode(self, X, setting):
        model = lasso_model(Lasso, ElasticNet, self.problem, setting)
        model.set_params(precompute=self.gram, max_iter=10_000)
        return model.fit(self.design, X.T).coef_.reshape(len(X), -1)


class OMPGram(Coder):
    """``orthogonal_mp_gram``."""

    kind = Greedy
    family = "OMP"
    few = True
    label = "scikit-learn orthogonal_mp_gram"

    def prepare(self, problem, threads=1):
        self.problem = problem
        self.gram = problem.dictionary.gram

    def run(self):
        X, problem = self.problem.X, self.problem
        if problem.n_nonzero is None:
            stop = {"tol": problem.error, "norms_squared": (X**2).sum(axis=1)}
        else:
            stop = {"n_nonzero_coefs": problem.n_nonzero}
        products = problem.dictionary.atoms @ X.T
        self.codes = orthogonal_mp_gram(self.gram, products, **stop).T.reshape(len(X), -1)


def lasso_model(lasso, elastic_net, problem, tol):
    """An estimator in the manner of scikit-learn, whose weights are divided by n_samples."""
    n_features = problem.X.shape[1]
    if problem.l2 == 0:
        model = lasso(alpha=problem.l1 / n_features)
    else:
        weight = problem.l1 + problem.l2
        model = elastic_net(alpha=weight / n_features, l1_ratio=problem.l1 / weight)
    return model.set_params(fit_intercept=False, positive=problem.positive, tol=tol)
