"""Exact inference: solvers of the sparse coding problem."""

from sparsecode.solvers._batch.result import SolveResult
from sparsecode.solvers._default_solver import choose_solver
from sparsecode.solvers.admm import ADMM
from sparsecode.solvers.base import Solver
from sparsecode.solvers.conjugate_gradient import ConjugateGradient
from sparsecode.solvers.coordinate_descent import CoordinateDescent
from sparsecode.solvers.feature_sign import FeatureSign
from sparsecode.solvers.greedy import OLS, OMP
from sparsecode.solvers.homotopy import Homotopy
from sparsecode.solvers.lca import LCA
from sparsecode.solvers.proximal_gradient import FISTA, ISTA
from sparsecode.solvers.thresholding import HTP, IHT

__all__ = [
    "ADMM",
    "FISTA",
    "HTP",
    "IHT",
    "ISTA",
    "LCA",
    "OLS",
    "OMP",
    "ConjugateGradient",
    "CoordinateDescent",
    "FeatureSign",
    "Homotopy",
    "SolveResult",
    "Solver",
    "choose_solver",
]
