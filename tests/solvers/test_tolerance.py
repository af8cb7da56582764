"""The default tolerance of every solver follows the precision of the codes."""

import dataclasses

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from sparsecode import Dictionary, solvers
from sparsecode.penalties import L1, Cauchy, KSparse
from sparsecode.solvers import FISTA, ConjugateGradient, FeatureSign, Solver

SOLVERS = [
    cls
    for cls in (getattr(solvers, name) for name in solvers.__all__)
    if isinstance(cls, type) and issubclass(cls, Solver) and cls is not Solver
]
TOLERANT = [cls for cls in SOLVERS if cls().tol is None]
PENALTIES = {"k_sparse count": KSparse(3), "smooth": Cauchy(0.05, 1.0)}
WANTED = {np.float64: 1e-6, np.float32: 5e-5}


@pytest.fixture
def problem():
    X = np.random.default_rng(0).standard_normal((20, 12))
    return X, Dictionary.random(30, 12, random_state=1).atoms


def test_all_but_the_greedy_ones_leave_it_open():
    assert {cls.__name__ for cls in SOLVERS if cls not in TOLERANT} == {"OMP", "OLS"}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("cls", TOLERANT)
def test_a_claim_is_one_of_the_tolerance_that_was_used(cls, dtype, problem):
    X, atoms = (array.astype(dtype) for array in problem)
    solver = cls()
    result = solver.solve(X, atoms, PENALTIES.get(cls.needs, L1(0.2)))
    wanted = WANTED[dtype]
    assert result.tol == (max(1e-5, wanted) if cls is ConjugateGradient else wanted)
    judged = result.certificate
    measure = judged.relative_residual if judged.gap is None else judged.relative_gap
    assert result.converged.all()
    # `IHT` and `HTP` say that the residual is up to twice as much.
    assert measure.max() <= result.tol * (2 if cls.needs == "k_sparse count" else 1)
    assert solver.tol is None and solver == cls()


def test_a_given_one_does_not_change(problem):
    X, atoms = (array.astype(np.float32) for array in problem)
    assert FISTA(tol=1e-3).solve(X, atoms, L1(0.2)).tol == 1e-3
    assert FeatureSign(tol=0).solve(X, atoms, L1(0.2)).tol == 0


def test_warnings_print_the_one_that_was_used(problem):
    for dtype, text in ((np.float32, "tol=5e-05"), (np.float64, "tol=1e-06")):
        X, atoms = (array.astype(dtype) for array in problem)
        with pytest.warns(ConvergenceWarning, match=f"did not reach {text} in max_iter=2"):
            FISTA(max_iter=2).solve(X, atoms, L1(0.2))


def test_methods_with_other_parameters_keep_them(problem):
    solver = dataclasses.replace(FISTA(), restart=False)
    one = solver._with_tol(0.5)
    assert one == FISTA(tol=0.5, restart=False) and solver.tol is None
