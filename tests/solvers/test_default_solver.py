"""The default solver is chosen by what the penalty is, and can solve it."""

from collections import namedtuple

import numpy as np
import pytest

from sparsecode import penalties
from sparsecode.penalties import L0, L1, Cauchy, ElasticNet, GroupL1, KSparse, Penalty
from sparsecode.solvers import (
    ADMM,
    FISTA,
    OMP,
    ConjugateGradient,
    CoordinateDescent,
    FeatureSign,
    choose_solver,
)
from sparsecode.solvers._default_solver import resolve_solver


class Separable(Penalty, namedtuple("Separable", ["alpha"], defaults=(1.0,))):
    __slots__ = ()


class Smooth(Separable):
    __slots__ = ()
    smooth = True


class RowWise(Separable):
    __slots__ = ()
    separable = False


@pytest.mark.parametrize(
    "penalty, solver",
    [
        (KSparse(), OMP),
        (Cauchy(), ConjugateGradient),
        (Smooth(), ConjugateGradient),
        (L1(0.1), FeatureSign),
        (L1(positive=True), FeatureSign),
        (L1(weights=np.array([1.0, np.inf])), FeatureSign),
        (ElasticNet(l1_ratio=0.1), FeatureSign),
        (L1(weights=np.array([1.0, 0.0])), CoordinateDescent),
        (L1(0.0), CoordinateDescent),
        (ElasticNet(0.0), CoordinateDescent),
        (ElasticNet(l1_ratio=0.0), ADMM),
        (L0(), CoordinateDescent),
        (Separable(), CoordinateDescent),
        (GroupL1(), FISTA),
        (RowWise(), FISTA),
    ],
    ids=repr,
)
def test_choice(penalty, solver):
    assert type(choose_solver(penalty)) is solver
    assert resolve_solver(None, penalty) == solver()
    solver().check_penalty(penalty)
    assert f"`{solver.__name__}`" in choose_solver.__doc__


@pytest.mark.parametrize(
    "penalty",
    [
        *(getattr(penalties, name)() for name in penalties.__all__ if name != "Penalty"),
        L1(0.3, weights=np.array([0.0] + 8 * [1.0])),
        L1(0.0),
        ElasticNet(l1_ratio=0.0),
        ElasticNet(l1_ratio=0.0, positive=True),
    ],
    ids=repr,
)
def test_the_default_solver_converges(X, frame, penalty):
    if penalty.weighted:
        penalty = penalty.scaled(0.1)
    result = choose_solver(penalty).solve(X, frame, penalty)
    assert result.converged.all()
    judged = result.certificate
    free = penalty.unpenalized(9).any()
    quality = judged.relative_residual if free or judged.gap is None else judged.relative_gap
    assert quality.max() < 2e-5


def test_a_given_solver_is_checked():
    solver = FISTA(tol=1e-3)
    assert resolve_solver(solver, L1()) is solver
    with pytest.raises(TypeError, match="FeatureSign needs an l1 or elastic-net penalty; got L0"):
        resolve_solver(FeatureSign(), L0())
    with pytest.raises(TypeError, match="expected an instance of a Solver"):
        resolve_solver(FISTA, L1())
    with pytest.raises(TypeError, match="penalty is 'l1'"):
        choose_solver("l1")
