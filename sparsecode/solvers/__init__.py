"""Exact inference: solvers of the sparse coding problem."""

from sparsecode.solvers._choice import choose_solver
from sparsecode.solvers.admm import ADMM
from sparsecode.solvers.base import Solver, SolveResult
from sparsecode.solvers.coordinate_descent import CoordinateDescent
from sparsecode.solvers.feature_sign import FeatureSign
from sparsecode.solvers.fista import FISTA
from sparsecode.solvers.homotopy import Homotopy
from sparsecode.solvers.htp import HTP
from sparsecode.solvers.iht import IHT
from sparsecode.solvers.ista import ISTA
from sparsecode.solvers.lca import LCA
from sparsecode.solvers.ols import OLS
from sparsecode.solvers.omp import OMP
from sparsecode.solvers.smooth import ConjugateGradient

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
